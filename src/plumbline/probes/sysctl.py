"""Kernel settings: the live values, and those systemd-sysctl(8) will set at the next boot.

At boot: the kernel's own `sysctl.` parameters first, then the files of all sysctl.d directories by base name,
a later assignment of a key replacing an earlier one; a key written out keeps globs off it, and so does a
line `-key` (sysctl.d(5); read in systemd's `src/sysctl/sysctl.c`). /etc/sysctl.conf counts only through a
link in one of the directories.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from plumbline.probes.base import Output, Probe
from plumbline.probes.boot_commands import BOOT_COMMANDS, ON_DISK, sets
from plumbline.probes.files import FIELDS, ConfigFile, effective, glob_matches, print_files, read_files
from plumbline.probes.subject import Subject
from plumbline.probes.sysctl_service import FIND, PATTERNS, hindrance
from plumbline.probes.tagged import PRINT_END, Rows
from plumbline.verify.seen import Reading

DIRECTORIES = (
    "/etc/sysctl.d",
    "/run/sysctl.d",
    "/usr/local/lib/sysctl.d",
    "/usr/lib/sysctl.d",
    "/lib/sysctl.d",
)

TRANSIENT = "/run/"
"""What stands here is gone at boot."""

_OF_INTERFACE = {
    "ipv4": "forwarding bc_forwarding mc_forwarding accept_redirects secure_redirects send_redirects "
    "rp_filter accept_source_route log_martians proxy_arp proxy_arp_pvlan arp_ignore arp_announce arp_filter "
    "shared_media route_localnet drop_unicast_in_l2_multicast drop_gratuitous_arp",
    "ipv6": "disable_ipv6 forwarding mc_forwarding accept_ra accept_ra_defrtr accept_ra_pinfo autoconf "
    "accept_redirects accept_source_route use_tempaddr proxy_ndp router_solicitations",
}

LIVE_PATTERNS = (
    "net/ipv4/*",
    *(f"net/{family}/conf/*/{key}" for family, keys in _OF_INTERFACE.items() for key in keys.split(" ")),
    "net/core/*",
    "kernel/*",
    "kernel/yama/*",
    "fs/*",
    "vm/mmap_min_addr",
    "vm/overcommit_memory",
    "vm/swappiness",
)
"""Which keys' live values are read, for a shell to expand below /proc/sys, none of them twice; of the keys an
interface has only those that a standard may speak of, for a host may have hundreds of interfaces."""

_NOT_READ = "fastopen_key|stable_secret|/random/|file-nr|inode-|dentry-state|last_pid|cad_pid|aio-nr"
"""Secrets, and what differs every time it is read."""

_SAME_SETTING = {"net/ipv4/ip_forward": "net/ipv4/conf/all/forwarding"}
"""Two names of one value in the kernel: what is written last under either counts."""

_COMMAND = f"""
cd /proc/sys || exit 9
grep -as '' {" ".join(LIVE_PATTERNS)} /dev/null | grep -avE '^[^:]*({_NOT_READ})' | sed 's/^/live\\t/'
cd /
tr -s ' ' '\\n' </proc/cmdline | sed -n 's/^sysctl\\./cmdline\\t/p'
"""

_TAGS = {"live": 1, "cmdline": 1, "link": 2, **FIELDS}


@dataclass(frozen=True)
class Assignment:
    """One assignment: the key as a path below /proc/sys (globs allowed), None as value for `-key`."""

    key: str
    value: str | None
    where: str

    @property
    def is_glob(self) -> bool:
        """Whether the key stands for several."""
        return any(sign in self.key for sign in "*?[")


@dataclass(frozen=True)
class Settings:
    """`live`: path below /proc/sys -> value; `persistent`: what is set at boot, in the order of writing.

    `hindrance`: what keeps systemd-sysctl from setting it, if anything does.
    """

    live: dict[str, str]
    persistent: list[Assignment]
    hindrance: str | None = None

    @property
    def ipv6(self) -> bool:
        """Whether the kernel speaks IPv6 at all; with `ipv6.disable=1` it has no such keys."""
        return any(key.startswith("net/ipv6/conf/") for key in self.live)


def normal_key(key: str) -> str:
    """Return a key as a path below /proc/sys.

    Slashes separate if the first separator is one; else dots do, and the two are swapped (sysctl.d(5)).
    """
    separator = re.search(r"[./]", key)
    if separator is not None and separator[0] == ".":
        key = key.translate(str.maketrans("./", "/."))
    return "/".join(part for part in key.split("/") if part not in ("", "."))


def shown_key(key: str) -> str:
    """Return a path below /proc/sys as people write it, dots between."""
    return key.translate(str.maketrans("./", "/."))


def normal_value(value: str) -> int | str:
    """Return a value as the kernel tells it: a whole number where it is one, fields one blank apart."""
    text = " ".join(value.split())
    return int(text) if re.fullmatch(r"-?\d{1,20}", text) else text


def assignments(files: Iterable[ConfigFile]) -> list[Assignment]:
    """Return what is set by files in the order they are read: later assignments replace earlier ones.

    The same value again leaves the first in its place, another one goes to the end, as in systemd-sysctl.
    """
    found: dict[str, Assignment] = {}
    for file in files:
        for number, line in enumerate(file.lines, 1):
            made = _assignment(line.strip(), f"{file.path}:{number}")
            if made is None or (made.key in found and found[made.key].value == made.value):
                continue
            found.pop(made.key, None)
            found[made.key] = made
    return list(found.values())


def _assignment(line: str, where: str) -> Assignment | None:
    if not line or line[0] in "#;":
        return None
    key, equals, value = line.partition("=")
    if not equals and not key.startswith("-"):
        return None
    return Assignment(normal_key(key.removeprefix("-").strip()), value.strip() if equals else None, where)


def parse_settings(output: Output) -> Settings:
    """Parse the probe's rows."""
    rows = Rows(output, _TAGS)
    live: dict[str, str] = {}
    for (line,) in rows["live"]:
        path, _, value = line.partition(":")
        live[path] = f"{live[path]}\n{value}" if path in live else value
    if "kernel/ostype" not in live:
        raise ValueError("not even kernel.ostype is told, so no live value is")
    at_start = []
    for (parameter,) in rows["cmdline"]:
        made = _assignment(parameter, "kernel command line")
        if made is not None:
            at_start.append(made)
    files = read_files(rows)
    lasting = {path: file for path, file in files.items() if not path.startswith(TRANSIENT)}
    from_files = assignments(effective(lasting, DIRECTORIES, ".conf"))
    links = {path: target for path, target in rows["link"]}  # noqa: C416  (dict() is not typed for rows)
    return Settings(live, [*at_start, *from_files], hindrance(files, links))


def at_boot(settings: Settings, key: str) -> Assignment | None:
    """Return the assignment that decides a key (a path without globs) at boot; None if nothing sets it."""
    names = {key, _SAME_SETTING.get(key, key)} | {one for one, two in _SAME_SETTING.items() if two == key}
    explicit = {made.key for made in settings.persistent if not made.is_glob}
    decided: Assignment | None = None
    for made in settings.persistent:
        if made.value is None:
            continue
        for name in names:
            if made.key == name or (made.is_glob and name not in explicit and covers(made.key, name)):
                decided = made
    return decided


def covers(pattern: str, key: str) -> bool:
    """Say whether a glob stands for a key; no sign of it reaches over a slash (glob(7))."""
    parts, segments = pattern.split("/"), key.split("/")
    return len(parts) == len(segments) and all(
        glob_matches(segment, part) for part, segment in zip(parts, segments, strict=True)
    )


SYSCTL: Probe[Settings] = Probe(
    "sysctl.settings",
    f"{_COMMAND}{FIND}"
    f"{print_files([*(f'{directory}/*.conf' for directory in DIRECTORIES[:-1]), *PATTERNS, '$p'])}"
    f"if [ ! -L /lib ]; then {print_files([f'{DIRECTORIES[-1]}/*.conf'])} fi; {PRINT_END}",
    parse_settings,
)


class Sysctl(Subject):
    """Kernel settings by key as in sysctl.d(5), a `*` standing for one part: every interface."""

    @property
    def ipv6(self) -> bool:
        """Whether the kernel speaks IPv6 at all."""
        return self.read(SYSCTL).ipv6

    def now(self, key: str) -> list[Reading]:
        """Return the live value of each key that `key` stands for, whole numbers as such."""
        settings = self.read(SYSCTL)
        path = normal_key(key)
        found = self._live_keys(settings, path)
        if not found and not self._absent(settings, path):
            return [Reading(key, None, "the kernel has no such key")]
        return [Reading(shown_key(name), normal_value(settings.live[name]), "live") for name in found]

    def boot(self, key: str) -> list[Reading]:
        """Return what each key that `key` stands for will be set to at boot, and by which file and line.

        A `*` stands for every interface there is and every one that a file names: one that comes later is
        given its keys then. An interface no file names gets what `default` is set to.
        """
        settings = self.read(SYSCTL)
        path = normal_key(key)
        if self._absent(settings, path):
            return []
        unset = "not set in any file"
        by_commands = self._by_commands(path)
        if settings.hindrance is not None:
            return [Reading(key, None, settings.hindrance), *by_commands]
        keys = self._live_keys(settings, path) if "*" in path else [path]
        named = [made.key for made in settings.persistent if not made.is_glob and made.value is not None]
        keys += [name for name in named if name not in keys and covers(path, name)]
        found = []
        for name in keys:
            made = at_boot(settings, name)
            if made is None and "*" in path:
                made = at_boot(settings, path.replace("*", "default"))
            value = None if made is None or made.value is None else normal_value(made.value)
            found.append(Reading(shown_key(name), value, made.where if made else unset))
        return found + by_commands

    def _by_commands(self, path: str) -> list[Reading]:
        """Return what commands of the boot set a key to; None where a line does not tell what."""
        return [
            Reading(shown_key(path), None if value == "?" else normal_value(value), str(line))
            for line in self.read(BOOT_COMMANDS).of(self.read(ON_DISK))
            for value in sets(line, path)
        ]

    def _live_keys(self, settings: Settings, path: str) -> list[str]:
        return sorted(name for name in settings.live if covers(path, name))

    @staticmethod
    def _absent(settings: Settings, path: str) -> bool:
        return path.startswith("net/ipv6/") and not settings.ipv6
