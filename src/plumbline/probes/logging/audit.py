"""The kernel's audit and its daemon: as they are now, and as the files will have them after the next boot."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.files import FIELDS, ConfigFile, print_files, read_files
from plumbline.probes.logging.audit_files import DIRECTORY, RULES, Line, Loaded, lines_of, load, merged
from plumbline.probes.logging.audit_rules import Rule, parse_list
from plumbline.probes.tagged import PRINT_END, Rows
from plumbline.probes.unit_files import UNIT_FILES_FIELDS, Command, UnitFiles, print_unit_files, unit_files

AUDITD_CONF = "/etc/audit/auditd.conf"
UNITS = ("auditd.service", "audit-rules.service")

# What only a file of the boot loader, or what one is made from, says of the kernel's command line.
_LOADERS = (
    "/boot/grub/grub.cfg /boot/grub2/grub.cfg /etc/default/grub /etc/default/grub.d/*.cfg "
    "/etc/kernel/cmdline /boot/loader/entries/*.conf /boot/efi/loader/entries/*.conf "
    "/efi/loader/entries/*.conf /boot/extlinux/extlinux.conf /boot/firmware/cmdline.txt"
)
_SILENCERS = "LogLevelMax|LogFilterPatterns|LogNamespace|StandardOutput|StandardError"
_KEYS = f"Exec[A-Za-z]*|Condition[A-Za-z]*|Assert[A-Za-z]*|{_SILENCERS}"
_UNITS_OF_INTEREST = "auditctl|augenrules|(LogLevelMax|LogFilterPatterns|LogNamespace|null)"

_COMMAND = rf"""
for p in auditctl auditd augenrules; do
    if f=$(command -v "$p"); then printf 'program\t%s\n' "$f"; fi
done
printf 'cmdline\t%s\n' "$(cat /proc/cmdline)"
if command -v auditctl >/dev/null; then
    if s=$(auditctl -s 2>&1); then printf '%s\n' "$s" | sed 's/^/status\t/'
        if r=$(auditctl -l 2>&1); then printf '%s\n' "$r" | sed 's/^/rule\t/'
        else printf '%s\n' "$r" | sed 's/^/error\t/'; fi
    else printf '%s\n' "$s" | sed 's/^/error\t/'; fi
fi
systemctl show -p Id,LoadState,ActiveState,SubState {" ".join(UNITS)} | sed 's/^/unit\t/'
grep -HnoE '(^|[[:space:]"])audit=[^[:space:]"]*' {_LOADERS} 2>/dev/null | sed 's/^/loader\t/'
[ ! -d {DIRECTORY} ] || ls -1v {DIRECTORY} | sed 's/^/order\t/'
set -- {DIRECTORY}/*.rules {RULES}
for f in $(cat "$@" 2>/dev/null | sed -nE '
    s/^[[:space:]]*-w[[:space:]]+([^[:space:]]+).*/w \1/p
    s/.*-F[[:space:]]*(path|exe)=([^[:space:]]+).*/w \2/p
    s/.*-F[[:space:]]*dir=([^[:space:]]+).*/e \1/p' | sort -u | tr ' ' ':'); do
    case $f in
    w:*) p=${{f#w:}}; p=${{p%/}}; [ -d "${{p%/*}}/" ] || printf 'missing\t%s\n' "$p" ;;
    e:*) p=${{f#e:}}; [ -e "$p" ] || printf 'missing\t%s\n' "${{p%/}}" ;;
    esac
done
find /etc /usr/local/share /var/lib/ca-certificates -maxdepth 1 ! -type l -printf 'there\t%p\n' 2>/dev/null
find /etc/localtime /etc/systemd /etc/security /etc/polkit-1 -maxdepth 1 -printf 'there\t%p\n' 2>/dev/null
{print_unit_files(_UNITS_OF_INTEREST, "auditd|audit-rules", _KEYS)}
{print_files([f"{DIRECTORY}/*.rules", RULES, AUDITD_CONF])}
"""

_TAGS = {
    "program": 1,
    "cmdline": 1,
    "status": 1,
    "rule": 1,
    "error": 1,
    "unit": 1,
    "loader": 1,
    "order": 1,
    "missing": 1,
    "there": 1,
    **UNIT_FILES_FIELDS,
    **FIELDS,
}


@dataclass(frozen=True)
class Audit:
    """What auditctl, systemd and the files say.

    `status` is what `auditctl -s` tells, empty where it failed (then `error` says why) or is not installed;
    `units` are their ActiveState by name, of those there are; `there` the files and directories of /etc that
    may be watched; `kernel_words` the `audit=` of the running kernel's command line.
    """

    programs: frozenset[str]
    kernel_words: list[str]
    status: dict[str, int]
    live: list[Rule]
    error: str | None
    units: dict[str, str]
    loader_words: list[str]
    order: list[str]
    missing: frozenset[str]
    there: frozenset[str]
    unit_files: UnitFiles
    files: dict[str, ConfigFile]

    @property
    def daemon(self) -> ConfigFile | None:
        """The daemon's configuration, if there is any."""
        return self.files.get(AUDITD_CONF)

    def starts(self, key: str = "ExecStart") -> list[Command]:
        """Return the commands that the units of audit will run."""
        return [command for unit in UNITS for command in self.unit_files.settings(unit, key)]

    @property
    def silenced(self) -> list[str]:
        """Lines by which a unit that no package brought, or a drop-in, keeps messages out of the journal."""
        found = []
        for name in self.unit_files.names():
            for key in _SILENCERS.split("|"):
                found += [
                    f"{line.file}:{line.line}: {key}={line.value}"
                    for line in self.unit_files.settings(name, key)
                    if not line.file.startswith("/usr/lib/") and _silences(key, line.value)
                ]
        return sorted(set(found))

    @cached_property
    def at_boot(self) -> Loaded | None:
        """What the boot loads: by augenrules or by auditctl from a file; None if nothing loads rules."""
        for command in (*self.starts(), *self.starts("ExecStartPost")):
            words = command.value.lstrip("-@:+!|").split()
            if words[0].endswith("/augenrules") and "--load" in words:
                return load(self._of_directory(), self.missing)
            if words[0].endswith("/auditctl") and "-R" in words[:-1]:
                return self._of_file(words[words.index("-R") + 1])
        return None

    def _of_directory(self) -> list[Line]:
        if any(name.endswith(".rules") for name in self.order):
            return merged(self.files, self.order)
        return self._lines(RULES)

    def _of_file(self, path: str) -> Loaded | None:
        return load(self._lines(path), self.missing) if path in self.files else None

    def _lines(self, path: str) -> list[Line]:
        return lines_of(self.files[path]) if path in self.files else []


def parse_audit(output: Output) -> Audit:
    """Parse the probe's rows."""
    rows = Rows(output, _TAGS)
    one = {tag: [row[0] for row in rows[tag]] for tag, fields in _TAGS.items() if fields == 1}
    if len(one["cmdline"]) != 1:
        raise ParseError("the kernel's command line is not told once")
    status: dict[str, int] = {}
    for line in one["status"]:
        name, _, value = line.partition(" ")
        if re.fullmatch(r"\d+( \w+)?", value) is None:
            raise ParseError(f"auditctl -s printed {line[:80]!r}")
        status[name] = int(value.split()[0])
    if status and not {"enabled", "failure", "pid", "rate_limit", "backlog_limit", "lost"} <= set(status):
        raise ParseError("auditctl -s told less than it should")
    return Audit(
        programs=frozenset(path.rpartition("/")[2] for path in one["program"]),
        kernel_words=[word for word in one["cmdline"][0].split() if word.startswith("audit=")],
        status=status,
        live=parse_list([line for line in one["rule"] if line]),
        error="; ".join(line for line in one["error"] if line) or None,
        units=_units(one["unit"]),
        loader_words=one["loader"],
        order=one["order"],
        missing=frozenset(one["missing"]),
        there=frozenset(one["there"]),
        unit_files=unit_files(rows),
        files=read_files(rows),
    )


_QUIET_LEVELS = {"emerg", "alert", "crit", "err", "warning", "notice", *"012345"}


def _silences(key: str, value: str) -> bool:
    """Say whether a setting of a unit drops messages (systemd.exec(5)); info is what logons are logged at."""
    if key.startswith("Standard"):
        return value == "null"
    if key == "LogLevelMax":
        return value in _QUIET_LEVELS
    return True


def _units(lines: list[str]) -> dict[str, str]:
    found: dict[str, dict[str, str]] = {}
    block: dict[str, str] = {}
    for line in [*lines, ""]:
        if line:
            name, _, value = line.partition("=")
            block[name] = value
        elif block:
            found[block["Id"]] = block
            block = {}
    if set(found) != set(UNITS):
        raise ParseError("systemctl did not tell the units of audit")
    return {name: unit["ActiveState"] for name, unit in found.items() if unit["LoadState"] != "not-found"}


AUDIT: Probe[Audit] = Probe("logging.audit", f"{_COMMAND}{PRINT_END}", parse_audit)
