"""What collecting costs the host: processor time, time, bytes, and each probe's share."""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from plumbline.evidence.collector import script
from plumbline.probes import all_probes

_BEFORE = "read -r plumbline_before rest </proc/uptime\n"
_AFTER = '\nread -r after rest </proc/uptime\necho "took $plumbline_before $after" >&2\ntimes >&2\n'
_TOOK = re.compile(r"took ([\d.]+) ([\d.]+)")
_TIMES = re.compile(r"(\d+)m([\d.]+)s (\d+)m([\d.]+)s")


@dataclass(frozen=True)
class ProbeCost:
    """What one probe took on the host, in milliseconds (hundredths of a second are what it can count)."""

    name: str
    median: float
    most: float


@dataclass(frozen=True)
class Run:
    """One collection: seconds on the host's clock, of its processors (user, system), and bytes printed.

    Processor time is that of the collector and all it started; what daemons did to answer is not in it.
    """

    seconds: float
    user: float
    system: float
    size: int


@dataclass(frozen=True)
class HostCost:
    """The collections of one benchmark."""

    runs: tuple[Run, ...]
    probes: tuple[ProbeCost, ...]

    def lines(self) -> list[str]:
        """Tell the medians, with the least and the most."""
        return [
            f"time on the host: {_told([run.seconds for run in self.runs])} s",
            f"processor time: {_told([run.user + run.system for run in self.runs])} s "
            f"(user {_median(run.user for run in self.runs):.2f}, "
            f"system {_median(run.system for run in self.runs):.2f})",
            f"evidence: {_median(run.size for run in self.runs) / 1024:.0f} KiB "
            f"from {len(self.probes)} probes",
        ]

    def as_data(self) -> dict[str, Any]:
        """Return it for JSON; times in seconds, sizes in bytes."""
        return {
            "seconds": [run.seconds for run in self.runs],
            "user_seconds": [run.user for run in self.runs],
            "system_seconds": [run.system for run in self.runs],
            "bytes": [run.size for run in self.runs],
        }


def telling_script() -> str:
    """Return the collector, followed by the shell's own words on what it took, on standard error."""
    return f"{_BEFORE}{script(all_probes())}{_AFTER}"


def read_run(printed: bytes, told: bytes) -> Run:
    """Read what `telling_script` printed; RuntimeError if the shell did not tell what it took."""
    words = told.decode(errors="replace")
    took, times = _TOOK.search(words), _TIMES.findall(words)
    if took is None or len(times) != 2:
        raise RuntimeError(f"the host's shell did not tell what collecting took: {words[-500:]}")
    user, system = (
        sum(int(each[minutes]) * 60 + float(each[minutes + 1]) for each in times) for minutes in (0, 2)
    )
    return Run(float(took[2]) - float(took[1]), user, system, len(printed))


def host_cost(collections: Sequence[tuple[bytes, bytes]]) -> HostCost:
    """Put collections together, each what was printed and told; the dearest probe stands first."""
    taken: dict[str, list[int]] = {}
    for printed, _ in collections:
        for name, answer in json.loads(printed)["probes"].items():
            taken.setdefault(name, []).append(answer["ms"])
    costs = [ProbeCost(name, statistics.median(each), max(each)) for name, each in taken.items()]
    return HostCost(
        tuple(read_run(printed, told) for printed, told in collections),
        tuple(sorted(costs, key=lambda cost: -cost.median)),
    )


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)


def _told(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f}, n={len(values)})"
