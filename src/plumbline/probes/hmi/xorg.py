"""X's configuration: what an option of the server comes to over all its files (xorg.conf(5)).

The order was tried with Xorg 21.1: /usr/share/X11/xorg.conf.d, then /etc/X11/xorg.conf.d, each by name, then
/etc/X11/xorg.conf. Of two sections the later counts, within one section the first of two lines; what a
ServerLayout says counts over ServerFlags.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from plumbline.probes.files import ConfigFile

_DIRECTORIES = ("/usr/share/X11/xorg.conf.d", "/etc/X11/xorg.conf.d", "/etc/X11")
_SECTION = re.compile(r'\s*section\s+"([^"]*)"', re.IGNORECASE)
_END = re.compile(r"\s*endsection\b", re.IGNORECASE)
_OPTION = re.compile(r'\s*option\s+"([^"]*)"(?:\s+"([^"]*)")?', re.IGNORECASE)
_KEYWORD = re.compile(r"\s*(dont(?:vtswitch|zap))\s*(?:#.*)?$", re.IGNORECASE)
_TRUE, _FALSE = ("1", "on", "true", "yes", ""), ("0", "off", "false", "no")
_LOGGED = re.compile(r'\((?:\*\*|\+\+|==)\) Option "([^"]*)"(?: "([^"]*)")?')


@dataclass(frozen=True)
class Option:
    """An option of the server: whether it is on, None if the value is no truth value, and where it stands."""

    name: str
    on: bool | None
    where: str

    def __str__(self) -> str:
        told = {True: "on", False: "off", None: "neither on nor off"}[self.on]
        return f"{self.name} is {told} ({self.where})"


def _plain(name: str) -> str:
    """Return a name as X compares it: no case, blanks or underscores."""
    return re.sub(r"[\s_]", "", name).lower()


def _truth(value: str) -> bool | None:
    lowered = value.strip().lower()
    return True if lowered in _TRUE else False if lowered in _FALSE else None


def _meant(name: str, value: str, wanted: str) -> tuple[bool, bool | None]:
    """Say whether a line is about the wanted option, and what it makes of it; a leading No turns it round."""
    plain, target = _plain(name), _plain(wanted)
    if plain == target:
        return True, _truth(value)
    if plain == f"no{target}":
        on = _truth(value)
        return True, None if on is None else not on
    return False, None


def _sections(file: ConfigFile) -> Iterator[tuple[str, list[tuple[int, str, str]]]]:
    """Yield the sections of a file: lowered name, and line, option and value of each option in it."""
    name = ""
    options: list[tuple[int, str, str]] = []
    for number, line in enumerate(file.lines, 1):
        if section := _SECTION.match(line):
            name, options = section[1].strip().lower(), []
        elif _END.match(line):
            yield name, options
            name, options = "", []
        elif (option := _OPTION.match(line)) and name:
            options.append((number, option[1], option[2] or ""))
        elif (keyword := _KEYWORD.match(line)) and name == "serverflags":
            options.append((number, keyword[1], ""))


def in_order(files: Mapping[str, ConfigFile]) -> list[ConfigFile]:
    """Return X's files in the order they are read."""
    found = [file for file in files.values() if file.directory in _DIRECTORIES and not file.masked]
    found = [file for file in found if file.directory != "/etc/X11" or file.name == "xorg.conf"]
    found = [file for file in found if file.name.endswith(".conf") and file.name[0] != "."]
    return sorted(found, key=lambda file: (_DIRECTORIES.index(file.directory), file.name.encode()))


def configured(files: Mapping[str, ConfigFile], wanted: str) -> Option:
    """Return what the files make of an option of the server; it is off where nothing sets it."""
    flags, layouts = Option(wanted, False, "set nowhere"), []
    for file in in_order(files):
        for section, options in _sections(file):
            for number, name, value in options:
                about, on = _meant(name, value, wanted)
                if not about:
                    continue
                option = Option(wanted, on, f"{file.path}:{number}")
                if section == "serverflags":
                    flags = option
                elif section == "serverlayout":
                    layouts.append(option)
                break
    off = [option for option in layouts if not option.on]
    return off[0] if off else layouts[-1] if layouts else flags


def logged(lines: Sequence[str], wanted: str, where: str) -> Option:
    """Return what a running server took for an option, by its log; it is off where the log has nothing."""
    for line in lines:
        if found := _LOGGED.match(line):
            about, on = _meant(found[1], found[2] or "", wanted)
            if about:
                return Option(wanted, on, where)
    return Option(wanted, False, where)
