"""A probe: one fixed read-only command, and the parser of what it prints."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

T = TypeVar("T")

PROBE_OUTPUT_MAX = 256 * 1024
"""Bytes of standard output kept of one probe; more is cut off and the probe counts as truncated."""


@dataclass(frozen=True)
class Output:
    """What a probe's command printed on a host, and how it ended."""

    stdout: bytes
    stderr: bytes
    exit_status: int

    @property
    def text(self) -> str:
        """Standard output as text; bytes that are no UTF-8 stay visible as escapes, nothing is lost."""
        return self.stdout.decode("utf-8", errors="backslashreplace")


class ParseError(ValueError):
    """What a probe printed is not what its parser knows; the observation is unknown, never assumed."""


@dataclass(frozen=True)
class Probe(Generic[T]):
    """A fixed question to a host.

    `name` is `<subject>.<what>`; `command` runs under `/bin/sh -c` with LC_ALL=C as root, reads nothing from
    standard input, changes nothing and prints no secret; `limit` is its time limit in seconds on the host;
    `exits` are the exit codes that are answers, any other means that the probe failed.
    """

    name: str
    command: str
    parse: Callable[[Output], T]
    limit: int = 30
    exits: frozenset[int] = frozenset({0})
    system: Literal["linux", "windows"] = "linux"

    @property
    def digest(self) -> str:
        """Identity of the question: evidence answers it only if it was asked in the same words."""
        return hashlib.sha256(self.command.encode()).hexdigest()[:16]


def text(output: Output) -> str:
    """Parse nothing: the observation is the text itself."""
    return output.text
