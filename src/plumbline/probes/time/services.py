"""The time services of a host: those that run, and those that start at boot."""

from __future__ import annotations

import re
from dataclasses import dataclass

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.systemd import (
    CLOCK_SETTERS,
    TIME_KEEPERS,
    Line,
    Unit,
    UnitsOnDisk,
    conditions,
    naming,
    show,
    unit_of,
    units,
)

ACCEPTABLE = {"chrony.service": "chronyd", "systemd-timesyncd.service": "systemd-timesyn"}
"""Services whose sources can be read, with the name of their processes (the kernel keeps 15 letters)."""

_BY_NAME = (
    *ACCEPTABLE,
    "chronyd-restricted.service",
    "ntp.service",
    "ntpd.service",
    "ntpsec.service",
    "ntpd-rs.service",
    "openntpd.service",
    "timemaster.service",
    "htpdate.service",
)
_OWN_CONDITIONS = {"ConditionCapability=CAP_SYS_TIME", "ConditionVirtualization=!container"}


@dataclass(frozen=True)
class Process:
    """A process that keeps time: its name, the unit it belongs to (`-` for none), its words."""

    name: str
    unit: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Processes:
    """The processes that keep time; `container`: the host is one, and so has no clock of its own."""

    container: bool
    found: tuple[Process, ...]


def _processes(output: Output) -> Processes:
    first, *rest = output.text.splitlines() or [""]
    if first not in {"machine", "container"}:
        raise ParseError(f"neither machine nor container: {first[:80]!r}")
    found = []
    for line in rest:
        fields = line.split()
        if len(fields) < 3:
            raise ParseError(f"ps printed {line[:80]!r}")
        if fields[0] == "VBoxService" and "--disable-timesync" in fields:
            continue
        # Such a one prints its configuration and ends; other probes, and whoever looks, start it so.
        if fields[0] == "chronyd" and "-p" in fields[3:]:
            continue
        name = "ntpd" if fields[0] == "busybox" else fields[0]
        found.append(Process(name, fields[1], tuple(fields[2:])))
    return Processes(first == "container", tuple(found))


PROCESSES = Probe(
    "time.processes",
    "if [ -e /run/systemd/container ]; then echo container; else echo machine; fi; "
    "p=$(ps -e -ww -o comm=,unit=,args=) || exit 9; "
    "printf '%s\\n' \"$p\" | "
    f"grep -E '^(({TIME_KEEPERS}|VBoxService) |busybox +[^ ]+ +[^ ]*busybox ntpd )' || [ $? -eq 1 ]",
    _processes,
)

UNITS = Probe(
    "time.units",
    show(
        ACCEPTABLE,
        "ActiveState,NeedDaemonReload,FragmentPath,DropInPaths,Environment,EnvironmentFiles,"
        "ExecCondition,ExecStartPre,ExecStart,ExecStartPost",
    ),
    units,
)


def running(processes: Processes, known: dict[str, Unit]) -> list[str]:
    """Return the names of the time services that run; one that is not fully up is told with its state."""
    names = []
    for process in processes.found:
        name = process.unit
        if not name.endswith(".service") or ACCEPTABLE.get(name, process.name) != process.name:
            name = f"{process.name} ({process.unit})"
        elif name in known and known[name]["ActiveState"] != "active":
            name = f"{name} ({known[name]['ActiveState']})"
        if name not in names:
            names.append(name)
    return sorted(names)


def at_boot(on_disk: UnitsOnDisk, unit_lines: list[Line]) -> list[str]:
    """Return the time services that start at boot: those known by name, those with such a program."""
    names = {on_disk.own_name(name) for name in _BY_NAME}
    for line in naming(unit_lines, CLOCK_SETTERS):
        unit = on_disk.own_name(unit_of(line))
        is_read = line.file.endswith(".conf") or on_disk.file(unit) == line.file
        if is_read and re.match(r"\s*(Exec\w+\s*=|[^=]*$|[^A-Z])", line.text):
            names.add(unit)
    return sorted(name for name in names if on_disk.starts(name))


def held_back(unit: Unit, found: list[Line]) -> list[str]:
    """Return what, beside the package's own, the unit's start depends on or does before and after."""
    paths = [unit["FragmentPath"], *unit["DropInPaths"].split()]
    told = [str(line) for line in conditions(found, paths) if line.text.strip() not in _OWN_CONDITIONS]
    for name in ("ExecCondition", "ExecStartPre", "ExecStartPost"):
        told += [f"{name}={command}" for command in unit.commands(name)]
    return told
