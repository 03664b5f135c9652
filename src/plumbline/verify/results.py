"""Verdicts: of a check, a control, a requirement, a host, and of the whole run (the JSON report's model)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from plumbline.errors import COMPLIANT, NOT_COMPLIANT, NOT_REACHED, NOTHING_CHECKED
from plumbline.model import Strict, Text


class Verdict(StrEnum):
    """What is said of a check, a control or a requirement."""

    PASS = "pass"  # noqa: S105  (a verdict)
    FAIL = "fail"
    WAIVED = "waived"
    NOT_APPLICABLE = "not-applicable"
    UNKNOWN = "unknown"
    MANUAL = "manual"


WORST_FIRST = (
    Verdict.FAIL,
    Verdict.UNKNOWN,
    Verdict.MANUAL,
    Verdict.WAIVED,
    Verdict.PASS,
    Verdict.NOT_APPLICABLE,
)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict of a whole from its parts; of nothing it is unknown, never good."""
    found = set(verdicts)
    for verdict in WORST_FIRST:
        if verdict in found:
            return verdict
    return Verdict.UNKNOWN


class CheckResult(Strict):
    """One check on one host: what was observed and what is accepted, as data, in no language."""

    check: str
    title: Text
    verdict: Verdict
    observed: list[str] = []
    accepted: str = ""
    reason: Text | None = None
    """Why it is unknown or not applicable."""
    probes: list[str] = []
    """Names of the probes that were read."""


class ControlResult(Strict):
    """One control on one host, judged by all of its checks."""

    control: str
    subject: str
    title: Text
    severity: str
    verdict: Verdict
    meets: list[str]
    checks: list[CheckResult]
    remedy: Text


class RequirementResult(Strict):
    """One requirement on one host, judged by the controls that meet it."""

    requirement: str
    chapter: str
    text: Text
    verdict: Verdict
    controls: list[str]


class EvidenceInfo(Strict):
    """Where the verdicts come from."""

    collected: datetime
    user: str
    hostname: str
    collector: str
    digest: str
    signed_by: str | None = None
    seconds: float = 0.0


class HostResult(Strict):
    """Everything said of one host; `problem` tells why a host could not be judged."""

    host: str
    system: str
    profile: str
    address: str
    problem: Text | None = None
    evidence: EvidenceInfo | None = None
    controls: list[ControlResult] = []
    requirements: list[RequirementResult] = []

    @property
    def verdict(self) -> Verdict:
        """The host's verdict: the worst of its controls; unknown when it was not reached."""
        if self.problem is not None:
            return Verdict.UNKNOWN
        return worst(control.verdict for control in self.controls)


class Report(Strict):
    """One run of `plumb check`."""

    schema_version: int = 1
    tool: str
    standard: str
    standard_title: Text
    standard_version: str
    chapters: dict[str, Text] = {}
    """Chapter number -> what the chapter is about, for grouping; may be empty."""
    generated: datetime
    hosts: list[HostResult]

    def exit_code(self) -> int:
        """Return the exit code; a host not reached weighs more than a failure: nobody knows how it stands."""
        if not any(host.controls or host.problem for host in self.hosts):
            return NOTHING_CHECKED
        if any(host.problem for host in self.hosts):
            return NOT_REACHED
        good = {Verdict.PASS, Verdict.WAIVED, Verdict.NOT_APPLICABLE}
        verdicts = [control.verdict for host in self.hosts for control in host.controls]
        if all(verdict is Verdict.NOT_APPLICABLE for verdict in verdicts):
            return NOTHING_CHECKED
        return COMPLIANT if set(verdicts) <= good else NOT_COMPLIANT
