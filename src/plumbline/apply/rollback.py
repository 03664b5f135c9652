"""Undoing runs later, one host at a time: what nobody changed since goes back, guarded like any change."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

from plumbline.apply import guard
from plumbline.apply.heartbeat import Heartbeat
from plumbline.apply.history import HostRecord, Records, RunRecord
from plumbline.apply.restoring import BY, LOST, restored
from plumbline.apply.shell import Shell, entered
from plumbline.errors import COMPLIANT, NOT_REACHED, TOOL_FAILED, PlumblineError, UsageError
from plumbline.evidence.gather import targets_of
from plumbline.evidence.ssh import SshTarget
from plumbline.model import Strict
from plumbline.spec.load import load_inventory

UNDOES = "undoes "
"""What stands in a host's record in place of a plan's digest, before the run that was undone."""


class Undone(Strict):
    """One run that is undone: what of it is put `back`, and what is `left`, each as a sentence."""

    run: str
    who: str
    began: str
    back: list[str] = []
    left: list[str] = []


class RollbackReport(Strict):
    """What undoing came to on one host, or would come to (`planned`).

    `run` is the id of the (last) undoing itself, a run of its own. `problem`: why it was not done or kept.
    """

    format: Literal["plumbline-rollback/1"] = "plumbline-rollback/1"
    host: str
    outcome: Literal["planned", "undone", "restored", "lost", "failed"]
    run: str = ""
    undone: list[Undone] = []
    problem: str | None = None

    @property
    def exit_code(self) -> int:
        """0 if it is undone or planned, 4 if the host is lost, else 1."""
        codes = {"planned": COMPLIANT, "undone": COMPLIANT, "lost": NOT_REACHED}
        return codes.get(self.outcome, TOOL_FAILED)


def target_of_host(inventory: Path, name: str) -> SshTarget:
    """Return how one host is reached; UsageError if the name means none, or several."""
    targets = targets_of(load_inventory(inventory), [name])
    if len(targets) != 1:
        raise UsageError(f"{name} means {len(targets)} hosts; name one")
    return targets[0]


def on_host(inventory: Path, name: str) -> list[guard.HistoryEntry]:
    """Return the runs that a host itself remembers, the newest first."""
    with entered(target_of_host(inventory, name)) as shell:
        return _runs(shell)


def roll_back(
    inventory: Path,
    name: str,
    *,
    to: str | None = None,
    dry: bool = False,
    restore_after: int,
    confirm: Callable[[RollbackReport], bool] = lambda _: True,
    records: Records | None = None,
) -> RollbackReport:
    """Undo the newest run on a host, or all back to and including the run `to`.

    Only what is still as the run left it is put back; the rest is told with its reason. It is guarded: a
    new login must work afterwards, else the host takes the undoing back by itself within `restore_after`
    seconds. With `dry`, or when `confirm` says no to what would be done, nothing is touched.
    """
    target = target_of_host(inventory, name)
    with entered(target) as shell:
        chosen = to_undo(_runs(shell), to, name)
        report = RollbackReport(
            host=target.name,
            outcome="planned",
            undone=[_undone(entry, shell.ask(guard.rollback(entry.run, dry=True))) for entry in chosen],
        )
        if dry or not confirm(report):
            return report
        undone: list[Undone] = []
        for entry in chosen:
            run = RunRecord.begun(inventory).model_copy(update={"what": "rollback", "of": entry.run})
            _keep(records, run, HostRecord(host=target.name))
            done = _carried_out(shell, target, run, entry, restore_after)
            undone += done.undone
            changed = [line for each in done.undone for line in each.back]
            host = HostRecord(host=done.host, outcome=done.outcome, changed=changed, problem=done.problem)
            _keep(records, run.done([host]))
            if done.outcome != "undone":
                break
    return done.model_copy(update={"undone": undone})


def _keep(records: Records | None, run: RunRecord, *hosts: HostRecord) -> None:
    if records is not None:
        records.keep(run.model_copy(update={"hosts": [*run.hosts, *hosts]}))


def _runs(shell: Shell) -> list[guard.HistoryEntry]:
    return shell.ask(guard.history()).runs if shell.has_guard() else []


def to_undo(runs: list[guard.HistoryEntry], to: str | None, name: str) -> list[guard.HistoryEntry]:
    """Return the runs to undo, the newest first; UsageError, saying why, where that cannot be."""
    done = [entry for entry in runs if entry.state == "confirmed" and not entry.rolled_back]
    if to is not None and to not in [entry.run for entry in runs]:
        raise UsageError(f"{name} remembers no run {to}", hint=f"see `plumb history {name} --on-host`")
    if to is not None and to not in [entry.run for entry in done]:
        raise UsageError(f"the run {to} left nothing on {name} to undo, or was undone before")
    # An undoing is no step on the way back; it is only undone when it is named itself.
    steps = [entry for entry in done if not entry.plan.startswith(UNDOES)]
    if to is None:
        chosen = steps[:1]
    else:
        chosen = [entry for entry in steps if entry.run >= to]
        if to not in [entry.run for entry in chosen]:
            chosen = [entry for entry in done if entry.run == to]
    if not chosen:
        raise UsageError(f"there is nothing to undo on {name}: it remembers no run that changed something")
    gone = [entry.run for entry in chosen if not entry.undoable]
    if gone:
        raise UsageError(f"{name} has not kept what is needed to undo {', '.join(gone)}")
    return chosen


def _undone(entry: guard.HistoryEntry, found: guard.RollbackResult) -> Undone:
    return Undone(
        run=entry.run,
        who=entry.who,
        began=entry.began,
        back=[str(item) for item in found.back],
        left=[str(item) for item in found.left],
    )


def _carried_out(
    shell: Shell, target: SshTarget, run: RunRecord, entry: guard.HistoryEntry, restore_after: int
) -> RollbackReport:
    """Undo one run inside a run of its own."""
    report = RollbackReport(host=target.name, outcome="failed", run=run.run)
    who, where = run.who, run.controller
    try:
        shell.install_guard()
        shell.ask(guard.lock(run.run, f"{who} at {where}"))
        kept = guard.begin(
            run.run,
            guard.Scope(),
            who=who,
            plan=f"{UNDOES}{entry.run}",
            controller=where,
            scope_of=entry.run,
        )
        shell.ask(kept)
        shell.ask(guard.arm(run.run, restore_after))
    except PlumblineError as error:
        with suppress(PlumblineError):
            shell.ask(guard.unlock(run.run))
        return report.model_copy(update={"problem": f"nothing was changed: {error}"})
    with Heartbeat(shell, run.run, restore_after) as heartbeat:
        try:
            undone = _undone(entry, shell.ask(guard.rollback(entry.run, dry=False)))
            with entered(target) as fresh:
                fresh.ask(guard.disarm(run.run))
            return report.model_copy(update={"outcome": "undone", "undone": [undone]})
        except PlumblineError as error:
            why = str(error)
        except KeyboardInterrupt:
            why = "it was stopped before it was done"
    return _taken_back(report, why, shell, target, heartbeat.until)


def _taken_back(
    report: RollbackReport, why: str, shell: Shell, target: SshTarget, until: float
) -> RollbackReport:
    try:
        found = restored(shell, target, report.run, until)
    except guard.GuardError as error:
        problem = f"{why}\nit could not be put back: {error.message}"
        return report.model_copy(update={"problem": problem})
    except KeyboardInterrupt as error:
        raise PlumblineError(
            f"stopped at once; {target.name} puts itself back when its time runs out"
        ) from error
    if found is None:
        return report.model_copy(update={"outcome": "lost", "problem": f"{why}\n{LOST}"})
    outcome = "restored" if found.state == "restored" else "failed"
    problem = f"{why}\nthe undoing was taken back {BY[found.by]}"
    return report.model_copy(update={"outcome": outcome, "problem": problem})
