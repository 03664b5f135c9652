"""chrony's configuration beyond the names of its sources: how they are trusted, and whom it serves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from plumbline.probes.time.marked import Marked

_SOURCE = re.compile(r"\s*(server|pool|peer)\s+(\S+)(.*)", re.IGNORECASE)
_SERVING = {
    "allow": "others may ask for the time",
    "broadcast": "time is sent to a network",
    "ntsserverkey": "time is served with NTS",
    "ntsservercert": "time is served with NTS",
    "cmdallow": "others may ask chronyd about itself",
    "local": "without a source the host's own clock counts as right",
}
_OWN = {"offset", "noselect", "copy", "offline"}
"""Options of a source by which its time is not taken as it is, or not until somebody says so."""


def trusted(printed: Marked) -> dict[str, str]:
    """Return by what each source will prove itself: `nts`, a key as `key 7 SHA256`, or `none`.

    A key that the file of keys does not have is told as `key 7 —`: chronyd asks such a source for nothing.
    """
    keys = dict(line.split(" ", 1) for mark, line in printed if mark == "key" and " " in line)
    found = {}
    for name, options in _sources(printed):
        if "nts" in options:
            found[name] = "nts"
        elif "key" in options[:-1]:
            number = options[options.index("key") + 1]
            found[name] = f"key {number} {keys.get(number, '—')}"
        else:
            found[name] = "none"
    return found


def altered(printed: Marked) -> list[str]:
    """Return what is done to the time of sources: shifted, not selected, or trusted without their keys."""
    found = []
    for name, options in _sources(printed):
        for option, value in pairwise([*options, ""]):
            if option in _OWN and not (option == "offset" and _is_zero(value)):
                found.append(f"{name} {option}" + (f" {value}" if option == "offset" else ""))
    for words in _directives(printed):
        if words[0] == "authselectmode" and words[1:] == ["ignore"]:
            found.append("authselectmode ignore")
        if words[0] == "nocerttimecheck":
            found.append(" ".join(words))
    return found + _too_few(printed)


def _too_few(printed: Marked) -> list[str]:
    """Return by what the clock follows none of the sources, as more are wanted than there are."""
    wanted = [words[1] for words in _directives(printed) if words[0] == "minsources" and len(words) > 1][-1:]
    names = {name for name, _ in _sources(printed)}
    pools = any(mark == "configuration" and re.match(r"\s*pool\s", line, re.I) for mark, line in printed)
    return [f"minsources {number}" for number in wanted if not pools and _number(number) > len(names)]


def serving(printed: Marked) -> list[str]:
    """Return directives by which chronyd will serve others; with `port 0` it serves no time."""
    directives = list(_directives(printed))
    ports = [words[1] for words in directives if words[0] == "port" and len(words) > 1]
    command_ports = [words[1] for words in directives if words[0] == "cmdport" and len(words) > 1]
    found = []
    for words in directives:
        is_off = (ports[-1:] == ["0"] and words[0] in {"allow", "broadcast"}) or (
            command_ports[-1:] == ["0"] and words[0] == "cmdallow"
        )
        if words[0] in _SERVING and not is_off:
            found.append(f"{' '.join(words)}: {_SERVING[words[0]]}")
    return found


def _sources(printed: Marked) -> Iterator[tuple[str, list[str]]]:
    for mark, line in printed:
        if mark == "configuration" and (source := _SOURCE.match(line)):
            yield source[2].lower().rstrip("."), source[3].lower().split()


def _directives(printed: Marked) -> Iterator[list[str]]:
    for mark, line in printed:
        words = line.lower().split()
        if mark == "configuration" and words:
            yield words


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _is_zero(value: str) -> bool:
    try:
        return float(value) == 0
    except ValueError:
        return False
