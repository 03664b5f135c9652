"""Mounts of removable media that make themselves: fstab(5), mount and automount units (systemd.mount(5)).

Of fstab only device, mount point, type and the options that decide are printed; others may hold a password.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from plumbline.probes.base import Output, Probe
from plumbline.probes.tagged import PRINT_END, Rows, blocks
from plumbline.probes.unit_files import EVERYWHERE

_FILES = " ".join(f"{d}/*.mount {d}/*.mount.d/*.conf" for d in EVERYWHERE.split())
_COMMAND = rf"""
[ ! -f /etc/fstab ] || awk '!/^[ \t]*(#|$)/ {{
    count = split($4, options, ","); kept = ""
    for (i = 1; i <= count; i++)
        if (options[i] ~ /^(auto|noauto|nofail|x-systemd\.automount)$/) kept = kept "," options[i]
    print "fstab\t" FNR "\t" $1 "\t" $2 "\t" $3 "\t" substr(kept, 2)
}}' /etc/fstab || exit 9
set --
for file in $(grep -lsE '^[[:space:]]*What[[:space:]]*=.*(/dev/|=)' {_FILES}); do
    file=${{file%.d/*.conf}}
    set -- "$@" "${{file##*/}}"
done
[ $# -eq 0 ] || systemctl show \
    -p Id,LoadState,UnitFileState,ActiveState,What,Where,WantedBy,RequiredBy,TriggeredBy "$@" |
    sed 's/^/show\t/' || exit 9
if command -v lsblk >/dev/null; then
    lsblk -nPpo NAME,RM,TRAN,UUID,PARTUUID,LABEL,PARTLABEL 2>/dev/null | sed 's/^/device\t/'
fi
{PRINT_END}
"""

_FIELDS = {"fstab": 5, "show": 1, "device": 1}

_BY_NAME = re.compile(
    r"^/dev/(sr\d|scd\d|cdrom|cdrw|dvd|dvdrw|fd\d|floppy|disk/by-id/(usb|mmc|memstick)-|disk/by-path/.*usb)"
)
_MEDIA = re.compile(r"^/(run/)?media(/|$)")
_FIXED = re.compile(r"^(/|/boot|/boot/efi|/efi|/usr|/var|/home|none|swap)$")


@dataclass(frozen=True)
class Device:
    """A block device: the names it goes by, and whether its medium can be taken out."""

    names: frozenset[str]
    removable: bool


@dataclass(frozen=True)
class Mounts:
    """Mounts of removable media that are made without being asked for: `now` by systemd, `boot` by files."""

    now: list[str]
    boot: list[str]


def _device(line: str) -> Device:
    told = dict(word.split("=", 1) for word in shlex.split(line))
    names = {told["NAME"]}
    for tag in ("UUID", "PARTUUID", "LABEL", "PARTLABEL"):
        if told[tag]:
            names |= {f"{tag}={told[tag]}", f"/dev/disk/by-{tag.lower()}/{told[tag]}"}
    return Device(frozenset(names), told["RM"] == "1" or told["TRAN"] == "usb")


def _removable(source: str, where: str, devices: Iterable[Device]) -> bool | None:
    """Say whether what is mounted can be taken out; None for a device that is not there to be asked."""
    plain = source.replace('"', "")
    if not plain.startswith("/dev/") and not re.match(r"(UUID|PARTUUID|LABEL|PARTLABEL|ID)=", plain):
        return False
    if _BY_NAME.match(plain) or _MEDIA.match(where):
        return True
    for device in devices:
        if plain in device.names:
            return device.removable and not _FIXED.match(where)
    return None if plain.startswith(("/dev/disk/", "/dev/sd")) or "=" in plain else False


def _fstab(rows: Rows, devices: list[Device]) -> list[str]:
    found = []
    for number, source, where, _, listed in rows["fstab"]:
        options = listed.split(",")
        makes_itself = "noauto" not in options or "x-systemd.automount" in options
        removable = _removable(source, where, devices)
        absent = removable is None and ("nofail" in options or "x-systemd.automount" in options)
        if makes_itself and (removable or absent) and not _FIXED.match(where):
            told = listed or "auto"
            found.append(f"/etc/fstab:{number}: {source} on {where} ({told})")
    return found


def _units(rows: Rows, devices: list[Device]) -> Iterable[tuple[dict[str, str], str]]:
    """Yield the mount units of removable media that something triggers or pulls in, with what does."""
    for block in blocks(line for (line,) in rows["show"]):
        unit = dict(block)
        if not unit["Id"].endswith(".mount") or unit["LoadState"] != "loaded":
            continue
        by = " ".join(unit.get(key, "") for key in ("TriggeredBy", "RequiredBy", "WantedBy")).split()
        asked = [name for name in by if name.endswith((".automount", ".target", ".device"))]
        removable = _removable(unit.get("What", ""), unit.get("Where", ""), devices)
        absent = removable is None and any(name.endswith((".automount", ".device")) for name in asked)
        if asked and (removable or absent):
            yield unit, ", ".join(sorted(set(asked)))


def _mounts(output: Output) -> Mounts:
    rows = Rows(output, _FIELDS)
    devices = [_device(line) for (line,) in rows["device"]]
    now: dict[str, None] = {}
    boot = dict.fromkeys(_fstab(rows, devices))
    for unit, by in _units(rows, devices):
        told = f"{unit['Id']}: {unit['What']} on {unit['Where']}, by {by}"
        now[told] = None
        if unit.get("UnitFileState") in ("enabled", "static", "disabled", "indirect", "linked"):
            boot[told] = None
    return Mounts(list(now), list(boot))


MOUNTS = Probe("removable_media.mounts", _COMMAND, _mounts)
