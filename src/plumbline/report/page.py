"""What the HTML page shows, prepared: anchors, what needs attention, hosts × requirements by chapter."""

from __future__ import annotations

import re
from dataclasses import dataclass

from plumbline.model import Text
from plumbline.report.facts import requirements_of
from plumbline.report.order import chapter_key, ordered, requirement_key, worst_first
from plumbline.report.summary import GOOD, Summary, by_verdict, summarise
from plumbline.report.words import SEVERITY_ORDER
from plumbline.verify.results import (
    WORST_FIRST,
    CheckResult,
    ControlResult,
    HostResult,
    Report,
    RequirementResult,
    Verdict,
)

HOSTS_SIDE_BY_SIDE = 12
"""So many host columns fit beside the requirements on A4; further hosts get a table of their own."""
NAMED_CELLS_MAX = 5
"""Up to so many hosts side by side each cell names its verdict; else the name is for screen readers only."""


@dataclass(frozen=True)
class ControlView:
    """A control on a host: its place on the page, its checks (worst first), the requirements it meets."""

    anchor: str
    result: ControlResult
    checks: list[CheckResult]
    requirements: list[RequirementResult]


@dataclass(frozen=True)
class HostView:
    """A host, where it stands on the page, and its controls, the worst first."""

    anchor: str
    result: HostResult
    controls: list[ControlView]
    counts: dict[Verdict, int]


@dataclass(frozen=True)
class Place:
    """One host on which a control is not good; `anchor` is the control's on that host."""

    host: HostView
    anchor: str
    verdict: Verdict


@dataclass(frozen=True)
class Finding:
    """A control that needs attention somewhere."""

    control: ControlResult
    places: list[Place]

    def by_verdict(self) -> list[tuple[Verdict, list[Place]]]:
        """Return the places of each verdict, the worst verdict first."""
        verdicts = dict.fromkeys(place.verdict for place in self.places)
        return [
            (verdict, [place for place in self.places if place.verdict is verdict]) for verdict in verdicts
        ]


@dataclass(frozen=True)
class Cell:
    """One host × one requirement; no verdict where the host is not held to it."""

    host: HostView
    verdict: Verdict | None
    anchor: str


@dataclass(frozen=True)
class Row:
    """One requirement over the hosts of a table."""

    requirement: RequirementResult
    cells: list[Cell]


@dataclass(frozen=True)
class Chapter:
    """The requirements of one top-level chapter of the standard."""

    number: str
    title: Text | None
    rows: list[Row]


@dataclass(frozen=True)
class Table:
    """Some hosts × all requirements."""

    hosts: list[HostView]
    chapters: list[Chapter]
    named: bool
    """Whether there is room to write the verdict's name in each cell."""


@dataclass(frozen=True)
class Page:
    """Everything on the page."""

    report: Report
    summary: Summary
    hosts: list[HostView]
    findings: list[Finding]
    tables: list[Table]


def page_of(report: Report) -> Page:
    """Prepare the page of a report."""
    report = ordered(report)
    hosts = _host_views(report.hosts)
    return Page(report, summarise(report), hosts, _findings(hosts), _tables(report, hosts))


def _host_views(hosts: list[HostResult]) -> list[HostView]:
    """Return the hosts, those not judged first, each with an anchor of its own."""
    taken: set[str] = set()
    views = []
    for host in sorted(hosts, key=lambda host: host.problem is None):
        anchor = _anchor(host.host, taken)
        controls = [_control_view(anchor, host, control) for control in worst_first(host.controls)]
        counts = by_verdict(control.verdict for control in host.controls)
        views.append(HostView(anchor, host, controls, counts))
    return views


def _control_view(anchor: str, host: HostResult, control: ControlResult) -> ControlView:
    checks = sorted(control.checks, key=lambda check: WORST_FIRST.index(check.verdict))
    anchor = f"{anchor}--{_slug(control.control)}"
    return ControlView(anchor, control, checks, requirements_of(host, control))


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.]+", "-", name).strip("-") or "host"


def _anchor(name: str, taken: set[str]) -> str:
    wanted = anchor = f"host-{_slug(name)}"
    number = 1
    while anchor in taken:
        number += 1
        anchor = f"{wanted}-{number}"
    taken.add(anchor)
    return anchor


def _findings(hosts: list[HostView]) -> list[Finding]:
    """Return the controls that are not good on some host: the most severe and the most common first."""
    found: dict[str, Finding] = {}
    for host in hosts:
        for control in host.controls:
            if control.result.verdict in GOOD - {Verdict.WAIVED}:
                continue
            finding = found.setdefault(control.result.control, Finding(control.result, []))
            finding.places.append(Place(host, control.anchor, control.result.verdict))
    for finding in found.values():
        finding.places.sort(key=lambda place: WORST_FIRST.index(place.verdict))
    return sorted(found.values(), key=_urgency)


def _urgency(finding: Finding) -> tuple[int, int, int, str]:
    return (
        WORST_FIRST.index(finding.places[0].verdict),
        SEVERITY_ORDER.get(finding.control.severity, len(SEVERITY_ORDER)),
        -len(finding.places),
        finding.control.control,
    )


def _tables(report: Report, hosts: list[HostView]) -> list[Table]:
    known: dict[str, RequirementResult] = {}
    profiles: dict[str, set[str]] = {}
    for host in hosts:
        for requirement in host.result.requirements:
            known.setdefault(requirement.requirement, requirement)
            profiles.setdefault(requirement.requirement, set()).add(host.result.profile)
    requirements = sorted(known.values(), key=requirement_key)
    tables = []
    for start in range(0, len(hosts), HOSTS_SIDE_BY_SIDE):
        beside = hosts[start : start + HOSTS_SIDE_BY_SIDE]
        rows = [
            Row(one, [_cell(host, one, profiles[one.requirement]) for host in beside]) for one in requirements
        ]
        tables.append(Table(beside, _chapters(report, rows), len(beside) <= NAMED_CELLS_MAX))
    return tables if requirements else []


def _cell(host: HostView, requirement: RequirementResult, profiles: set[str]) -> Cell:
    """Return a cell; a host that was not judged is unknown wherever its profile, if known, is held to it."""
    for judged in host.result.requirements:
        if judged.requirement == requirement.requirement:
            meeting = [c.anchor for c in host.controls if requirement.requirement in c.result.meets]
            return Cell(host, judged.verdict, meeting[0] if meeting else host.anchor)
    held = host.result.problem is not None and (not host.result.profile or host.result.profile in profiles)
    return Cell(host, Verdict.UNKNOWN if held else None, host.anchor)


def _chapters(report: Report, rows: list[Row]) -> list[Chapter]:
    by_number: dict[str, list[Row]] = {}
    for row in rows:
        by_number.setdefault(row.requirement.chapter.split(".", 1)[0], []).append(row)
    return [
        Chapter(number, report.chapters.get(number), by_number[number])
        for number in sorted(by_number, key=chapter_key)
    ]
