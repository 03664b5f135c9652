"""Ways to lose, open or soil the logs of a host: what makes it wrong, what undoes it, what must be seen."""

from __future__ import annotations

from dataclasses import dataclass

RULES_D = "/etc/audit/rules.d"
JOURNALD_D = "/etc/systemd/journald.conf.d"
UNITS = "/etc/systemd/system"

EVENTS, PERSISTENT, PROTECTED = "security-events-logged:", "logs-persistent:", "logs-protected:"
FIELDS, SECRETS = "log-fields:", "no-secrets-in-logs:"

STARTS, LATER = f"{EVENTS}the_audit_starts_at_boot", f"{EVENTS}no_entry_will_be_lost"
AUDIT_KEEPS, AUDIT_SIZE = f"{EVENTS}the_audit_keeps_its_entries", f"{EVENTS}the_audit_log_is_large_enough"
DROPS, SILENCED = f"{EVENTS}the_journal_drops_nothing", f"{EVENTS}nothing_is_silenced"
ON_DISK, ON_DISK_LATER = f"{PERSISTENT}messages_are_on_disk", f"{PERSISTENT}messages_will_be_on_disk"
JOURNAL_SIZE = f"{PERSISTENT}the_journal_is_large_enough"
OPEN, OPEN_LATER = (
    f"{PROTECTED}not_everybody_reads_or_changes_logs",
    f"{PROTECTED}logs_made_anew_are_closed_too",
)
PEOPLE = f"{PROTECTED}no_person_reads_or_changes_logs"
READERS = f"{PROTECTED}groups_that_read_logs_have_declared_members"
LISTS, INPUTS = f"{PROTECTED}access_lists_let_nobody_else_in", f"{PROTECTED}the_network_writes_no_logs"
STAMPS = f"{FIELDS}time_stamps_have_date_and_zone"
IN_LOGS, ON_LINES = f"{SECRETS}logs_hold_no_secrets", f"{SECRETS}command_lines_hold_no_secrets"
TYPED = f"{SECRETS}nothing_logs_what_is_typed"

VALUE = "hunter2SECRET"
"""What is disclosed; no evidence may hold it."""


@dataclass(frozen=True)
class Case:
    """One sabotage: shell commands that do and undo it, the check that fails, and what it must name."""

    wrong: str
    right: str
    check: str
    seen: str


def file(path: str, text: str, check: str, seen: str, mode: str = "640") -> Case:
    """Write a file; `seen` is what is told of it, `{}` its path."""
    directory = path.rpartition("/")[0]
    return Case(
        f"mkdir -p {directory}; printf '%s\\n' '{text}' >{path}; chmod {mode} {path}",
        f"rm -f {path}",
        check,
        seen.format(path),
    )


def log(name: str, text: str, kind: str) -> Case:
    return file(f"/var/log/{name}.log", text, IN_LOGS, "{}:1: " + kind)


HASH = "$6$" + "saltsalt$" + "a" * 40

# None of these hides another, so they are done all at once.
TOGETHER: dict[str, Case] = {
    "log_everybody_reads": file("/var/log/app.log", "x", OPEN, "{} (0644 root:root)", "644"),
    "log_everybody_changes": file("/var/log/apt/history.log", "x", OPEN, "{} (0666 root:root)", "666"),
    "directory_everybody_writes_to": Case(
        "mkdir -m 777 /var/log/spool", "rmdir /var/log/spool", OPEN, "/var/log/spool (0777 root:root)"
    ),
    "log_of_a_person": Case(
        "install -m 600 -o plain /dev/null /var/log/mine.log",
        "rm /var/log/mine.log",
        PEOPLE,
        "/var/log/mine.log (0600 plain:root)",
    ),
    "log_of_a_group_with_people": Case(
        "groupadd ops; gpasswd -a plain ops >/dev/null; install -m 640 -g ops /dev/null /var/log/ops.log",
        "rm /var/log/ops.log; groupdel ops",
        PEOPLE,
        "/var/log/ops.log (0640 root:ops): plain",
    ),
    "person_among_those_who_read_logs": Case(
        "gpasswd -a plain adm >/dev/null", "gpasswd -d plain adm >/dev/null", READERS, "plain (adm)"
    ),
    "person_whose_first_group_reads_logs": Case(
        "useradd -g systemd-journal watcher", "userdel watcher", READERS, "watcher (systemd-journal)"
    ),
    "access_list_for_a_person": Case(
        "setfacl -m u:plain:r /var/log/btmp",
        "setfacl -b /var/log/btmp",
        LISTS,
        "/var/log/btmp (user:plain:r--)",
    ),
    "access_list_of_the_journal": Case(
        "setfacl -m g:users:rx /var/log/journal",
        "setfacl -x g:users /var/log/journal",
        LISTS,
        "/var/log/journal (group:users:r-x)",
    ),
    "rotation_opens_a_log": file(
        "/etc/logrotate.d/x",
        "/var/log/x.log {\n\tweekly\n\tcreate 0644 root adm\n}",
        OPEN_LATER,
        "/var/log/x.log 0644 ({}:3)",
    ),
    "boot_opens_a_log": file(
        "/etc/tmpfiles.d/x.conf",
        "z /var/log/x.log 0644 root root -",
        OPEN_LATER,
        "/var/log/x.log 0644 ({}:1)",
    ),
    "rsyslog_opens_its_files": file(
        "/etc/rsyslog.d/a.conf", "$FileCreateMode 0644", OPEN_LATER, "files of rsyslog 0644 ({}:1)"
    ),
    "rsyslog_listens": file(
        "/etc/rsyslog.d/b.conf", 'module(load="imudp")', INPUTS, '{}:1:module(load="imudp")'
    ),
    "rsyslog_listens_by_the_old_words": file(
        "/etc/rsyslog.d/c.conf", "$InputTCPServerRun 514", INPUTS, "{}:1:$InputTCPServerRun 514"
    ),
    "time_stamps_without_a_year": file(
        "/etc/rsyslog.d/d.conf",
        "$ActionFileDefaultTemplate RSYSLOG_TraditionalFileFormat",
        STAMPS,
        "{}:1:$ActionFileDefaultTemplate RSYSLOG_TraditionalFileFormat",
    ),
    "own_time_stamps_without_a_zone": file(
        "/etc/rsyslog.d/e.conf",
        '$template short,"%timegenerated% %msg%"',
        STAMPS,
        '{}:1:$template short,"%timegenerated% %msg%"',
    ),
    "journal_of_warnings_only": file(
        f"{JOURNALD_D}/zzz-a.conf", "[Journal]\nMaxLevelStore=warning", DROPS, "MaxLevelStore = 4 ({}:2)"
    ),
    "journal_drops_bursts": file(
        f"{JOURNALD_D}/zzz-b.conf",
        "[Journal]\nRateLimitBurst=30",
        DROPS,
        "RateLimitBurst / RateLimitIntervalSec = 1 ({}:2)",
    ),
    "small_journal": file(
        f"{JOURNALD_D}/zzz-c.conf", "[Journal]\nSystemMaxUse=8M", JOURNAL_SIZE, "SystemMaxUse = 8 ({}:2)"
    ),
    "later_file_makes_the_journal_volatile": file(
        f"{JOURNALD_D}/zzz-d.conf", "[Journal]\nStorage=volatile", ON_DISK_LATER, "Storage = volatile ({}:2)"
    ),
    "logs_in_memory_after_boot": Case(
        "cp /etc/fstab /root/fstab; echo 'tmpfs /var/log tmpfs size=10m 0 0' >>/etc/fstab",
        "mv /root/fstab /etc/fstab",
        ON_DISK_LATER,
        "tmpfs /var/log tmpfs size=10m 0 0",
    ),
    "service_may_tell_errors_only": file(
        f"{UNITS}/ssh.service.d/x.conf", "[Service]\nLogLevelMax=err", SILENCED, "{}:2: LogLevelMax=err"
    ),
    "service_whose_output_is_thrown_away": file(
        f"{UNITS}/own.service",
        "[Service]\nExecStart=/bin/true\nStandardOutput=null",
        SILENCED,
        "{}:3: StandardOutput=null",
    ),
    "sudo_keeps_quiet": file(
        "/etc/sudoers.d/x", "Defaults !syslog", SILENCED, "{}:1:Defaults !syslog", mode="440"
    ),
    "pam_keeps_quiet": file(
        "/etc/pam.d/x",
        "session required pam_unix.so quiet",
        SILENCED,
        "{}:1:session required pam_unix.so quiet",
    ),
    "sshd_keeps_quiet": file(
        "/etc/ssh/sshd_config.d/00-x.conf", "LogLevel QUIET", SILENCED, "sshd -T: loglevel SILENT"
    ),
    "what_is_typed_is_kept_by_pam": file(
        "/etc/pam.d/y",
        "session required pam_tty_audit.so enable=* log_passwd",
        TYPED,
        "{}:1:session required pam_tty_audit.so enable=* log_passwd",
    ),
    "what_is_typed_is_kept_by_sudo": file(
        "/etc/sudoers.d/y", "Defaults log_input", TYPED, "{}:1:Defaults log_input", mode="440"
    ),
    "password_in_a_log": log("a", f"connecting as app password={VALUE}", "password"),
    "password_as_json": log("b", f'{{"user": "app", "passphrase":"{VALUE}"}}', "password"),
    "hash_in_a_log": log("c", f"shadow entry {HASH}", "password hash"),
    "token_in_a_log": log("d", f"Authorization: Bearer {VALUE}abcdef", "token"),
    "password_in_an_address": log("e", f"GET https://app:{VALUE}@10.89.0.7/x", "password in an address"),
    "private_key_in_a_log": log("f", "-----BEGIN OPENSSH PRIVATE KEY-----", "private key"),
    "password_of_a_logged_command": log(
        "g",
        f'type=EXECVE msg=audit(1.2:3): argc=3 a0="tool" a1="--password" a2="{VALUE}"',
        "password on a command line",
    ),
    "password_of_a_logged_database_client": log(
        "h",
        f'type=EXECVE msg=audit(1.2:3): argc=2 a0="/usr/bin/mysqldump" a1="-p{VALUE}"',
        "password on a command line",
    ),
    "password_in_the_journal": Case(
        f"logger -t importer 'login api_key={VALUE}'; journalctl --sync",
        "journalctl --rotate -q; journalctl --vacuum-time=1us -q 2>/dev/null",
        IN_LOGS,
        " importer[",
    ),
    "password_of_a_running_program": Case(
        f"systemd-run -q --unit=leak sh -c 'while :; do sleep 60; done' x --password={VALUE}",
        "systemctl stop leak",
        ON_LINES,
        " (sh)",
    ),
    "auditd_writes_nothing": Case(
        "cp -p /etc/audit/auditd.conf /root/; echo 'write_logs = no' >>/etc/audit/auditd.conf; "
        "echo 'num_logs = 2' >>/etc/audit/auditd.conf",
        "mv /root/auditd.conf /etc/audit/auditd.conf",
        AUDIT_KEEPS,
        "write_logs = no (/etc/audit/auditd.conf:",
    ),
    "auditd_disabled": Case(
        "systemctl -q disable auditd", "systemctl -q enable auditd", STARTS, "auditd.service: disabled"
    ),
    "kernel_starts_without_audit": file("/etc/default/grub.d/x.cfg", 'A="audit=0"', STARTS, "{}:1:"),
    "later_file_switches_the_audit_off": file(f"{RULES_D}/zz-za.rules", "-e 0", STARTS, "{}:1: -e 0"),
    "later_file_says_no_failure": file(f"{RULES_D}/zz-zb.rules", "-f 0", LATER, "{}:1: -f 0"),
    "later_file_lets_little_wait": file(f"{RULES_D}/zz-zc.rules", "-b 64", LATER, "{}:1: -b 64"),
    "later_file_limits_the_rate": file(f"{RULES_D}/zz-zd.rules", "-r 100", LATER, "{}:1: -r 100"),
}

# Nothing of this is wrong.
HARMLESS = r"""
install -m 644 /dev/null /var/log/dpkg.log
install -d -m 750 -o games -g games /var/log/service
printf '%s\n' 'sshd[1]: Failed password for root from 10.89.0.9' 'sudo: PWD=/root ; COMMAND=/bin/true' \
    'pam_unix(passwd:chauthtok): password changed for plain' 'password=********' 'passwd=/etc/passwd' \
    'password=none' 'see https://host.example:8443/path' 'token bucket: 12' >/var/log/quiet.log
chmod 640 /var/log/quiet.log
printf '/var/log/quiet.log {\n\tcreate 0640 root adm\n}\n' >/etc/logrotate.d/quiet
printf '%s\n' '-w /etc/hosts -p wa' '-a always,exclude -F msgtype=CWD' >/etc/audit/rules.d/50-more.rules
"""

ALONE_CHECKS = {
    "logons": f"{EVENTS}logons_will_be_recorded",
    "accounts": f"{EVENTS}account_changes_will_be_recorded",
    "processes": f"{EVENTS}processes_will_be_recorded",
    "permissions": f"{EVENTS}permission_changes_will_be_recorded",
    "certificates": f"{EVENTS}certificate_changes_will_be_recorded",
    "logging": f"{EVENTS}changes_of_the_logging_will_be_recorded",
    "time": f"{EVENTS}time_changes_will_be_recorded",
}


def rules(name: str, text: str, about: str, seen: str) -> Case:
    return file(f"{RULES_D}/{name}.rules", text, ALONE_CHECKS[about], seen)


def edited(expression: str, about: str, seen: str) -> Case:
    path = f"{RULES_D}/10-plumbline.rules"
    return Case(
        f"cp -p {path} /root/kept; sed -i '{expression}' {path}",
        f"mv /root/kept {path}",
        ALONE_CHECKS[about],
        seen,
    )


# Each of these may hide another.
ALONE: dict[str, Case] = {
    "rule_removed": edited("/execve/d", "processes", "execve, execveat: no rule records it"),
    "programs_of_32_bits_forgotten": edited(
        "/arch=b32.*execve/d", "processes", "execve (b32), execveat (b32): no rule records it"
    ),
    "root_s_own_sessions_left_out": edited(
        "s/auid!=unset/auid>=1000/", "permissions", "not recorded for auid=0 uid=0"
    ),
    "never_rule_for_an_administrator": rules(
        "00-x", "-a never,exit -F auid=1000", "processes", "hidden by {}:1: -a never,exit -F auid=1000"
    ),
    "prepended_by_a_later_file": rules(
        "zzz", "-A never,exit -F uid=0", "processes", "hidden by {}:1: -A never,exit -F uid=0"
    ),
    "new_processes_leave_nothing": rules(
        "zzz", "-a never,task", "permissions", "hidden by {}:1: -a never,task"
    ),
    "logons_excluded": rules(
        "zzz",
        "-a always,exclude -F msgtype=USER_LOGIN",
        "logons",
        "USER_LOGIN: {}:1: -a always,exclude -F msgtype=USER_LOGIN",
    ),
    "records_of_a_user_refused": rules(
        "zzz", "-a never,user -F auid=1000", "accounts", "ADD_USER: {}:1: -a never,user -F auid=1000"
    ),
    "rules_of_a_key_deleted_later": rules(
        "zzz", "-D -k logging", "logging", "/etc/audit: no rule records it"
    ),
    "earlier_file_ends_the_loading": rules(
        "00-x", "-w /nowhere/x -p wa", "accounts", "/etc/passwd: no rule records it"
    ),
    "service_loads_no_rules": file(
        f"{UNITS}/auditd.service.d/x.conf",
        "[Service]\nExecStartPost=",
        ALONE_CHECKS["logging"],
        "nothing loads audit rules at boot",
    ),
    "service_loads_another_file": file(
        f"{UNITS}/auditd.service.d/x.conf",
        "[Service]\nExecStartPost=\nExecStartPost=-/sbin/auditctl -R /etc/audit/audit.rules",
        ALONE_CHECKS["accounts"],
        "/etc/passwd: no rule records it",
    ),
    "service_masked": Case(
        f"ln -s /dev/null {UNITS}/auditd.service",
        f"rm {UNITS}/auditd.service",
        STARTS,
        "auditd.service: masked",
    ),
}
