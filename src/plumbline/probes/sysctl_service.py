"""Whether systemd-sysctl.service, which sets the kernel settings at boot, will do so whole and unhindered.

Read from the files that the next boot reads, not from the running manager, which may not have read them yet.
A unit that is any different from the one systemd ships is taken for one that does not do its work.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from plumbline.probes.files import ConfigFile
from plumbline.probes.ini import Entry, in_force, sections

SERVICE = "systemd-sysctl.service"

DIRECTORIES = (
    "/etc/systemd/system.control",
    "/run/systemd/generator.early",
    "/etc/systemd/system",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/run/systemd/generator.late",
)
"""Where units stand at boot, the nearest first (systemd.unit(5)); generators run anew at each boot."""

_DROP_INS = (f"{SERVICE}.d", "systemd-.service.d", "service.d")

FIND = (
    f"set --; for d in {' '.join(DIRECTORIES)}; do "
    '[ ! -d "$d" ] || set -- "$@" "$d"; done; '
    f"""l=$(find "$@" -maxdepth 2 -type l \\( -name {SERVICE} -o -lname '*{SERVICE}' \\) """
    """-printf 'link\\t%p\\t%l\\n') || exit 9; [ -z "$l" ] || printf '%s\\n' "$l"; """
    """aliases=$(printf '%s\\n' "$l" """
    f"""| sed -nE 's|^link\\t[^\\t]*/([A-Za-z0-9@_.-]+)\\t.*|\\1|p' | grep -vxF {SERVICE} | sort -u); p=; """
    'for a in $aliases; do for d; do p="$p $d/$a.d/*.conf"; done; done; '
)
"""Prints the links that are called like the service or point to it, and sets `p` to its aliases' drop-ins."""

PATTERNS = tuple(
    f"{directory}/{name}"
    for directory in DIRECTORIES
    for name in (SERVICE, *(f"{folder}/*.conf" for folder in _DROP_INS))
)
"""Its files, for `print_files`; with `$p` after them those of its aliases."""

_PULLING = ("sysinit.target", "basic.target", "multi-user.target")
_PROGRAMS = ("/usr/lib/systemd/systemd-sysctl", "/lib/systemd/systemd-sysctl")
_HARMLESS = {
    "Unit": ("Description", "Documentation", "DefaultDependencies", "After", "Before", "Wants"),
    "Service": ("RemainAfterExit", "TimeoutSec", "TimeoutStartSec", "LoadCredential", "ImportCredential"),
}
_AS_SHIPPED = {
    ("Unit", "Conflicts"): ("shutdown.target",),
    ("Unit", "ConditionPathIsReadWrite"): ("/proc/sys/net/", "/proc/sys/"),
    ("Service", "Type"): ("oneshot",),
    ("Service", "ExecStart"): _PROGRAMS,
}


def hindrance(files: Mapping[str, ConfigFile], links: Mapping[str, str]) -> str | None:
    """Say what keeps the service from setting everything at boot, and where; None if nothing does.

    `files` are those of `PATTERNS`, `links` paths with what they point to.
    """
    if not _pulled_in(links):
        return f"{SERVICE} is not started at boot"
    fragment = next((path for d in DIRECTORIES if (path := f"{d}/{SERVICE}") in files), None)
    if fragment is None:
        return f"there is no {SERVICE}"
    if files[fragment].masked or not files[fragment].lines:
        return f"{SERVICE} is masked by {fragment}"
    if links.get(fragment, SERVICE).rpartition("/")[2] != SERVICE:
        return f"{SERVICE} is another unit by {fragment}"
    return _unlike_shipped([files[fragment], *_drop_ins(files, links)])


def _pulled_in(links: Mapping[str, str]) -> bool:
    """Say whether a target that every boot reaches wants it: the nearest link counts, even to /dev/null."""
    for target in _PULLING:
        for kind in ("wants", "requires", "upholds"):
            paths = (f"{directory}/{target}.{kind}/{SERVICE}" for directory in DIRECTORIES)
            nearest = next((links[path] for path in paths if path in links), "/dev/null")
            if nearest != "/dev/null":
                return True
    return False


def _drop_ins(files: Mapping[str, ConfigFile], links: Mapping[str, str]) -> list[ConfigFile]:
    """Return the drop-ins in the order they are read; of those with one name the nearest counts."""
    aliases = {path.rpartition("/")[2] for path, target in links.items() if target != "/dev/null"}
    nearest: dict[str, ConfigFile] = {}
    for folder in (*_DROP_INS[:1], *(f"{alias}.d" for alias in sorted(aliases)), *_DROP_INS[1:]):
        for directory in DIRECTORIES:
            for file in files.values():
                if file.directory == f"{directory}/{folder}":
                    nearest.setdefault(file.name, file)
    return [nearest[name] for name in sorted(nearest)]


def _unlike_shipped(parts: Iterable[ConfigFile]) -> str | None:
    entries: dict[str, list[Entry]] = {"Unit": [], "Service": []}
    for file in parts:
        for section in sections(file):
            entries.get(section.name, []).extend(section.entries)
    for name, found in entries.items():
        for key in dict.fromkeys(entry.key for entry in found):
            for entry in in_force(found, key):
                shipped = _AS_SHIPPED.get((name, key), ())
                if key not in _HARMLESS[name] and re.sub(r"^[-@:+!|]+", "", entry.value) not in shipped:
                    return f"{SERVICE} has {key}={entry.value}, {entry.where}"
    if len(in_force(entries["Service"], "ExecStart")) != 1:
        return f"{SERVICE} does not start systemd-sysctl once"
    return None
