"""Apply from a program: starts the process that talks to the hosts and follows what it says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from plumbline import rooms
from plumbline.apply.history import Following, Options, Records, RunRecord
from plumbline.apply.plan import Plan, held_to, made, sources_moved
from plumbline.apply.results import ApplyReport, HostResult, Progress
from plumbline.apply.sources import sources
from plumbline.apply.waves import Rollout
from plumbline.errors import NOT_REACHED, USAGE, InputError, NotReachedError, PlumblineError, UsageError
from plumbline.secrets import Ask, Secrets, without_secrets

RESTORE_AFTER = 300
"""Seconds without a sign of us after which a host that is being changed puts itself back."""

_WORKER = "import gevent.monkey; gevent.monkey.patch_all(); from plumbline.apply.worker import main; main()"
"""gevent must come first, and in a process of its own: its patching changes sockets and threads for all."""


def apply_hosts(
    inventory: Path | str,
    hosts: Sequence[str] = (),
    *,
    dry: bool = False,
    plan: Plan | None = None,
    standard: str = "mhth-ot",
    deploys: Path = rooms.DEPLOYS,
    restore_after: int = RESTORE_AFTER,
    accept_worse: Sequence[str] = (),
    confirm: Callable[[ApplyReport], bool] | None = None,
    progress: Callable[[Progress], None] | None = None,
    ask: Ask | None = None,
    record: Records | None = None,
    rollout: Rollout | None = None,
    outside_window: str | None = None,
    despite_owed_reboot: bool = False,
    readdress: bool = False,
    options: Options | None = None,
) -> ApplyReport:
    """Bring hosts of an inventory to the standard, or only plan it (`dry`, which touches nothing on them).

    `hosts` are names or globs, none means all. `plan` is a kept plan: exactly that is done, to its hosts, and
    one that has moved since is refused. `confirm` is shown what will be done and says whether to go on; when
    it says no, the plan is the result. `progress` is called with each step. `deploys` is a package like
    `deploys/`, with `apply(desired)`. `ask` asks a person for a secret that no other source has. A host that
    hears nothing of us for `restore_after` seconds puts itself back, and so does one on which a control of
    what was changed got worse, but for those named in `accept_worse`. The run is written down in `record`,
    with `options`, by which it can be gone on with. `rollout` says in which waves hosts go; `outside_window`
    why they may be changed outside their maintenance windows; `despite_owed_reboot`: an owed reboot is known;
    `readdress`: a host that connection.yml reaches elsewhere is given its specified address.

    A host that is not reached, refused, fails or is restored is told in the report and does not stop the
    others; an interruption (Ctrl-C) ends each host after the operation it is at and puts it back. Raises
    InputError and UsageError for what is wrong with the inventory, the standard or the names.
    """
    secrets = Secrets.load(inventory, ask)
    if plan is not None:
        hosts, standard = _of_plan(plan, hosts), plan.standard
    made_from = sources(Path(inventory), standard, deploys)
    rollout = rollout or Rollout()
    run = RunRecord.begun(Path(inventory), standard, options)
    request = {
        "inventory": str(Path(inventory).absolute()),
        "hosts": list(hosts),
        "standard": standard,
        "deploys": str(deploys.absolute()),
        "dry": dry,
        "run": run.run,
        "who": run.who,
        "controller": run.controller,
        "restore_after": restore_after,
        "exact": plan is not None,
        "accept_worse": list(accept_worse),
        "rollout": (rollout.canaries, rollout.wave, rollout.failures),
        "outside_window": outside_window,
        "despite_owed_reboot": despite_owed_reboot,
        "readdress": readdress,
    }
    following = Following(run, record)
    report: ApplyReport | None = None
    with (
        ExitStack() as interruptions,
        tempfile.TemporaryFile("w+", encoding="utf-8") as said,
        following.to_the_end(),
        _started(request, said) as worker,
    ):
        for event in _events(worker):
            kind = event.pop("event")
            if kind == "progress" and progress is not None:
                progress(Progress.model_validate(event))
            elif kind == "armed":
                following.armed(event["host"], event["seconds"])
            elif kind == "done":
                following.done(HostResult.model_validate(event["host"]))
            elif kind == "secret":
                _write(worker, json.dumps(_secret(secrets, event["name"])))
            elif kind == "error":
                raise _error(event)
            elif kind == "plan":
                report = _report(event, dry=True)
                if plan is not None:
                    report = _held_to(plan, report, made_from)
                go = not dry and (confirm is None or confirm(report))
                if go:
                    interruptions.enter_context(_stopping_in_order(worker))
                    digest = plan.digest if plan else made(report, inventory, standard, made_from).digest
                    following.goes(digest, report)
                    _write(worker, json.dumps(_answer(report, digest)))
                elif not dry:
                    _write(worker, json.dumps({"go": False}))
            elif kind == "result":
                if report is None or dry or not following.gone:
                    return report or _report(event, dry=True)
                return following.ended(_report(event, dry=False))
        raise PlumblineError(
            f"the process that talks to the hosts ended before it was done: {_last_line(said)}"
        )


def plan_hosts(
    inventory: Path | str,
    hosts: Sequence[str] = (),
    *,
    standard: str = "mhth-ot",
    deploys: Path = rooms.DEPLOYS,
    progress: Callable[[Progress], None] | None = None,
    ask: Ask | None = None,
) -> Plan:
    """Make a plan to keep: what `apply_hosts` would do now; nothing on the hosts is touched."""
    made_from = sources(Path(inventory), standard, deploys)
    report = apply_hosts(
        inventory, hosts, dry=True, standard=standard, deploys=deploys, progress=progress, ask=ask
    )
    return made(report, inventory, standard, made_from)


def _report(event: dict[str, Any], *, dry: bool) -> ApplyReport:
    return ApplyReport(dry=dry, hosts=[HostResult.model_validate(host) for host in event["hosts"]])


def _of_plan(plan: Plan, hosts: Sequence[str]) -> list[str]:
    """Return the plan's hosts, or those of them that were named; UsageError for one it does not hold."""
    for name in hosts:
        if name not in plan.names:
            raise UsageError(f"the plan holds nothing of {name}", hint=f"it is for {', '.join(plan.names)}")
    return list(hosts) or plan.names


def _held_to(plan: Plan, report: ApplyReport, made_from: dict[str, str]) -> ApplyReport:
    moved = sources_moved(plan, made_from)
    return ApplyReport(
        dry=report.dry,
        hosts=[
            host.model_copy(update={"outcome": "refused", "problem": moved, "changed": []})
            if moved and host.outcome == "planned"
            else held_to(plan, host)
            for host in report.hosts
        ],
    )


def _answer(report: ApplyReport, digest: str) -> dict[str, Any]:
    """Return what the worker shall do: go on, but for hosts that a kept plan does not fit any more."""
    refused = {host.host: host.problem for host in report.hosts if host.outcome == "refused"}
    return {"go": True, "refused": refused, "digest": digest}


@contextmanager
def _started(request: dict[str, Any], said: IO[str]) -> Iterator[subprocess.Popen[str]]:
    """Start the worker in a session of its own, so that Ctrl-C reaches us and we tell it to stop in order."""
    command = [sys.executable, "-P", "-c", _WORKER]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=said,
        text=True,
        encoding="utf-8",
        env=without_secrets(os.environ),
        start_new_session=True,
    ) as worker:
        try:
            _write(worker, json.dumps(request))
            yield worker
        except BaseException:
            worker.kill()
            raise


def _events(worker: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    """Yield what the worker says, until it ends."""
    assert worker.stdout is not None  # noqa: S101  (opened as a pipe above)
    while line := worker.stdout.readline():
        yield json.loads(line)


@contextmanager
def _stopping_in_order(worker: subprocess.Popen[str]) -> Iterator[None]:
    """While hosts are changed, let the first Ctrl-C ask the worker to stop, and only the second end it.

    Before that, in threads other than the main one, and where it is ignored, Ctrl-C does what it always does.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is signal.SIG_IGN:
        yield
        return

    def ask(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, before)
        worker.send_signal(signal.SIGTERM)

    signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _secret(secrets: Secrets, name: str) -> dict[str, str]:
    """Return what the worker is told of a secret: itself, or why there is none."""
    try:
        return {"secret": secrets.get(name)}
    except PlumblineError as error:
        return {"problem": str(error)}


def _write(worker: subprocess.Popen[str], line: str) -> None:
    assert worker.stdin is not None  # noqa: S101  (opened as a pipe above)
    # If it has died, what it says, or does not, tells so.
    with suppress(BrokenPipeError):
        print(line, file=worker.stdin, flush=True)


def _last_line(said: IO[str]) -> str:
    said.seek(0)
    return next((line for line in reversed(said.read().splitlines()) if line.strip()), "it said nothing")


def _error(event: dict[str, Any]) -> PlumblineError:
    """Return the worker's error as one of the same kind, its place and hint being part of the sentence."""
    kinds = {USAGE: UsageError, NOT_REACHED: NotReachedError}
    kind = InputError if "Input" in event["kind"] or "Finding" in event["kind"] else PlumblineError
    return kinds.get(event["code"], kind)(event["message"])
