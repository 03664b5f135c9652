"""The commands to run on a host, as root, to guard an apply: what to run, its stdin, and what it answers.

Pure functions. A command's last line of stdout is JSON: `parse(command.answers, stdout)`. Its exit code is 0
exactly when `ok` is true. stdin holds no secret.
"""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic

from plumbline.apply.guard.answers import (
    Answer,
    AnswerT,
    Begun,
    GuardStatus,
    History,
    Kept,
    Locked,
    RestoreResult,
    RollbackResult,
)
from plumbline.apply.guard.program import digest, program

PLACE = "/var/lib/plumbline"
"""Where the guard and what it keeps lie on a host; root alone may look in."""
PROGRAM = f"{PLACE}/guard"

SECONDS = 30
"""How long most commands take at most; a restore may take RESTORE_SECONDS."""
RESTORE_SECONDS = 900

_RUN = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")


@dataclass(frozen=True)
class Command(Generic[AnswerT]):
    """One command for a host: `line` for its shell as root, `stdin` for it, how long it may take (s)."""

    line: str
    answers: type[AnswerT]
    stdin: str = ""
    timeout: int = SECONDS


@dataclass(frozen=True)
class Scope:
    """What operations said they touch (`plumbline.apply.telling.tell_touches`), all operations together.

    The guard keeps all of /etc, unit states, kernel settings, the ruleset, addresses and the package list
    in any case. `paths`: files and directories elsewhere, wholly kept (directories with all below; a `*`
    stands for names there are). `access`: paths of which only mode and owner are touched, such as logs, whose
    content goes on. `packages`: those installed now are kept so that they come back without a network.
    """

    paths: frozenset[str] = frozenset()
    access: frozenset[str] = frozenset()
    units: frozenset[str] = frozenset()
    sysctls: frozenset[str] = frozenset()
    packages: frozenset[str] = frozenset()

    def __or__(self, other: Scope) -> Scope:
        return Scope(
            self.paths | other.paths,
            self.access | other.access,
            self.units | other.units,
            self.sysctls | other.sysctls,
            self.packages | other.packages,
        )

    def lines(self) -> Iterable[str]:
        """Yield the scope as the guard reads it: a kind and a name a line."""
        for kind in ("paths", "access", "units", "sysctls", "packages"):
            yield from (f"{kind} {name}" for name in sorted(getattr(self, kind)))


def run_id(now: datetime | None = None) -> str:
    """Return a new run's id: `20260131T235959Z-0a1b2c3d`; ids sort by time."""
    return f"{(now or datetime.now(UTC)).astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


def installed() -> Command[Answer]:
    """Ask whether this very guard is on the host; if not, GuardError of kind `absent`: then `install`."""
    test = f"[ \"$(sha256sum < {PROGRAM} 2>/dev/null)\" = '{digest()}  -' ]"
    missing = '{"ok":false,"kind":"absent","reason":"the guard is not on the host"}'
    there = '{"ok":true,"verb":"installed"}'
    return Command(f"if {test}; then echo '{there}'; else echo '{missing}'; exit 1; fi", Answer)


def install() -> Command[Answer]:
    """Put the guard on the host, through stdin, by a rename; what is kept there stays."""
    there = '{"ok":true,"verb":"install"}'
    reason = f"the guard cannot be written to {PLACE}: is the disk full?"
    failed = f'{{"ok":false,"kind":"space","reason":"{reason}"}}'
    line = (
        f"umask 077; mkdir -p {PLACE}/runs && chmod 700 {PLACE} && t=$(mktemp {PROGRAM}.XXXXXX) && "
        f'cat > "$t" && [ "$(sha256sum < "$t")" = \'{digest()}  -\' ] && chmod 700 "$t" && sync "$t" && '
        f"mv -fT \"$t\" {PROGRAM} && echo '{there}' || "
        f"{{ rm -f \"$t\"; echo '{failed}'; exit 1; }}"
    )
    return Command(line, Answer, stdin=program())


def lock(run: str, who: str) -> Command[Locked]:
    """Take the host for a run; refused (`busy`) while another run holds it and is alive or armed.

    A lock whose connection is gone and whose run is not armed is broken, and `note` says so. The lock is
    given back by `unlock`, `disarm` and a restore.
    """
    return Command(_line("lock", run, who), Locked)


def unlock(run: str) -> Command[Answer]:
    """Give the host back; a run begun but never armed counts as abandoned, an armed one is refused."""
    return Command(_line("unlock", run), Answer)


def begin(
    run: str,
    scope: Scope,
    *,
    who: str,
    plan: str,
    controller: str,
    scope_of: str = "",
    timeout: int = 300,
) -> Command[Begun]:
    """Keep what the host is now. Refused (`space`) when it would not fit; then nothing is kept or armed.

    Takes the lock if the run does not hold it. `who` is the administrator, `plan` the plan's digest,
    `controller` the machine's name; they stand in the history. `scope_of`: a run whose scope is kept as well.
    """
    told = [f"who {_one_line(who)}", f"plan {_one_line(plan)}", f"controller {_one_line(controller)}"]
    if scope_of:
        told.append(f"scope_of {scope_of}")
    stdin = "".join(f"{line}\n" for line in (*told, *map(_one_line, scope.lines())))
    return Command(_line("begin", run), Begun, stdin=stdin, timeout=timeout)


def arm(run: str, seconds: int) -> Command[Kept]:
    """Let the host restore by itself in so many seconds, and at once after a restart; then change it."""
    return Command(_line("arm", run, str(seconds)), Kept)


def extend(run: str, seconds: int) -> Command[Kept]:
    """Give an armed run so many seconds from now; refused (`too-late`) once the restore has begun."""
    return Command(_line("extend", run, str(seconds)), Kept)


def disarm(run: str) -> Command[Kept]:
    """Confirm: the changes stay, the timer goes, the lock is given back.

    Refused (`too-late`) once the restore has begun. Again after a confirmed one, it answers the same.
    """
    return Command(_line("disarm", run), Kept, timeout=120)


def restore(run: str) -> Command[RestoreResult]:
    """Put everything back now, and wait for it; goes on when the connection is lost.

    Of a run that is restored already, or is being restored by the host itself, the result is the same.
    """
    return Command(_line("restore", run), RestoreResult, timeout=RESTORE_SECONDS)


def result(run: str, wait: int = 0) -> Command[RestoreResult]:
    """Ask what the restore of a run came to, waiting up to `wait` seconds for it to end.

    Over a connection that nothing of the run went over: a host that restores by itself ends those of the run.
    GuardError with kind `state` where it has not ended, or was never begun.
    """
    return Command(_line("result", run, str(wait)), RestoreResult, timeout=wait + SECONDS)


def status() -> Command[GuardStatus]:
    """Ask where the host stands; never waits."""
    return Command(_line("status"), GuardStatus)


def history() -> Command[History]:
    """Ask for the runs the host remembers."""
    return Command(_line("history"), History)


def rollback(run: str, *, dry: bool) -> Command[RollbackResult]:
    """Undo a confirmed run where nobody has changed since what it left, or only say what that would do.

    Guarded like any change when it is done inside a run of its own: lock, begin, arm, rollback, confirm,
    disarm. It then needs no scope beyond that of the run undone: `begin` takes `scope_of=run`.
    """
    return Command(
        _line("rollback", run, *(["--dry"] if dry else [])), RollbackResult, timeout=RESTORE_SECONDS
    )


def prune(keep: int) -> Command[Answer]:
    """Forget the snapshots of all but the newest `keep` ended runs; their lines of history stay."""
    return Command(_line("prune", str(keep)), Answer, timeout=120)


def _line(verb: str, *words: str) -> str:
    """Return the line for the shell; `sh` is named, since /var may be mounted noexec."""
    if words and verb not in ("prune",) and not _RUN.fullmatch(words[0]):
        raise ValueError(f"{words[0]!r} is not the id of a run")
    return " ".join(["/bin/sh", PROGRAM, verb, *(shlex.quote(_one_line(word)) for word in words)])


def _one_line(text: str) -> str:
    return " ".join(text.split("\n"))
