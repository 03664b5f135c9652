"""A host put back as it was: at once where it can be told to, else by itself, which is waited for."""

from __future__ import annotations

import time

from plumbline.apply import guard
from plumbline.apply.results import HostResult
from plumbline.apply.shell import Shell, entered
from plumbline.errors import NotReachedError
from plumbline.evidence.ssh import SshTarget

MARGIN_SECONDS = 180
"""How long a host may take, after its time ran out, to restore itself (it may be booting) and let us in."""

AGAIN_SECONDS = 1.0

LOST = "nobody gets in, also after the time in which it restores itself; look at its console"

BY = {
    "command": "when it was told to",
    "timer": "by the host itself, as its time ran out",
    "boot": "by the host itself, when it booted",
}


def restored(shell: Shell, target: SshTarget, run: str, until: float) -> guard.RestoreResult | None:
    """Have a run undone and return what that came to; None if nobody gets in long after `until`.

    `until` is when the host restores by itself (monotonic, s). Over the connection that is there the host is
    told at once, else by a new login, which finds it restored or tells it then. GuardError if it refuses.
    """
    try:
        return shell.ask(guard.restore(run))
    except NotReachedError:
        pass
    while time.monotonic() < until + MARGIN_SECONDS:
        try:
            with entered(target) as fresh:
                return fresh.ask(guard.restore(run))
        except NotReachedError:
            time.sleep(AGAIN_SECONDS)
    return None


def undone(result: HostResult, why: str, found: guard.RestoreResult | None) -> HostResult:
    """Return the result of a host whose run was undone because of `why`, or that is lost."""
    if found is None:
        return result.model_copy(update={"outcome": "lost", "problem": f"{why}\n{LOST}"})
    back = [str(item) for item in found.back]
    notes = [*result.notes, *(f"not put back: {item}" for item in found.left)]
    if found.state == "restored":
        told = f"everything was put back {BY[found.by]} ({found.ended})"
        update = {"outcome": "restored", "problem": f"{why}\n{told}"}
    else:
        told = f"it was put back {BY[found.by]}, but not wholly; see the notes"
        update = {"outcome": "failed", "problem": f"{why}\n{told}"}
    return result.model_copy(update={**update, "restored": back, "notes": notes})
