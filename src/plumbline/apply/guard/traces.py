"""The guard's own traces in evidence: while a run is armed, its unit and timer stand on the host too."""

from __future__ import annotations

from dataclasses import replace

from plumbline.evidence.bundle import Evidence

UNIT = "plumbline-guard"
"""What the names of the guard's unit, which is read at boot, and of its timers begin with."""


def without_guard(evidence: Evidence) -> Evidence:
    """Return evidence without the lines that name the guard's units: they go when the run is confirmed.

    For judging a host in the middle of a run; a check at any other time sees them, for nothing of the guard
    has to be there then.
    """
    probes = {
        name: answer.model_copy(update={"out": _without(answer.out)})
        for name, answer in evidence.probes.items()
    }
    return replace(evidence, probes=probes)


def _without(output: bytes) -> bytes:
    name = UNIT.encode()
    if name not in output:
        return output
    return b"".join(line for line in output.splitlines(keepends=True) if name not in line)
