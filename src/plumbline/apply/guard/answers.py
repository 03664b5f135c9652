"""What the guard on a host answers: the last line it prints is one JSON object, read into these models."""

from __future__ import annotations

import json
from typing import Literal, TypeVar

from pydantic import ValidationError

from plumbline.errors import PlumblineError
from plumbline.model import Strict

RunState = Literal["begun", "armed", "restoring", "restored", "partly", "confirmed", "abandoned"]
"""`partly`: it was restored but for what `left` names; `abandoned`: it ended before it was armed."""

Refusal = Literal["absent", "busy", "space", "unknown-run", "state", "too-late", "usage", "failed"]
"""Why the guard did not do what it was told: it is not on the host; another run is at work; the disk is
(nearly) full; there is no such run; the run is not in a state for it; the restore has begun already; wrong
arguments; anything else."""

Kind = Literal[
    "file", "access", "package", "unit", "sysctl", "table", "network", "module", "rfkill", "process"
]


class GuardError(PlumblineError):
    """The guard refused or failed; `kind` says why in one word, the message in a sentence."""

    def __init__(self, message: str, kind: Refusal = "failed") -> None:
        super().__init__(message)
        self.kind: Refusal = kind


class Answer(Strict):
    """What every command answers at least: `verb` is the command, `run` the run it was about."""

    ok: Literal[True] = True
    verb: str
    run: str = ""
    note: str = ""
    """A sentence for the person, such as that the lock of a dead run was broken."""


class Locked(Answer):
    """The answer of `lock`; from now on no other run can begin on the host."""


class Begun(Answer):
    """The answer of `begin`: how much was kept, and what could not be (a sentence each)."""

    files: int
    bytes: int
    milliseconds: int
    cannot: list[str] = []


class Kept(Answer):
    """The answer of `arm`, `extend` and `disarm`.

    `seconds` until the host restores by itself, none when disarmed; `changed`: paths that the confirmed run
    changed.
    """

    seconds: int | None = None
    changed: int = 0


class Item(Strict):
    """One thing that was put back, or that was left: `did` is a verb phrase, `why` the reason it was left."""

    kind: Kind
    name: str
    did: str = ""
    why: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.why or self.did}"


class RestoreResult(Answer):
    """What a restore came to.

    `by` is who began it: the host's `timer`, its `boot` after a restart in the middle, or a `command`. Times
    are UTC, ISO 8601. `back` was put back (files are named once each), `left` could not be, with `why`.
    """

    state: Literal["restored", "partly"]
    by: Literal["timer", "boot", "command"]
    began: str
    ended: str
    back: list[Item] = []
    left: list[Item] = []


class RollbackResult(Answer):
    """What undoing a confirmed run came to, or would come to (`dry`).

    `back` is what is put back: what is now as that run left it. `left` is what others have changed since or
    what cannot be brought back, with `why`.
    """

    dry: bool
    back: list[Item] = []
    left: list[Item] = []


class HistoryEntry(Strict):
    """One run, from the host's own record. Times are UTC, ISO 8601; `ended` is empty while it goes on."""

    run: str
    state: RunState
    who: str = ""
    controller: str = ""
    plan: str = ""
    """The digest of the plan."""
    began: str = ""
    ended: str = ""
    by: str = ""
    """Who restored it: `timer`, `boot` or `command`; empty if nobody did."""
    changed: int = 0
    """Paths that a confirmed run changed."""
    rolled_back: str = ""
    """When it was undone later; empty if it was not."""
    undoable: bool = False
    """Whether the snapshot is still kept, so that `rollback` can undo it."""


class History(Answer):
    """The answer of `history`, the newest run first."""

    runs: list[HistoryEntry] = []


class LockHolder(Strict):
    """Who holds the host, since when (UTC), and whether that connection is still there."""

    run: str
    who: str
    since: str
    alive: bool


class GuardStatus(Answer):
    """Where the host stands. `run` is the run at work, empty for none; `boot` is the kernel's boot id."""

    program: str
    """SHA-256 of the guard's program on the host."""
    boot: str
    lock: LockHolder | None = None
    armed: bool = False
    seconds: int | None = None
    """Until the host restores by itself."""
    restoring: bool = False
    at: str = ""
    """What a restore is at: `waiting`, `packages`, `files`, `units`, …"""
    last: HistoryEntry | None = None
    """The newest run that has ended."""


AnswerT = TypeVar("AnswerT", bound=Answer)


def parse(kind: type[AnswerT], output: str) -> AnswerT:
    """Read what a command printed: the last line that is a JSON object counts, others are shells' greetings.

    Raises GuardError with the guard's own sentence where it refused, and with what was printed where there
    is no answer.
    """
    for line in reversed(output.splitlines()):
        if not line.startswith("{"):
            continue
        try:
            answer = json.loads(line)
            if answer.get("ok") is False:
                raise GuardError(str(answer.get("reason", "it gave no reason")), answer.get("kind", "failed"))
            return kind.model_validate(answer)
        except (json.JSONDecodeError, ValidationError) as error:
            raise GuardError(f"the host's guard gave an answer that cannot be read: {error}") from error
    said = " | ".join(output.split("\n")[-3:]).strip() or "nothing"
    raise GuardError(f"the host's guard gave no answer; it printed {said}")
