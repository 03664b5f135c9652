"""In what order hosts are changed: the hosts of a wave side by side, one wave after the other."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from plumbline.errors import UsageError

_SIZE = re.compile(r"(?P<number>[0-9]{1,6})(?P<percent>%?)")


@dataclass(frozen=True)
class Rollout:
    """How a run goes over its hosts.

    `canaries` are changed first, alone; `wave` is how many hosts a later wave has at most, in hosts or as a
    share of those meant (`10%`), None for no limit; `failures` is how many hosts may fail before the waves
    that have not begun are left untouched.
    """

    canaries: tuple[str, ...] = ()
    wave: str | None = None
    failures: int = 0

    def size(self, hosts: int) -> int:
        """Return how many hosts a wave has at most, of so many meant; UsageError for a word that is none."""
        if self.wave is None:
            return max(1, hosts)
        written = _SIZE.fullmatch(self.wave.strip())
        number = int(written["number"]) if written else 0
        if written is None or number == 0 or (written["percent"] and number > 100):
            raise UsageError(
                f"{self.wave!r} is no size of a wave; write a number of hosts, or a share as 10%"
            )
        return max(1, math.floor(hosts * number / 100)) if written["percent"] else number


def order(
    hosts: Sequence[str], rollout: Rollout | None = None, groups: Mapping[str, str] | None = None
) -> list[list[str]]:
    """Return the hosts in waves; a wave begins when all hosts of the one before are done.

    `groups` says of hosts that stand in for one another which group they are of: two of a group are never in
    one wave. Otherwise hosts stay in the order given. UsageError for a canary that is not among the hosts.
    """
    rollout, groups = rollout or Rollout(), groups or {}
    if foreign := [name for name in rollout.canaries if name not in hosts]:
        raise UsageError(
            f"the canary {foreign[0]} is not among the hosts meant: {', '.join(hosts) or 'none'}"
        )
    canaries = [name for name in hosts if name in rollout.canaries]
    others = [name for name in hosts if name not in rollout.canaries]
    size = rollout.size(len(hosts))
    return [*_filled(canaries, max(1, len(canaries)), groups), *_filled(others, size, groups)]


def _filled(hosts: Iterable[str], size: int, groups: Mapping[str, str]) -> list[list[str]]:
    """Fill waves one host after the other; a host waits for a wave that none of its group is in."""
    waves: list[list[str]] = []
    for name in hosts:
        group = groups.get(name)
        for wave in waves:
            taken = group is not None and any(groups.get(other) == group for other in wave)
            if len(wave) < size and not taken:
                wave.append(name)
                break
        else:
            waves.append([name])
    return waves
