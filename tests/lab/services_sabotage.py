"""Everything wrong at once with a host's services, and where each wrong is seen.

The parts do not hide each other. What listens is a few lines of Perl under the name of the server it stands
for: the host has no network to install servers from, and the checks look at names, sockets, configuration.
"""

from __future__ import annotations

LISTEN = r"""#!/usr/bin/perl
use IO::Socket::INET;
while (my ($proto, $port) = splice @ARGV, 0, 2) {
    my @listen = $proto eq "tcp" ? (Listen => 1) : ();
    push @open, IO::Socket::INET->new(Proto => $proto, LocalPort => $port, @listen) or die "$proto $port: $!";
}
sleep;
"""


def unit(name: str, service: str, directory: str = "/etc/systemd/system") -> str:
    """Write a service that is enabled, and start it."""
    lines = service.replace("\n", "\\n")
    install = "[Install]\\nWantedBy=multi-user.target\\n"
    return f"printf '[Service]\\n{lines}\\n{install}' >{directory}/{name}; started=\"$started {name}\""


def package(name: str) -> str:
    """Install a package that brings a service of its name, switched off."""
    return (
        f"d=/root/{name}; mkdir -p $d/DEBIAN $d/usr/lib/systemd/system; "
        "printf '[Service]\\nExecStart=/usr/bin/sleep infinity\\n' "
        f">$d/usr/lib/systemd/system/{name}.service; "
        f"printf 'Package: {name}\\nVersion: 1\\nArchitecture: all\\nMaintainer: x <x@plant.test>\\n"
        f"Description: x\\n' >$d/DEBIAN/control; dpkg-deb -b $d $d.deb >/dev/null; dpkg -i $d.deb >/dev/null"
    )


LISTENERS = "mkdir -p /opt; cat >/opt/listen; chmod 755 /opt/listen; " + "; ".join(
    f"cp /opt/listen /opt/{name}" for name in ("nginx", "mosquitto", "vsftpd")
)
"""Reads `LISTEN` from standard input."""

UNITS = [
    unit("history.service", "ExecStart=/usr/bin/sleep infinity"),
    # no package brings it, whatever directory it lies in
    unit("poll.service", "User=nobody\nExecStart=/usr/bin/sleep infinity", "/usr/lib/systemd/system"),
    "mkdir -p /opt/vendor; printf '[Service]\\nExecStart=/usr/bin/sleep infinity\\n[Install]\\n"
    "WantedBy=multi-user.target\\n' >/opt/vendor/agent.service; "
    "systemctl -q enable /opt/vendor/agent.service",
    "printf '#!/bin/sh\\n### BEGIN INIT INFO\\n# Provides: plc\\n# Default-Start: 3\\n### END INIT INFO\\n' "
    ">/etc/init.d/plc; chmod 755 /etc/init.d/plc",
    "printf '[Timer]\\nOnCalendar=daily\\n[Install]\\nWantedBy=timers.target\\n' "
    ">/etc/systemd/system/history.timer; started=\"$started history.timer\"",
    "mkdir -p /etc/systemd/system/dpkg-db-backup.service.d; printf '[Service]\\nExecStart=\\n"
    "ExecStart=/opt/own-backup\\n' >/etc/systemd/system/dpkg-db-backup.service.d/own.conf",
    "cp /usr/lib/systemd/system/fstrim.service /etc/systemd/system/",
    "mkdir -p /etc/systemd/system-generators; printf '#!/bin/sh\\n' >/etc/systemd/system-generators/own; "
    "chmod 755 /etc/systemd/system-generators/own",
    "printf '[Socket]\\nListenStream=2323\\nAccept=yes\\n[Install]\\nWantedBy=sockets.target\\n' "
    ">/etc/systemd/system/remote.socket; printf '[Service]\\nExecStart=-/bin/cat\\nStandardInput=socket\\n' "
    ">/etc/systemd/system/remote@.service; started=\"$started remote.socket\"",
    unit("web.service", "User=nobody\nExecStart=/usr/bin/busybox httpd -f -p 8088 -h /srv"),
    unit("own-ftp.service", "User=nobody\nExecStart=/opt/vsftpd tcp 2121"),
    unit("nginx.service", "User=www-data\nAmbientCapabilities=CAP_NET_RAW\nExecStart=/opt/nginx tcp 8080"),
    unit("mosquitto.service", "User=nobody\nExecStart=/opt/mosquitto tcp 1883"),
    unit("apart.service", "User=nobody\nPrivateNetwork=yes\nExecStart=/opt/listen tcp 7000"),
    unit("opcua-server.service", "User=svc-opcua\nSupplementaryGroups=disk\n"
         "ExecStart=/opt/listen udp 4840 tcp 4841"),
    # neither does a dynamic user take a name that is there, nor is every step of a start somebody's
    unit("dynamic.service", "User=root\nDynamicUser=yes\nExecStart=/usr/bin/sleep infinity"),
    unit("start.service", "User=nobody\nPermissionsStartOnly=yes\nExecStartPre=/usr/bin/true\n"
         "ExecStart=/usr/bin/sleep infinity"),
    unit("stop.service", "User=nobody\nExecStart=/usr/bin/sleep infinity\nExecStopPost=+/usr/bin/true"),
    "mkdir -p /etc/systemd/system/sshd.service.d /usr/lib/systemd/system/apt-daily.service.d "
    "/etc/systemd/system/e2scrub_all.service.d /etc/systemd/system/systemd-logind.service.d "
    "/etc/systemd/system/multi-user.target.d",
    "printf '[Service]\nExecReload=/opt/own-reload\n' >/etc/systemd/system/sshd.service.d/own.conf",
    "printf '[Service]\nExecStartPre=-/opt/own-update\n' "
    ">/usr/lib/systemd/system/apt-daily.service.d/own.conf",
    "printf '[Service]\nExecStartPre=-/opt/bin/e2scrub_all\n' "
    ">/etc/systemd/system/e2scrub_all.service.d/own.conf",
    "printf '[Service]\nEnvironment=LD_PRELOAD=/opt/own.so\n' "
    ">/etc/systemd/system/systemd-logind.service.d/own.conf",
    "printf '[Unit]\nWants=systemd-sysext.service\n' >/etc/systemd/system/multi-user.target.d/own.conf",
    "mkdir -p /etc/systemd/system/apt-daily.timer.d /etc/systemd/system/dbus.socket.d "
    "/etc/systemd/system/e2scrub_all.timer.d",
    "printf '[Timer]\nUnit=rc-local.service\n' >/etc/systemd/system/apt-daily.timer.d/own.conf",
    "printf '[Timer]\nOnCalendar=daily\nUnit=e2scrub_all.service\n' "
    ">/etc/systemd/system/e2scrub_all.timer.d/own.conf",
    "printf '[Socket]\nListenStream=127.0.0.1:7776\nListenStream=/run/own\nListenStream=0.0.0.0:7777\n' "
    ">/etc/systemd/system/dbus.socket.d/own.conf",
    "cp /usr/lib/systemd/system/man-db.service /opt/vendor/apt-daily-upgrade.service 2>/dev/null || "
    "cp /usr/lib/systemd/system/fstrim.service /opt/vendor/apt-daily-upgrade.service; "
    "ln -s ../../../opt/vendor/apt-daily-upgrade.service /etc/systemd/system/",
    "cp /usr/lib/systemd/system/fstrim.service /run/systemd/system/dpkg-db-backup.service",
    "mkdir -p /etc/systemd/system-environment-generators /usr/local/lib/systemd/user "
    "/etc/systemd/user/dbus.service.d",
    "install -m 755 /bin/true /etc/systemd/system-environment-generators/own",
    "printf '[Service]\nExecStart=/bin/true\n' >/usr/local/lib/systemd/user/every.service",
    "printf '[Service]\nExecStartPost=/bin/true\n' >/etc/systemd/user/dbus.service.d/own.conf",
    unit("opcua-server@2.service", "User=nobody\nExecStart=/usr/bin/sleep infinity"),
    unit("opcua-server@3.service", "ExecStart=/usr/bin/sleep infinity"),
    unit("opcua-server@4.service", "User=svc-opcua\nEnvironment=DB_PASSWORD=hunter2\n"
         "ExecStart=+/usr/bin/sleep infinity"),
    unit("opcua-server@5.service", "User=svc-opcua\nAmbientCapabilities=CAP_NET_RAW \\\\\n CAP_CHOWN\n"
         "SupplementaryGroups=video \\\\\n# more\n shadow\nExecStart=/usr/bin/sleep infinity"),
    unit("goes-on.service", "User=\\\\\n root\nExecStart=/usr/bin/sleep infinity"),
]  # fmt: skip

FILES = [
    "mkdir -p /etc/nginx/conf.d; printf 'server {\\n  listen 8080;\\n  return 301 https://$host;\\n}\\n' "
    ">/etc/nginx/conf.d/redirect.conf",
    "mkdir -p /etc/mosquitto/conf.d; echo 'listener 1883' >/etc/mosquitto/conf.d/own.conf",
    "mkdir -p /etc/cron.d /etc/cron.hourly /var/spool/cron/crontabs /var/spool/cron/atjobs",
    "printf 'MAILTO=root\\n* * * * * root SECRET=hunter2 /opt/poll --password=hunter2\\n' >/etc/cron.d/poll",
    "printf '@reboot /home/plain/serve\\n' >/var/spool/cron/crontabs/plain",
    "printf '#!/bin/sh\\n' >/etc/cron.hourly/own; chmod 755 /etc/cron.hourly/own",
    "echo '/opt/more' >>/etc/cron.daily/dpkg",
    "echo 1 >/var/spool/cron/atjobs/a0000101c5b3a0",
    "mkdir -p /etc/network/if-up.d /etc/networkd-dispatcher/routable.d; "
    "install -m 755 /bin/true /etc/network/if-up.d/own; "
    "install -m 755 /bin/true /etc/networkd-dispatcher/routable.d/own",
    "mkdir -p /usr/lib/systemd/system-shutdown; "
    "install -m 755 /bin/true /usr/lib/systemd/system-shutdown/own",
    'printf \'\nSUBSYSTEM=="net", RUN+="/opt/own"\n\' >/etc/udev/rules.d/99-own.rules',
    "printf '#!/bin/sh\\n' >/etc/rc.local; chmod 755 /etc/rc.local",
    "echo 'telnet stream tcp nowait root /usr/sbin/tcpd /usr/sbin/in.telnetd' >/etc/inetd.conf",
    "mkdir -p /etc/xinetd.d; printf 'service ftp\\n{\\n server = /usr/sbin/proftpd\\n disable = no\\n}\\n"
    "service tftp\\n{\\n server = /usr/sbin/in.tftpd\\n disable = yes\\n}\\n' >/etc/xinetd.d/own",
    "install -d -o plain /home/plain/.config/systemd/user; printf '[Service]\\nExecStart=/bin/true\\n' "
    ">/home/plain/.config/systemd/user/own.service",
    "mkdir -p /var/lib/systemd/linger; touch /var/lib/systemd/linger/svc-opcua",
    "printf '/srv *(rw,sec=sys)\n/opt a(sec=krb5p) b(rw)\n/home *(sec=krb5p:krb5)\n' >/etc/exports",
    "echo '//nas.plant.test/x /mnt cifs noauto,user=x,password=hunter2 0 0' >>/etc/fstab",
    "mkdir -p /usr/share/dbus-1/system-services /etc/audit/plugins.d /etc/systemd/system.conf.d; "
    "printf '[D-BUS Service]\nName=test.plant.Own\nExec=/opt/own-bus --all\nUser=root\n' "
    ">/usr/share/dbus-1/system-services/test.plant.Own.service",
    "printf '[D-BUS Service]\nName=test.plant.Unit\nExec=/bin/false\nSystemdService=own-unit.service\n' "
    ">/usr/share/dbus-1/system-services/test.plant.Unit.service",
    "printf 'Active = Yes\npath = /opt/own-plugin\ntype = always\n' >/etc/audit/plugins.d/own.conf",
    "printf 'active = no\npath = /opt/own-idle\n' >/etc/audit/plugins.d/own-idle.conf",
    "cp /usr/lib/x86_64-linux-gnu/libz.so.1 /usr/local/lib/own.so; "
    "echo '/lib/x86_64-linux-gnu/libz.so.1:/usr/local/lib/own.so' >/etc/ld.so.preload",
    "printf '[Manager]\nDefaultEnvironment=LD_LIBRARY_PATH=/usr/local/lib\n' "
    ">/etc/systemd/system.conf.d/own.conf",
    "install -d -o plain /home/plain/.config/systemd/user/dbus.service.d; "
    "printf '[Service]\nExecStartPost=/opt/own\n' >/home/plain/.config/systemd/user/dbus.service.d/own.conf",
    "echo 'nas:5432:*:x:hunter2' >/home/plain/.pgpass",
    "printf 'defaults\\nhost smtp.mail.example\\ntls off\\n' >/etc/msmtprc",
]

ACCOUNTS = [
    "useradd --system --create-home --shell /bin/bash --groups adm svc-opcua",
    "echo svc-opcua:correct-horse | chpasswd; echo games:correct-horse | chpasswd",
    "install -d -m 700 -o svc-opcua ~svc-opcua/.ssh; "
    "sed 1q /root/.ssh/authorized_keys >~svc-opcua/.ssh/authorized_keys",
    "echo 'svc-opcua ALL=(root) NOPASSWD: /opt/restart' >/etc/sudoers.d/opcua",
    "echo 'plain ALL=(svc-opcua) NOPASSWD: ALL' >>/etc/sudoers.d/opcua; chmod 440 /etc/sudoers.d/opcua",
    "echo 'plain ALL=(games) /bin/bash' >>/etc/sudoers.d/opcua",
]

BY_HAND = [
    "systemd-run -q --unit=byhand --uid=nobody sleep infinity",
    "setsid -f sleep 77777 </dev/null >/dev/null 2>&1",
    "cp /usr/bin/sleep /opt/tool; setsid -f /opt/tool 77777 </dev/null >/dev/null 2>&1",
    "cp /usr/bin/sleep /opt/gone; systemd-run -q --unit=gone --uid=nobody /opt/gone infinity; "
    'until [ "$(readlink /proc/$(systemctl show --value -p MainPID gone)/exe)" = /opt/gone ]; do :; done',
    "rm /opt/gone",
    "echo '$0 = q(tmux); sleep' >/opt/tmux; setsid -f perl /opt/tmux </dev/null >/dev/null 2>&1",
    "cp /usr/bin/sleep /usr/lib/hidden; setsid -f /usr/lib/hidden 77777 </dev/null >/dev/null 2>&1; "
    "until p=$(pidof hidden); do :; done; echo $p >/sys/fs/cgroup/init.scope/cgroup.procs",
    "systemd-run -q --unit=renamed --uid=nobody bash -c 'exec -a sshd perl /opt/vsftpd tcp 2122'",
]

WRONG = "; ".join(
    [
        "set -e",
        "started=''",
        *ACCOUNTS,
        *FILES,
        package("vsftpd"),
        package("msmtp"),
        *UNITS,
        "systemctl daemon-reload; systemctl -q enable --now $started",
        *BY_HAND,
    ]
)

REQUIRED, LISTENING = "services-required-only", "listening-declared"
CLEARTEXT, UNPRIVILEGED = "cleartext-protocols-absent", "service-accounts-unprivileged"
NO_LOGON, APPLICATIONS = "service-accounts-no-logon", "applications-unprivileged"
INSTALLED = f"{REQUIRED}:only_needed_services_are_installed"
ADDED = f"{REQUIRED}:only_declared_units_are_added"
CHANGED = f"{REQUIRED}:units_of_the_distribution_start_what_they_did"
NOW, BOOT = f"{REQUIRED}:only_needed_services_run_now", f"{REQUIRED}:only_needed_services_start_at_boot"
JOBS, USERS = f"{REQUIRED}:only_declared_jobs_start_by_themselves", f"{REQUIRED}:users_keep_no_services"
BESIDE = f"{REQUIRED}:nothing_runs_beside_the_services"
OPEN, ELSEWHERE = (
    f"{LISTENING}:only_declared_ports_are_open",
    f"{LISTENING}:no_port_is_open_in_another_network_namespace",
)
SERVER_INSTALLED = f"{CLEARTEXT}:no_unencrypted_server_is_installed"
SERVER_NOW = f"{CLEARTEXT}:no_unencrypted_server_runs"
SERVER_BOOT = f"{CLEARTEXT}:no_unencrypted_server_starts_at_boot"
PORT = f"{CLEARTEXT}:no_port_of_a_forbidden_protocol_is_open"
ENCRYPTS, WILL = (
    f"{CLEARTEXT}:servers_encrypt_at_every_port",
    f"{CLEARTEXT}:servers_will_encrypt_at_every_port",
)
MQTT, SHARES = f"{CLEARTEXT}:mqtt_is_at_its_encrypted_port_alone", f"{CLEARTEXT}:file_shares_are_encrypted"
RIGHTS = f"{UNPRIVILEGED}:accounts_of_services_have_no_privileges"
OWN, OWN_BOOT = (
    f"{UNPRIVILEGED}:services_run_under_their_accounts",
    f"{UNPRIVILEGED}:services_will_run_under_their_accounts",
)
CAPS, CAPS_BOOT = (
    f"{UNPRIVILEGED}:services_have_only_declared_capabilities",
    f"{UNPRIVILEGED}:services_will_have_only_declared_capabilities",
)
ROOT_NOW, ROOT_BOOT = (
    f"{APPLICATIONS}:no_application_is_privileged_now",
    f"{APPLICATIONS}:no_application_is_privileged_at_boot",
)
ROOT_JOB = f"{APPLICATIONS}:no_job_is_privileged"
SECRETS = "no-readable-passwords:no_password_stands_readable"
MAIL = "mail-internal-only:"

SEEN: dict[str, tuple[str, str]] = {
    "package_that_brings_a_service_though_it_is_off": (INSTALLED, "vsftpd: vsftpd.service"),
    "own_unit": (ADDED, "/etc/systemd/system/history.service"),
    "own_timer": (ADDED, "/etc/systemd/system/history.timer"),
    "unit_without_a_package_among_those_of_packages": (ADDED, "/usr/lib/systemd/system/poll.service"),
    "unit_linked_from_elsewhere": (ADDED, "/etc/systemd/system/agent.service → /opt/vendor/agent.service"),
    "init_script_without_a_package": (ADDED, "/etc/init.d/plc"),
    "own_generator": (ADDED, "/etc/systemd/system-generators/own"),
    "drop_in_that_starts_another_program": (
        CHANGED,
        "/etc/systemd/system/dpkg-db-backup.service.d/own.conf:3: ExecStart=/opt/own-backup",
    ),
    "drop_in_by_another_name_of_the_unit": (
        CHANGED,
        "/etc/systemd/system/sshd.service.d/own.conf:2: ExecReload=/opt/own-reload",
    ),
    "drop_in_among_those_of_packages": (CHANGED, "/usr/lib/systemd/system/apt-daily.service.d/own.conf:2"),
    "drop_in_that_starts_a_namesake": (CHANGED, "ExecStartPre=-/opt/bin/e2scrub_all"),
    "drop_in_that_loads_a_library": (
        CHANGED,
        "/etc/systemd/system/systemd-logind.service.d/own.conf:2: LD_PRELOAD=",
    ),
    "timer_of_the_distribution_starts_another_unit": (
        CHANGED,
        "/etc/systemd/system/apt-daily.timer.d/own.conf:2: Unit=rc-local.service",
    ),
    "socket_of_the_distribution_listens_for_others_at_boot": (
        CHANGED,
        "/etc/systemd/system/dbus.socket.d/own.conf:4: ListenStream=0.0.0.0:7777",
    ),
    "library_loaded_into_every_program": (CHANGED, "/etc/ld.so.preload:1: /usr/local/lib/own.so"),
    "library_loaded_into_every_unit": (CHANGED, "/etc/systemd/system.conf.d/own.conf:2: LD_LIBRARY_PATH="),
    "relative_link_over_a_unit_of_the_distribution": (
        CHANGED,
        "/etc/systemd/system/apt-daily-upgrade.service",
    ),
    "unit_of_the_distribution_hidden_until_boot": (
        CHANGED,
        "/run/systemd/system/dpkg-db-backup.service",
    ),
    "unit_wanted_by_a_drop_in_of_a_target": (BOOT, "systemd-sysext.service (package systemd)"),
    "own_generator_of_environments": (ADDED, "/etc/systemd/system-environment-generators/own"),
    "own_file_over_a_unit_of_the_distribution": (CHANGED, "/etc/systemd/system/fstrim.service"),
    "own_unit_runs": (NOW, "history.service (/etc/systemd/system/history.service): running"),
    "own_socket_waits": (NOW, "remote.socket (/etc/systemd/system/remote.socket): listening"),
    "own_timer_waits": (NOW, "history.timer (/etc/systemd/system/history.timer): waiting"),
    "unit_made_at_run_time": (NOW, "byhand.service (made at run time): running"),
    "own_unit_starts_at_boot": (BOOT, "history.service (/etc/systemd/system/history.service)"),
    "linked_unit_starts_at_boot": (BOOT, "agent.service (/etc/systemd/system/agent.service)"),
    "job_in_cron_d": (JOBS, "/etc/cron.d/poll:2: /opt/poll as root"),
    "job_in_a_user_s_crontab": (JOBS, "/var/spool/cron/crontabs/plain:1: /home/plain/serve as plain"),
    "script_in_cron_hourly": (JOBS, "/etc/cron.hourly/own, as root"),
    "packaged_script_of_cron_was_changed": (JOBS, "/etc/cron.daily/dpkg, as root"),
    "at_job": (JOBS, "/var/spool/cron/atjobs/a0000101c5b3a0, as root"),
    "rc_local": (JOBS, "/etc/rc.local, as root"),
    "script_run_when_the_network_comes": (JOBS, "/etc/network/if-up.d/own, as root"),
    "script_of_networkd_dispatcher": (JOBS, "/etc/networkd-dispatcher/routable.d/own, as root"),
    "script_run_at_shutdown": (JOBS, "/usr/lib/systemd/system-shutdown/own, as root"),
    "rule_of_udev_that_starts_something": (JOBS, "/etc/udev/rules.d/99-own.rules:2, as root"),
    "program_that_d_bus_starts_for_anybody": (
        JOBS,
        "/usr/share/dbus-1/system-services/test.plant.Own.service: /opt/own-bus as root",
    ),
    "plugin_of_the_audit_daemon": (JOBS, "/etc/audit/plugins.d/own.conf:2: /opt/own-plugin as root"),
    "service_of_inetd_behind_tcpd": (JOBS, "/etc/inetd.conf:1: telnet/tcp /usr/sbin/in.telnetd as root"),
    "service_of_xinetd": (JOBS, "/etc/xinetd.d/own:1: ftp/tcp /usr/sbin/proftpd as root"),
    "user_s_own_unit": (USERS, "/home/plain/.config/systemd/user/own.service"),
    "unit_for_every_user": (USERS, "/usr/local/lib/systemd/user/every.service"),
    "drop_in_for_every_user": (USERS, "/etc/systemd/user/dbus.service.d/own.conf"),
    "drop_in_of_a_user_s_own": (USERS, "/home/plain/.config/systemd/user/dbus.service.d/own.conf"),
    "lingering_user": (USERS, "/var/lib/systemd/linger/svc-opcua"),
    "process_left_behind_by_a_session": (BESIDE, "sleep (process"),
    "script_named_like_a_program_of_sessions": (BESIDE, "/usr/bin/perl): left behind"),
    "process_put_into_the_manager_s_own_part": (BESIDE, "/usr/lib/hidden): in /init.scope"),
    "program_is_gone_from_the_disk": (BESIDE, "/opt/gone (deleted)): its program is gone from the disk"),
    "socket_unit_of_systemd": (OPEN, "tcp *:2323 by remote.socket (/etc/systemd/system/remote.socket)"),
    "server_at_another_port": (OPEN, "tcp *:2121 by /usr/bin/perl /opt/vsftpd "),
    "declared_service_at_another_port": (OPEN, "tcp *:4841 by /usr/bin/perl /opt/listen "),
    "declared_port_with_another_protocol": (OPEN, "; declared is opcua-server tcp 4840"),
    "listener_in_another_network_namespace": (ELSEWHERE, "tcp 0.0.0.0:7000"),
    "package_of_an_ftp_server": (SERVER_INSTALLED, "vsftpd (ftp)"),
    "ftp_server_at_another_port": (SERVER_NOW, "tcp 2121"),
    "web_server_of_busybox": (SERVER_NOW, "/usr/bin/busybox httpd"),
    "ftp_server_under_another_name": (SERVER_NOW, "sshd /opt/vsftpd"),
    "ftp_server_starts_at_boot": (SERVER_BOOT, "own-ftp.service ("),
    "telnet_through_inetd": (SERVER_BOOT, "/usr/sbin/in.telnetd as root: telnet"),
    "ftp_through_xinetd": (SERVER_BOOT, "/usr/sbin/proftpd as root: ftp"),
    "port_of_http": (PORT, "tcp *:8080 by /usr/bin/perl /opt/nginx "),
    "port_of_mqtt_without_tls": (PORT, "tcp *:1883 by /usr/bin/perl /opt/mosquitto "),
    "listener_that_only_redirects": (
        ENCRYPTS,
        "tcp *:8080 by nginx: /etc/nginx/conf.d/redirect.conf:2: listen 8080;",
    ),
    "listener_that_only_redirects_at_boot": (WILL, "/etc/nginx/conf.d/redirect.conf:2: listen 8080;"),
    "mqtt_without_tls": (
        ENCRYPTS,
        "tcp *:1883 by mosquitto: /etc/mosquitto/conf.d/own.conf:1: listener 1883",
    ),
    "mqtt_at_another_port": (MQTT, "tcp *:1883"),
    "nfs_without_kerberos": (SHARES, "/etc/exports:1: /srv *(rw,sec=sys)"),
    "nfs_without_kerberos_for_one_client": (SHARES, "/etc/exports:2: "),
    "nfs_with_weaker_kerberos_too": (SHARES, "/etc/exports:3: "),
    "mail_to_anybody": (f"{MAIL}mail_goes_to_the_operator_s_relay", "msmtp sends to smtp.mail.example"),
    "mail_without_tls": (f"{MAIL}mail_goes_over_tls", "/etc/msmtprc: msmtp"),
    "mail_without_logon": (f"{MAIL}mailers_log_on", "/etc/msmtprc: msmtp"),
    "password_in_a_unit": (SECRETS, "/etc/systemd/system/opcua-server@4.service:3: DB_PASSWORD"),
    "password_in_fstab": (SECRETS, "/etc/fstab:"),
    "password_in_a_job": (SECRETS, "/etc/cron.d/poll:2: password in a command"),
    "password_file_of_postgresql": (SECRETS, "/home/plain/.pgpass"),
    "account_in_a_privileged_group": (RIGHTS, "svc-opcua is in adm"),
    "account_with_a_right_of_sudo": (RIGHTS, "svc-opcua may run (root) NOPASSWD: /opt/restart"),
    "process_with_a_group_of_its_unit": (RIGHTS, "is in disk"),
    "group_of_a_unit_at_its_next_start": (
        RIGHTS,
        "/etc/systemd/system/opcua-server.service:3: opcua-server.service: is in disk",
    ),
    "group_of_a_unit_on_the_next_line": (RIGHTS, "opcua-server@5.service:5: opcua-server@5.service: is in"),
    "declared_service_as_somebody_else": (OWN, "as nobody; declared is svc-opcua"),
    "declared_service_as_somebody_else_at_boot": (OWN_BOOT, "opcua-server@2.service: as nobody"),
    "undeclared_capability": (CAPS, "cap_net_raw"),
    "undeclared_capability_at_boot": (CAPS_BOOT, "nginx.service: cap_net_raw"),
    "undeclared_capability_on_the_next_line": (
        CAPS_BOOT,
        "opcua-server@5.service:3: opcua-server@5.service: cap_chown, cap_net_raw",
    ),
    "undeclared_service_as_root": (ROOT_NOW, "history.service: as root"),
    "declared_service_as_root": (ROOT_NOW, "opcua-server@3.service: as root"),
    "program_of_the_supplier_as_root_in_a_session": (ROOT_NOW, "/opt/tool"),
    "unit_without_a_user_at_boot": (ROOT_BOOT, "history.service: as root"),
    "root_on_the_next_line": (ROOT_BOOT, "goes-on.service:2: goes-on.service: as root"),
    "dynamic_user_that_is_root": (ROOT_BOOT, "dynamic.service: as root"),
    "start_as_root_for_an_account_without_rights": (ROOT_BOOT, "start.service: ExecStartPre=/usr/bin/true"),
    "stop_with_full_privileges": (ROOT_BOOT, "stop.service: ExecStopPost=+/usr/bin/true"),
    "command_with_full_privileges_at_boot": (ROOT_BOOT, "ExecStart=+/usr/bin/sleep"),
    "job_as_root": (ROOT_JOB, "/etc/cron.d/poll:2: /opt/poll as root"),
    "account_with_a_shell": (f"{NO_LOGON}:accounts_of_services_have_no_shell", "svc-opcua"),
    "account_with_a_password": (f"{NO_LOGON}:accounts_of_services_have_no_password", "svc-opcua"),
    "account_of_the_distribution_with_a_password": (
        f"{NO_LOGON}:accounts_of_services_have_no_password",
        "games",
    ),
    "account_with_a_key": (f"{NO_LOGON}:accounts_of_services_have_no_key", "opens svc-opcua"),
    "account_that_lingers": (f"{NO_LOGON}:accounts_of_services_have_no_session", "linger/svc-opcua"),
    "account_others_may_become": (f"{NO_LOGON}:nobody_becomes_a_service", "plain may run (svc-opcua)"),
    "account_others_may_open_a_shell_as": (f"{NO_LOGON}:nobody_becomes_a_service", "plain may run (games)"),
}
"""Name -> the check that sees it, and what stands in its observation."""

NOT_TOLD = ("own-idle", "test.plant.Unit", "e2scrub_all.timer", "7776", "/run/own", "libz.so")
"""Parts of files that start, open and load nothing a host may not."""
