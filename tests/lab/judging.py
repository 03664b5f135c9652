"""Judging booted hosts in the lab tests: evidence over SSH, the shipped suites, verdicts by control."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from plumbline.evidence.bundle import Evidence
from plumbline.evidence.collector import script
from plumbline.evidence.gather import gather, targets_of
from plumbline.lab import Lab, LabHost
from plumbline.lab.containers import NEEDS_SITE, NOT_DELIVERED
from plumbline.policy.load import load_standard
from plumbline.policy.standard import Standard
from plumbline.probes import SUBJECTS, all_probes
from plumbline.spec.load import load_inventory
from plumbline.verify.judge import judge
from plumbline.verify.results import CheckResult, ControlResult, Verdict
from plumbline.verify.targets import desired_states, target_of


def verdicts(lab: Lab, host: str | LabHost, *subjects: str) -> dict[str, ControlResult]:
    """Collect a host's evidence, judge it as `plumb check` does, and return its controls by name.

    Only these subjects are asked for and judged; all when none is named.
    """
    chosen = lab.host(host)
    standard, inventory = _standard(), load_inventory(lab.inventory)
    evidence = evidence_of(lab, chosen.name, *subjects)
    desired = desired_states(standard, inventory, [chosen.name])[chosen.name]
    (judged,) = judge(standard, [target_of(desired, evidence)], only=subjects).hosts
    assert judged.problem is None, judged.problem
    return {
        result.control: result for result in judged.controls if not subjects or result.subject in subjects
    }


def evidence_of(lab: Lab, host: str, *subjects: str) -> Evidence:
    """Collect a host's evidence, of these subjects alone if any is named."""
    inventory = load_inventory(lab.inventory)
    probes = all_probes(subjects=subjects or SUBJECTS, site=inventory.site)
    (gathered,) = gather(targets_of(inventory, [host]), script(probes))
    if gathered.evidence is None:
        raise AssertionError(f"{host} gave no evidence: {gathered.problem}")
    return gathered.evidence


@cache
def _standard() -> Standard:
    return load_standard("mhth-ot")


def checks(results: dict[str, ControlResult], verdict: Verdict) -> dict[str, CheckResult]:
    """Return the checks of all these controls that came to a verdict, by `control:check`, sorted."""
    found = {
        f"{result.control}:{check.check.removeprefix('test_')}": check
        for result in results.values()
        for check in result.checks
        if check.verdict is verdict
    }
    return dict(sorted(found.items()))


def failing(results: dict[str, ControlResult], *, site: bool = False) -> list[str]:
    """Return the checks that failed, as `control:check`; every other one must have passed.

    Not those that fail for want of a supplier's application, or of a server where the lab has no `site`.
    """
    results = _of_what_is_there(results, site)
    unsaid = [name for v in Verdict if v not in (Verdict.PASS, Verdict.FAIL) for name in checks(results, v)]
    assert unsaid == [], {name: found.reason for name, found in checks(results, Verdict.UNKNOWN).items()}
    return list(checks(results, Verdict.FAIL))


def _of_what_is_there(results: dict[str, ControlResult], site: bool) -> dict[str, ControlResult]:
    left_out = NOT_DELIVERED if site else (*NOT_DELIVERED, *NEEDS_SITE)
    return {name: result for name, result in results.items() if name not in left_out}


def observed(results: dict[str, ControlResult], name: str) -> Sequence[str]:
    """Return what the check `control:check` observed."""
    control, _, check = name.partition(":")
    return next(c.observed for c in results[control].checks if c.check == f"test_{check}")


def not_passing(results: dict[str, ControlResult], *, site: bool = False) -> set[str]:
    """Return the checks that failed, as `control:check`, and those that are unknown, as `?control:check`."""
    results = _of_what_is_there(results, site)
    unknown = {f"?{name}" for name in checks(results, Verdict.UNKNOWN)}
    return {*checks(results, Verdict.FAIL), *unknown}
