"""Display managers' settings that log somebody in without asking."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from plumbline.probes.session.login_program import Login

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


def _no_greeter(value: str) -> bool:
    """Say whether a command of greetd's is no greeter, so that it opens a session itself."""
    return "greet" not in value and "ddlm" not in value


# program -> the files of its that count, the settings (section or None for any, key) that log in, and the key
# beside them that says whom; None if the setting itself does
_MEANINGS: dict[str, tuple[str, list[tuple[str | None, str, Callable[[str], bool], str | None]]]] = {
    "gdm": (
        "/gdm",
        [
            ("daemon", "automaticloginenable", _true, "automaticlogin"),
            ("daemon", "timedloginenable", _true, "timedlogin"),
        ],
    ),
    "lightdm": (
        "lightdm",
        [(None, "autologin-user", _somebody, None), (None, "autologin-guest", _true, "")],
    ),
    "sddm": ("sddm", [("autologin", "user", _somebody, None)]),
    "lxdm": ("lxdm", [("base", "autologin", _somebody, None)]),
    "slim": ("slim.conf", [("", "auto_login", _true, "default_user")]),
    "nodm": ("nodm", [("", "nodm_enabled", _true, "nodm_user")]),
    "greetd": (
        "greetd",
        [
            ("initial_session", "user", _somebody, None),
            ("default_session", "command", _no_greeter, "user"),
        ],
    ),
}
_ASSIGNMENT = re.compile(r"([\w-]+)\s*(?:=|\s)\s*[\"']?([^\"'#]*)[\"']?")


def automatic_logins(programs: set[str], settings: list[Setting]) -> list[Login]:
    """Return the settings in force that log somebody in, of the display managers that are installed."""
    installed = {"gdm" if program == "gdm3" else program for program in programs}
    last: dict[tuple[str, str, str], Login | None] = {}
    values: dict[tuple[str, str, str], str] = {}
    whom: dict[tuple[str, str, str], str] = {}
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
            if belongs not in file:
                continue
            values[program, section, key] = value
            for wanted, name, means, who in meanings:
                if key == name and wanted in (None, section):
                    told = f"{setting.file}:{setting.line}: {setting.text}"
                    at = (program, section, key)
                    last[at] = Login(told, value) if means(value) else None
                    whom[at] = key if who is None else who
    return [
        Login(login.told, values.get((program, section, whom[program, section, key]), ""))
        for (program, section, key), login in last.items()
        if login is not None
    ]
