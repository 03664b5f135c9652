"""Counting verdicts honestly: what is unknown, or on a host not reached, is never counted as good."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from plumbline.model import Strict
from plumbline.verify.results import HostResult, Report, Verdict


class HostCount(Strict):
    """Hosts of the run; `compliant` are those of which nothing fails and nothing is unknown."""

    total: int
    reached: int
    not_reached: int
    compliant: int


class RequirementCount(Strict):
    """Requirements counted once for each host that is held to them.

    `applicable` is the denominator: all but those not applicable, and with those of the hosts not reached.
    `met` are passed; `met_with_exceptions` are passed or covered by an approved exception. `not_counted`
    are hosts not reached of which it is not even known what they are held to.
    """

    applicable: int
    met: int
    met_with_exceptions: int
    by_verdict: dict[Verdict, int]
    not_counted: int

    def share(self) -> float | None:
        """Return the part that is met, 0 to 1; None when nothing is applicable."""
        return self.met / self.applicable if self.applicable else None

    def share_with_exceptions(self) -> float | None:
        """Return the part that is met or excepted, 0 to 1; None when nothing is applicable."""
        return self.met_with_exceptions / self.applicable if self.applicable else None


class Summary(Strict):
    """What a run came to, in numbers; controls and checks are counted on each host."""

    hosts: HostCount
    controls: dict[Verdict, int]
    checks: dict[Verdict, int]
    requirements: RequirementCount


GOOD = frozenset({Verdict.PASS, Verdict.WAIVED, Verdict.NOT_APPLICABLE})


def by_verdict(verdicts: Iterable[Verdict]) -> dict[Verdict, int]:
    """Return how often each verdict was given, those never given too."""
    counts = Counter(verdicts)
    return {verdict: counts[verdict] for verdict in Verdict}


def summarise(report: Report) -> Summary:
    """Count the verdicts of a run."""
    reached = [host for host in report.hosts if host.problem is None]
    controls = [control for host in report.hosts for control in host.controls]
    return Summary(
        hosts=HostCount(
            total=len(report.hosts),
            reached=len(reached),
            not_reached=len(report.hosts) - len(reached),
            compliant=sum(host.verdict in GOOD for host in reached),
        ),
        controls=by_verdict(control.verdict for control in controls),
        checks=by_verdict(check.verdict for control in controls for check in control.checks),
        requirements=_requirements(report.hosts),
    )


def _requirements(hosts: list[HostResult]) -> RequirementCount:
    verdicts: list[Verdict] = []
    not_counted = 0
    for host in hosts:
        if host.problem is None:
            verdicts += [requirement.verdict for requirement in host.requirements]
            continue
        owed = len(host.requirements) or _owed_by_the_same_profile(host.profile, hosts)
        verdicts += [Verdict.UNKNOWN] * owed
        not_counted += not owed
    counts = by_verdict(verdicts)
    return RequirementCount(
        applicable=len(verdicts) - counts[Verdict.NOT_APPLICABLE],
        met=counts[Verdict.PASS],
        met_with_exceptions=counts[Verdict.PASS] + counts[Verdict.WAIVED],
        by_verdict=counts,
        not_counted=not_counted,
    )


def _owed_by_the_same_profile(profile: str, hosts: list[HostResult]) -> int:
    """Return how many requirements hosts of the profile are held to; 0 when the run tells of none."""
    names = {r.requirement for host in hosts if host.profile == profile for r in host.requirements}
    return len(names)
