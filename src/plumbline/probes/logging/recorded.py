"""Which security events leave an entry: the rules of the audit, now and after the next boot."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Sequence

from plumbline.probes.logging.audit import AUDIT, UNITS, Audit
from plumbline.probes.logging.audit_events import Events
from plumbline.probes.logging.audit_files import Loaded
from plumbline.probes.logging.audit_rules import Rule
from plumbline.probes.subject import Subject
from plumbline.probes.systemd import ON_DISK
from plumbline.verify.unknown import Unknown

PROGRAMS = ("auditctl", "auditd")
NOT_ITS_OWN = "this host is a container; its kernel's audit is not its own"

LOGONS = ("LOGIN", "USER_AUTH", "USER_ACCT", "USER_LOGIN", "USER_START", "USER_ERR", "USER_CMD")
LOGOFFS = ("USER_END", "USER_LOGOUT")
ACCOUNTS = (
    "ADD_USER",
    "DEL_USER",
    "ADD_GROUP",
    "DEL_GROUP",
    "USER_MGMT",
    "GRP_MGMT",
    "ACCT_LOCK",
    "ACCT_UNLOCK",
)
PASSWORDS = ("USER_CHAUTHTOK", "GRP_CHAUTHTOK")
SERVICES = ("SERVICE_START", "SERVICE_STOP")
LOGGING = ("CONFIG_CHANGE", "DAEMON_CONFIG", "DAEMON_START", "DAEMON_END", "DAEMON_ABORT")
ERRORS = ("ANOM_ABEND",)

Accepted = Container[object]
Find = Callable[[Events], list[str]]


class Recorded(Subject):
    """Which events leave an entry; each method returns what does not, and why."""

    @property
    def audit(self) -> Audit:
        """The kernel's audit and its files."""
        return self.read(AUDIT)

    def only_with_own_kernel(self) -> None:
        """Raise Unknown in a container."""
        if self._host.system.is_container:
            raise Unknown(NOT_ITS_OWN)

    @property
    def missing_programs(self) -> list[str]:
        """Programs of the audit that are not installed."""
        return [name for name in PROGRAMS if name not in self.audit.programs]

    def audit_off_now(self, enabled: Accepted) -> list[str]:
        """Why nothing is recorded now; Unknown in a container."""
        self.only_with_own_kernel()
        audit = self.audit
        words = [f"the kernel was started with {word}" for word in audit.kernel_words if _is_off(word)]
        if not audit.status:
            return [f"auditctl -s: {audit.error or 'auditctl is not installed'}", *words]
        found = []
        if audit.status["enabled"] not in enabled:
            found.append(f"auditctl -s: enabled {audit.status['enabled']}")
        if not audit.status["pid"]:
            found.append("auditctl -s: pid 0, no daemon receives what is recorded")
        if audit.units.get(UNITS[0]) != "active":
            found.append(f"{UNITS[0]}: {audit.units.get(UNITS[0], 'no such unit')}")
        return found + words

    def audit_off_at_boot(self, enabled: Accepted) -> list[str]:
        """Why nothing will be recorded after a boot; in a container Unknown where the files are right."""
        audit, loaded = self.audit, self.audit.at_boot
        state = self.read(ON_DISK).state(UNITS[0])
        found = [f"{UNITS[0]}: {state}"] if state != "enabled" else []
        found += [str(line) for line in self._unusual_starts()]
        found += [f"{line} (the boot loader)" for line in audit.loader_words if _is_off(line)]
        if loaded is None:
            return self.or_container([*found, "nothing loads audit rules at boot"])
        said = loaded.settings.get("enabled")
        if said is not None and _number(said) not in enabled:
            found.append(f"{said.where}: -e {said.bare}")
        found += [*loaded.refused[:10], *(f"{line} (not reached)" for line in loaded.unread[:3])]
        return self.or_container(found)

    def _unusual_starts(self) -> list[object]:
        audit = self.audit
        lines: list[object] = []
        for unit in UNITS:
            for key in ("ConditionPathExists", "ConditionKernelCommandLine", "ExecCondition", "ExecStopPost"):
                section = "Unit" if key.startswith("Condition") else "Service"
                lines += [
                    line
                    for line in audit.unit_files.settings(unit, key, section)
                    if not line.file.startswith("/usr/lib/") and line.value not in ("!audit=0", "!audit=off")
                ]
        known = re.compile(
            r"-?(/usr)?/sbin/(auditd( -n)?|augenrules --load|auditctl -R /etc/audit/audit\.rules)"
        )
        starts = (*audit.starts(), *audit.starts("ExecStartPost"), *audit.starts("ExecStartPre"))
        return lines + [line for line in starts if not known.fullmatch(line.value)]

    def or_container(self, found: list[str]) -> list[str]:
        """Return what is wrong with the audit; where nothing is, Unknown in a container."""
        if not found:
            self.only_with_own_kernel()
        return found

    def lossy_now(self, failure: Accepted, backlog: Accepted) -> list[str]:
        """By what entries are lost now, or were since the boot."""
        self.only_with_own_kernel()
        status = self.audit.status
        if not status:
            return [f"auditctl -s: {self.audit.error or 'auditctl is not installed'}"]
        wrong = {
            "lost": status["lost"] > 0,
            "rate_limit": status["rate_limit"] > 0,
            "failure": status["failure"] not in failure,
            "backlog_limit": status["backlog_limit"] not in backlog,
        }
        return [f"auditctl -s: {name} {status[name]}" for name, is_wrong in wrong.items() if is_wrong]

    def lossy_at_boot(self, failure: Accepted, backlog: Accepted) -> list[str]:
        """By what the rules' files will have entries lost."""
        loaded = self.audit.at_boot or Loaded()
        options = {"rate_limit": "-r", "failure": "-f", "backlog_limit": "-b"}
        accepted: dict[str, Accepted] = {"rate_limit": (0,), "failure": failure, "backlog_limit": backlog}
        found = [
            f"{said.where}: {options[name]} {said.bare}"
            for name, said in loaded.settings.items()
            if name in options and _number(said) not in accepted[name]
        ]
        return self.or_container(found)

    def unrecorded_now(self, find: Find, clock_keepers: Iterable[str] = ()) -> list[str]:
        """What of some events leaves no entry now, by the rules the kernel has."""
        self.only_with_own_kernel()
        if not self.audit.status:
            return [f"auditctl -s: {self.audit.error or 'auditctl is not installed'}"]
        return self._found(self.audit.live, find, clock_keepers)

    def unrecorded_at_boot(self, find: Find, clock_keepers: Iterable[str] = ()) -> list[str]:
        """What of some events will leave no entry after a boot, by the files in /etc/audit."""
        loaded = self.audit.at_boot
        if loaded is None:
            return self.or_container(["nothing loads audit rules at boot"])
        return self.or_container(self._found(loaded.rules, find, clock_keepers))

    def _found(self, rules: Sequence[Rule], find: Find, clock_keepers: Iterable[str]) -> list[str]:
        machine = self._host.system.facts.architecture
        if machine != "x86_64":
            raise Unknown("nobody here knows the system calls of {machine}", machine=machine)
        return find(Events(rules, clock_keepers))

    def watched(self, paths: Iterable[str]) -> list[str]:
        """Of these files and directories, those the host has; of where nobody looked, all."""
        there = self.audit.there
        parents = {path.rpartition("/")[0] for path in there}
        return [path for path in paths if path in there or path.rpartition("/")[0] not in parents]


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def _is_off(word: str) -> bool:
    return re.search(r"audit=[\"']?(0|off)\b", word) is not None
