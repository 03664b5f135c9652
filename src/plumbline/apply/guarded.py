"""One host changed under guard: kept, armed, changed, confirmed by a new login; or put back as it was.

From `arm` on the host restores itself unless it is told within `restore_after` seconds that we are there.
While operations run it is told so again and again; who dies, or loses the link, stops telling.
A host that is to move takes its address between arming and changing, and is changed over the new one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from plumbline.apply import guard
from plumbline.apply.confirm import AGAIN_SECONDS, HostConfirmation
from plumbline.apply.heartbeat import Heartbeat
from plumbline.apply.moving import NOTE, Move, take, without_network
from plumbline.apply.plan import held_to_shown
from plumbline.apply.restoring import restored, undone
from plumbline.apply.results import HostResult
from plumbline.apply.run import HostRun, Stopping, Tell
from plumbline.apply.shell import Shell, entered
from plumbline.apply.steps import mistake
from plumbline.errors import NotReachedError, PlumblineError
from plumbline.evidence.ssh import SshTarget
from plumbline.policy.standard import DesiredState

ROUNDS = 3
"""How often a host is planned at most: packages bring files that no plan before has seen."""

CONFIRM_SECONDS = 20.0
"""How long a changed host may take to let us in again, at most: what was restarted needs a moment."""

AS_GOOD_SECONDS = 60.0
"""How long daemons that were restarted may take until all is as good as before, at most.

Time is followed anew, the directory asked, the collector reached, signatures are loaded.
"""

SETTLE_SECONDS = 3.0
"""How long services have, after the last of them was touched, before the login that counts.

A service that is told to read its files anew does so later than systemctl returns: until then sshd lets
people in by what it knew before.
"""

LATE = "the host heard nothing of us for too long, so it puts itself back"

KEPT_RUNS = 10
"""How many runs a host keeps so that they can be undone later."""


@dataclass(frozen=True)
class Terms:
    """What holds for all hosts of a run: see `plumbline.apply.wire.Request`; `plan` is the plan's digest."""

    run: str
    who: str
    controller: str
    plan: str
    restore_after: int
    exact: bool
    accept_worse: frozenset[str] = frozenset()


class GuardedRun:
    """A host whose plan is to be carried out."""

    def __init__(
        self,
        first: HostRun,
        again: Callable[[], HostRun],
        deploys: Callable[[DesiredState], None],
        confirmation: HostConfirmation,
        terms: Terms,
        tell: Tell,
        stopping: Stopping,
        armed: Callable[[int | None], None],
    ) -> None:
        self._round, self._again, self._deploys = first, again, deploys
        self._confirmation, self._terms, self._tell, self._stopping = confirmation, terms, tell, stopping
        self._armed = armed
        self._later: list[HostRun] = []
        self._settled = 0.0
        self._patience = min(CONFIRM_SECONDS, terms.restore_after)

    def carry_out(self, plan: HostResult) -> HostResult:
        """Do what is planned and return what it came to; where nothing is, the host is not touched."""
        if not plan.changed:
            return plan.model_copy(update={"outcome": "applied"})
        try:
            shell = self._round.shell
            self._prepare(shell, plan)
        except PlumblineError as error:
            self._let_go()
            return self._round.refused(str(error))
        before = self._confirmation.target
        with Heartbeat(shell, self._terms.run, self._terms.restore_after) as heartbeat:
            result = self._changed(plan, heartbeat).model_copy(update={"run": self._terms.run})
            if result.outcome == "applied":
                result = self._keep(result)
        if result.outcome != "applied":
            result = self._undo(heartbeat, before, result)
        self._armed(None)
        for later in self._later:
            later.close()
        return result

    def _prepare(self, shell: Shell, plan: HostResult) -> None:
        """Take the host, look at it, keep what is there, and arm it; what fails here has changed nothing."""
        terms = self._terms
        self._tell("keeping what is there", 0, 0)
        shell.install_guard()
        shell.ask(guard.lock(terms.run, f"{terms.who} at {terms.controller}"))
        self._confirmation.before({change.subject for change in plan.changed})
        scope = self._round.scope
        shell.ask(guard.begin(terms.run, scope, who=terms.who, plan=terms.plan, controller=terms.controller))
        self._armed(terms.restore_after)
        shell.ask(guard.arm(terms.run, terms.restore_after))

    def _let_go(self) -> None:
        """Give the host back, if we have it and it can be told."""
        with suppress(PlumblineError):
            self._round.shell.ask(guard.unlock(self._terms.run))
        self._armed(None)

    def _changed(self, plan: HostResult, heartbeat: Heartbeat) -> HostResult:
        """Change and confirm; whatever goes wrong in it, the host is still to be put back."""
        moves = self._round.move
        try:
            if moves is not None:
                plan = self._moved(moves, plan, heartbeat)
                if plan.outcome != "planned":
                    return plan
            result = self._change(heartbeat)
            if moves is not None:
                note = NOTE.format(moves.address.ip)
                result = result.model_copy(update={"notes": [*result.notes, note]})
            return self._confirm(result) if result.outcome == "applied" else result
        except Exception as error:
            return plan.model_copy(update={"outcome": "failed", "problem": mistake(error), "changed": []})

    def _moved(self, move: Move, plan: HostResult, heartbeat: Heartbeat) -> HostResult:
        """Let the host take its address, and go on there with a plan like this one; else tell why not."""
        self._tell(f"taking the address {move.address.ip}", 0, 0)
        target = self._confirmation.target
        try:
            take(self._round.shell, move, target.port)
        except PlumblineError as error:
            return plan.model_copy(update={"outcome": "failed", "problem": str(error), "changed": []})
        there = self._again()
        self._later.append(there)
        planned = there.plan(self._deploys, self._tell)
        held = held_to_shown(without_network(plan), without_network(planned))
        if held.outcome != "planned":
            problem = f"at its address {move.address.ip}: {held.problem}"
            return held.model_copy(update={"outcome": "failed", "problem": problem, "changed": []})
        there.shell.ask(guard.extend(self._terms.run, self._terms.restore_after))
        heartbeat.shell = there.shell
        self._round, self._confirmation.target = there, move.at_the_new(target)
        return planned

    def _change(self, heartbeat: Heartbeat) -> HostResult:
        """Execute the plan, and what packages brought; with an exact plan, only tell the latter."""

        def stopping() -> str | None:
            return LATE if heartbeat.expired else self._stopping()

        result = self._executed(self._round, stopping)
        brought = self._round.brought
        for _ in range(ROUNDS - 1):
            if result.outcome != "applied" or not brought:
                break
            later = self._again()
            self._later.append(later)
            planned = later.plan(self._deploys, self._tell)
            if self._terms.exact and planned.outcome == "planned":
                return result.model_copy(update={"then": planned.operations})
            if planned.outcome != "planned":
                return result.with_more(planned).model_copy(update={"outcome": "failed"})
            # By this the host knows the connection, and ends what it has at work before it restores itself.
            later.shell.ask(guard.extend(self._terms.run, self._terms.restore_after))
            result = result.with_more(self._executed(later, stopping))
            brought = later.brought
        return result

    def _executed(self, step: HostRun, stopping: Stopping) -> HostResult:
        result = step.execute(self._tell, stopping)
        if any(change.services for change in result.changed):
            self._settled = time.monotonic() + SETTLE_SECONDS
        return result

    def _confirm(self, result: HostResult) -> HostResult:
        """Hold the changed host against how it was; what a new plan would go on with is not ready for it."""
        self._tell("confirming by a new login", 0, 0)
        unready = {name.partition(":")[0] for name in result.then}
        changed = {change.subject for change in result.changed} - unready
        excused = self._terms.accept_worse.union(*(each.owed for each in (self._round, *self._later)))
        confirmed = self._confirmation.after(
            changed,
            seconds=self._patience,
            settling=AS_GOOD_SECONDS if any(change.services for change in result.changed) else 0,
            excused=excused,
        )
        update: dict[str, object] = {"controls": confirmed.controls}
        if confirmed.problem is not None:
            update |= {"outcome": "failed", "problem": confirmed.problem}
        return result.model_copy(update=update)

    def _keep(self, result: HostResult) -> HostResult:
        """Tell the host that all is well, by a login that is newer than what its services read last."""
        time.sleep(max(0.0, self._settled - time.monotonic()))
        until = time.monotonic() + self._patience
        while True:
            try:
                with entered(self._confirmation.target) as fresh:
                    fresh.ask(guard.disarm(self._terms.run))
                    with suppress(PlumblineError):
                        fresh.ask(guard.prune(KEPT_RUNS))
                return result
            except NotReachedError as error:
                problem = f"nobody gets into it any more: {error.message}"
            except guard.GuardError as error:
                problem = f"it could not be told that all is well: {error.message}"
                break
            if time.monotonic() > until:
                break
            time.sleep(AGAIN_SECONDS)
        return result.model_copy(update={"outcome": "failed", "problem": problem})

    def _undo(self, heartbeat: Heartbeat, before: SshTarget, result: HostResult) -> HostResult:
        """Have everything put back; a host that moved is then found where it was before."""
        self._tell("putting everything back", 0, 0)
        why = result.problem or "it was not confirmed"
        try:
            found = restored(heartbeat.shell, before, self._terms.run, heartbeat.until)
        except guard.GuardError as error:
            problem = f"{why}\nit could not be put back: {error.message}"
            return result.model_copy(update={"outcome": "failed", "problem": problem})
        return undone(result, why, found)
