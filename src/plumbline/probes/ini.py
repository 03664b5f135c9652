"""INI files as systemd reads them: sections, joined lines, lists that an empty value takes back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from plumbline.probes.files import ConfigFile


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
    """Yield the sections of an INI file as systemd does: no byte order mark, no comments, joined by \\."""
    name = ""
    entries: list[Entry] = []
    begun, start = "", 0
    for number, raw in enumerate(file.lines, 1):
        line = raw.removeprefix("\ufeff") if number == 1 else raw
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
