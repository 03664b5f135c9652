"""Apply from a program: starts the process that talks to the hosts and follows what it says."""

from __future__ import annotations

import json
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
from plumbline.apply.results import ApplyReport, HostResult, Progress
from plumbline.errors import NOT_REACHED, USAGE, InputError, NotReachedError, PlumblineError, UsageError

_WORKER = "import gevent.monkey; gevent.monkey.patch_all(); from plumbline.apply.worker import main; main()"
"""gevent must come first, and in a process of its own: its patching changes sockets and threads for all."""


def apply_hosts(
    inventory: Path | str,
    hosts: Sequence[str] = (),
    *,
    dry: bool = False,
    standard: str = "mhth-ot",
    deploys: Path = rooms.DEPLOYS,
    confirm: Callable[[ApplyReport], bool] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> ApplyReport:
    """Bring hosts of an inventory to the standard, or only plan it (`dry`, which touches nothing on them).

    `hosts` are names or globs, none means all. `confirm` is shown the plan and says whether to go on; when it
    says no, the plan is the result. `progress` is called with each step. `deploys` is a package like
    `deploys/`, with `apply(desired)`.

    A host that is not reached, refused or fails is told in the report and does not stop the others; an
    interruption (Ctrl-C) ends each host after the operation it is at. Raises InputError and UsageError for
    what is wrong with the inventory, the standard or the names.
    """
    request = {
        "inventory": str(Path(inventory).absolute()),
        "hosts": list(hosts),
        "standard": standard,
        "deploys": str(deploys.absolute()),
        "dry": dry,
        "confirm": confirm is not None,
    }
    report: ApplyReport | None = None
    with (
        ExitStack() as interruptions,
        tempfile.TemporaryFile("w+", encoding="utf-8") as said,
        _started(request, said) as worker,
    ):
        for event in _events(worker):
            kind = event.pop("event")
            if kind == "progress" and progress is not None:
                progress(Progress.model_validate(event))
            elif kind == "error":
                raise _error(event)
            elif kind == "plan":
                report = _report(event, dry=True)
                go = not dry and (confirm is None or confirm(report))
                if go:
                    interruptions.enter_context(_stopping_in_order(worker))
                if confirm is not None and not dry:
                    _answer(worker, go=go)
            elif kind == "result":
                return _report(event, dry=dry or _only_planned(event))
        raise PlumblineError(
            f"the process that talks to the hosts ended before it was done: {_last_line(said)}"
        )


def _report(event: dict[str, Any], *, dry: bool) -> ApplyReport:
    return ApplyReport(dry=dry, hosts=[HostResult.model_validate(host) for host in event["hosts"]])


def _only_planned(event: dict[str, Any]) -> bool:
    return any(host["outcome"] == "planned" for host in event["hosts"])


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

    Before that, and in threads other than the main one, Ctrl-C does what it always does.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def ask(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, before)
        worker.send_signal(signal.SIGTERM)

    signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _answer(worker: subprocess.Popen[str], *, go: bool) -> None:
    _write(worker, "go" if go else "stop")


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
