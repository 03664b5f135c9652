"""What the tests of guarded applying share: a controller to be killed, and what a host says of its runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from plumbline.apply import guard
from plumbline.apply.rollback import on_host, target_of_host
from plumbline.apply.shell import entered
from plumbline.errors import NotReachedError
from plumbline.lab import Lab

APPLYING = (
    "import signal, sys; from pathlib import Path; from plumbline.apply import apply_hosts; "
    "signal.signal(signal.SIGINT, signal.default_int_handler); "
    "report = apply_hosts(sys.argv[1], [sys.argv[2]], deploys=Path(sys.argv[3]), "
    "restore_after=int(sys.argv[4]), "
    "progress=lambda step: print(step.step, file=sys.stderr, flush=True)); "
    "print(report.model_dump_json())"
)
"""A controller that says on stderr what it is at, and at the end prints its report.

It hears Ctrl-C as at a terminal; started in the background it would ignore it.
"""


def status(lab: Lab, host: str) -> guard.GuardStatus:
    """Ask the host's guard where it stands, by a login of our own."""
    with entered(target_of_host(Path(lab.inventory), host)) as shell:
        return shell.ask(guard.status())


def last_state(lab: Lab, host: str) -> str:
    """Return what became of the newest run the host remembers; while it is restored nobody may get in."""
    try:
        return next((entry.state for entry in on_host(Path(lab.inventory), host)), "none")
    except NotReachedError:
        return "not reached"


def wait_until(what: Callable[[], bool]) -> None:
    """Wait for a condition; the test's own runner ends what never comes."""
    while not what():
        time.sleep(0.2)


@contextmanager
def controller(lab: Lab, host: str, deploys: Path, restore_after: int) -> Iterator[subprocess.Popen[str]]:
    """Run an apply in a process of its own, which is killed at the end if it is still there."""
    arguments = [str(lab.inventory), host, str(deploys), str(restore_after)]
    with subprocess.Popen(
        [sys.executable, "-c", APPLYING, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str], word: str) -> None:
    """Read what a controller says until a word comes; AssertionError if it ends before."""
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if word in line:
            return
    raise AssertionError(f"it never said {word!r}: {''.join(lines)}")


def kill_all(process: subprocess.Popen[str]) -> None:
    """Kill a controller and the process that talks to its hosts, so that neither can do anything more."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for pid in (*map(int, children), process.pid):
        os.kill(pid, signal.SIGKILL)
    process.wait()
