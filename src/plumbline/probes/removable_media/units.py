"""Services that mount by themselves: what systemd says of them, and their files.

A service counts by what it is called or by what it starts, so that another name does not hide it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from plumbline.probes.base import Output, Probe
from plumbline.probes.tagged import PRINT_END, Rows, blocks
from plumbline.probes.unit_files import (
    EVERYWHERE,
    UNIT_FILES_FIELDS,
    UnitFiles,
    print_unit_files,
    starting,
    unit_files,
)

AUTOMOUNTERS = (
    "automount autofs usbmount udevil devmon udiskie ldm pmount udisks-glue ivman halevt usermount "
    "udev-media-automount"
)
"""Programs that mount what is plugged in, or what is looked at; their units are mostly called the same."""

_NAMES = "|".join(AUTOMOUNTERS.split())
_GLOBS = " | ".join(f"*{name}*" for name in AUTOMOUNTERS.split())
_FILES = print_unit_files(rf"\/({_NAMES}|systemd-mount)([ \t]|$)", _NAMES)
_STARTING = starting(rf"/({_NAMES}|systemd-mount)([[:space:]]|$)")
_PROPERTIES = "Id,Names,LoadState,UnitFileState,ActiveState,ExecStart,WantedBy,RequiredBy,TriggeredBy"

_COMMAND = rf"""
set --
for directory in {EVERYWHERE}; do
    for file in "$directory"/*.service "$directory"/*.socket "$directory"/*.path "$directory"/*.timer; do
        [ -e "$file" ] || [ -L "$file" ] || continue
        unit=${{file##*/}}
        case $unit in {_GLOBS}) ;; *) continue ;; esac
        case $unit in *@.*) unit=${{unit%@.*}}@plumbline.${{unit##*.}} ;; esac
        set -- "$@" "$unit"
    done
done
set -- "$@" {_STARTING}
[ $# -eq 0 ] || systemctl show -p {_PROPERTIES} "$@" | sed 's/^/show\t/' || exit 9
{_FILES}
{PRINT_END}
"""

_ARGV = re.compile(r"argv\[\]=(.*?) ; ignore_errors=")
_PROGRAM = re.compile(rf"(^|/)({_NAMES})(\s|$)|(^|/)systemd-mount\s")
_NAMED = re.compile(rf"^({_NAMES})([@.-].*)?\.(service|socket|path|timer)$")
_STARTS = ("enabled", "enabled-runtime", "linked", "linked-runtime", "generated", "alias", "transient")
_RUNS = ("active", "activating", "reloading")


@dataclass(frozen=True)
class Unit:
    """A unit as systemd knows it now."""

    name: str
    load: str
    enabled: str
    active: str
    commands: tuple[str, ...]
    pulled_in_by: tuple[str, ...]

    @property
    def mounts_by_itself(self) -> bool:
        """Whether it is an automounter by name or by what it starts."""
        return bool(_NAMED.match(self.name)) or any(mounter(command) for command in self.commands)


@dataclass(frozen=True)
class Units:
    """Automounters that run now, and those that will be started at boot."""

    now: list[str]
    boot: list[str]


def mounter(command: str) -> bool:
    """Say whether a command starts a program that mounts by itself."""
    return bool(_PROGRAM.search(command.lstrip("@-:+!")))


def _unit(block: list[tuple[str, str]]) -> Unit:
    told = dict(block)
    commands = [argv[1] for name, value in block if name == "ExecStart" for argv in _ARGV.finditer(value)]
    pulled = [name for key in ("WantedBy", "RequiredBy", "TriggeredBy") for name in told.get(key, "").split()]
    return Unit(
        name=told["Id"],
        load=told["LoadState"],
        enabled=told.get("UnitFileState", ""),
        active=told["ActiveState"],
        commands=tuple(commands),
        pulled_in_by=tuple(pulled),
    )


def _boot(units: list[Unit], files: UnitFiles) -> list[str]:
    """Return units that will start at boot: enabled ones, and those something else pulls in."""
    found: dict[str, None] = {}
    by_file = {
        name: command for name in files.names() for command in files.commands(name) if mounter(command.value)
    }
    for unit in units:
        if unit.load in ("masked", "not-found") or not (unit.mounts_by_itself or unit.name in by_file):
            continue
        if unit.enabled in _STARTS:
            found[f"{unit.name}: {unit.enabled}"] = None
        elif unit.pulled_in_by:
            found[f"{unit.name}: started by {', '.join(unit.pulled_in_by)}"] = None
    return sorted(found)


def _units(output: Output) -> Units:
    rows = Rows(output, {"show": 1} | UNIT_FILES_FIELDS)
    seen = {unit.name: unit for unit in map(_unit, blocks(line for (line,) in rows["show"]))}
    units = list(seen.values())
    running = [unit for unit in units if unit.mounts_by_itself and unit.active in _RUNS]
    return Units(
        now=sorted(f"{unit.name}: {unit.active}" for unit in running),
        boot=_boot(units, unit_files(rows)),
    )


UNITS = Probe("removable_media.units", _COMMAND, _units)
