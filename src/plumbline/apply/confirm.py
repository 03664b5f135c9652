"""Is a changed host well? A new login shows that the way in works, the suites that nothing got worse.

The rule: the way in must work as it did before, and no control of a changed subject may be worse than before
(it passed, or an exception covered it, and now it does not pass). A control that was not good before, or did
not apply, blocks nothing: what apply leaves to a person is told, not held against the change.
Nor does one that an operation says it must leave to a person (`telling.tell_owed`: whose owner would be shut
out with his key of a kind that is not accepted), or that the administrator accepts to get worse.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from plumbline.apply.guard.traces import without_guard
from plumbline.apply.results import Judged
from plumbline.apply.shell import entered
from plumbline.errors import NotReachedError
from plumbline.evidence.bundle import Evidence, EvidenceError
from plumbline.evidence.collector import script
from plumbline.evidence.ssh import SshTarget, collect
from plumbline.policy.standard import DesiredState, Standard
from plumbline.probes import all_probes
from plumbline.rooms import COMPLIANCE
from plumbline.spec.model import Site
from plumbline.verify.results import Verdict

AGAIN_SECONDS = 1.0
"""How long to wait before knocking again at a host that did not let us in."""


@dataclass(frozen=True)
class Confirmed:
    """What a confirmation came to: the changed subjects' controls, and, if all is not well, why."""

    controls: list[Judged]
    problem: str | None = None


class Confirmation:
    """Confirms hosts of one run; the suites are run for one host at a time, as pytest is one a process."""

    def __init__(self, standard: Standard, site: Site) -> None:
        self._standard = standard
        self._script = script(all_probes(site=site))
        self._judging = threading.Lock()

    def of(self, desired: DesiredState, target: SshTarget) -> HostConfirmation:
        """Return what confirms one host, entered as `target` says."""
        return HostConfirmation(self, desired, target)

    def evidence(self, target: SshTarget) -> Evidence:
        """Collect a host's evidence by a new connection and login; NotReachedError if that fails."""
        try:
            # The guard's units stand there until the run is confirmed; they are no finding.
            return without_guard(Evidence.parse(collect(target, self._script)))
        except EvidenceError as error:
            raise NotReachedError(f"{target}: its evidence came damaged: {error.message}") from error

    def verdicts(
        self, desired: DesiredState, evidence: Evidence, subjects: Collection[str]
    ) -> dict[str, Verdict]:
        """Judge the controls of some subjects; none can be, if the evidence is that of another host."""
        from plumbline.verify.judge import judge
        from plumbline.verify.targets import target_of

        with self._judging:
            (host,) = judge(self._standard, [target_of(desired, evidence)], only=sorted(subjects)).hosts
        return {found.control: found.verdict for found in host.controls if found.subject in subjects}


class HostConfirmation:
    """One host: `before` it is changed, then `after`."""

    def __init__(self, run: Confirmation, desired: DesiredState, target: SshTarget) -> None:
        self._run, self._desired, self.target = run, desired, target
        self._before: Evidence | None = None

    def before(self, subjects: Iterable[str]) -> None:
        """Look at the host before it is changed, by the way that will confirm it.

        NotReachedError if that way does not work: it could never be confirmed then.
        """
        if self._judged(subjects):
            self._before = self._run.evidence(self.target)
        else:
            with entered(self.target):
                pass

    def after(
        self, subjects: Iterable[str], *, seconds: float, settling: float = 0, excused: Collection[str] = ()
    ) -> Confirmed:
        """Enter the changed host anew, trying for so long, and judge the changed subjects' controls.

        For `settling` seconds from then on what got worse is looked at again: a daemon that was restarted
        needs a while to be what it was. The `excused` ones are judged too, but do not stand against it.
        """
        judged = self._judged(subjects)
        before = self._verdicts_before(judged)
        until = time.monotonic() + seconds
        settled: float | None = None
        while True:
            try:
                if not judged:
                    with entered(self.target):
                        return Confirmed([])
                confirmed = self._compared(before, self._run.evidence(self.target), judged, excused)
                if settled is None:
                    settled = time.monotonic() + settling
                if confirmed.problem is None or time.monotonic() >= settled:
                    return confirmed
            except NotReachedError as error:
                if time.monotonic() > until:
                    return Confirmed([], f"nobody gets into it any more: {error.message}")
            time.sleep(AGAIN_SECONDS)

    def _verdicts_before(self, subjects: Collection[str]) -> dict[str, Verdict]:
        if self._before is None:
            return {}
        return self._run.verdicts(self._desired, self._before, subjects)

    def _compared(
        self,
        before: dict[str, Verdict],
        evidence: Evidence,
        subjects: Collection[str],
        excused: Collection[str],
    ) -> Confirmed:
        now = self._run.verdicts(self._desired, evidence, subjects)
        controls = [
            Judged(control=name, subject=resolved.subject, before=before.get(name), after=now.get(name))
            for name, resolved in self._desired.controls.items()
            if resolved.subject in subjects
        ]
        worse = [
            f"{judged.control} ({judged.after or 'not judged'})"
            for judged in controls
            if judged.worse and judged.control not in excused
        ]
        if worse:
            return Confirmed(controls, f"what passed before does not any more: {', '.join(worse)}")
        return Confirmed(controls)

    def _judged(self, subjects: Iterable[str]) -> set[str]:
        """Return those of the subjects that the host has controls of, and that have a suite."""
        held = {resolved.subject for resolved in self._desired.controls.values()}
        return {name for name in held & set(subjects) if (COMPLIANCE / f"test_{name}.py").exists()}
