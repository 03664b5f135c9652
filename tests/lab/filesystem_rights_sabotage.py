"""Ways to give programs rights, change packaged files, open what is private; and what is none of it."""

from __future__ import annotations

from filesystem_sabotage import OS, PLAIN_READS, Wrong, attribute, made

SETUID, CAPABLE = "setuid_programs_are_the_distribution_s", "capabilities_are_the_distribution_s"
FOR_ALL = "/var/tmp"  # noqa: S108  (a host's, and what is meant)
PACKAGED = "packaged_files_are_as_brought"
OPEN, OWNED = "nothing_is_open_to_everybody", "every_file_has_an_owner"
SECRET, HOME, UMASK = (
    "secrets_are_read_by_the_system_alone",
    "homes_are_closed",
    "files_of_users_are_closed_to_others",
)

RIGHTS = {
    "setuid_copy_of_a_shell": made(
        "/var/lib/vendor-sh", "4755", SETUID, "/var/lib/vendor-sh: 4755 root:root"
    ),
    "setuid_on_another_partition": made("/opt/vendor-s", "4711", SETUID, "/opt/vendor-s: 4711 root:root"),
    "setuid_in_a_home": made("/home/plain/vendor-s", "4755", SETUID, "/home/plain/vendor-s: 4755"),
    "setuid_where_everybody_writes": made(f"{FOR_ALL}/vendor-s", "4755", SETUID, f"{FOR_ALL}/vendor-s: 4755"),
    "setuid_deep_on_another_partition": Wrong(
        "mkdir -p /opt/vendor-deep/1/2/3/4/5/6/7/8; "
        "install -m 4755 /bin/true /opt/vendor-deep/1/2/3/4/5/6/7/8/s",
        "rm -r /opt/vendor-deep",
        SETUID,
        "/opt/vendor-deep/1/2/3/4/5/6/7/8/s: 4755",
    ),
    "setuid_in_memory_mounted_somewhere": Wrong(
        "mkdir /mnt/vendor-m; mount -t tmpfs x /mnt/vendor-m; install -m 4755 /bin/true /mnt/vendor-m/s",
        "umount /mnt/vendor-m; rmdir /mnt/vendor-m",
        SETUID,
        "/mnt/vendor-m/s: 4755",
    ),
    "setuid_for_no_one_but_a_group": made(
        "/usr/local/bin/vendor-g", "2755", SETUID, "/usr/local/bin/vendor-g: 2755", owner="root:shadow"
    ),
    "listed_program_with_more_than_listed": Wrong(
        "chmod 6755 /usr/bin/expiry", "chmod 2755 /usr/bin/expiry", SETUID, "/usr/bin/expiry: 6755"
    ),
    "listed_path_of_no_package": made("/usr/bin/pkexec", "4755", SETUID, "/usr/bin/pkexec: 4755"),
    "second_name_of_a_listed_program": Wrong(
        "ln /usr/bin/su /usr/local/bin/vendor-su",
        "rm /usr/local/bin/vendor-su",
        SETUID,
        "/usr/local/bin/vendor-su: 4755",
    ),
    "setuid_under_a_name_that_breaks_lines": Wrong(
        "mkdir /var/lib/vendor-n; "
        "install -m 4755 /bin/true \"/var/lib/vendor-n/$(printf 'a\\ngroup\\tsudo')\"",
        "rm -r /var/lib/vendor-n",
        SETUID,
        "/var/lib/vendor-n/a?group\\tsudo: 4755",
    ),
    "boot_gives_a_program_rights": made(
        "/etc/tmpfiles.d/vendor-r.conf",
        "644",
        SETUID,
        "/etc/tmpfiles.d/vendor-r.conf:1: /usr/bin/find: 4755 root:root",
        text="z /usr/bin/find 4755 root root\\n",
    ),
    "next_update_gives_a_program_rights": Wrong(
        "cp /var/lib/dpkg/statoverride /root/override2; "
        "echo 'root root 4755 /usr/bin/env' >>/var/lib/dpkg/statoverride",
        "mv /root/override2 /var/lib/dpkg/statoverride",
        SETUID,
        "/usr/bin/env: 4755 root:root",
    ),
    "program_with_a_capability": Wrong(
        "cp /bin/true /usr/local/bin/vendor-c; setcap cap_setuid+ep /usr/local/bin/vendor-c",
        "rm /usr/local/bin/vendor-c",
        CAPABLE,
        "/usr/local/bin/vendor-c: setuid",
    ),
    "application_with_a_capability": Wrong(
        "cp /bin/true /opt/vendor-c; setcap cap_dac_override,cap_net_raw=ei /opt/vendor-c",
        "rm /opt/vendor-c",
        CAPABLE,
        "/opt/vendor-c: dac_override, net_raw",
    ),
}

FILES = {
    "program_changed": Wrong(
        "cp -a /usr/bin/tabs /root/; echo >>/usr/bin/tabs",
        "mv /root/tabs /usr/bin/",
        PACKAGED,
        "/usr/bin/tabs: changed",
    ),
    "program_changed_but_not_its_times": Wrong(
        "cp -a /usr/bin/clear /root/; echo >>/usr/bin/clear; touch -r /root/clear /usr/bin/clear",
        "mv /root/clear /usr/bin/",
        PACKAGED,
        "/usr/bin/clear: changed",
    ),
    "program_replaced_by_another_file": Wrong(
        "cp -a /usr/bin/tset /root/; cp /bin/true /usr/bin/t; mv /usr/bin/t /usr/bin/tset",
        "mv /root/tset /usr/bin/",
        PACKAGED,
        "/usr/bin/tset: changed",
    ),
    "program_gone": Wrong(
        "mv /usr/bin/toe /root/", "mv /root/toe /usr/bin/", PACKAGED, "/usr/bin/toe: missing"
    ),
    "program_is_a_link_now": Wrong(
        "mv /usr/bin/tput /root/; ln -s /root/tput /usr/bin/tput",
        "mv -T /root/tput /usr/bin/tput",
        PACKAGED,
        "/usr/bin/tput: a link in its place",
    ),
    "program_changed_and_the_record_of_its_package_touched": Wrong(
        "cp -a /usr/bin/rgrep /root/; echo : >>/usr/bin/rgrep; touch /var/lib/dpkg/info/grep.list",
        "mv /root/rgrep /usr/bin/",
        PACKAGED,
        "/usr/bin/rgrep: changed",
    ),
    "program_with_capabilities_has_a_line_break_in_its_name": Wrong(
        "cp /bin/true '/opt/vendor\n-c'; setcap cap_setuid+ep '/opt/vendor\n-c'",
        "rm '/opt/vendor\n-c'",
        CAPABLE,
        "/opt/vendor?-c: setuid",
    ),
    "program_diverted_by_hand": Wrong(
        "dpkg-divert --quiet --local --rename --add /usr/bin/infocmp; cp /bin/true /usr/bin/infocmp",
        "rm /usr/bin/infocmp; dpkg-divert --quiet --local --rename --remove /usr/bin/infocmp",
        PACKAGED,
        "/usr/bin/infocmp: another file in its place, by a local diversion",
    ),
    "program_diverted_for_a_package_that_brings_no_other": Wrong(
        "dpkg-divert --quiet --package bash --rename --add /usr/bin/nl; cp /bin/true /usr/bin/nl",
        "rm /usr/bin/nl; dpkg-divert --quiet --package bash --rename --remove /usr/bin/nl",
        PACKAGED,
        "/usr/bin/nl: another file in its place, by a local diversion (bash)",
    ),
    "program_diverted_by_its_name_before_the_merge": Wrong(
        "dpkg-divert --quiet --local --rename --add /bin/uncompress; cp /bin/true /bin/uncompress",
        "rm /bin/uncompress; dpkg-divert --quiet --local --rename --remove /bin/uncompress",
        PACKAGED,
        "/bin/uncompress: another file in its place, by a local diversion",
    ),
    "sums_of_a_package_gone": Wrong(
        "mv /var/lib/dpkg/info/hostname.md5sums /root/",
        "mv /root/hostname.md5sums /var/lib/dpkg/info/; touch /var/lib/dpkg/info/hostname.list",
        PACKAGED,
        "/var/lib/dpkg/info/hostname.md5sums: missing",
    ),
    "start_script_among_configuration_changed": Wrong(
        "cp -a /etc/init.d/procps /root/; echo : >>/etc/init.d/procps",
        "mv /root/procps /etc/init.d/",
        PACKAGED,
        "/etc/init.d/procps: changed",
    ),
    "everybody_may_write_a_directory_of_data": Wrong(
        "mkdir -m 777 /srv/vendor", "rmdir /srv/vendor", OPEN, "/srv/vendor: 0777"
    ),
    "everybody_may_write_a_file_of_an_application": made(
        "/opt/vendor-f/a", "666", OPEN, "/opt/vendor-f/a: 0666"
    ),
    "temporary_directory_is_not_sticky": Wrong(
        "chmod -t /var/tmp", "chmod +t /var/tmp", OPEN, f"{FOR_ALL}: 0777"
    ),
    "disk_of_the_system_is_a_person_s": Wrong(
        "mknod -m 660 /dev/vendor-disk b 7 250; chgrp users /dev/vendor-disk",
        "rm /dev/vendor-disk",
        OS,
        "/dev/vendor-disk: plain of the group users",
    ),
    "directory_of_the_system_above_others_is_a_person_s": Wrong(
        "chown plain /var/cache", "chown root /var/cache", OS, "/var/cache: its owner plain"
    ),
    "nobody_owns_a_file": made(
        "/var/lib/vendor-o", "600", OWNED, "/var/lib/vendor-o: 4242:4243", owner="4242:4243"
    ),
    "passwords_are_readable": Wrong(
        "chmod o+r /etc/shadow-", "chmod o-r /etc/shadow-", SECRET, "/etc/shadow-: everybody"
    ),
    "private_key_is_readable": Wrong(
        "install -m 644 /etc/ssh/ssh_host_rsa_key /etc/vendor.key",
        "rm /etc/vendor.key",
        SECRET,
        "/etc/vendor.key: everybody",
    ),
    "access_list_lets_a_person_read_a_key": Wrong(
        "install -m 640 /etc/ssh/ssh_host_rsa_key /etc/vendor2.key; "
        f"{attribute('/etc/vendor2.key', 'access', PLAIN_READS)}; "
        "mv /etc/vendor2.key /etc/ssh/ssh_host_vendor_key",
        "rm /etc/ssh/ssh_host_vendor_key",
        SECRET,
        "/etc/ssh/ssh_host_vendor_key: plain by its access list",
    ),
    "home_is_open": Wrong("chmod 755 /home/plain", "chmod 750 /home/plain", HOME, "/home/plain: 0755"),
    "umask_lets_everybody_read": made(
        "/etc/profile.d/zzz-vendor.sh", "644", UMASK, "0022", text="umask 022\\n"
    ),
}

RIGHT = {
    "group_of_the_system_without_people_may_write": (
        "install -m 664 -g mail /dev/null /etc/right-a",
        "rm /etc/right-a",
    ),
    "access_list_lets_a_person_read": (
        f"touch /etc/right-b; {attribute('/etc/right-b', 'access', PLAIN_READS)}",
        "rm /etc/right-b",
    ),
    "administrator_owns_a_file": (
        "cp /etc/group /root/group2; sed -i 's/^sudo:.*/&operator/' /etc/group; "
        "install -o operator /dev/null /etc/right-c",
        "rm /etc/right-c; cp /root/group2 /etc/group",
    ),
    "service_of_a_person_runs_his_program": (
        "printf '[Service]\\nUser=plain\\nExecStart=/home/plain/right\\n' "
        ">/etc/systemd/system/right-d.service",
        "rm /etc/systemd/system/right-d.service",
    ),
    "script_mentions_a_file_of_others": (
        "printf '#!/bin/sh\\n: >/home/plain/right-e\\n' >/etc/cron.daily/right-e; "
        "chmod 755 /etc/cron.daily/right-e; touch /home/plain/right-e",
        "rm /etc/cron.daily/right-e /home/plain/right-e",
    ),
    "setuid_is_void_on_its_file_system": (
        "mkdir /mnt/right-f; mount -t tmpfs -o nosuid x /mnt/right-f; "
        "install -m 4755 /bin/true /mnt/right-f/s",
        "umount /mnt/right-f; rmdir /mnt/right-f",
    ),
    "configuration_file_changed": (
        "cp -a /etc/adduser.conf /root/; echo >>/etc/adduser.conf",
        "mv /root/adduser.conf /etc/",
    ),
    "times_of_a_program_changed_but_not_the_program": ("touch /usr/bin/tic; chmod 755 /usr/bin/tic", "true"),
    "sticky_directory_for_everybody": ("mkdir -m 1777 /srv/right-g", "rmdir /srv/right-g"),
    "boot_makes_what_an_application_needs": (
        "printf 'd /opt/right 0755 plain plain\\nd /usr/local/share/x 2775 root staff\\n"
        "z /var/log/right 2775 root adm\\nz /etc/right 0664 root mail\\na+ /etc/right - - - - u:plain:r\\n' "
        ">/etc/tmpfiles.d/right-h.conf; "
        "cp /etc/tmpfiles.d/right-h.conf /root/; echo 'z /etc/right 0666' >/usr/lib/tmpfiles.d/right-h.conf",
        "rm /etc/tmpfiles.d/right-h.conf /usr/lib/tmpfiles.d/right-h.conf /root/right-h.conf",
    ),
    "secret_of_a_group_without_people": (
        "install -m 640 -g ssl-cert /etc/ssh/ssh_host_rsa_key /etc/right.key 2>/dev/null || "
        "install -m 640 -g mail /etc/ssh/ssh_host_rsa_key /etc/right.key",
        "rm /etc/right.key",
    ),
}
