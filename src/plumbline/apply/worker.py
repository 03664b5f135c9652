"""The process that talks to the hosts: gevent has patched it before this module is imported.

It reads one request line, writes JSON lines of what happens, and after a plan waits for `go` if asked to.
Run by `plumbline.apply.client`; kept apart because gevent's patching changes the whole process.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import gevent  # type: ignore[import-untyped]  # it has no types
from gevent.pool import Pool  # type: ignore[import-untyped]  # as above
from pyinfra.api.state import StateStage
from pyinfra.context import ctx_state

from plumbline.apply.results import HostResult, Progress
from plumbline.apply.run import HostRun
from plumbline.apply.session import KeptLog, new_state, quiet
from plumbline.errors import PlumblineError
from plumbline.policy.load import load_standard
from plumbline.policy.resolve import resolve
from plumbline.policy.standard import DesiredState
from plumbline.spec.inventories import to_pyinfra
from plumbline.spec.load import Inventory, load_inventory
from plumbline.spec.model import HostSpec, System

ROUNDS = 3
"""How often a host is planned at most: packages bring files that no plan before has seen."""
AT_ONCE = 20
"""Hosts worked on at the same time."""

STOPPING = "stopping after the operation at hand"
WINDOWS = "it is a Windows host; this command does not handle those yet"


@dataclass(frozen=True)
class Request:
    """What the parent wants: see `plumbline.apply.client.apply_hosts`."""

    inventory: Path
    hosts: list[str]
    standard: str
    deploys: Path
    dry: bool
    confirm: bool


class Wire:
    """JSON lines to the parent and words from it; everything else this process prints goes to stderr."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        self._in: TextIO = os.fdopen(os.dup(0), encoding="utf-8")
        os.dup2(2, 1)
        # A library that asks a question must find nobody, not our parent.
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        self.gone = False

    def send(self, event: str, **content: object) -> None:
        """Write one event; a parent that is gone is remembered."""
        try:
            print(json.dumps({"event": event, **content}), file=self._out, flush=True)
        except (BrokenPipeError, ValueError):
            self.gone = True

    def receive(self) -> str:
        """Wait for one line without stopping the greenlets; empty when the parent is gone."""
        line = gevent.get_hub().threadpool.apply(self._in.readline)
        return str(line).strip()


class Worker:
    """One request from beginning to end."""

    def __init__(self, wire: Wire, request: Request) -> None:
        self._wire, self._request = wire, request
        self._stop = False
        self._changing: list[str] = []
        gevent.signal_handler(signal.SIGTERM, self._stop_soon)

    def run(self) -> None:
        """Plan all hosts, and carry the plan out unless it is a dry run or the parent says no."""
        log = quiet()
        inventory = load_inventory(self._request.inventory)
        standard = load_standard(self._request.standard)
        selected = inventory.select(self._request.hosts)
        desired = {
            host.name: resolve(standard, inventory.site, system, host)
            for system, host in selected
            if host.os.family == "linux"
        }
        deploys = self._load_deploys()
        runs = self._make_runs(inventory, selected, desired, log)
        plans = self._each(runs, lambda run, tell: run.plan(deploys, tell))
        results = _in_order(inventory, selected, plans)
        self._wire.send("plan", hosts=[result.model_dump(mode="json") for result in results])
        planned = {name: run for name, run in runs.items() if plans[name].outcome == "planned"}
        if not self._request.dry and (not self._request.confirm or self._wire.receive() == "go"):
            self._changing = list(planned)
            done = self._execute(planned)
            for _ in range(ROUNDS - 1):
                again = [name for name in done if runs[name].brought and done[name].outcome == "applied"]
                if not again or self._stopping():
                    break
                done |= self._once_more(again, done, runs, inventory, selected, desired, deploys, log)
            results = _in_order(inventory, selected, {**plans, **done})
        for run in runs.values():
            run.close()
        self._wire.send("result", hosts=[result.model_dump(mode="json") for result in results])

    def _execute(self, planned: dict[str, HostRun]) -> dict[str, HostResult]:
        self._state.set_stage(StateStage.Execute)
        self._state.is_executing = True
        return self._each(planned, lambda run, tell: run.execute(tell, self._stopping))

    def _once_more(
        self,
        names: list[str],
        done: dict[str, HostResult],
        runs: dict[str, HostRun],
        inventory: Inventory,
        selected: list[tuple[System, HostSpec]],
        desired: dict[str, DesiredState],
        deploys: Callable[[DesiredState], None],
        log: KeptLog,
    ) -> dict[str, HostResult]:
        """Look again, over a new connection, at hosts that packages brought files to, and settle those."""
        for name in names:
            runs[name].close()
        chosen = [(system, host) for system, host in selected if host.name in names]
        later = self._make_runs(inventory, chosen, desired, log)
        runs |= later
        plans = self._each(later, lambda run, tell: run.plan(deploys, tell))
        settled = {name: plan for name, plan in plans.items() if plan.outcome != "planned"}
        settled |= self._execute({name: run for name, run in later.items() if name not in settled})
        return {name: done[name].with_more(result) for name, result in settled.items()}

    def _stop_soon(self) -> None:
        self._stop = True
        for name in self._changing:
            self._wire.send("progress", **Progress(host=name, step=STOPPING).model_dump())

    def _stopping(self) -> bool:
        return self._stop or self._wire.gone

    def _load_deploys(self) -> Callable[[DesiredState], None]:
        sys.path.insert(0, str(self._request.deploys.resolve().parent))
        module = importlib.import_module(self._request.deploys.name)
        apply: Callable[[DesiredState], None] = module.apply
        return apply

    def _make_runs(
        self,
        inventory: Inventory,
        selected: list[tuple[System, HostSpec]],
        desired: dict[str, DesiredState],
        log: KeptLog,
    ) -> dict[str, HostRun]:
        hosts = to_pyinfra(inventory, selected)
        self._state = new_state(hosts)
        self._state.set_stage(StateStage.Prepare)
        return {host.name: HostRun(self._state, host, desired[host.name], log) for host in hosts}

    def _each(
        self, runs: dict[str, HostRun], step: Callable[[HostRun, Callable[[str, int, int], None]], HostResult]
    ) -> dict[str, HostResult]:
        """Do one step on all hosts at once, each in a greenlet of its own."""
        results: dict[str, HostResult] = {}

        def one(name: str) -> None:
            def tell(what: str, done: int, total: int) -> None:
                progress = Progress(host=name, step=what, done=done, total=total)
                self._wire.send("progress", **progress.model_dump())

            results[name] = step(runs[name], tell)

        pool = Pool(AT_ONCE)
        with ctx_state.use(self._state):
            for name in runs:
                pool.spawn(one, name)
            pool.join(raise_error=True)
        return results


def _in_order(
    inventory: Inventory, selected: list[tuple[System, HostSpec]], results: dict[str, HostResult]
) -> list[HostResult]:
    """Return a result for every selected host, as declared; those of Windows say why there is none."""
    return [
        results.get(host.name)
        or HostResult(
            host=host.name, address=inventory.address_of(host.name), outcome="refused", problem=WINDOWS
        )
        for _, host in selected
    ]


def main() -> None:
    """Serve one request."""
    wire = Wire()
    try:
        asked: dict[str, Any] = json.loads(wire.receive())
        request = Request(
            **{**asked, "inventory": Path(asked["inventory"]), "deploys": Path(asked["deploys"])}
        )
        Worker(wire, request).run()
    except PlumblineError as error:
        wire.send("error", kind=type(error).__name__, code=error.exit_code, message=str(error))
