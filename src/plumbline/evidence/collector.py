"""The collector: probes made into one dependency-free POSIX shell script that prints a host's evidence."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from plumbline import __version__
from plumbline.probes.base import PROBE_OUTPUT_MAX, Probe

EVIDENCE_MAX = 2 * 1024 * 1024
"""Bytes of a whole evidence document; more is neither printed nor read."""

KEPT_BYTES = PROBE_OUTPUT_MAX // 3 * 3
"""Bytes kept of one probe's output: three become four characters of base64, so one byte more shows there."""

ALL_SECONDS = 240
"""Seconds after which the collector asks no further probe, so that it ends before the controller gives up."""

_ROOM_FOR_THE_REST = 160 * 1024
_WEIGHT_OF_ANY = 500
_HERE = Path(__file__).parent
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


def script(probes: Iterable[Probe[Any]]) -> str:
    """Return the collector that asks these probes, two at a time, and prints them in this order.

    Raises ValueError for two probes of one name, or a probe that no shell script can ask.
    """
    probes = list(probes)
    return _rendered(probes, collector_digest(probes))


def collector_digest(probes: Iterable[Probe[Any]]) -> str:
    """Return the SHA-256 of the collector without its own digest: what it asks, how long, and in what way."""
    return hashlib.sha256(_rendered(list(probes), "").encode()).hexdigest()


def _rendered(probes: list[Probe[Any]], digest: str) -> str:
    names = [probe.name for probe in probes]
    if len(set(names)) != len(names):
        raise ValueError(f"two probes have one name: {sorted(names)}")
    first, second = _lanes(probes)
    values = {
        "VERSION": __version__,
        "DIGEST": digest,
        "KEPT_BYTES": str(KEPT_BYTES),
        "DOCUMENT_BYTES": str(EVIDENCE_MAX - _ROOM_FOR_THE_REST),
        "ALL_SECONDS": str(ALL_SECONDS),
        "ASK": shlex.quote(_text("ask.sh")),
        "FIRST_LANE": "\n".join(map(_call, first)),
        "SECOND_LANE": "\n".join(map(_call, second)),
    }
    return re.sub(r"@([A-Z_]+)@", lambda place: values[place[1]], _text("collector.sh"))


def _lanes(probes: list[Probe[Any]]) -> tuple[list[Probe[Any]], list[Probe[Any]]]:
    """Part probes into two lanes, asked side by side, that take about as long.

    How long a command takes is guessed from its length, which is right enough over many: of the 2.2 s that 71
    probes took in turn, each lane had half.
    """
    weights = [_WEIGHT_OF_ANY + len(probe.command) for probe in probes]
    cut = next((n for n in range(len(probes)) if sum(weights[:n]) >= sum(weights) / 2), len(probes))
    return probes[:cut], probes[cut:]


def _call(probe: Probe[Any]) -> str:
    if not _NAME.fullmatch(probe.name):
        raise ValueError(f"{probe.name!r} is no name of a probe")
    if not probe.command.strip() or "\0" in probe.command:
        raise ValueError(f"the probe {probe.name} asks nothing a shell can run")
    if probe.limit < 1:
        raise ValueError(f"the probe {probe.name} has no time to answer")
    return f"    probe {probe.name} {probe.digest} {probe.limit} {shlex.quote(probe.command)}"


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
