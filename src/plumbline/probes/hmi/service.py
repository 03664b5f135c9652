"""Services that run as some account, and whether they come back after their program dies.

As systemd has them now (`systemctl show`), and as their files say for the next boot (systemd.service(5)).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from plumbline.probes.session.timespan import INFINITY, microseconds
from plumbline.probes.systemd import Unit
from plumbline.probes.tagged import Rows, blocks
from plumbline.probes.unit_files import Command, UnitFiles, unit_files

SHOWN_PROPERTIES = (
    "Id,LoadState,ActiveState,SubState,User,MainPID,ExecStart,Restart,RestartUSec,StartLimitIntervalUSec,"
    "StartLimitBurst,RestartPreventExitStatus"
)

_ARGV = re.compile(r"argv\[\]=(.*?) ; ignore_errors=")
# systemd-system.conf(5): what counts where a unit's files say nothing
_DEFAULTS = {"Restart": "no", "RestartSec": "100ms", "StartLimitIntervalSec": "10s", "StartLimitBurst": "5"}


@dataclass(frozen=True)
class KioskService:
    """A service of an account: the commands it starts, its main process now, and how it comes back.

    `wait` and `interval` are microseconds: between the program's end and its start, and in which more than
    `burst` starts make systemd give up. `where` tells a setting's place by its name, `conditions` what else
    its start depends on.
    """

    unit: str
    user: str
    active: str
    main: str
    commands: tuple[str, ...]
    restart: str
    wait: int
    interval: int
    burst: int
    prevented: str
    where: dict[str, str]
    conditions: tuple[str, ...] = ()

    def starts(self, words: Sequence[str]) -> bool:
        """Say whether one of its commands holds these words, one after the other."""
        wanted = f" {' '.join(words)} "
        return any(wanted in f" {command} " for command in self.commands)

    def not_coming_back(self, longest: int) -> list[str]:
        """Return why the program is not back within `longest` seconds after it ended, whatever ended it."""
        found = []
        if self.restart != "always":
            found.append(self._told("Restart", self.restart))
        if self.prevented.strip():
            found.append(self._told("RestartPreventExitStatus", self.prevented))
        if self.wait > longest * 1_000_000:
            found.append(self._told("RestartSec", f"{self.wait / 1_000_000:g}s"))
        if self.interval and self.burst and self.burst * self.wait < self.interval:
            within = "ever" if self.interval == INFINITY else f"{self.interval / 1_000_000:g}s"
            found.append(
                f"{self._told('StartLimitBurst', str(self.burst))} starts within {within}, then none"
            )
        return found

    def _told(self, key: str, value: str) -> str:
        place = self.where.get(key, "")
        return f"{self.unit}: {key}={value}" + (f" ({place})" if place else "")


def services_now(lines: Iterable[str]) -> list[KioskService]:
    """Read `systemctl show` of `SHOWN_PROPERTIES`: the services that run as somebody."""
    found: dict[str, KioskService] = {}
    for block in blocks(iter(list(lines))):
        properties: dict[str, str] = {}
        for name, value in block:
            properties[name] = f"{properties[name]}\n{value}" if name in properties else value
        unit = Unit(properties)
        if unit["LoadState"] != "loaded" or not unit["User"]:
            continue
        found[unit["Id"]] = KioskService(
            unit=unit["Id"],
            user=unit["User"],
            active=unit["ActiveState"],
            main=unit["MainPID"],
            commands=tuple(argv[1] for argv in _ARGV.finditer(unit["ExecStart"])),
            restart=unit["Restart"],
            wait=microseconds(unit["RestartUSec"]),
            interval=microseconds(unit["StartLimitIntervalUSec"]),
            burst=int(unit["StartLimitBurst"]),
            prevented=unit["RestartPreventExitStatus"],
            where={},
        )
    return list(found.values())


def services_at_boot(rows: Rows) -> list[KioskService]:
    """Read unit files: the services that will run as somebody."""
    files = unit_files(rows)
    found = []
    for name in files.names():
        users = files.settings(name, "User")
        if users and files.commands(name):
            found.append(_at_boot(files, name, users[-1].value))
    return found


def _at_boot(files: UnitFiles, name: str, user: str) -> KioskService:
    limits = [
        *files.settings(name, "StartLimitInterval", "Service"),
        *files.settings(name, "StartLimitInterval", "Unit"),
        *files.settings(name, "StartLimitIntervalSec", "Unit"),
    ]
    set_by = {
        "Restart": files.settings(name, "Restart"),
        "RestartSec": files.settings(name, "RestartSec"),
        "RestartPreventExitStatus": files.settings(name, "RestartPreventExitStatus"),
        "StartLimitIntervalSec": limits,
        "StartLimitBurst": [
            *files.settings(name, "StartLimitBurst", "Service"),
            *files.settings(name, "StartLimitBurst", "Unit"),
        ],
    }
    last: dict[str, Command] = {key: made[-1] for key, made in set_by.items() if made}
    values = _DEFAULTS | {key: made.value for key, made in last.items()}
    return KioskService(
        unit=name,
        user=user,
        active="",
        main="0",
        commands=tuple(_words(command.value) for command in files.commands(name)),
        restart=values["Restart"],
        wait=microseconds(values["RestartSec"]),
        interval=microseconds(values["StartLimitIntervalSec"]),
        burst=int(values["StartLimitBurst"]),
        prevented=values.get("RestartPreventExitStatus", ""),
        where={key: f"{made.file}:{made.line}" for key, made in last.items()},
        conditions=tuple(_conditions(files, name)),
    )


def _conditions(files: UnitFiles, name: str) -> list[str]:
    """Return what the start depends on and the host's hardware does not answer."""
    found = []
    for path, lines in files.lines.items():
        owner = (
            path.rsplit("/", 2)[-2].removesuffix(".d") if path.endswith(".conf") else path.rsplit("/", 1)[-1]
        )
        if owner not in (name, re.sub(r"@[^@]*\.service$", "@.service", name), "service"):
            continue
        for number, text in lines:
            made = re.match(r"\s*((?:Condition|Assert)\w+)\s*=\s*(\S.*)", text)
            if made and not re.match(r"!?/(dev|sys|proc)/", made[2]):
                found.append(f"{path}:{number}: {made[1]}={made[2]}")
    return found


def _words(command: str) -> str:
    """Return a command as systemd will start it, its words with one blank between (systemd.service(5))."""
    bare = command.lstrip("@-:+!")
    try:
        words = shlex.split(bare)
    except ValueError:
        words = bare.split()
    return " ".join(word.replace("%%", "%").replace("$$", "$") for word in words)
