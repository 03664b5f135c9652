"""Display managers' settings that log somebody in without asking."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

FILES = (
    "/etc/gdm3/daemon.conf /etc/gdm3/custom.conf /etc/gdm/custom.conf "
    "/usr/share/lightdm/lightdm.conf.d/*.conf /etc/xdg/lightdm/lightdm.conf.d/*.conf "
    "/etc/lightdm/lightdm.conf.d/*.conf /etc/lightdm/lightdm.conf "
    "/usr/lib/sddm/sddm.conf.d/*.conf /etc/sddm.conf.d/*.conf /etc/sddm.conf "
    "/etc/lxdm/lxdm.conf /etc/slim.conf /etc/default/nodm /etc/greetd/config.toml"
)
"""Where they stand, in the order they are read: of one setting the last counts."""


@dataclass(frozen=True)
class Setting:
    """A line of a display manager's configuration."""

    file: str
    line: int
    text: str


def _true(value: str) -> bool:
    return value.lower() in ("true", "1", "yes", "on")


_NOBODY = ("", "none", "''", '""')


def _somebody(value: str) -> bool:
    return value.lower() not in _NOBODY


# program -> the files of its that count, and the settings (section or None for any, key) that log in
_MEANINGS: dict[str, tuple[str, list[tuple[str | None, str, Callable[[str], bool]]]]] = {
    "gdm": ("/gdm", [("daemon", "automaticloginenable", _true), ("daemon", "timedloginenable", _true)]),
    "lightdm": ("lightdm", [(None, "autologin-user", _somebody), (None, "autologin-guest", _true)]),
    "sddm": ("sddm", [("autologin", "user", _somebody)]),
    "lxdm": ("lxdm", [("base", "autologin", _somebody)]),
    "slim": ("slim.conf", [("", "auto_login", _true)]),
    "nodm": ("nodm", [("", "nodm_enabled", _true)]),
    "greetd": ("greetd", [("initial_session", "user", _somebody)]),
}
_ASSIGNMENT = re.compile(r"([\w-]+)\s*(?:=|\s)\s*[\"']?([^\"'#]*)[\"']?")


def automatic_logins(programs: set[str], settings: list[Setting]) -> list[str]:
    """Return the settings in force that log somebody in, of the display managers that are installed."""
    installed = {"gdm" if program == "gdm3" else program for program in programs}
    last: dict[tuple[str, str, str], tuple[Setting, bool]] = {}
    section, file = "", ""
    for setting in settings:
        if setting.file != file:
            section, file = "", setting.file
        if setting.text.startswith("["):
            section = setting.text.strip("[] ").lower()
            continue
        assignment = _ASSIGNMENT.match(setting.text)
        if assignment is None or setting.text.startswith(("#", ";")):
            continue
        key, value = assignment[1].lower(), assignment[2].strip()
        for program in installed & _MEANINGS.keys():
            belongs, meanings = _MEANINGS[program]
            for wanted, name, means in meanings:
                if belongs in file and key == name and wanted in (None, section):
                    last[program, section, key] = (setting, means(value))
    return [f"{at.file}:{at.line}: {at.text}" for at, logs_in in last.values() if logs_in]
