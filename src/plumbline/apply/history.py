"""The local record of runs: a file a run, written when hosts begin to be changed and when they are done.

`$XDG_STATE_HOME/plumbline/runs/RUN.json`, by default below `~/.local/state`. A run that was killed stays
there as one that has not ended; what became of its hosts, they know themselves.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from plumbline.apply import guard
from plumbline.apply.here import administrator, controller
from plumbline.apply.results import ApplyReport, HostResult
from plumbline.apply.waves import Rollout
from plumbline.atomic import replace
from plumbline.errors import PlumblineError, UsageError
from plumbline.model import Strict


class HostRecord(Strict):
    """What became of one host: an outcome of `HostResult`, or `begun` as long as nobody knows.

    `changed` are the operations that changed something, `restored` what was put back.
    """

    host: str
    outcome: str = "begun"
    changed: list[str] = []
    restored: list[str] = []
    problem: str | None = None

    @classmethod
    def of(cls, host: HostResult) -> HostRecord:
        """Return what is recorded of a result."""
        return cls(
            host=host.host,
            outcome=host.outcome,
            changed=host.operations,
            restored=host.restored,
            problem=host.problem,
        )


class Options(Strict):
    """What an apply was told beside its hosts: enough to go on with it after an interruption.

    `plan_file` is that of `--plan`, absolute; `outside_window` why windows were passed over; `resumes` the
    run that this one goes on with.
    """

    canaries: list[str] = []
    wave: str | None = None
    allowed_failures: int = 0
    restore_after: int | None = None
    plan_file: str | None = None
    outside_window: str | None = None
    despite_owed_reboot: bool = False
    readdress: bool = False
    accept_worse: list[str] = []
    resumes: str | None = None

    @property
    def rollout(self) -> Rollout:
        """In which waves the hosts go."""
        return Rollout(tuple(self.canaries), self.wave, self.allowed_failures)

    def of_rest(self, run: RunRecord) -> Options:
        """Return the options for what is left of a run: a canary that is done goes before nobody any more."""
        canaries = [name for name in self.canaries if name in run.left]
        return self.model_copy(update={"canaries": canaries, "resumes": run.run})


class RunRecord(Strict):
    """One run: `run` is the id the hosts know it by too, `plan` the digest of what was to be done."""

    format: Literal["plumbline-run/1"] = "plumbline-run/1"
    run: str
    what: Literal["apply", "rollback"] = "apply"
    of: str = ""
    """The run that was undone by a rollback."""
    who: str
    controller: str
    inventory: str
    standard: str = ""
    plan: str = ""
    began: datetime
    ended: datetime | None = None
    hosts: list[HostRecord] = []
    options: Options = Options()

    @property
    def left(self) -> list[str]:
        """Hosts that were to be changed and are not, as far as is known here."""
        return [host.host for host in self.hosts if host.outcome != "applied"]

    @property
    def interrupted(self) -> bool:
        """Whether it ended before all its hosts had their turn."""
        unknown = {host.outcome for host in self.hosts} & {"begun", "untouched"}
        return self.what == "apply" and (self.ended is None or bool(unknown))

    @classmethod
    def begun(cls, inventory: Path, standard: str = "", options: Options | None = None) -> RunRecord:
        """Return a run that begins now, here, by whom it is."""
        return cls(
            run=guard.run_id(),
            who=administrator(),
            controller=controller(),
            inventory=str(inventory.absolute()),
            standard=standard,
            began=_now(),
            options=options or Options(),
        )

    def done(self, hosts: list[HostRecord]) -> RunRecord:
        """Return the run as it ended."""
        return self.model_copy(update={"hosts": hosts, "ended": _now()})


class Records:
    """The folder of this person's runs on this machine."""

    def __init__(self, folder: Path | None = None) -> None:
        state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
        self.folder = folder or state / "plumbline" / "runs"

    def keep(self, run: RunRecord) -> None:
        """Write a run down in one step; PlumblineError if that fails."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace(self.folder / f"{run.run}.json", (run.model_dump_json(indent=2) + "\n").encode(), 0o600)
        except OSError as error:
            raise PlumblineError(
                f"the run cannot be written down: {error.strerror}",
                file=self.folder,
                hint="make room there, or set XDG_STATE_HOME to a folder that can be written",
            ) from error

    def runs(self, inventory: Path, host: str | None = None) -> list[RunRecord]:
        """Return the runs on an inventory, the newest first; only those on one host if it is named."""
        found = []
        for path in sorted(self.folder.glob("*.json"), reverse=True):
            try:
                run = RunRecord.model_validate_json(path.read_bytes())
            except (OSError, ValidationError) as error:
                raise PlumblineError("this is no record of a run", file=path, hint="move it away") from error
            if run.inventory == str(inventory.absolute()) and (
                host is None or any(each.host == host for each in run.hosts)
            ):
                found.append(run)
        return found


def interrupted(records: Records, inventory: Path) -> RunRecord:
    """Return an inventory's newest run that was interrupted and not gone on with; UsageError for none."""
    runs = records.runs(inventory)
    gone_on = {run.options.resumes for run in runs}
    for run in runs:
        if run.interrupted and run.run not in gone_on and run.left:
            return run
    raise UsageError("no run on this inventory was interrupted here", hint="see `plumb history`")


class Following:
    """Follows a run that the parent started: keeps its record, and knows which hosts wait for us."""

    def __init__(self, run: RunRecord, records: Records | None) -> None:
        self._run, self._records = run, records
        self._armed: dict[str, int] = {}
        self.gone = False
        """Whether hosts were begun to be changed."""

    def goes(self, digest: str, plan: ApplyReport) -> None:
        """Write down that hosts will be changed now; without a record nothing is changed.

        Where there is nothing to change on any host, there is nothing to remember.
        """
        hosts = [HostRecord(host=host.host) for host in plan.hosts if host.changed]
        self._run = self._run.model_copy(update={"plan": digest, "hosts": hosts})
        if not hosts:
            self._records = None
        if self._records is not None:
            self._records.keep(self._run)
        self.gone = True

    def done(self, host: HostResult) -> None:
        """Write down what became of one host, while others go on; that it fails is told at the end."""
        hosts = [HostRecord.of(host) if each.host == host.host else each for each in self._run.hosts]
        self._run = self._run.model_copy(update={"hosts": hosts})
        with suppress(PlumblineError):
            if self._records is not None:
                self._records.keep(self._run)

    def armed(self, host: str, seconds: int | None) -> None:
        """Remember that a host restores itself in so many seconds, or, with None, that it is settled."""
        if seconds is None:
            self._armed.pop(host, None)
        else:
            self._armed[host] = seconds

    def ended(self, report: ApplyReport) -> ApplyReport:
        """Write down what became of the hosts, and return the report with a note if that fails."""
        try:
            if self._records is not None:
                self._records.keep(self._run.done([HostRecord.of(host) for host in report.hosts]))
        except PlumblineError as error:
            noted = [
                host.model_copy(update={"notes": [*host.notes, f"{error.file}: {error.message}"]})
                for host in report.hosts
            ]
            return report.model_copy(update={"hosts": noted})
        return report

    @contextmanager
    def to_the_end(self) -> Iterator[None]:
        """Say aloud which hosts are left to themselves when the run ends before they were confirmed."""
        try:
            yield
        except (KeyboardInterrupt, PlumblineError) as error:
            if not self._armed:
                raise
            why = "stopped at once" if isinstance(error, KeyboardInterrupt) else str(error)
            raise PlumblineError(
                f"{why}; nobody confirms these hosts now, so each puts itself back as it was: "
                + ", ".join(f"{name} (within {seconds} s)" for name, seconds in self._armed.items()),
                hint=f"afterwards, see `plumb history HOST --on-host` (this was the run {self._run.run})",
            ) from error


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
