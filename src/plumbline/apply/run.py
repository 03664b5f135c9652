"""One host's way through a run: connect, look, plan, execute; each ends in a result, never a traceback."""

from __future__ import annotations

import copy
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pyinfra.api.exceptions import PyinfraError
from pyinfra.api.host import Host
from pyinfra.api.operation import OperationMeta
from pyinfra.api.operations import run_host_op
from pyinfra.connectors.util import CommandOutput
from pyinfra.context import ctx_host

from plumbline.apply.ground import Look, refuse_unsafe
from plumbline.apply.results import Change, Failed, HostResult, Outcome
from plumbline.apply.session import (
    COMMAND_SECONDS,
    HostFailedError,
    HostsAlone,
    KeptLog,
    close,
    connect,
    transport_of,
)
from plumbline.apply.telling import Told, forget, told_of
from plumbline.errors import NotReachedError, PlumblineError
from plumbline.policy.standard import DesiredState

OUTPUT_LINES = 15
"""How many of the last lines of a failed operation are told."""

Tell = Callable[[str, int, int], None]
"""Called with what a host is at, and which operation of how many."""


@dataclass
class Step:
    """One operation of one host: what was planned of it, and what it told when it was planned."""

    key: str
    subject: str
    name: str
    planned: bool
    conditional: bool
    told: Told

    def __str__(self) -> str:
        return f"{self.subject}: {self.name}"


class HostRun:
    """A host on its way: `plan` first, then `execute` if the plan is to be carried out."""

    def __init__(self, state: HostsAlone, host: Host, desired: DesiredState, log: KeptLog) -> None:
        self._state, self._host, self._desired, self._log = state, host, desired, log
        self._steps: list[Step] = []
        self.brought = False
        """Whether something was installed that brought files no plan has seen."""
        self._address = str(host.data.get("ssh_hostname"))

    def plan(self, deploys: Callable[[DesiredState], None], tell: Tell) -> HostResult:
        """Connect and find out what would change; nothing on the host is touched."""
        try:
            tell("connecting", 0, 0)
            connect(self._host)
            with ctx_host.use(self._host):
                self._look()
                tell("reading", 0, 0)
                deploys(self._desired)
                self._steps = self._planned_steps()
        except NotReachedError as error:
            return self._result("not-reached", problem=str(error))
        except (PlumblineError, HostFailedError, PyinfraError, EOFError, OSError) as error:
            return self._ended(error, while_doing="looking at it")
        except Exception as error:  # a mistake in one deploy is told, other hosts go on
            return self._result("failed", problem=_mistake(error))
        tell("planned", 0, sum(step.planned for step in self._steps))
        return self._result(
            "planned",
            changed=[_change(step, step.told) for step in self._steps if step.planned],
            already=self._already(),
            notes=[note for step in self._steps for note in step.told.notes],
        )

    def execute(self, tell: Tell, stopping: Callable[[], bool]) -> HostResult:
        """Carry the plan out, ending at the first operation that fails."""
        result = self._result("applied", already=self._already())
        total = sum(step.planned for step in self._steps)
        for index, step in enumerate(self._steps):
            left = [str(later) for later in self._steps[index:] if later.planned]
            if stopping() and left:
                stopped = {"outcome": "failed", "problem": "it was stopped before it was done"}
                return result.model_copy(update={**stopped, "not_done": left})
            if step.planned:
                tell(str(step), len(result.changed), total)
            failed = self._run(step)
            if failed is not None:
                return self._failed(result, step, failed, left[1:] if step.planned else left)
            self._count(step, result)
        tell("done", len(result.changed), total)
        return result

    def close(self) -> None:
        """Leave the host."""
        close(self._host)

    def _look(self) -> None:
        ground = self._host.get_fact(Look, _sudo=False)
        user, sudo = str(self._host.data.get("ssh_user")), bool(self._host.data.get("_sudo"))
        refuse_unsafe(ground, self._desired, user=user, sudo=sudo)
        if ground.uid == 0:
            self._host.data._sudo = False  # root needs none, and sudo may not be installed

    def _planned_steps(self) -> list[Step]:
        steps = []
        metas: list[OperationMeta] = []
        with _undone(metas):
            for key in self._host.op_hash_order:
                data = self._state.get_op_data_for_host(self._host, key)
                condition = data.global_arguments.get("_if")
                planned = data.operation_meta.will_change and _holds(condition)
                # Conditions of later operations ask this one whether it changed; in the plan it has.
                data.operation_meta.set_complete(True, ["planned"] if planned else [], CommandOutput([]))
                metas.append(data.operation_meta)
                subject, _, name = next(iter(self._state.get_op_meta(key).names)).rpartition(" | ")
                told = copy.deepcopy(told_of(self._host.connector_data, key))
                steps.append(Step(key, subject or "host", name, planned, bool(condition), told))
        return steps

    def _run(self, step: Step) -> str | None:
        """Run one operation; return None if it is done, else a sentence why not."""
        forget(self._host.connector_data, step.key)
        data = self._state.get_op_data_for_host(self._host, step.key)
        data.global_arguments["_timeout"] = COMMAND_SECONDS
        try:
            with ctx_host.use(self._host):
                done = run_host_op(self._state, self._host, step.key)
        except (HostFailedError, PyinfraError, EOFError, OSError) as error:
            return str(error) if isinstance(error, PyinfraError) else "it could not read the host's state"
        except Exception as error:
            return _mistake(error)
        return None if done else "an operation failed"

    def _count(self, step: Step, result: HostResult) -> None:
        changed = self._state.get_op_data_for_host(self._host, step.key).operation_meta.did_change()
        told = told_of(self._host.connector_data, step.key)
        result.notes.extend(note for note in told.notes if note not in result.notes)
        if changed:
            self.brought |= told.brings
            result.changed.append(_change(step, told))
            if not step.planned:
                result.unplanned.append(str(step))
                if str(step) in result.already:
                    result.already.remove(str(step))
        elif step.planned and not step.conditional:
            # When the plan was made it was not; an earlier operation of this run brought it along.
            detail = "it was so when its turn came"
            result.changed.append(_change(step, Told([*step.told.details, detail], step.told.diff)))

    def _failed(self, result: HostResult, step: Step, why: str, left: list[str]) -> HostResult:
        output = self._log.take(self._host)[-OUTPUT_LINES:]
        if transport_of(self._host) is None:
            why = "the link to the host was lost; what it was doing may go on there"
        return result.model_copy(
            update={
                "outcome": "failed",
                "problem": f"{why} ({step})",
                "failed": Failed(operation=step.name, subject=step.subject, output=output),
                "not_done": left,
            }
        )

    def _ended(self, error: Exception, *, while_doing: str) -> HostResult:
        """Tell of an error that ended planning; nothing was changed."""
        output = self._log.take(self._host)[-OUTPUT_LINES:]
        if transport_of(self._host) is None:
            return self._result("not-reached", problem=f"the link was lost while {while_doing}")
        if isinstance(error, HostFailedError):
            said = "; ".join(output) or "a command failed"
            return self._result("failed", problem=f"it could not be read ({said})")
        if isinstance(error, EOFError):
            return self._result("refused", problem="it asks for a password, which nobody can give here")
        return self._result("refused", problem=str(error))

    def _already(self) -> list[str]:
        return [str(step) for step in self._steps if not step.planned and not step.conditional]

    def _result(
        self,
        outcome: Outcome,
        *,
        changed: list[Change] | None = None,
        already: list[str] | None = None,
        notes: list[str] | None = None,
        problem: str | None = None,
    ) -> HostResult:
        return HostResult(
            host=self._host.name,
            address=self._address,
            outcome=outcome,
            changed=changed or [],
            already=already or [],
            notes=notes or [],
            problem=problem,
        )


@contextmanager
def _undone(metas: list[OperationMeta]) -> Iterator[None]:
    """Take back, at the end, that operations were set complete; pyinfra has no public way to."""
    try:
        yield
    finally:
        for meta in metas:
            meta._success = meta._commands = meta._combined_output = None


def _holds(condition: object) -> bool:
    """Evaluate an operation's `_if`, a callable or a list of them."""
    conditions = condition if isinstance(condition, list) else [condition]
    return all(one() for one in conditions if callable(one))


def _change(step: Step, told: Told) -> Change:
    return Change(operation=step.name, subject=step.subject, details=told.details, diff=told.diff)


def _mistake(error: Exception) -> str:
    """Name a programming mistake and the place nearest to it in our own code."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "site-packages" not in frame.filename] or frames
    place = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}"
    return f"a mistake in Plumbline: {type(error).__name__}: {error} ({place})"
