"""What an operation has to tell of itself beyond its name: details, a diff, notes.

Mechanisms call these inside an operation, before its first command; the runner reads them back by host and
operation. Planning and executing both run the operation, the later telling stands.

What an operation touches is kept on the host before the first change (`plumbline.apply.guard`): every
operation says it by `tell_touches`, also when that is nothing beyond what is kept in any case.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field

from pyinfra.context import host

from plumbline.apply.guard.commands import Scope

_KEY = "plumbline_told"


@dataclass
class Told:
    """What one operation told: `details` are sentences, `diff` is unified, `notes` are for the summary.

    `brings`: it brings files that could not be seen when the plan was made, as a package does. `touches`:
    what it may change on the host, beyond what is kept of every host.
    """

    details: list[str] = field(default_factory=list)
    diff: str | None = None
    notes: list[str] = field(default_factory=list)
    owes: list[str] = field(default_factory=list)
    brings: bool = False
    reboot: bool = False
    touches: Scope = field(default_factory=Scope)


def told_of(data: dict[str, object], operation: str) -> Told:
    """Return what an operation told, from a host's `connector_data`, and forget nothing."""
    everything = data.setdefault(_KEY, {})
    if not isinstance(everything, dict):
        raise TypeError(f"connector_data[{_KEY!r}] is not ours")
    told = everything.setdefault(operation, Told())
    if not isinstance(told, Told):
        raise TypeError(f"connector_data[{_KEY!r}][{operation!r}] is not ours")
    return told


def forget(data: dict[str, object], operation: str) -> None:
    """Forget what an operation told, before it runs again."""
    everything = data.get(_KEY)
    if isinstance(everything, dict):
        everything.pop(operation, None)


def _here() -> Told:
    operation = host.current_op_hash
    if operation is None:
        raise RuntimeError("only an operation can tell something of itself")
    return told_of(host.connector_data, operation)


def tell(*sentences: str) -> None:
    """Add details to the operation that is running: one line each, what is and what will be."""
    details = _here().details
    details.extend(sentence for sentence in sentences if sentence not in details)


def note(sentence: str, *, reboot: bool = False) -> None:
    """Add what a person must know after the run even where nothing changes: "goes with the next boot".

    `reboot`: it is whole only after a reboot.
    """
    _here().reboot |= reboot
    notes = _here().notes
    if sentence not in notes:
        notes.append(sentence)


def tell_touches(
    *,
    paths: Iterable[str] = (),
    access: Iterable[str] = (),
    units: Iterable[str] = (),
    sysctls: Iterable[str] = (),
    packages: Iterable[str] = (),
) -> None:
    """Say what the operation that is running may change, so that it can be put back.

    The guard keeps all of /etc, which units run, live kernel settings, the ruleset, addresses, routes and
    loaded modules in any case. `paths`: files and directories (with all below) elsewhere, those that it
    makes too; a `*` stands for names there are. `access`: paths of which only mode and owner change.
    `units`: those that it starts, stops, restarts or has read their files anew. `sysctls`: keys.
    `packages`: those it installs, removes or replaces.
    """
    told = _here()
    told.touches |= Scope(
        frozenset(paths), frozenset(access), frozenset(units), frozenset(sysctls), frozenset(packages)
    )


def tell_owed(*controls: str) -> None:
    """Say that controls will not pass after this, or no longer, because a person must do something first.

    What that is, is told by `note`. Such a control does not stand against the change.
    """
    owes = _here().owes
    owes.extend(name for name in controls if name not in owes)


def tell_bringing() -> None:
    """Tell that after this operation the host must be looked at again: files come that no plan has seen."""
    _here().brings = True


def tell_diff(path: str, before: bytes | None, after: bytes | None) -> None:
    """Show what becomes of a file; None is an absent one."""
    _here().diff = unified_diff(path, before, after)


def unified_diff(path: str, before: bytes | None, after: bytes | None) -> str:
    """Return a unified diff of two contents of a file; what is not text is told by its size."""
    try:
        old = (before or b"").decode().splitlines(keepends=True)
        new = (after or b"").decode().splitlines(keepends=True)
    except UnicodeDecodeError:
        return f"{path}: not text, {len(before or b'')} bytes → {len(after or b'')} bytes\n"
    lines = difflib.unified_diff(
        old,
        new,
        "/dev/null" if before is None else f"{path} (on the host)",
        "/dev/null" if after is None else f"{path} (to be)",
    )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ no newline at the end\n" for line in lines)
