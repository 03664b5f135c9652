"""Logging on Linux: auditd with rules for every security event, a journal on disk, logs closed to others.

Rules are loaded into the running kernel, without a restart of auditd, by which entries could be lost. What
other files say against them is not changed: the check names its line, and a person decides. In a container,
whose kernel's audit is not its own, auditd is set up and does not start.
"""

from __future__ import annotations

import shlex
from collections.abc import Generator, Iterable, Sequence

from pyinfra.api.command import StringCommand
from pyinfra.api.facts import FactBase
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.operations.util import any_changed

from deploys.mechanisms.files import whole_file
from deploys.mechanisms.log_forwarding import log_forwarding
from deploys.mechanisms.packages import packages
from deploys.mechanisms.printed import paths
from deploys.mechanisms.units import drop_in, unit_masked, unit_on, unit_restarted
from plumbline.apply.serving import serving
from plumbline.apply.telling import tell, tell_touches
from plumbline.policy.accepts import OneOf
from plumbline.policy.standard import DesiredState, Resolved
from plumbline.probes.logging.audit_calls import CLOCK, CLOCK_B32, PERMISSIONS, PERMISSIONS_B32, STARTS

Commands = Generator[StringCommand, None, None]

# Before other files: the first rule that matches counts. Settings go last: of several the last counts.
RULES = "/etc/audit/rules.d/10-plumbline.rules"
SETTINGS = "/etc/audit/rules.d/zz-plumbline.rules"
AUDITD = "/etc/audit/auditd.conf"
JOURNALD = "/etc/systemd/journald.conf.d/zz-plumbline.conf"
TMPFILES = "/etc/tmpfiles.d/00-plumbline-logging.conf"

HEAD = "# Written by Plumbline; the whole file is replaced when it differs.\n"

FILE_MIB = 32
"""Size of one file of auditd's; so many are kept that together they hold what is wanted."""

AUDITD_CONF = """\
local_events = yes
write_logs = yes
log_file = /var/log/audit/audit.log
log_group = adm
log_format = ENRICHED
flush = INCREMENTAL_ASYNC
freq = 50
max_log_file = {size}
num_logs = {count}
max_log_file_action = ROTATE
priority_boost = 4
name_format = NONE
space_left = 75
space_left_action = SYSLOG
verify_email = yes
action_mail_acct = root
admin_space_left = 50
admin_space_left_action = ROTATE
disk_full_action = ROTATE
disk_error_action = SYSLOG
use_libwrap = yes
tcp_listen_queue = 5
tcp_max_per_addr = 1
tcp_client_max_idle = 0
transport = TCP
krb5_principal = auditd
distribute_network = no
q_depth = 2000
overflow_action = SYSLOG
max_restarts = 10
plugin_dir = /etc/audit/plugins.d
end_of_event_timeout = 2
"""
"""Debian's, but when the disk fills the oldest entries go, instead of the newest not being written."""

LOGON_RECORDS = {"wtmp": "0640", "lastlog": "0640", "btmp": "0660"}


def apply(desired: DesiredState) -> None:
    """Install and configure what logs, and close the logs to others."""
    held = desired.subject("logging")
    if "security-events-logged" in held:
        with serving("security-events-logged"):
            _audit(held["security-events-logged"])
    if "logs-persistent" in held:
        with serving("logs-persistent"):
            written = whole_file(JOURNALD, f"{HEAD}[Journal]\nStorage=persistent\n")
            unit_restarted("systemd-journald.service", when=[written])
    if "logs-protected" in held:
        with serving("logs-protected"):
            _closed(held["logs-protected"])
    if "logs-forwarded" in held:
        with serving("logs-forwarded"):
            log_forwarding(desired, held["logs-forwarded"])


def _audit(events: Resolved) -> None:
    in_container = bool(paths("systemd-detect-virt -qc && echo /container"))
    if in_container:
        # Without it the unit would fail at every boot.
        for unit in ("auditd.service", "audit-rules.service"):
            drop_in(unit, f"{HEAD}[Unit]\nConditionVirtualization=!container\n")
    installed = packages(["acl", "auditd"])
    rules = [
        whole_file(RULES, event_rules(events), mode="0640"),
        whole_file(SETTINGS, settings(events), mode="0640"),
    ]
    # journald would keep each entry a second time, and drop older messages for it.
    unit_masked("systemd-journald-audit.socket")
    count = -(-int(str(events.values["audit_log_mib"])) // FILE_MIB)
    content = HEAD + AUDITD_CONF.format(size=FILE_MIB, count=min(999, max(2, count)))
    configured = whole_file(AUDITD, content, mode="0640")
    if in_container:
        return
    unit_on("auditd.service")
    _rules_loaded(name="Load the audit's rules", _if=any_changed(installed, *rules))
    _configuration_read(name="Have auditd read its configuration", _if=any_changed(configured))


@operation(is_idempotent=False)
def _rules_loaded() -> Commands:
    tell_touches()
    # Rules that are locked (-e 2) can be changed by a boot alone; the check says that they are not loaded.
    yield StringCommand("auditctl -s | grep -q '^enabled 2' || augenrules --load >/dev/null")


@operation(is_idempotent=False)
def _configuration_read() -> Commands:
    tell_touches(units=["auditd.service"])
    yield StringCommand("systemctl kill -s HUP --kill-who=main auditd.service")


def settings(events: Resolved) -> str:
    """Return the file with what of several counts last."""
    values = events.values
    return (
        f"{HEAD}-b {values['backlog_limit']}\n--backlog_wait_time 60000\n-r 0\n-f {values['failure']}\n"
        f"-e {values['audit_enabled']}\n"
    )


def event_rules(events: Resolved) -> str:
    """Return the rules that record every event of 16.1."""
    accepts, values = events.accepts, events.values
    scope = "" if values["permission_scope"] == "all" else " -F auid!=unset"
    keepers = _list(values["clock_keepers"])
    watched = {
        "accounts": _all(accepts["account_files"]),
        "certificates": [
            *_all(accepts["certificate_files"]),
            "/etc/letsencrypt",
            "/etc/ssh",
            *_list(values["certificate_stores"]),
        ],
        "permissions": [*_all(accepts["permission_files"]), "/etc/pam.d", "/etc/security"],
        "time": _all(accepts["time_files"]),
        "logging": [*_all(accepts["logging_files"]), "/etc/syslog-ng", "/etc/systemd/system"],
    }
    calls: list[str] = []
    for arch, clock, permissions in (
        ("b64", CLOCK, PERMISSIONS),
        ("b32", CLOCK + CLOCK_B32, PERMISSIONS + PERMISSIONS_B32),
    ):
        calls += [
            f"-a never,exit -F arch={arch} -S adjtimex,clock_adjtime -F exe={path} -F auid=unset -F key=time"
            for path in keepers
        ]
        calls += [
            f"-a always,exit -F arch={arch} -S {','.join(clock)} -F key=time",
            f"-a always,exit -F arch={arch} -S {','.join(STARTS)} -F key=process-start",
            f"-a always,exit -F arch={arch} -S exit_group -F key=process-end",
            f"-a always,exit -F arch={arch} -S kill -F a1!=0 -F success=1 -F key=process-end",
            f"-a always,exit -F arch={arch} -S {','.join(permissions)}{scope} -F key=permissions",
            # fchmodat2, by its number: older programs do not know its name.
            f"-a always,exit -F arch={arch} -S 452{scope} -F key=permissions",
        ]
    return (
        HEAD
        + "# A rule whose file is not there shall not keep the others from being loaded.\n-i\n"
        + "".join(f"{line}\n" for line in calls)
        + "".join(f"-w {path} -p wa -k {key}\n" for key, files in watched.items() for path in _once(files))
    )


def _all(accepts: object) -> list[str]:
    if not isinstance(accepts, OneOf):
        raise TypeError("a list of files accepts a list")
    return [str(value) for value in accepts.values]


def _list(value: object) -> list[str]:
    if not isinstance(value, list):
        raise TypeError("a list is wanted")
    return value


def _once(files: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(files))


def _closed(protected: Resolved) -> None:
    """Close the logs that are there, and those that tmpfiles.d and logrotate make anew."""
    lines = [f"f /var/log/{name} {mode} root utmp -" for name, mode in LOGON_RECORDS.items()]
    whole_file(TMPFILES, HEAD + "\n".join(lines) + "\n")
    _no_rights_for_others(
        public=_all(protected.accepts["public_logs"]), name="Close the logs to those who may not read them"
    )
    # So that the rotation's own files are there to be replaced, not brought by another package later.
    packages(["logrotate"])
    for name in ("wtmp", "btmp"):
        whole_file(
            f"/etc/logrotate.d/{name}",
            f"{HEAD}/var/log/{name} {{\n    missingok\n    monthly\n    minsize 1M\n"
            f"    create {LOGON_RECORDS[name]} root utmp\n    rotate 12\n}}\n",
        )


class OpenLogs(FactBase[list[str]]):
    """Files below /var/log that everybody can read or change, but for those public may see."""

    def command(self, public: list[str]) -> str:
        """Return the command; one mode and path a line."""
        apart = " ".join(f"! -path {shlex.quote(pattern)}" for pattern in public)
        return (
            f"find /var/log -xdev -type f \\( -perm /002 -o -perm /004 {apart} \\) -printf '%m %p\\n' "
            "2>/dev/null | sort -k 2"
        )

    @staticmethod
    def default() -> list[str]:
        """Return what no output means."""
        return []

    def process(self, output: list[str]) -> list[str]:
        """Return the lines."""
        return list(output)


@operation()
def _no_rights_for_others(public: Sequence[str]) -> Commands:
    found: list[str] = host.get_fact(OpenLogs, public=list(public))
    if not found:
        host.noop("no log can be read or changed by everybody")
        return
    tell_touches(access=[line.partition(" ")[2] for line in found])
    for line in found:
        mode, _, path = line.partition(" ")
        tell(f"{path}: mode {mode}, others lose their rights")
        yield StringCommand(f"chmod o-rwx -- {shlex.quote(path)}")
