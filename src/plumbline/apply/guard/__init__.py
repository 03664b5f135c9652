"""The host's side of an apply: it keeps what was, and puts it back by itself unless told that all is well.

A run on a host goes through these commands, all carried out as root over any channel (`commands` says what to
run, `answers` what comes back):

    installed, else install → lock → begin → arm → (the changes; extend) → disarm
                                                 ↘ restore, or nothing: then the host does it by itself

On the host everything lies in `/var/lib/plumbline` (root, 0700): the program `guard`, and a directory a run
in `runs/`. The program is POSIX sh and needs what a minimal Debian has.
"""

from plumbline.apply.guard.answers import (
    Answer,
    Begun,
    GuardError,
    GuardStatus,
    History,
    HistoryEntry,
    Item,
    Kept,
    Locked,
    RestoreResult,
    RollbackResult,
    parse,
)
from plumbline.apply.guard.commands import (
    Command,
    Scope,
    arm,
    begin,
    disarm,
    extend,
    history,
    install,
    installed,
    lock,
    prune,
    restore,
    result,
    rollback,
    run_id,
    status,
    unlock,
)

__all__ = [
    "Answer",
    "Begun",
    "Command",
    "GuardError",
    "GuardStatus",
    "History",
    "HistoryEntry",
    "Item",
    "Kept",
    "Locked",
    "RestoreResult",
    "RollbackResult",
    "Scope",
    "arm",
    "begin",
    "disarm",
    "extend",
    "history",
    "install",
    "installed",
    "lock",
    "parse",
    "prune",
    "restore",
    "result",
    "rollback",
    "run_id",
    "status",
    "unlock",
]
