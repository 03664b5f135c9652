"""Units that mount by themselves or start something for a medium: what systemd says of them, and their files.

A service counts by what it is called or by what it starts, so that another name does not hide it; a path unit
by what it waits for. Whatever a device unit pulls in is started when that device comes (systemd.device(5)).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
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

AUTOMOUNTER_NAMES = "|".join(AUTOMOUNTERS.split())
_GLOBS = " | ".join(f"*{name}*" for name in AUTOMOUNTERS.split())
MEDIA = r"\/(dev\/(sd|sr[0-9]|scd|cdr|dvd|mmcblk|nvme|fd|floppy|usb|disk\/)|(run\/)?media\/)"
"""How names of media begin, and of the places where they are mounted; slashes are escaped."""

_MOUNTS = rf"(^|[^A-Za-z0-9_.-])mount[ \t].*{MEDIA}"
_FILES = print_unit_files(rf"({AUTOMOUNTER_NAMES}|systemd-mount)([ \t]|$)|{_MOUNTS}", AUTOMOUNTER_NAMES)
_MOUNTS_MEDIA = rf"mount[[:space:]].*{MEDIA}".replace(r"\/", "/")
_STARTING = starting(rf"({AUTOMOUNTER_NAMES}|systemd-mount)([[:space:]]|$)|{_MOUNTS_MEDIA}")
_PROPERTIES = (
    "Id,Names,LoadState,UnitFileState,ActiveState,ExecStart,ExecStartPre,ExecStartPost,Paths,"
    "WantedBy,RequiredBy,TriggeredBy"
)
_WORDS = rf"(({AUTOMOUNTER_NAMES}|systemd-mount)([^A-Za-z0-9_.-]|$)|{_MOUNTS_MEDIA})"
_BESIDE = rf"^[[:space:]]*ExecStart(Pre|Post)[[:space:]]*=.*{_WORDS}"
_OF_USERS = " ".join(
    f"{home}/.config/{files}"
    for home in ("/root", "/home/*")
    for files in ("autostart/*.desktop", "systemd/user/*.service")
)
_OF_USERS += " /etc/xdg/autostart/*.desktop /etc/systemd/user/*.service /usr/lib/systemd/user/*.service"
_WAITS = r"^[[:space:]]*(Path|DirectoryNotEmpty).*=[[:space:]]*/(dev|media|run/media)(/|$)"

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
set -- "$@" {_STARTING} $(
    for directory in {EVERYWHERE}; do
        grep -lsE '{_WAITS}|{_BESIDE}' "$directory"/*.path "$directory"/*.path.d/*.conf \
            "$directory"/*.service "$directory"/*.service.d/*.conf
    done | sed 's|/[^/]*\.conf$||; s|\.d$||; s|.*/||; /@\./d' | sort -u
)
[ $# -eq 0 ] || systemctl show -p {_PROPERTIES} "$@" | sed 's/^/show\t/' || exit 9
{_FILES}
set --
for directory in {EVERYWHERE}; do
    case $directory in */generator*) continue ;; esac
    set -- "$directory"/*.device.wants/* "$directory"/*.device.requires/* "$directory"/*.device.upholds/*
    for file; do
        [ ! -L "$file" ] && [ ! -e "$file" ] || find "$file" -prune -printf 'pulled\t%p\t%l\n'
    done
    grep -HnsE '^[[:space:]]*(Wants|Requires|Requisite|Upholds|BindsTo|OnSuccess)[[:space:]]*=' \
        "$directory"/*.device.d/*.conf "$directory"/device.d/*.conf "$directory"/*.device | sed 's/^/line\t/'
done
grep -HnsE '^([^#]*[^#A-Za-z0-9_.-])?{_WORDS}' /etc/rc.local /etc/crontab /etc/cron.d/* \
    /var/spool/cron/crontabs/* | sed 's/^/starts\t/'
grep -HnsE '^[[:space:]]*Exec(Start(Pre|Post)?)?[[:space:]]*(=|=.*[^A-Za-z0-9_.-]){_WORDS}' \
    {_OF_USERS} | sed 's/^/starts\t/'
grep -HsxE '{AUTOMOUNTER_NAMES}' /proc/[0-9]*/comm | sed 's/^/runs\t/'
{PRINT_END}
"""

_ARGV = re.compile(r"argv\[\]=(.*?) ; ignore_errors=")
_PROGRAM = re.compile(rf"(^|/)({AUTOMOUNTER_NAMES})(\s|$)|(^|/)systemd-mount\s|(^|[^\w.-])mount\s.*{MEDIA}")
_WAITS_FOR_MEDIA = re.compile(
    r"/(dev/(?!tty|hvc|rtc|watchdog|tpm|kvm|input|snd|dri|net|i2c|vport|shm|pts|mqueue|log|hugepages)|"
    r"(run/)?media[/ ])"
)
_OTHER_DEVICES = re.compile(
    r"(sys-subsystem-(net|bluetooth|rfkill|tpm)|dev-(tty|hvc|rtc|watchdog|tpm|kvm|input|snd|dri|net|i2c|vport))"
)
_NAMED = re.compile(rf"^({AUTOMOUNTER_NAMES})([@.-].*)?\.(service|socket|path|timer)$")
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
    paths: tuple[str, ...]
    pulled_in_by: tuple[str, ...]

    @property
    def mounts_by_itself(self) -> bool:
        """Whether it is an automounter by name or by what it starts."""
        waits = any(_WAITS_FOR_MEDIA.match(path) for path in self.paths)
        return waits or bool(_NAMED.match(self.name)) or any(mounter(command) for command in self.commands)


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
    keys = ("ExecStart", "ExecStartPre", "ExecStartPost")
    commands = [argv[1] for name, value in block if name in keys for argv in _ARGV.finditer(value)]
    pulled = [name for key in ("WantedBy", "RequiredBy", "TriggeredBy") for name in told.get(key, "").split()]
    return Unit(
        name=told["Id"],
        load=told["LoadState"],
        enabled=told.get("UnitFileState", ""),
        active=told["ActiveState"],
        commands=tuple(commands),
        paths=tuple(value for name, value in block if name == "Paths"),
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


def _with_devices(rows: Rows) -> Iterator[str]:
    """Yield what comes with a device: links and lines, but those of devices that are no medium."""
    nearest: set[str] = set()
    for path, target in rows["pulled"]:
        folder, _, name = path.rpartition("/")
        by = folder.rpartition("/")[2]
        if f"{by}/{name}" in nearest:
            continue
        nearest.add(f"{by}/{name}")
        if target != "/dev/null" and not _OTHER_DEVICES.match(by):
            yield f"{path}: {name}"
    for (line,) in rows["line"]:
        file, number, text = line.split(":", 2)
        by = next((part for part in reversed(file.split("/")) if re.search(r"(^|\.)device(\.d)?$", part)), "")
        if text.partition("=")[2].strip() and not _OTHER_DEVICES.match(by):
            yield f"{file}:{number}: {text.strip()}"


def _units(output: Output) -> Units:
    rows = Rows(output, {"show": 1, "pulled": 2, "line": 1, "starts": 1, "runs": 1} | UNIT_FILES_FIELDS)
    with_devices = list(_with_devices(rows))
    of_users = [line for (line,) in rows["starts"]]
    processes = sorted({line.rpartition(":")[2] for (line,) in rows["runs"]})
    gone_at_boot = [told for told in with_devices if told.startswith("/run/")]
    seen = {unit.name: unit for unit in map(_unit, blocks(line for (line,) in rows["show"]))}
    units = list(seen.values())
    running = [unit for unit in units if unit.mounts_by_itself and unit.active in _RUNS]
    return Units(
        now=[*sorted(f"{unit.name}: {unit.active}" for unit in running), *processes, *gone_at_boot],
        boot=[
            *_boot(units, unit_files(rows)),
            *(told for told in with_devices if told not in gone_at_boot),
            *of_users,
        ],
    )


UNITS = Probe("removable_media.units", _COMMAND, _units)
