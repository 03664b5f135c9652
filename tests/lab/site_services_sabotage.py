"""Ways to make the time and the forwarding of logs wrong on a host whose site's servers are there."""

from __future__ import annotations

from lanes import Sabotage

SITE_TIME = "time.ot.lab.test"
CONF, KEYS = "/etc/chrony/chrony.conf", "/etc/chrony/chrony.keys"
CHRONYC = "chronyc -h /run/chrony/chronyd.sock -N"
FOLLOWED = f"until {CHRONYC} -c sources | grep -q '^^,[*]'; do sleep 0.2; done"
"""Waits until the clock follows a source."""

T, Y, L = "time-from-site:", "time-synchronised:", "logs-forwarded:"
NOW, BOOT = f"{T}sources_now_are_the_sites", f"{T}sources_after_boot_are_the_sites"
SECOND_AT_BOOT = f"{T}no_second_time_service_starts_at_boot"
PROVEN_NOW, PROVEN_AT_BOOT = f"{T}sources_are_authenticated_now", f"{T}sources_will_be_authenticated"
OPEN_KEYS, ALTERED = f"{T}keys_are_closed_to_others", f"{T}the_sources_time_is_taken_as_it_is"
SERVED, SERVED_AT_BOOT = f"{T}time_is_served_to_nobody_now", f"{T}time_will_be_served_to_nobody"
USUAL = f"{T}the_service_starts_as_its_package_has_it"
SILENT, OFF = f"{Y}every_source_answers", f"{Y}the_clock_is_right"
FOLLOWS, STRATUM = f"{Y}the_clock_follows_a_source", f"{Y}the_source_is_near_the_reference"
LEAP = f"{Y}the_clock_counts_as_synchronised"

RUNS, STARTS = f"{L}forwarding_runs", f"{L}forwarding_starts_at_boot"
TAKEN, ALL = f"{L}the_configuration_is_taken", f"{L}everything_is_forwarded"
ELSEWHERE, VERIFIED = f"{L}nothing_is_forwarded_elsewhere", f"{L}the_collector_is_verified"
WAIT, LARGE = f"{L}entries_wait_on_disk", f"{L}the_queue_is_large_enough"
CONNECTED = f"{L}the_collector_is_connected"

OURS = "/etc/rsyslog.d/00-plumbline-collector.conf"
RELOAD = "systemctl daemon-reload"
RESTARTED = (
    "systemctl stop syslog.socket rsyslog; systemctl reset-failed syslog.socket rsyslog; "
    "systemctl start rsyslog; "
    "until ss -Htnp state established | grep -q rsyslogd; do logger restarted; sleep 0.1; done"
)
"""Restarts rsyslog, however often, and waits until it is connected."""


def written(text: str, *failing: str) -> Sabotage:
    """Add to chrony's configuration, which chronyd has not read yet."""
    return Sabotage(
        f"cp -p {CONF} /root/kept; printf '%b\\n' '{text}' >>{CONF}", f"cp -p /root/kept {CONF}", set(failing)
    )


def edited(file: str, script: str, *failing: str) -> Sabotage:
    """Change a file by sed; AssertionError on the host if that changes nothing."""
    return Sabotage(
        f"cp -p {file} /root/kept; sed -i '{script}' {file}; ! cmp -s {file} /root/kept",
        f"cp -p /root/kept {file}",
        set(failing),
    )


def forwarding(script: str, *failing: str) -> Sabotage:
    """Change the forwarding by sed; rsyslogd has not read it yet, which is told as well."""
    return edited(OURS, script, RUNS, *failing)


def dropped_in(name: str, text: str, *failing: str) -> Sabotage:
    path = f"/etc/rsyslog.d/{name}.conf"
    return Sabotage(f"printf '%b\\n' '{text}' >{path}", f"rm {path}", {RUNS, *failing})


AGAIN = f"{CHRONYC} delete {SITE_TIME}; {CHRONYC} add server {SITE_TIME} iburst key 1"
LISTENER = (
    'import socket,time; s=socket.socket(2,2); s.bind(("",123)); open("/run/heard","w"); time.sleep(99)'
)
TIMESYNCD = "/etc/systemd/system/systemd-timesyncd.service"

TIME: dict[str, Sabotage] = {
    "second_source_written": written("server 192.0.2.7 iburst", BOOT),
    "second_source_in_a_sources_directory": Sabotage(
        f"cp -p {CONF} /root/kept; mkdir /etc/chrony/x.d; echo 'sourcedir /etc/chrony/x.d' >>{CONF}; "
        "echo 'server 192.0.2.7' >/etc/chrony/x.d/a.sources",
        f"cp -p /root/kept {CONF}; rm -r /etc/chrony/x.d",
        {BOOT},
    ),
    "source_that_does_not_answer_added_at_run_time": Sabotage(
        f"{CHRONYC} add server 192.0.2.7", f"{CHRONYC} delete 192.0.2.7", {NOW, SILENT}
    ),
    "key_left_out": edited(CONF, "s/ key 1//", PROVEN_AT_BOOT),
    "another_key_asked_for": edited(CONF, "s/ key 1/ key 2/", PROVEN_AT_BOOT),
    "keys_file_that_is_not_there": edited(CONF, "s/^keyfile.*/keyfile \\/nowhere/", PROVEN_AT_BOOT),
    "key_of_a_weaker_algorithm": edited(KEYS, "s/SHA256/MD5/", PROVEN_AT_BOOT),
    "source_left_alone_until_told": edited(CONF, "s/iburst/iburst offline/", ALTERED),
    "more_sources_wanted_than_there_are": written("minsources 3", ALTERED),
    "time_of_the_source_shifted": edited(CONF, "s/iburst/iburst offset 40/", ALTERED),
    "keys_everybody_reads": Sabotage(f"chmod 644 {KEYS}", f"chmod 640 {KEYS}", {OPEN_KEYS}),
    "time_will_be_served": edited(CONF, "s/^port 0/allow 10.0.0.0\\/8/", SERVED_AT_BOOT),
    "chronyd_will_be_asked_from_elsewhere": edited(CONF, "s/^cmdport 0/cmdallow all/", SERVED_AT_BOOT),
    "own_clock_will_count_as_right": written("local stratum 5", SERVED_AT_BOOT),
    "time_is_served": Sabotage(
        f"systemd-run -q -u heard /usr/bin/python3 -c '{LISTENER}'; "
        "until [ -e /run/heard ]; do sleep 0.1; done",
        "systemctl stop heard; rm /run/heard",
        {SERVED},
    ),
    "timesyncd_enabled_beside": Sabotage(
        f"rm {TIMESYNCD}; printf '[Service]\\nExecStart=/usr/lib/systemd/systemd-timesyncd\\n"
        f"[Install]\\nWantedBy=sysinit.target\\n' >{TIMESYNCD}; systemctl -q enable systemd-timesyncd",
        f"systemctl -q disable systemd-timesyncd; ln -sf /dev/null {TIMESYNCD}; {RELOAD}",
        {SECOND_AT_BOOT, BOOT},
    ),
    "wrong_key": Sabotage(
        f"cp -p {KEYS} /root/kept; sed -i 's/HEX:..../HEX:0000/' {KEYS}; {CHRONYC} rekey; {AGAIN}",
        f"cp -p /root/kept {KEYS}; {CHRONYC} rekey; {AGAIN}; {FOLLOWED}",
        {SILENT, f"?{OFF}", FOLLOWS},
    ),
    "source_asked_without_its_key": Sabotage(
        f"{CHRONYC} delete {SITE_TIME}; {CHRONYC} add server {SITE_TIME} iburst; {FOLLOWED}",
        f"{AGAIN}; {FOLLOWED}",
        {PROVEN_NOW},
    ),
}

LOGGING: dict[str, Sabotage] = {
    # Without its second name for a while, the unit may be taken to be inactive (systemd 252).
    "disabled": Sabotage(
        "systemctl -q disable rsyslog", f"systemctl -q enable rsyslog; {RESTARTED}", {STARTS}
    ),
    "masked": Sabotage(
        "ln -s /dev/null /etc/systemd/system/rsyslog.service",
        f"rm /etc/systemd/system/rsyslog.service; {RELOAD}",
        {STARTS},
    ),
    "another_configuration_by_drop_in": Sabotage(
        "mkdir /etc/systemd/system/rsyslog.service.d; printf '[Service]\\nExecStart=\\n"
        "ExecStart=/usr/sbin/rsyslogd -n -iNONE -f /etc/own.conf\\n' "
        f">/etc/systemd/system/rsyslog.service.d/x.conf; {RELOAD}",
        f"rm -r /etc/systemd/system/rsyslog.service.d; {RELOAD}",
        {STARTS},
    ),
    "another_issuer": Sabotage(
        "cp -p /etc/rsyslog.d/plumbline/issuers.pem /root/kept; "
        "cp /etc/rsyslog.d/plumbline/host.pem /etc/rsyslog.d/plumbline/issuers.pem",
        "cp -p /root/kept /etc/rsyslog.d/plumbline/issuers.pem",
        {VERIFIED},
    ),
    "start_held_back": Sabotage(
        "mkdir /etc/systemd/system/rsyslog.service.d; printf '[Unit]\\nConditionPathExists=/nowhere\\n' "
        f">/etc/systemd/system/rsyslog.service.d/x.conf; {RELOAD}",
        f"rm -r /etc/systemd/system/rsyslog.service.d; {RELOAD}",
        {STARTS},
    ),
    "stopped": Sabotage("systemctl stop syslog.socket rsyslog", RESTARTED, {RUNS, CONNECTED}),
    # From here on rsyslogd has not read its configuration since it was changed.
    "discarded_before_in_the_main_file": edited(
        "/etc/rsyslog.conf", "s/^\\$IncludeConfig/authpriv.* stop\\n&/", RUNS, ALL
    ),
    "second_action_to_another_collector": dropped_in("z", "*.* @@192.0.2.9:514", ELSEWHERE),
    "another_collector_over_udp_in_an_included_file": Sabotage(
        "mkdir /etc/x.d; echo '*.err @192.0.2.9' >/etc/x.d/a; "
        "echo 'include(file=\"/etc/x.d/*\")' >/etc/rsyslog.d/z.conf",
        "rm -r /etc/x.d /etc/rsyslog.d/z.conf",
        {RUNS, ELSEWHERE},
    ),
    "another_collector_instead": forwarding(
        's/target="[^"]*"/target="192.0.2.9"/', ALL, ELSEWHERE, VERIFIED, WAIT, CONNECTED
    ),
    "no_tls": forwarding('s/tls="on"/tls="off"/', VERIFIED),
    "old_tls": forwarding('s/tls="on"/& tls.tlscfgcmd="MinProtocol=TLSv1"/', VERIFIED),
    "messages_alone_without_their_fields": forwarding(
        's/template="[^"]*"/template="cut"/; 1itemplate(name="cut" type="list") {\\nproperty(name="msg")\\n}',
        ALL,
    ),
    "any_peer": forwarding("s/tls.permittedPeer=[^ ]*//", VERIFIED),
    "no_certificate_of_its_own": forwarding("s/tls.myCert=[^ ]*//", VERIFIED),
    "queue_in_memory": forwarding("s/queue.filename=[^ ]*//", WAIT),
    "queue_on_a_file_system_in_memory": forwarding('s/spoolDirectory="[^"]*"/spoolDirectory="\\/run"/', WAIT),
    "small_queue": forwarding('s/maxDiskSpace="[0-9]*m"/maxDiskSpace="10m"/', LARGE),
    "entries_that_come_fast_dropped": forwarding('s/ratelimit.interval="0"//', ALL),
    "only_errors_sent": forwarding("s/^if not .* then call/if $syslogseverity <= 3 then call/", ALL),
    "audit_left_out": forwarding('s/file="[^"]*audit.log"/file="\\/var\\/log\\/x"/', ALL),
    "discarded_before_by_a_property": dropped_in("00-a", ':msg, contains, "denied" ~', ALL),
    "discarded_before_by_a_script": dropped_in("00-a", 'if $programname == "sshd" then {\\n  stop\\n}', ALL),
    "discarded_afterwards": dropped_in("z", "*.* stop"),
    "configuration_refused": dropped_in("z", 'action(type="omnothing")', TAKEN),
}
