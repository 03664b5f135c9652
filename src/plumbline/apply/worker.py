"""The process that talks to the hosts: gevent has patched it before this module is imported.

It reads one request line, writes JSON lines of what happens, and after a plan waits for the parent's answer.
Run by `plumbline.apply.client`; kept apart because gevent's patching changes the whole process.
"""

from __future__ import annotations

import importlib
import json
import signal
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import gevent  # type: ignore[import-untyped]  # it has no types
from gevent.pool import Pool  # type: ignore[import-untyped]  # as above

from plumbline.apply.confirm import Confirmation
from plumbline.apply.guarded import GuardedRun, Terms
from plumbline.apply.moving import refuse_to_move
from plumbline.apply.plan import held_to_shown
from plumbline.apply.results import HostResult, Progress
from plumbline.apply.rolling import Rolling, groups_of
from plumbline.apply.run import HostRun, Refusing, Tell
from plumbline.apply.session import KeptLog, keep_contexts_apart, new_state, quiet
from plumbline.apply.waves import order
from plumbline.apply.windows import closed
from plumbline.apply.wire import Request, Wire
from plumbline.errors import PlumblineError, UsageError
from plumbline.evidence.gather import targets_of
from plumbline.matrix.desired import desired_flows
from plumbline.policy.load import load_standard
from plumbline.policy.resolve import resolve
from plumbline.policy.standard import DesiredState
from plumbline.secrets import give
from plumbline.spec.inventories import to_pyinfra
from plumbline.spec.load import Inventory, load_inventory

AT_ONCE = 20
"""Hosts worked on at the same time."""

PLAN_SECONDS = 60.0
"""How old a plan may be that hosts of the first wave are changed by; older ones are made anew."""

STOPPING = "stopping after the operation at hand; what was changed is then undone"
WINDOWS = "it is a Windows host; this command does not handle those yet"


class Worker:
    """One request from beginning to end."""

    def __init__(self, wire: Wire, request: Request) -> None:
        self._wire, self._request = wire, request
        self._stop = False
        self._changing: list[str] = []
        gevent.signal_handler(signal.SIGTERM, self._stop_soon)
        self._log: KeptLog = quiet()
        keep_contexts_apart()
        self._inventory = load_inventory(request.inventory)
        self._standard = load_standard(request.standard)
        for name in request.accept_worse:
            if name not in self._standard.controls:
                raise UsageError(f"the standard has no control {name}", hint="see `plumb policy list`")
        self._selected = {host.name: (system, host) for system, host in self._inventory.select(request.hosts)}
        linux = {name: found for name, found in self._selected.items() if found[1].os.family == "linux"}
        self._targets = {target.name: target for target in targets_of(self._inventory, request.hosts)}
        flows = desired_flows(self._inventory, linux)
        self._desired = {
            name: resolve(self._standard, self._inventory.site, system, host, flows.get(name))
            for name, (system, host) in linux.items()
        }
        self._deploys = self._load_deploys()

    def run(self) -> None:
        """Plan all hosts, and carry the plan out unless it is a dry run or the parent says no."""
        groups = groups_of((name, host.redundancy_group) for name, (_, host) in self._selected.items())
        order(
            list(self._selected), self._request.rollout, groups
        )  # a wrong word is told before hosts are asked
        runs = {name: self._new_run(name) for name in self._desired}
        results = self._each(runs, lambda name, tell: self._planned(name, runs[name], tell))
        planned_at = time.monotonic()
        self._wire.send("plan", hosts=self._dumped(results))
        answer: dict[str, Any] = {} if self._request.dry else json.loads(self._wire.receive() or "{}")
        if answer.get("go"):
            for name, problem in answer["refused"].items():
                results[name] = runs[name].refused(problem)
            results |= self._change(runs, results, answer["digest"], groups, planned_at)
        for run in runs.values():
            run.close()
        self._wire.send("result", hosts=self._dumped(results))

    def _planned(self, name: str, run: HostRun, tell: Tell) -> HostResult:
        """Plan a host; one to be changed now must be in its window, one that is only shown tells of it."""
        why = self._closed(name)
        if why is not None and not self._request.dry:
            return run.refused(why)
        planned = run.plan(self._deploys, tell)
        if run.move is not None and planned.outcome == "planned":
            try:
                refuse_to_move(self._inventory, self._targets[name], run.move)
            except PlumblineError as error:
                return run.refused(str(error))
        if why is None or not planned.changed:
            return planned
        return planned.model_copy(update={"notes": [*planned.notes, why]})

    def _closed(self, name: str) -> str | None:
        """Return why a host must not be changed at this hour, None if it may."""
        if self._request.outside_window is not None:
            return None
        host = self._selected[name][1]
        return closed(host.maintenance or self._inventory.site.maintenance)

    def _change(
        self,
        runs: dict[str, HostRun],
        plans: dict[str, HostResult],
        digest: str,
        groups: dict[str, str],
        planned_at: float,
    ) -> dict[str, HostResult]:
        """Carry the plans out, wave by wave, each host guarded by itself."""
        asked = self._request
        accept = frozenset(asked.accept_worse)
        terms = Terms(
            asked.run, asked.who, asked.controller, digest, asked.restore_after, asked.exact, accept
        )
        confirmation = Confirmation(self._standard, self._inventory.site)

        def change(name: str, tell: Tell) -> HostResult:
            plan = plans[name]
            if name not in fresh:
                runs[name].close()
                runs[name] = self._new_run(name)
                now = runs[name].plan(self._deploys, tell)
                plan = held_to_shown(plan, now) if now.changed else now
            if plan.outcome != "planned":
                return plan
            guarded = GuardedRun(
                runs[name],
                lambda: self._later_run(name, moved=runs[name].move is not None),
                self._deploys,
                confirmation.of(self._desired[name], self._targets[name]),
                terms,
                tell,
                self._stopping,
                lambda seconds: self._wire.send("armed", host=name, seconds=seconds),
            )
            return self._told(name, guarded.carry_out(plan))

        def wave(names: list[str]) -> dict[str, HostResult]:
            self._changing = names
            return self._each(names, lambda name, tell: self._kept(change(name, tell)))

        rolling = Rolling(asked.rollout, groups, plans, self._stopping, self._closed)
        fresh = rolling.waves[0] if rolling.waves and time.monotonic() - planned_at < PLAN_SECONDS else []
        self._changing = [name for names in rolling.waves for name in names]
        nothing = {
            name: self._kept(plan.model_copy(update={"outcome": "applied"}))
            for name, plan in plans.items()
            if plan.outcome == "planned" and not plan.changed
        }
        for name in [*nothing, *(name for name in self._changing if name not in fresh)]:
            runs[name].close()  # their turn comes later, with a connection and a plan of its own
        return nothing | rolling.go(wave, self._kept)

    def _kept(self, result: HostResult) -> HostResult:
        """Tell the parent what became of a host, so that it is on record also if this run is killed."""
        self._wire.send("done", host=result.model_dump(mode="json"))
        return result

    def _told(self, name: str, result: HostResult) -> HostResult:
        """Note on a changed host that it was outside its window, and why that was allowed."""
        reason = self._request.outside_window
        maintenance = self._selected[name][1].maintenance or self._inventory.site.maintenance
        if reason is None or closed(maintenance) is None:
            return result
        note = f"changed outside its maintenance window: {reason}"
        return result.model_copy(update={"notes": [*result.notes, note]})

    def _new_run(self, name: str) -> HostRun:
        """Return one host's way through its first round, with a connection of its own to come."""
        asked = self._request
        return self._run_at(self._inventory, name, Refusing(asked.despite_owed_reboot, asked.readdress))

    def _later_run(self, name: str, *, moved: bool) -> HostRun:
        """Return a host's way through a later round; one that has moved is reached where it is specified."""
        inventory = self._inventory
        if moved:
            way = inventory.connection
            left = {other: address for other, address in way.addresses.items() if other != name}
            inventory = replace(inventory, connection=way.model_copy(update={"addresses": left}))
        return self._run_at(inventory, name, None)

    def _run_at(self, inventory: Inventory, name: str, refusing: Refusing | None) -> HostRun:
        (host,) = reached = to_pyinfra(inventory, [self._selected[name]])
        return HostRun(new_state(reached), host, self._desired[name], self._log, refusing)

    def _load_deploys(self) -> Callable[[DesiredState], None]:
        sys.path.insert(0, str(self._request.deploys.resolve().parent))
        module = importlib.import_module(self._request.deploys.name)
        apply: Callable[[DesiredState], None] = module.apply
        return apply

    def _each(self, names: Iterable[str], step: Callable[[str, Tell], HostResult]) -> dict[str, HostResult]:
        """Do one step on all these hosts at once, each in a greenlet of its own; results keep their order."""
        results: dict[str, HostResult] = {}

        def one(name: str) -> None:
            def tell(what: str, done: int, total: int) -> None:
                progress = Progress(host=name, step=what, done=done, total=total)
                self._wire.send("progress", **progress.model_dump())

            results[name] = step(name, tell)

        pool, ordered = Pool(AT_ONCE), list(names)
        for name in ordered:
            pool.spawn(one, name)
        pool.join(raise_error=True)
        return {name: results[name] for name in ordered}

    def _stop_soon(self) -> None:
        self._stop = True
        for name in self._changing:
            self._wire.send("progress", **Progress(host=name, step=STOPPING).model_dump())

    def _stopping(self) -> str | None:
        if self._wire.gone:
            return "the command that started this is gone"
        return "it was stopped before it was done" if self._stop else None

    def _dumped(self, results: dict[str, HostResult]) -> list[dict[str, Any]]:
        """Return a result for every selected host, as declared; those of Windows say why there is none."""
        return [(results.get(name) or self._windows(name)).model_dump(mode="json") for name in self._selected]

    def _windows(self, name: str) -> HostResult:
        address = self._inventory.address_of(name)
        return HostResult(host=name, address=address, outcome="refused", problem=WINDOWS)


def main() -> None:
    """Serve one request."""
    wire = Wire()
    try:
        request = Request.read(wire.receive())
        give(wire.secret, only_planning=request.dry)
        Worker(wire, request).run()
    except PlumblineError as error:
        wire.send("error", kind=type(error).__name__, code=error.exit_code, message=str(error))
