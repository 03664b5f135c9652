"""KDE Plasma's settings for every user: files below /etc/xdg, locked by `[$i]` (KConfig's kiosk).

A mark `[$i]` on a line of its own locks the file, after a group's name the group, after a key's name the key:
of what is locked users' own files say nothing (tried with kreadconfig5 5.103). What is not set is as
kscreenlocker and the device automounter have it (kscreenlockersettings.kcfg, AutomounterSettings; Plasma 5.27
and 6.3).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from plumbline.probes.desktop.setting import Key
from plumbline.probes.limit import NEVER, Limit

LOCKER, RESTRICTIONS = "kscreenlockerrc", "kdeglobals"
MEDIA, MODULES = "kded_device_automounterrc", ("kded5rc", "kded6rc")
DIRECTORY = "/etc/xdg"

_GROUP = re.compile(r"((?:\[[^\[\]$]*\])+)(\[\$i\w*\])?\s*")
_ENTRY = re.compile(r"([^\[=]+?)\s*((?:\[[^\]]*\])*)\s*=\s*(.*)")
_LOCALE = re.compile(r"\[[^$\]]")
_LOCKED = re.compile(r"\[\$\w*i\w*\]")

Line = tuple[str, int, str]
"""File, line number, text."""


@dataclass
class File:
    """A file's settings by group and key; what is locked besides single keys."""

    keys: dict[tuple[str, str], Key] = field(default_factory=dict)
    locked_groups: set[str] = field(default_factory=set)
    locked: bool = False

    def key(self, schema: str, group: str, name: str, default: str) -> Key:
        """Return a setting; one that is not set has its default, and may be set if nothing locks it."""
        found = self.keys.get((group, name))
        locked = self.locked or group in self.locked_groups
        if found is None:
            return Key(f"{schema} [{group}]", name, default, not locked)
        return Key(f"{schema} [{group}]", name, found.value, found.writable and not locked, found.where)


def read(lines: Iterable[Line], name: str) -> File:
    """Read one file of /etc/xdg by its name; a key given twice has its last value."""
    found, group = File(), ""
    for path, number, raw in lines:
        text = raw.strip()
        if path != f"{DIRECTORY}/{name}" or not text or text.startswith("#"):
            continue
        if _LOCKED.fullmatch(text):
            found.locked, group = True, ""
        elif heading := _GROUP.fullmatch(text):
            group = heading[1][1:-1].replace("][", "/")
            if heading[2]:
                found.locked_groups.add(group)
        elif (entry := _ENTRY.fullmatch(text)) and not _LOCALE.search(entry[2]):
            known = found.keys.get((group, entry[1]))
            if known is None or known.writable:
                locked = _LOCKED.search(entry[2]) is not None
                where = f"{path}:{number}"
                found.keys[group, entry[1]] = Key(name, entry[1], entry[3].strip(), not locked, where)
    return found


def true(value: str) -> bool:
    """Say whether KConfig takes a text as true."""
    return value.lower() in ("true", "on", "yes", "1")


def _number(key: Key, default: float) -> float:
    try:
        return float(key.value)
    except ValueError:
        return default


def screen(lines: list[Line], *, plasma6: bool) -> tuple[Limit, list[Key]]:
    """Return the time until Plasma's screen asks for the password, and settings that leave it open.

    Within `LockGrace` seconds after the screen was locked no password is asked for.
    """
    locker, restrictions = read(lines, LOCKER), read(lines, RESTRICTIONS)
    defaults = {"Autolock": "true", "Timeout": "5", "LockGrace": "5"}
    keys = {name: locker.key(LOCKER, "Daemon", name, value) for name, value in defaults.items()}
    minutes, grace = _number(keys["Timeout"], 5), _number(keys["LockGrace"], 5)
    locks = true(keys["Autolock"].value) and minutes > 0
    told = f"Plasma: {keys['Autolock']}, {keys['Timeout']}, {keys['LockGrace']}"
    limit = Limit(math.ceil(minutes * 60 + max(grace, 0)) if locks else NEVER, told)
    found = [key for key in keys.values() if key.writable]
    if plasma6:
        password = locker.key(LOCKER, "Daemon", "RequirePassword", "true")
        found += [password] if password.writable or not true(password.value) else []
    allowed = restrictions.key(RESTRICTIONS, "KDE Action Restrictions", "action/lock_screen", "true")
    return limit, found + ([] if true(allowed.value) else [allowed])


def mounting(lines: list[Line], *, plasma6: bool) -> list[Key]:
    """Return settings of the device automounter that let it mount, or that users may change so."""
    module = MODULES[1] if plasma6 else MODULES[0]
    loads = read(lines, module).key(module, "Module-device_automounter", "autoload", "true")
    if not loads.writable and not true(loads.value):
        return []
    file = read(lines, MEDIA)
    forced = [
        Key(f"{MEDIA} [{group}]", key.name, key.value, key.writable, key.where)
        for (group, name), key in file.keys.items()
        if name in ("ForceAttachAutomount", "ForceLoginAutomount") and true(key.value)
    ]
    enabled = file.key(MEDIA, "General", "AutomountEnabled", "false")
    if not file.locked:
        # Of each device users' files may say that it is mounted, whatever is said of all.
        return [Key(enabled.schema, enabled.name, enabled.value, writable=True, where=enabled.where), *forced]
    return forced + ([enabled] if true(enabled.value) else [])
