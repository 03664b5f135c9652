"""Files of others that cannot stay and cannot be overruled: moved aside, kept, and shown in the plan."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Generator

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import OperationMeta, operation
from pyinfra.context import host

from deploys.mechanisms.files import WholeFile
from plumbline.apply.telling import tell, tell_diff, tell_touches

KEPT = "/var/lib/plumbline/replaced"
"""Where files go, each with its whole path below; moving it back undoes the move."""

Commands = Generator[StringCommand, None, None]


@operation()
def _moved_aside(path: str, why: str) -> Commands:
    there = host.get_fact(WholeFile, path=path)
    if there.kind not in ("file", "link"):
        host.noop(f"{path} is absent")
        return
    kept = KEPT + path
    tell(why, f"moved to {kept}")
    tell_touches(paths=[path, posixpath.dirname(kept)])
    if there.kind == "file":
        tell_diff(path, there.content, None)
    yield StringCommand(
        f"umask 077; mkdir -p {shlex.quote(posixpath.dirname(kept))} && "
        f"mv --backup=numbered -T {shlex.quote(path)} {shlex.quote(kept)}"
    )


def moved_aside(path: str, why: str) -> OperationMeta:
    """Move a file below `KEPT`; an older one kept there stays, numbered. `why` stands in the plan."""
    return _moved_aside(path=path, why=why, name=f"Move {path} aside")


@operation()
def _masked_file(path: str) -> Commands:
    there = host.get_fact(WholeFile, path=path)
    if there.kind == "link" and there.target == "/dev/null":
        host.noop(f"{path} is masked")
        return
    tell(f"{path} becomes a link to /dev/null")
    tell_touches(paths=[path])
    yield StringCommand(
        f"mkdir -p {shlex.quote(posixpath.dirname(path))} && ln -s /dev/null {shlex.quote(path)}"
    )


def masked_file(path: str) -> OperationMeta:
    """Make `path` a link to /dev/null, which takes away the file of that name below /usr/lib.

    Fails when something else is there: it would be lost.
    """
    return _masked_file(path=path, name=f"Mask {path}")
