"""One order for every report: two runs of the same verdicts are told in the same lines."""

from __future__ import annotations

from collections.abc import Iterable

from plumbline.report.words import SEVERITY_ORDER
from plumbline.verify.results import WORST_FIRST, ControlResult, HostResult, Report, RequirementResult


def chapter_key(chapter: str) -> tuple[tuple[int, str], ...]:
    """Return the sorting key of a chapter number: 4.10 comes after 4.2, words after numbers."""
    return tuple((int(part), "") if part.isdecimal() else (10**6, part) for part in chapter.split("."))


def requirement_key(requirement: RequirementResult) -> tuple[object, ...]:
    """Return the sorting key of a requirement: by chapter, then by name."""
    return chapter_key(requirement.chapter), requirement.requirement


def worst_first(controls: Iterable[ControlResult]) -> list[ControlResult]:
    """Return controls as a person wants to read them: the worst verdict first, then the most severe."""
    return sorted(controls, key=lambda c: (WORST_FIRST.index(c.verdict), SEVERITY_ORDER.get(c.severity, 3)))


def ordered(report: Report) -> Report:
    """Return the report with hosts, controls, checks and requirements sorted."""
    hosts = sorted((_host(host) for host in report.hosts), key=lambda host: host.host)
    return report.model_copy(update={"hosts": hosts})


def _host(host: HostResult) -> HostResult:
    controls = sorted((_control(control) for control in host.controls), key=lambda c: (c.subject, c.control))
    requirements = sorted(host.requirements, key=requirement_key)
    return host.model_copy(update={"controls": controls, "requirements": requirements})


def _control(control: ControlResult) -> ControlResult:
    checks = sorted(control.checks, key=lambda check: check.check)
    return control.model_copy(update={"checks": checks, "meets": sorted(control.meets)})
