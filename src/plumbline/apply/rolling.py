"""Going over the waves of a run: after each it is known who may go on, and why others are left untouched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from plumbline.apply.results import HostResult, Outcome
from plumbline.apply.waves import Rollout, order

BAD: frozenset[Outcome] = frozenset({"failed", "restored", "lost", "refused", "not-reached"})
"""Outcomes of a host that was to be changed which count as failures."""

_TOLD: Mapping[Outcome, str] = {
    "failed": "failed",
    "restored": "was put back",
    "lost": "is lost",
    "refused": "was left as it is",
    "not-reached": "was not reached",
}


@dataclass
class Rolling:
    """One run over its hosts.

    `groups`: host -> its redundancy group, of those that have one. `plans`: what was planned of each host;
    only hosts of which something is planned are changed. `stopping` says in a sentence why nothing more shall
    be begun, `closed` why a host must not be changed at this hour.
    """

    rollout: Rollout
    groups: Mapping[str, str]
    plans: Mapping[str, HostResult]
    stopping: Callable[[], str | None]
    closed: Callable[[str], str | None] = lambda _: None
    _failed: dict[str, HostResult] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Count what planning showed already: a canary that cannot go first, a partner that is not there."""
        for name, plan in self.plans.items():
            if plan.outcome in BAD and (name in self.rollout.canaries or self._is_away(name)):
                self._failed[name] = plan

    @property
    def waves(self) -> list[list[str]]:
        """The hosts to be changed, in waves; those on which nothing is to be done are in none."""
        meant = [name for name, plan in self.plans.items() if plan.outcome == "planned" and plan.changed]
        canaries = tuple(name for name in self.rollout.canaries if name in meant)
        return order(meant, replace(self.rollout, canaries=canaries), self.groups)

    def go(
        self, change: Callable[[list[str]], Mapping[str, HostResult]], leave: Callable[[HostResult], object]
    ) -> dict[str, HostResult]:
        """Change wave after wave; `change` does one, `leave` is told of each host that is left untouched."""
        done: dict[str, HostResult] = {}
        for wave in self.waves:
            going = []
            for name in wave:
                why = self._why_not(name)
                if why is None:
                    going.append(name)
                else:
                    done[name] = untouched(self.plans[name], why)
                    leave(done[name])
            found = change(going) if going else {}
            done |= found
            self._failed |= {name: each for name, each in found.items() if each.outcome in BAD}
        return done

    def _why_not(self, name: str) -> str | None:
        """Return why a host must not be begun any more, None if it may."""
        why = self.stopping() or self.closed(name)
        if why is not None:
            return why
        group = self.groups.get(name)
        for other, result in self._failed.items():
            if group is not None and self.groups.get(other) == group:
                return f"{other} of its redundancy group {group} {_TOLD[result.outcome]}"
        counted = {each: found for each, found in self._failed.items() if self._counts(each)}
        if any(each in self.rollout.canaries for each in counted) or len(counted) > self.rollout.failures:
            return f"{_named(counted)}; {self._allowed()}"
        return None

    def _is_away(self, name: str) -> bool:
        """Whether a host was not there, so that one of its group must not be touched now."""
        return self.plans[name].outcome == "not-reached" and name in self.groups

    def _counts(self, name: str) -> bool:
        """Whether a failure counts against those allowed: of what planning showed, only a canary's does."""
        return self.plans[name].outcome == "planned" or name in self.rollout.canaries

    def _allowed(self) -> str:
        if self.rollout.canaries and any(name in self._failed for name in self.rollout.canaries):
            return "a canary goes before all others, so none of them is changed"
        allowed = self.rollout.failures
        return "1 failure is allowed" if allowed == 1 else f"{allowed or 'no'} failures are allowed"


def untouched(plan: HostResult, why: str) -> HostResult:
    """Return the result of a host that was planned and never begun."""
    return plan.model_copy(
        update={"outcome": "untouched", "problem": f"it was not begun: {why}", "not_done": plan.operations}
        | {"changed": [], "already": []}
    )


def groups_of(hosts: Iterable[tuple[str, str | None]]) -> dict[str, str]:
    """Return host -> redundancy group of those (host, group) that have one."""
    return {name: group for name, group in hosts if group is not None}


def _named(results: Mapping[str, HostResult]) -> str:
    return ", ".join(f"{name} {_TOLD[result.outcome]}" for name, result in results.items())
