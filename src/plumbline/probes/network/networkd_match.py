"""Which .network file is for an interface: its [Match] section (systemd.network(5), tried with 252)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from plumbline.probes.files import glob_matches
from plumbline.probes.network.live import Interface
from plumbline.probes.network.plan import Entry, Surroundings, boolean, in_force
from plumbline.probes.system import CONTAINERS

LISTS = ("Name", "MACAddress", "PermanentMACAddress", "Type", "Kind", "Driver", "Path")
CONDITIONS = ("Host", "Virtualization")
UNSEEN = (
    *("Property", "WLANInterfaceType", "SSID", "BSSID"),
    *("Architecture", "Firmware", "Version", "Credential", "KernelVersion", "KernelCommandLine"),
)
"""Keys that match by what no probe observes."""


def matches(entries: Sequence[Entry], interface: Interface, host: Surroundings) -> bool | Entry:
    """Say whether a [Match] section is for an interface; the entry that leaves it open where one does.

    A section without a key that systemd knows is for none.
    """
    said: list[bool] = []
    open_: list[Entry] = []
    for key in LISTS:
        found = in_force(entries, key)
        if found and _is_open(key, interface):
            open_ += found
        elif found:
            said.append(_in_list(found, _candidates(key, interface), key))
    for key in CONDITIONS:
        found = in_force(entries, key)
        if found:
            said.append(_condition(key, found[-1].value, host))
    for key in UNSEEN:
        open_ += in_force(entries, key)
    if not all(said) or not (said or open_):
        return False
    return open_[0] if open_ else True


def _candidates(key: str, interface: Interface) -> Sequence[str | None]:
    if key == "Name":
        return interface.names
    if key == "MACAddress":
        return (interface.mac,)
    if key == "PermanentMACAddress":
        return (interface.permanent_mac,)
    if key == "Kind":
        return (interface.kind or None,)
    if key in ("Driver", "Path"):
        return (_told(key, interface) or None,)
    return (interface.devtype or interface.link_type,)


def _is_open(key: str, interface: Interface) -> bool:
    """Say whether what a key matches by may be there unseen; only devices have a path, loopback nothing."""
    if key == "Driver":
        return not interface.driver and not interface.loopback
    return key == "Path" and not (interface.path or interface.kind or interface.loopback)


def _told(key: str, interface: Interface) -> str:
    return interface.driver if key == "Driver" else interface.path


def _in_list(entries: Sequence[Entry], candidates: Sequence[str | None], key: str) -> bool:
    """Match a list of globs: no word after `!` may match, and one of the others must, if there are any.

    A `!` before the first word of a line is before each word of that line.
    """
    words: list[str] = []
    for entry in entries:
        sign = "!" if entry.value.startswith("!") else ""
        told = entry.value.removeprefix("!").split()
        words += [sign + (word if key == "Name" else re.sub("[\"']", "", word)) for word in told]
    if key.endswith("MACAddress"):
        return candidates[0] in [_mac(word) for word in words]
    return any(_passes(candidate, words) for candidate in candidates)


def _passes(candidate: str | None, words: Sequence[str]) -> bool:
    wanted = [word for word in words if not word.startswith("!")]
    if candidate is None:
        return not wanted
    if any(glob_matches(candidate, word[1:]) for word in words if word.startswith("!")):
        return False
    return not wanted or any(glob_matches(candidate, word) for word in wanted)


def _mac(word: str) -> str:
    digits = re.sub(r"[^0-9a-f]", "", word.lower())
    return ":".join(digits[i : i + 2] for i in range(0, len(digits), 2))


def _condition(key: str, value: str, host: Surroundings) -> bool:
    inverted = value.startswith("!")
    wanted = value.removeprefix("!").strip()
    if key == "Host":
        hit = glob_matches(host.hostname.lower(), wanted.lower())
    else:
        hit = _virtualized(wanted, host.virtualization)
    return hit != inverted


def _virtualized(wanted: str, found: str) -> bool:
    anything = boolean(wanted)
    if anything is not None:
        return (found != "none") == anything
    if wanted == "container":
        return found in CONTAINERS
    if wanted == "vm":
        return found not in (*CONTAINERS, "none")
    return wanted == found
