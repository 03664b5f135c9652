"""A host whose probes answer with given text: what a real host printed, or that with something changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plumbline.probes.base import Probe
from plumbline.probes.host import DeliveredHost
from plumbline.probes.network import (
    BOOT_COMMANDS,
    CONFIGURATION,
    ENGINES,
    LIVE,
    NAMESPACES,
    ON_DISK,
    PROGRAMS,
    SPOKEN,
    SYSCTL,
    SYSTEM,
)
from plumbline.probes.network.configuration import NETPLAN_GENERATORS

RECORDED = Path(__file__).parents[2] / "recorded"

FACTS = "hostname\tsrv-app-01\nkernel\t6.1\narchitecture\tx86_64\nvirtualization\tsystemd-nspawn\nend\n"


def recorded(path: str) -> str:
    """Return what a program printed, from tests/recorded."""
    return (RECORDED / path).read_text()


@dataclass
class Answer:
    """What testinfra's backends return."""

    stdout_bytes: bytes
    stderr_bytes: bytes = b""
    rc: int = 0


class RecordedBackend:
    """Answers the commands of some probes; testinfra's `Host` wants no more of a backend."""

    def __init__(self, answers: Mapping[str, str]) -> None:
        self.answers = answers

    def set_host(self, host: object) -> None:
        """Be told of the host, as testinfra does."""

    def run(self, command: str) -> Answer:
        """Return what is given for a probe's command; one without an answer is a mistake of the test."""
        return Answer(self.answers[command].encode())


def host_printing(answers: Mapping[Probe[Any], str]) -> DeliveredHost:
    """Make a host of probes and what they print."""
    usual: dict[Probe[Any], str] = {
        BOOT_COMMANDS: "end\n",
        ON_DISK: recorded("systemd/on-disk-systemd-252.txt"),
        NAMESPACES: recorded("network/namespaces.iproute2-6.1.0.delivered.txt"),
        SPOKEN: recorded("network/spoken.linux-6.18.delivered.txt"),
        ENGINES: recorded("network/engines.debian-12.delivered.txt"),
    }
    backend: Any = RecordedBackend({probe.command: text for probe, text in {**usual, **answers}.items()})
    return DeliveredHost(backend)


def delivered(
    *,
    live: str = "delivered",
    files: Mapping[str, str] | None = None,
    programs: str | None = None,
    netplan: bool = False,
) -> DeliveredHost:
    """Make the recorded host; with `files`, path -> text, it has these configuration files and no others.

    `netplan`: its generator runs at boot.
    """
    configuration = recorded("network/configuration.systemd-252.delivered.txt")
    if files is not None:
        configuration = printed(files, f"generator\t{NETPLAN_GENERATORS[-1]}\n" if netplan else "")
    return host_printing(
        {
            LIVE: recorded(f"network/live.iproute2-6.1.0.{live}.txt"),
            CONFIGURATION: configuration,
            PROGRAMS: programs or recorded("network/programs.systemd-252.delivered.txt"),
            SYSCTL: recorded("sysctl/settings.systemd-252.delivered.shortened.txt"),
            SYSTEM: FACTS,
        }
    )


def printed(files: Mapping[str, str], before: str = "") -> str:
    """Return files as probes print them; the text /dev/null stands for a link there."""
    lines = []
    for path, text in files.items():
        lines.append(f"file\t{'masked' if text == '/dev/null' else 'file'}\t{path}\n")
        if text != "/dev/null":
            lines += [f"text\t{path}\t{n}\t{line}\n" for n, line in enumerate(text.splitlines(), 1)]
    return before + "".join(lines) + "end\n"
