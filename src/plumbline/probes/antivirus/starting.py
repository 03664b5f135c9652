"""How ClamAV's services will be started: as packaged, or held back, or another program instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.systemd import Line, Unit, conditions, lines_of, show, units
from plumbline.probes.tagged import PRINT_END, Rows
from plumbline.verify.unknown import Unknown

PROGRAMS = {"clamav-daemon.service": "/usr/sbin/clamd", "clamav-freshclam.service": "/usr/bin/freshclam"}
"""The services whose start is known, with what they start."""

_BY_CRON = "/etc/cron.d/clamav-freshclam"
"""Where this file is, freshclam's own unit does not start (`dpkg-reconfigure clamav-freshclam`)."""

_PACKAGED = ("/usr/lib/", "/lib/")
_OWN_CONDITIONS = {
    *(f"ConditionPathExistsGlob=/var/lib/clamav/{name}.{{c[vl]d,inc}}" for name in ("main", "daily")),
    f"ConditionPathExists=!{_BY_CRON}",
}
"""Conditions of the packages, which a whole copy of a unit in /etc has as well."""

_ELSEWHERE = re.compile(r"--(config-file|datadir)(=.*)?")
_USUAL = {"/etc/clamav/freshclam.conf", "/etc/clamav/clamd.conf", "/var/lib/clamav"}


@dataclass(frozen=True)
class Starting:
    """The units as systemd has them, the conditions of their files, and whether cron updates signatures."""

    units: dict[str, Unit]
    conditions: tuple[Line, ...]
    by_cron: bool


def _starting(output: Output) -> Starting:
    rows = Rows(output, {"unit": 1, "condition": 1, "cron": 1})
    found = units(Output("".join(f"{line}\n" for (line,) in rows["unit"]).encode(), b"", 0))
    if set(PROGRAMS) - set(found):
        raise ParseError("systemctl show did not tell of each unit of ClamAV")
    return Starting(found, tuple(lines_of(line for (line,) in rows["condition"])), bool(rows["cron"]))


STARTING = Probe(
    "antivirus.starting",
    f"u=$({show(PROGRAMS, 'NeedDaemonReload,FragmentPath,DropInPaths,ExecStart,ExecCondition')}) || exit 9; "
    "printf '%s\\n' \"$u\" | sed 's/^/unit\\t/'; set -f; "
    "set -- $(printf '%s\\n' \"$u\" | sed -nE 's/^(FragmentPath|DropInPaths)=//p'); set +f; "
    "grep -HnE '^[[:space:]]*(Condition|Assert)' /dev/null \"$@\" 2>/dev/null | sed 's/^/condition\\t/'; "
    f"[ ! -e {_BY_CRON} ] || printf 'cron\\tyes\\n'; {PRINT_END}",
    _starting,
)


def otherwise(found: Starting, service: str) -> Iterator[str]:
    """Yield how a service will be started otherwise than its package has it; nothing of one not known."""
    unit = found.units.get(service)
    if unit is None or not unit.exists:
        return
    if unit["NeedDaemonReload"] == "yes":
        raise Unknown("files of {unit} were changed since systemd read them", unit=service)
    paths = [unit["FragmentPath"], *unit["DropInPaths"].split()]
    for line in conditions(found.conditions, paths):
        text = line.text.strip()
        if text.endswith(f"!{_BY_CRON}") and found.by_cron:
            yield f"{line}, and it is there"
        elif text not in _OWN_CONDITIONS and not line.file.startswith(_PACKAGED):
            yield str(line)
    yield from (f"ExecCondition={command}" for command in unit.commands("ExecCondition"))
    started = unit.commands("ExecStart")
    if [command.path for command in started] != [PROGRAMS[service]]:
        yield f"ExecStart={'; '.join(map(str, started))}"
    elif service == "clamav-freshclam.service":
        # What the scanner's own options name is read by `antivirus.exclusions`.
        yield from (word for word in _elsewhere(started[0].words[1:]))


def _elsewhere(words: tuple[str, ...]) -> Iterator[str]:
    for number, word in enumerate(words):
        if _ELSEWHERE.fullmatch(word):
            value = word.partition("=")[2] or "".join(words[number + 1 : number + 2])
            if value.rstrip("/") not in _USUAL:
                yield f"{word.partition('=')[0]}={value}"
