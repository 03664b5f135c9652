"""What will be configured at boot, whichever program does it: the form all readers of configuration give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from plumbline.probes.files import ConfigFile
from plumbline.probes.network.live import Interface
from plumbline.verify.seen import Seen


@dataclass
class Planned:
    """What is configured for one interface; every finding knows its file and line.

    `file`: base name of the file that applies, where one of several does;
    `up`: what brings it up; `created`: what makes it, if it is no device; `ipv6`: what switches IPv6 on;
    `routes`: routes and rules but those the kernel makes of addresses, defaults as `default via GATEWAY`.
    """

    interface: str
    file: str = ""
    up: list[Seen] = field(default_factory=list)
    created: list[Seen] = field(default_factory=list)
    addresses: list[Seen] = field(default_factory=list)
    dhcp: list[Seen] = field(default_factory=list)
    ipv6: list[Seen] = field(default_factory=list)
    routes: list[Seen] = field(default_factory=list)
    forwarding: list[Seen] = field(default_factory=list)


@dataclass(frozen=True)
class Surroundings:
    """What decides which configuration applies: the files, the interfaces there are, and the host itself."""

    files: Mapping[str, ConfigFile]
    interfaces: Mapping[str, Interface]
    hostname: str
    virtualization: str


@dataclass(frozen=True)
class Entry:
    """One `key = value` of an INI file, with its place; an empty value takes back those before it."""

    key: str
    value: str
    where: str


@dataclass(frozen=True)
class Section:
    """One section as it stands in one file; the same name may come again."""

    name: str
    entries: tuple[Entry, ...]

    def all(self, key: str) -> list[Entry]:
        """Return the entries of a key that count: those after the last empty one."""
        return in_force(self.entries, key)


def in_force(entries: Sequence[Entry], key: str) -> list[Entry]:
    """Return the entries of a list-like key that count: those after the last empty one."""
    found: list[Entry] = []
    for entry in entries:
        if entry.key == key:
            found = [*found, entry] if entry.value else []
    return found


def sections(file: ConfigFile) -> Iterator[Section]:
    """Yield the sections of an INI file as systemd reads it: without comments, joined by backslashes."""
    name = ""
    entries: list[Entry] = []
    begun, start = "", 0
    for number, line in enumerate(file.lines, 1):
        text = line.strip()
        if text.startswith(("#", ";")) or (not text and not begun):
            continue
        start = start if begun else number
        if line.rstrip().endswith("\\") and number < len(file.lines):
            begun += line.rstrip()[:-1] + " "
            continue
        text, begun = (begun + line).strip(), ""
        if text.startswith("[") and text.endswith("]"):
            yield Section(name, tuple(entries))
            name, entries = text[1:-1], []
            continue
        key, equals, value = text.partition("=")
        if equals:
            entries.append(Entry(key.strip(), value.strip(), f"{file.path}:{start}"))
    yield Section(name, tuple(entries))


_TRUE = ("1", "yes", "y", "true", "t", "on")
_FALSE = ("0", "no", "n", "false", "f", "off")


def boolean(value: str) -> bool | None:
    """Return a truth value as systemd reads it; None if it is none."""
    lowered = value.lower()
    return True if lowered in _TRUE else False if lowered in _FALSE else None
