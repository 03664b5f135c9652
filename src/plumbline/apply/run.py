"""One host's way through a round: connect, look, plan, execute; each ends in a result, not a traceback."""

from __future__ import annotations

import copy
import dataclasses
import functools
import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pyinfra.api.exceptions import PyinfraError
from pyinfra.api.host import Host
from pyinfra.api.operation import OperationMeta
from pyinfra.api.operations import run_host_op
from pyinfra.api.state import StateStage
from pyinfra.connectors.util import CommandOutput
from pyinfra.context import ctx_host, ctx_state

from plumbline.apply.ground import Ground, Look, refuse_unsafe
from plumbline.apply.guard import Scope
from plumbline.apply.moving import Move, as_moved, move_of
from plumbline.apply.refusals import About, refuse_standing_badly
from plumbline.apply.results import Change, Failed, HostResult, Outcome
from plumbline.apply.serving import served_by
from plumbline.apply.session import (
    COMMAND_SECONDS,
    HostFailedError,
    HostsAlone,
    KeptLog,
    close,
    connect,
    transport_of,
)
from plumbline.apply.shell import LinkLostError, Shell
from plumbline.apply.steps import Step, change_of, mistake
from plumbline.apply.telling import Told, forget, told_of
from plumbline.errors import NotReachedError, PlumblineError
from plumbline.policy.standard import DesiredState

OUTPUT_LINES = 15
"""How many of the last lines of a failed operation are told."""

Tell = Callable[[str, int, int], None]
"""Called with what a host is at, and which operation of how many."""


Stopping = Callable[[], str | None]
"""Asked before each operation; a sentence why there shall be no further one."""


@dataclass(frozen=True)
class Refusing:
    """That a host is not to be changed where it stands badly, and what was allowed all the same.

    `readdress`: it may be reached at another address than the specified one, and be given that.
    """

    despite_owed_reboot: bool = False
    readdress: bool = False


class HostRun:
    """A host on its way: `plan` first, then `execute` if the plan is to be carried out."""

    def __init__(
        self,
        state: HostsAlone,
        host: Host,
        desired: DesiredState,
        log: KeptLog,
        refusing: Refusing | None = None,
    ) -> None:
        self._state, self._host, self._desired, self._log = state, host, desired, log
        self._refusing = refusing
        self._ground = Ground()
        self._steps: list[Step] = []
        self.move: Move | None = None
        """The address the host has to take before anything else can be done."""
        self.brought = False
        """Whether something was installed that brought files no plan has seen."""
        self._address = str(host.data.get("ssh_hostname"))

    def plan(self, deploys: Callable[[DesiredState], None], tell: Tell) -> HostResult:
        """Connect and find out what would change; nothing on the host is touched."""
        try:
            tell("connecting", 0, 0)
            connect(self._host)
            with ctx_state.use(self._state), ctx_host.use(self._host):
                self._look()
                tell("reading", 0, 0)
                deploys(self._desired)
                self._steps = self._planned_steps()
                self._refuse_change()
        except NotReachedError as error:
            return self._result("not-reached", problem=str(error))
        except (PlumblineError, HostFailedError, PyinfraError, EOFError, OSError) as error:
            return self._ended(error, while_doing="looking at it")
        except Exception as error:  # a mistake in one deploy is told, other hosts go on
            return self._result("failed", problem=mistake(error))
        tell("planned", 0, sum(step.planned for step in self._steps))
        return self._result(
            "planned",
            changed=[self._change(step, step.told) for step in self._steps if step.planned],
            already=self._already(),
            notes=[note for step in self._steps for note in step.told.notes],
        )

    def execute(self, tell: Tell, stopping: Stopping) -> HostResult:
        """Carry the plan out, ending at the first operation that fails, or before one when it must stop.

        Operations that were not planned count too: they would change a host that restored itself meanwhile.
        """
        self._state.set_stage(StateStage.Execute)
        self._state.is_executing = True
        result = self._result("applied", already=self._already())
        total = sum(step.planned for step in self._steps)
        for index, step in enumerate(self._steps):
            left = [str(later) for later in self._steps[index:] if later.planned]
            if why := stopping():
                return result.model_copy(update={"outcome": "failed", "problem": why, "not_done": left})
            if step.planned:
                tell(str(step), len(result.changed), total)
            failed = self._run(step)
            if failed is not None:
                return self._failed(result, step, failed, left[1:] if step.planned else left)
            self._count(step, result)
        tell("done", len(result.changed), total)
        return result

    @property
    def shell(self) -> Shell:
        """Commands as root over this round's connection; LinkLostError if there is none any more."""
        transport = transport_of(self._host)
        if transport is None:
            raise LinkLostError("the link to the host was lost")
        return Shell(transport, sudo=bool(self._host.data.get("_sudo")))

    @property
    def scope(self) -> Scope:
        """What the operations of this round may touch beyond what the host's guard keeps anyway."""
        moves = self.move.scope if self.move else Scope()
        return functools.reduce(operator.or_, (step.told.touches for step in self._steps), moves)

    @property
    def owed(self) -> set[str]:
        """Controls that the operations of this round leave to a person, as they said."""
        return {name for step in self._steps for name in told_of(self._host.connector_data, step.key).owes}

    def refused(self, problem: str) -> HostResult:
        """Return the result of a host that is left as it is."""
        return self._result("refused", problem=problem)

    def close(self) -> None:
        """Leave the host."""
        close(self._host)

    def _look(self) -> None:
        ground = self._host.get_fact(Look, _sudo=False)
        if self._refusing is not None and self._refusing.readdress:
            self.move = move_of(ground, self._desired)
        ground = self._ground = as_moved(ground, self.move) if self.move else ground
        user, sudo = str(self._host.data.get("ssh_user")), bool(self._host.data.get("_sudo"))
        refuse_unsafe(ground, self._desired, user=user, sudo=sudo)
        if ground.uid == 0:
            self._host.data._sudo = False  # root needs none, and sudo may not be installed

    def _refuse_change(self) -> None:
        """Look, where something would change, whether the host stands so that it may be."""
        planned = [step for step in self._steps if step.planned]
        if self._refusing is None or not planned:
            return
        subjects = frozenset(step.subject for step in planned)
        login = str(self._host.data.get("ssh_user"))
        about = About(self._ground, login, subjects, self._refusing.despite_owed_reboot)
        packages = {name for step in planned if step.told.brings for name in step.told.touches.packages}
        refuse_standing_badly(self._host, self._desired, about, packages)

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
            with ctx_state.use(self._state), ctx_host.use(self._host):
                done = run_host_op(self._state, self._host, step.key)
        except (HostFailedError, PlumblineError, PyinfraError, EOFError, OSError) as error:
            if isinstance(error, PlumblineError | PyinfraError):
                return str(error)
            return "it could not read the host's state"
        except Exception as error:
            return mistake(error)
        return None if done else "an operation failed"

    def _count(self, step: Step, result: HostResult) -> None:
        changed = self._state.get_op_data_for_host(self._host, step.key).operation_meta.did_change()
        told = told_of(self._host.connector_data, step.key)
        result.notes.extend(note for note in told.notes if note not in result.notes)
        if changed:
            self.brought |= told.brings
            result.changed.append(self._change(step, told))
            if not step.planned:
                result.unplanned.append(str(step))
                if str(step) in result.already:
                    result.already.remove(str(step))
        elif step.planned and not step.conditional:
            # When the plan was made it was not; an earlier operation of this run brought it along.
            detail = "it was so when its turn came"
            told = dataclasses.replace(step.told, details=[*step.told.details, detail])
            result.changed.append(self._change(step, told))

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

    def _change(self, step: Step, told: Told) -> Change:
        subject = self._desired.subject(step.subject)
        names = served_by(self._host.connector_data, step.key, subject)
        return change_of(step, told, [resolved for name, resolved in subject.items() if name in names])

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
