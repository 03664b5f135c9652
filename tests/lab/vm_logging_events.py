"""The events of 16.1, as commands that make them happen, with the entries each must leave."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """What is done, as whom, and regular expressions of the entries it leaves; all must be found."""

    command: str
    entries: tuple[str, ...]
    user: str = "root"


def event(command: str, *entries: str, user: str = "root") -> Event:
    return Event(command, entries, user)


SSHD = 'exe="/usr/sbin/sshd(-session)?"'

EVENTS: dict[str, Event] = {
    "logon": event("true", rf'type=USER_START .*acct="plain" {SSHD}.*res=success', user="plain"),
    "logoff": event("true", rf'type=USER_END .*acct="plain" {SSHD}', user="plain"),
    "becoming_root_refused": event(
        "echo wrong | su root -c true || :",
        r'type=USER_AUTH .*acct="root" exe="/usr/bin/su".*res=failed',
        user="plain",
    ),
    "sudo": event("sudo -n true", r'type=USER_CMD .*exe="/usr/bin/sudo".*res=success', user="operator"),
    "sudo_refused": event(
        "sudo -n true || :", r'type=USER_CMD .*exe="/usr/bin/sudo".*res=failed', user="plain"
    ),
    "account_made": event(
        "useradd -m tester", r"type=ADD_USER .*op=adding user ", r'comm="useradd".*"accounts"'
    ),
    "account_blocked": event("usermod -e 1 tester", r'comm="usermod".*"accounts"'),
    "account_unblocked": event("usermod -e '' tester", r'a0="usermod" a1="-e" a2=""'),
    "role_made": event("groupadd readers", r'type=ADD_GROUP .*exe="/usr/sbin/groupadd"'),
    "role_given": event("gpasswd -a tester readers", r'comm="gpasswd".*"accounts"'),
    "password_changed": event(
        "passwd -d tester >/dev/null; echo tester:Lab-$(tr -d - </proc/sys/kernel/random/uuid) | chpasswd",
        r'type=USER_CHAUTHTOK .*acct="tester" exe="/usr/sbin/chpasswd".*res=success',
        r'comm="chpasswd".*"accounts"',
    ),
    "account_deleted": event(
        "userdel tester; groupdel readers", r"type=DEL_USER .*op=deleting user entries", r"type=DEL_GROUP "
    ),
    "certificate_changed": event(
        "echo x >/etc/ssl/private/lab.key; mv /etc/ssl/private/lab.key /etc/ssl/private/lab2.key",
        r'comm="bash".*key="certificates"',
        r'comm="mv".*key="certificates"',
        r'name="/etc/ssl/private/lab2.key"',
    ),
    "rights_to_a_file": event(
        "install -m 600 /dev/null /root/x; chmod 644 /root/x", r'comm="chmod".*"permissions"'
    ),
    "owner_of_a_file": event("chown plain /root/x", r'comm="chown".*"permissions"'),
    "access_list": event("setfacl -m u:plain:r /root/x", r'comm="setfacl".*"permissions"'),
    "rights_to_become_root": event(
        "touch /etc/sudoers.d/x; rm /etc/sudoers.d/x",
        r'comm="touch".*"permissions"',
        r'comm="rm".*"permissions"',
    ),
    "process_starts_and_ends": event(
        "/usr/bin/env",
        r'type=EXECVE .*a0="/usr/bin/env"',
        r'comm="env" exe="/usr/bin/env".*key="process-end"',
    ),
    "process_is_killed": event(
        "sleep 600 & p=$!; until grep -q sleep /proc/$p/comm; do :; done; kill -9 $p; wait $p || :",
        r'syscall=62 .*a1=9 .*key="process-end"',
        r'type=OBJ_PID .*ocomm="sleep"',
    ),
    "process_of_a_service": event(
        "systemd-run -q --wait --unit=job /usr/bin/id",
        r"type=SERVICE_START .*unit=job ",
        r'auid=4294967295 .*comm="id".*key="process-start"',
    ),
    "clock_set": event("date -s @$(date +%s)", r'comm="date".*key="time"'),
    "time_zone_set": event("ln -sf /usr/share/zoneinfo/UTC /etc/localtime", r'comm="ln".*key="time"'),
    "rule_of_the_audit_changed": event(
        "auditctl -w /root/y -p w; auditctl -W /root/y -p w",
        r"type=CONFIG_CHANGE .*op=add_rule ",
        r"type=CONFIG_CHANGE .*op=remove_rule ",
    ),
    "logging_reconfigured": event(
        "touch /etc/systemd/journald.conf.d/y.conf; rm /etc/systemd/journald.conf.d/y.conf",
        r'comm="touch".*key="logging"',
    ),
    "program_crashes": event("sh -c 'kill -SEGV $$' || :", r'type=ANOM_ABEND .*comm="sh".*sig=11'),
    "service_fails": event(
        "systemd-run -q --wait --unit=bad false || :", r"type=SERVICE_STOP .*unit=bad .*res=failed"
    ),
    "daemon_of_the_log_ends_and_starts": event(
        "systemctl stop auditd; systemctl start auditd",
        r"type=DAEMON_END .*res=success",
        r"type=DAEMON_START ",
    ),
}
