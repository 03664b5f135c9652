"""What there is to say of one check that is not good, in one language: shared by the plain writers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from plumbline.report.locales import told, translate
from plumbline.report.order import requirement_key
from plumbline.report.words import NOTHING, visible
from plumbline.verify.results import CheckResult, ControlResult, HostResult, RequirementResult, Verdict


@dataclass(frozen=True)
class Facts:
    """A check's findings as harmless lines; `observed` and `accepted` are empty if nothing was compared."""

    observed: list[str]
    accepted: str
    reason: str
    requirements: list[str]
    remedy: str

    def lines(self, locale: str) -> Iterator[tuple[str, str]]:
        """Yield each fact with its name, those that are known."""
        if self.observed:
            yield translate("observed", locale), "\n  ".join(self.observed)
            yield translate("accepted", locale), self.accepted
        if self.reason:
            yield translate("reason", locale), self.reason
        for requirement in self.requirements:
            yield translate("requirement", locale), requirement
        if self.remedy:
            yield translate("remedy", locale), self.remedy


def facts(host: HostResult, control: ControlResult, check: CheckResult, locale: str) -> Facts:
    """Gather what is said of a check; of a failure always what was observed and what is accepted."""
    failed = check.verdict is Verdict.FAIL
    nothing = translate(NOTHING, locale)
    return Facts(
        observed=[visible(line) for line in check.observed] or [nothing] if failed else [],
        accepted=(visible(check.accepted) or nothing) if failed else "",
        reason=visible(told(check.reason, locale)) if check.reason else "",
        requirements=requirement_lines(host, control, locale),
        remedy=visible(told(control.remedy, locale)) if check.verdict is not Verdict.NOT_APPLICABLE else "",
    )


def requirements_of(host: HostResult, control: ControlResult) -> list[RequirementResult]:
    """Return the requirements that a control meets, by chapter, as far as the host's results hold them."""
    return sorted(
        (found for found in host.requirements if found.requirement in control.meets), key=requirement_key
    )


def requirement_lines(host: HostResult, control: ControlResult, locale: str) -> list[str]:
    """Return each requirement that a control meets in a line: name and chapter."""
    found = requirements_of(host, control)
    lines = [
        translate(
            "{requirement}, chapter {chapter}", locale, requirement=one.requirement, chapter=one.chapter
        )
        for one in found
    ]
    return lines + sorted(set(control.meets) - {one.requirement for one in found})
