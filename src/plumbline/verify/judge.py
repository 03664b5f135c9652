"""From targets to a report: runs the suites in this process and puts their verdicts together."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from plumbline import __version__
from plumbline.errors import PlumblineError
from plumbline.model import Text
from plumbline.policy.standard import DesiredState, Resolved, Standard
from plumbline.report.locales import text
from plumbline.rooms import COMPLIANCE
from plumbline.verify.cases import Target, Unjudged
from plumbline.verify.plugin import ComplianceRun
from plumbline.verify.results import (
    CheckResult,
    ControlResult,
    EvidenceInfo,
    HostResult,
    Report,
    RequirementResult,
    Verdict,
    worst,
)


def judge(
    standard: Standard,
    subjects: Sequence[Target | Unjudged],
    suites: Path = COMPLIANCE,
    only: Sequence[str] = (),
) -> Report:
    """Run the suites over the targets and return the report; the order of hosts is kept.

    `only` names the suites to run by their subjects; all of them when empty.
    Raises PlumblineError if the suites themselves cannot be run (a syntax error in one, say).
    """
    run = ComplianceRun([subject for subject in subjects if isinstance(subject, Target)])
    if any(target.evidence is not None for target in run.targets):
        _run_suites(run, suites, only)
    return Report(
        tool=__version__,
        standard=standard.name,
        standard_title=standard.info.title,
        standard_version=standard.info.version,
        chapters=standard.info.chapters,
        generated=datetime.now(UTC).replace(microsecond=0),
        hosts=[host_result(subject, run) for subject in subjects],
    )


_UNUSED = (
    *("cacheprovider", "terminal", "faulthandler", "junitxml", "pastebin", "logging", "warnings", "doctest"),
    *("unittest", "stepwise", "setuponly", "setupplan", "recwarn", "legacypath", "debugging"),
    # These two collect garbage at the end of the run, which takes a tenth of a second.
    *("unraisableexception", "threadexception"),
)
"""Plugins of pytest that the suites have no use for; leaving them out makes a check answer sooner."""


def _run_suites(run: ComplianceRun, suites: Path, only: Sequence[str]) -> None:
    """Run pytest quietly, with no plugin of the surroundings and no file left behind."""
    told = io.StringIO()
    wanted = [str(suites / f"test_{subject}.py") for subject in only] or [str(suites)]
    # From the folder above, a suite's module is called compliance.test_…: no other test module's name.
    arguments = [*wanted, "-c", os.devnull, "--rootdir", str(suites.parent), "--confcutdir", str(suites)]
    arguments.append("--import-mode=importlib")
    for plugin in _UNUSED:
        arguments += ["-p", f"no:{plugin}"]
    before = os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
            code = pytest.main(arguments, plugins=[run])
    finally:
        if before is None:
            del os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"]
        else:
            os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = before
    ran = {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED}
    if code not in ran or run.broken:
        problem = _last_lines(run.broken or told.getvalue()) or f"pytest ended with {code}"
        raise PlumblineError(f"the suites in {suites} cannot be run: {problem}")


def _last_lines(told: str) -> str:
    """Return the end of what pytest told, without its prefix: the error itself, not the way to it."""
    lines = [line.removeprefix("INTERNALERROR> ").strip() for line in told.splitlines()]
    return " / ".join([line for line in lines if line][-2:])


def host_result(target: Target | Unjudged, run: ComplianceRun) -> HostResult:
    """Put together what is said of one host."""
    if isinstance(target, Unjudged):
        return HostResult(host=target.name, system="", profile="", address="", problem=target.problem)
    desired = target.desired
    controls = []
    if target.evidence is not None:
        controls = [
            control_result(resolved, run.results.get((target.name, name), []))
            for name, resolved in desired.controls.items()
        ]
    return HostResult(
        host=target.name,
        system=desired.system.name,
        profile=desired.host.profile,
        address=str(desired.host.address),
        problem=_problem(target),
        evidence=evidence_info(target),
        controls=controls,
        requirements=_requirements(desired, controls),
    )


def _requirements(desired: DesiredState, controls: Sequence[ControlResult]) -> list[RequirementResult]:
    """Judge the host's requirements; those of a host that was not reached are unknown, not left out."""
    if controls:
        return requirement_results(desired.standard, controls)
    owed = [control_result(resolved, []) for resolved in desired.controls.values()]
    return requirement_results(desired.standard, owed)


def _problem(target: Target) -> Text | None:
    if target.evidence is None:
        return target.problem or text("the host was not reached")
    return None


def control_result(resolved: Resolved, checks: Sequence[CheckResult]) -> ControlResult:
    """Judge a control by its checks; one that no check judged is unknown."""
    made = list(checks) or [
        CheckResult(
            check="none",
            title=resolved.control.title,
            verdict=Verdict.UNKNOWN,
            reason=text("no check was made for this control"),
        )
    ]
    return ControlResult(
        control=resolved.name,
        subject=resolved.subject,
        title=resolved.control.title,
        severity=resolved.control.severity,
        verdict=worst(check.verdict for check in made),
        meets=list(resolved.control.meets),
        checks=made,
        remedy=resolved.control.remedy,
    )


def requirement_results(standard: Standard, controls: Iterable[ControlResult]) -> list[RequirementResult]:
    """Judge each requirement by the controls of the host that meet it, in the standard's order."""
    meeting: dict[str, list[ControlResult]] = {}
    for control in controls:
        for name in control.meets:
            meeting.setdefault(name, []).append(control)
    return [
        RequirementResult(
            requirement=name,
            chapter=requirement.chapter,
            text=Text(en=requirement.en, sk=requirement.sk),
            verdict=worst(control.verdict for control in meeting[name]),
            controls=[control.control for control in meeting[name]],
        )
        for name, requirement in standard.requirements.items()
        if name in meeting
    ]


def evidence_info(target: Target) -> EvidenceInfo | None:
    """Return where a target's verdicts come from."""
    evidence = target.evidence
    if evidence is None:
        return None
    return EvidenceInfo(
        collected=evidence.start,
        user=evidence.user,
        hostname=evidence.hostname,
        collector=evidence.collector_version,
        digest=evidence.digest,
        signed_by=target.signed_by,
        seconds=(evidence.end - evidence.start).total_seconds(),
    )
