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
from plumbline.probes.unit_files import DIRECTORIES, EVERYWHERE

GENERATORS = """
systemd-* cloud-init-generator netplan lvm2-activation-generator friendly-recovery openvpn-generator
postgresql-generator nfs-server-generator rpc-pipefs-generator snapd-generator zfs-mount-generator
selinux-autorelabel-generator.sh kdump-dep-generator.sh ostree-system-generator podman-system-generator
s390-cpi-generator sshd-generator postfix-instance-generator
"""
"""Generators of Debian's packages, as shell patterns: they make mounts of fstab or of no medium."""

_KNOWN = " | ".join(f"/usr/lib/systemd/system-generators/{name}" for name in GENERATORS.split())
_FILES = " ".join(f"{d}/*.mount {d}/*.mount.d/*.conf" for d in EVERYWHERE.split())
_COMMAND = rf"""
[ ! -f /etc/fstab ] || awk '!/^[ \t]*(#|$)/ {{
    count = split($4, options, ","); kept = ""
    for (i = 1; i <= count; i++)
        if (options[i] ~ /^(auto|noauto|nofail|(comment=|x-)systemd\.automount)$/ ||
            options[i] ~ /^x-systemd\.(wanted|required)-by=/)
            kept = kept "," options[i]
    print "fstab\t" FNR "\t" $1 "\t" $2 "\t" $3 "\t" substr(kept, 2)
}}' /etc/fstab || exit 9
[ ! -f /etc/fstab ] || for source in $(awk '$1 ~ /^\/dev\// {{ print $1 }}' /etc/fstab); do
    [ ! -L "$source" ] || printf 'alias\t%s\t%s\n' "$source" "$(readlink -f "$source")"
done
set --
for file in $(grep -lsE '^[[:space:]]*What[[:space:]]*=.*(/dev/|=)' {_FILES}); do
    file=${{file%.d/*.conf}}
    set -- "$@" "${{file##*/}}"
done
[ $# -eq 0 ] || systemctl show \
    -p Id,LoadState,UnitFileState,ActiveState,What,Where,WantedBy,RequiredBy,TriggeredBy "$@" |
    sed 's/^/show\t/' || exit 9
for directory in {" ".join(DIRECTORIES)}; do
    for file in "$directory"/*.wants/*mount "$directory"/*.requires/*mount "$directory"/*.upholds/*mount; do
        [ ! -L "$file" ] || printf 'wants\t%s\t%s\n' "$file" "$(readlink "$file")"
    done
done
for file in /etc/systemd/system-generators/* /usr/local/lib/systemd/system-generators/* \
    /usr/lib/systemd/system-generators/*; do
    case $file in {_KNOWN}) continue ;; esac
    [ ! -f "$file" ] || [ ! -x "$file" ] || printf 'generator\t%s\n' "$file"
done
if command -v lsblk >/dev/null; then
    lsblk -nPpo NAME,RM,TRAN,UUID,PARTUUID,LABEL,PARTLABEL 2>/dev/null | sed 's/^/device\t/'
fi
{PRINT_END}
"""

_FIELDS = {"fstab": 5, "alias": 2, "wants": 2, "generator": 1, "show": 1, "device": 1}

_BY_NAME = re.compile(
    r"^/dev/(sr\d|scd\d|cdrom|cdrw|dvd|dvdrw|fd\d|floppy|disk/by-id/(usb|mmc|memstick)-|disk/by-path/.*usb)"
)
_MEDIA = re.compile(r"^/(run/)?media(/|$)")
_NEVER_MEDIA = re.compile(r"^/dev/((mapper|md|zvol)/|(md|dm-|loop|z?ram|nbd|rbd|drbd|x?vd|bcache)[a-z0-9])")
_PULLED_IN = re.compile(r"(comment=|x-)systemd\.automount|x-systemd\.(wanted|required)-by=.")
_FIXED = re.compile(r"^(/|/boot|/boot/efi|/efi|/usr|/var|/home|none|swap)$")


@dataclass(frozen=True)
class Device:
    """A block device: the names it goes by, and whether its medium can be taken out."""

    names: frozenset[str]
    removable: bool


@dataclass(frozen=True)
class Mounts:
    """Mounts of removable media that are made without being asked for: `now` by systemd, `boot` by files.

    `generators` are programs nobody knows that make units at boot (systemd.generator(7)).
    """

    now: list[str]
    boot: list[str]
    generators: list[str]


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
    if _NEVER_MEDIA.match(plain):
        return False
    return None if re.match(r"/dev/(disk/|[^/]+$)", plain) or "=" in plain else False


def _fstab(rows: Rows, devices: list[Device]) -> list[str]:
    found = []
    links: dict[str, str] = dict(rows["alias"])  # type: ignore[arg-type]  # rows of this tag have two fields
    for number, source, where, _, listed in rows["fstab"]:
        options = listed.split(",")
        pulled_in = any(_PULLED_IN.match(option) for option in options)
        makes_itself = "noauto" not in options or pulled_in
        removable = _removable(source, where, devices)
        if not removable and source in links:
            removable = _removable(links[source], where, devices)
        absent = removable is None and ("nofail" in options or pulled_in)
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


def _wanted(rows: Rows, unit: str) -> list[str]:
    """Return what has a mount unit made at boot, itself or by its automount, as the links on disk have it."""
    names = {unit, f"{unit.removesuffix('.mount')}.automount"}
    wanted: dict[str, tuple[str, str]] = {}
    for path, target in rows["wants"]:
        folder, _, name = path.rpartition("/")
        if name in names:
            wanted.setdefault(f"{folder.rpartition('/')[2]}/{name}", (path, target))
    return [path for path, target in wanted.values() if target != "/dev/null"]


def _at_boot(rows: Rows, devices: list[Device]) -> Iterable[str]:
    """Yield the mount units of removable media that links on disk have made, whatever systemd has read."""
    for block in blocks(line for (line,) in rows["show"]):
        unit = dict(block)
        removable = _removable(unit.get("What", ""), unit.get("Where", ""), devices)
        wanted = _wanted(rows, unit["Id"])
        by_automount = any(path.endswith(".automount") for path in wanted)
        if unit["LoadState"] == "loaded" and wanted and (removable or (removable is None and by_automount)):
            yield f"{unit['Id']}: {unit['What']} on {unit['Where']}, by {', '.join(wanted)}"


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
    boot |= {
        told: None
        for told in _at_boot(rows, devices)
        if not any(known.startswith(f"{told.partition(':')[0]}:") for known in boot)
    }
    return Mounts(list(now), list(boot), [path for (path,) in rows["generator"]])


MOUNTS = Probe("removable_media.mounts", _COMMAND, _mounts)
