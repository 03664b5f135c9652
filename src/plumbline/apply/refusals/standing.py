"""How a host stands before it is changed: sshd, disks, packages, a reboot owed, the directory's reach."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from pyinfra.api.facts import FactBase

SCRIPT = Path(__file__).with_name("standing.sh")
"""What is run on the host; it only reads."""

_SIZE = re.compile(r"([0-9.,]+) ([kMGT]?)B")
_FACTORS = {"": 1, "k": 1000, "M": 1000**2, "G": 1000**3, "T": 1000**4}


@dataclass(frozen=True)
class Disk:
    """A directory and the file system it is on: `mounted` where, `free` in bytes."""

    path: str
    free: int
    mounted: str


@dataclass(frozen=True)
class Holder:
    """A process that holds one of the package system's locks."""

    lock: str
    pid: int
    command: str


@dataclass
class Standing:
    """What was seen, as root.

    `broken`: what sshd says of a configuration it does not take; `sshd`: its settings for our login as it
    would start now, in small letters; `groups`: those of the user we log in as. `kept`, `download` and
    `unpacked` are bytes: of /etc, and of the packages to be installed. `halfway`: packages as `STATE NAME`.
    `reboot`: what is owed one, None for nothing. `controllers` and `resolvers`: name -> `answers`, `silent`
    or `unknown`.
    """

    broken: list[str] = field(default_factory=list)
    sshd: dict[str, list[str]] = field(default_factory=dict)
    groups: list[str] = field(default_factory=list)
    disks: list[Disk] = field(default_factory=list)
    readonly: list[str] = field(default_factory=list)
    kept: int = 0
    download: int = 0
    unpacked: int = 0
    holders: list[Holder] = field(default_factory=list)
    halfway: list[str] = field(default_factory=list)
    reboot: str | None = None
    controllers: dict[str, str] = field(default_factory=dict)
    resolvers: dict[str, str] = field(default_factory=dict)


class HowItStands(FactBase[Standing]):
    """Read all of it in one command, as root."""

    def command(
        self,
        login: str,
        client: str = "",
        server: str = "",
        port: str = "22",
        packages: Collection[str] = (),
        controllers: Collection[str] = (),
        resolvers: Collection[str] = (),
    ) -> str:
        """Return the command: what is asked about, then the script."""
        asked = {
            "login": login,
            "client": client or "127.0.0.1",
            "server": server or "127.0.0.1",
            "port": port or "22",
            "packages": " ".join(sorted(packages)),
            "controllers": " ".join(controllers),
            "resolvers": " ".join(resolvers),
        }
        head = "; ".join(f"{name}={shlex.quote(value)}" for name, value in asked.items())
        return f"{head}\n{SCRIPT.read_text(encoding='utf-8')}"

    @staticmethod
    def default() -> Standing:
        """Return what no answer means: nothing is known to be in the way."""
        return Standing()

    def process(self, output: list[str]) -> Standing:
        """Parse the lines."""
        standing = Standing()
        for line in output:
            what, _, text = line.partition(" ")
            _read(standing, what, text.strip())
        return standing


def _read(standing: Standing, what: str, text: str) -> None:
    words = text.split()
    match what, words:
        case "broken", _:
            standing.broken.append(text)
        case "sshd", [name, *values]:
            standing.sshd.setdefault(name.lower(), []).extend(values)
        case "group", _:
            standing.groups.append(text)
        case "disk", [path, free, mounted] if free.isdigit():
            standing.disks.append(Disk(path, int(free) * 1024, mounted))
        case "readonly", [path]:
            standing.readonly.append(path)
        case "kept", [number] if number.isdigit():
            standing.kept = int(number) * 1024
        case "download", _:
            standing.download = _bytes(text)
        case "unpacked", _:
            standing.unpacked = _bytes(text)
        case "locked", [lock, pid, *command] if pid.isdigit():
            standing.holders.append(Holder(lock, int(pid), " ".join(command)))
        case "halfway", [_, *_]:
            standing.halfway.append(text)
        case "reboot", _:
            standing.reboot = text or "something that was installed"
        case "kernel", [version]:
            standing.reboot = f"the kernel {version}"
        case "controller", [name, answer]:
            standing.controllers[name] = answer
        case "resolver", [name, answer]:
            standing.resolvers[name] = answer
        case _:
            pass


def _bytes(text: str) -> int:
    """Read a size as apt-get(8) prints it: `136 kB`, `1,024 MB`; 0 for what is none."""
    found = _SIZE.search(text)
    return int(float(found[1].replace(",", "")) * _FACTORS[found[2]]) if found else 0
