"""Timing of whole processes, in turn, so that a busy machine is busy for all contestants."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

Work = Callable[[], None]


@dataclass(frozen=True)
class Series:
    """Seconds that one contestant took, a number a round."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median in seconds."""
        return statistics.median(self.seconds)

    def __str__(self) -> str:
        """Show the median with the fastest and the slowest round."""
        return f"{self.median:.3f} s ({min(self.seconds):.3f}-{max(self.seconds):.3f}, n={len(self.seconds)})"


@dataclass(frozen=True)
class Ratio:
    """How many times longer one contestant takes than another: of the medians, and round by round."""

    of: Series
    to: Series

    @property
    def value(self) -> float:
        """The ratio of the medians."""
        return self.of.median / self.to.median

    @property
    def spread(self) -> tuple[float, float]:
        """The smallest and the largest ratio; round by round where both ran equally often."""
        if len(self.of.seconds) == len(self.to.seconds):
            each = [a / b for a, b in zip(self.of.seconds, self.to.seconds, strict=True)]
        else:
            each = [a / self.to.median for a in self.of.seconds]
        return min(each), max(each)

    def __str__(self) -> str:
        low, high = self.spread
        return f"{self.value:.2f} x ({low:.2f}-{high:.2f})"


def in_turn(contestants: Mapping[str, Work], rounds: int, *, warm: bool = False) -> dict[str, Series]:
    """Run all contestants in turn `rounds` times; before, once unmeasured, unless they are `warm`."""
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for work in contestants.values() if not warm else ():
        work()
    for _ in range(rounds):
        for name, work in contestants.items():
            started = time.perf_counter()
            work()
            taken[name].append(time.perf_counter() - started)
    return {name: Series(tuple(seconds)) for name, seconds in taken.items()}


def run(
    command: list[str], accepted: tuple[int, ...] = (0,), *, feed: Path | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run a command, fed from a file or nothing; RuntimeError, with what it said, for other exit codes."""
    with (feed or Path(os.devnull)).open("rb") as given:
        done = subprocess.run(
            command, stdin=given, capture_output=True, check=False, env=_environment(), cwd=cwd
        )
    if done.returncode not in accepted:
        said = (done.stderr or done.stdout).decode(errors="replace")[-2000:]
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{said}")
    return done


def _environment() -> dict[str, str]:
    """Return the environment without what makes Python slower than it is for a user."""
    unwanted = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTHONPROFILEIMPORTTIME", "PYTEST_ADDOPTS")
    return {name: value for name, value in os.environ.items() if name not in unwanted}
