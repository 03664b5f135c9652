"""Whole files: exactly this content, mode and owner, or nothing at all."""

from __future__ import annotations

import base64
import binascii
import hashlib
import posixpath
import shlex
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace

from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import OperationError
from pyinfra.api.facts import FactBase
from pyinfra.api.operation import OperationMeta, operation
from pyinfra.context import host
from pyinfra.operations.util import any_changed

from plumbline.apply.telling import note, tell, tell_diff, tell_touches
from plumbline.secrets import MissingSecretError, only_planning

Commands = Generator[StringCommand, None, None]


@dataclass(frozen=True)
class FileOnHost:
    """What is at a path: `kind` is `none`, `file`, `link`, `directory` or `other`.

    `mode` is octal without a leading zero as `stat` prints it; `target` is where a link points.
    """

    kind: str
    mode: str = ""
    owner: str = ""
    group: str = ""
    target: str = ""
    content: bytes = b""
    parent: bool = True


class WholeFile(FactBase[FileOnHost]):
    """Read what is at a path, content included, in one command that changes nothing."""

    def command(self, path: str) -> str:
        """Return the command; content is printed as base64, so any bytes come through."""
        quoted, parent = shlex.quote(path), shlex.quote(posixpath.dirname(path))
        return (
            f"p={quoted}; test -d {parent} || echo noparent; "
            'if [ -L "$p" ]; then printf "link "; readlink "$p"; '
            'elif [ -d "$p" ]; then echo directory; '
            'elif [ -f "$p" ]; then stat -c "file %a %U %G" "$p" && base64 "$p"; '
            'elif [ -e "$p" ]; then echo other; else echo none; fi'
        )

    def process(self, output: list[str]) -> FileOnHost:
        """Parse the answer."""
        parent = output[0] != "noparent"
        first, *rest = output if parent else output[1:]
        kind, _, told = first.partition(" ")
        if kind == "link":
            return FileOnHost(kind, target=told, parent=parent)
        if kind != "file":
            return FileOnHost(kind, parent=parent)
        mode, owner, group = told.split(" ")
        try:
            content = base64.b64decode("".join(rest), validate=True)
        except binascii.Error as error:
            raise OperationError(f"the host's answer about a file cannot be read: {error}") from error
        return FileOnHost(kind, mode, owner, group, content=content, parent=parent)


def write(path: str, content: str, mode: str, owner: str, group: str, check: str | None) -> Commands:
    """Yield what makes the file so, or nothing with a noop sentence; for use inside operations."""
    there = host.get_fact(WholeFile, path=path)
    if there.kind in ("directory", "other"):
        raise OperationError(f"{path} is a {there.kind} on the host, not a file; move it away first")
    wanted = content.encode()
    same_access = (there.mode.zfill(4), there.owner, there.group) == (mode.zfill(4), owner, group)
    if there.kind == "file" and there.content == wanted and same_access:
        host.noop(f"{path} has this content, mode and owner")
        return
    _tell_difference(path, there, wanted, (mode, owner, group))
    tell_touches(paths=[path if there.parent else posixpath.dirname(path)])
    yield StringCommand(
        _atomic_write(path, mode, owner, group, check), _stdin=base64.encodebytes(wanted).decode() or "\n"
    )


def _tell_difference(path: str, there: FileOnHost, wanted: bytes, access: tuple[str, str, str]) -> None:
    mode, owner, group = access
    if not there.parent:
        tell(f"the directory {posixpath.dirname(path)} is made")
    if there.kind == "link":
        tell(f"{path} is a link to {there.target}; it becomes a file")
    if there.kind == "file":
        if there.mode.zfill(4) != mode.zfill(4):
            tell(f"mode: {there.mode.zfill(4)} → {mode.zfill(4)}")
        if (there.owner, there.group) != (owner, group):
            tell(f"owner: {there.owner}:{there.group} → {owner}:{group}")
    if there.content != wanted or there.kind != "file":
        tell_diff(path, there.content if there.kind == "file" else None, wanted)


def _atomic_write(path: str, mode: str, owner: str, group: str, check: str | None) -> str:
    """Return a command that reads base64 and puts the file in place by a rename, or leaves the old one.

    pyinfra's own `files.put` writes into the file itself (SFTP, or `cp` under sudo), so a lost link or a
    full disk would leave half a file.
    """
    directory = shlex.quote(posixpath.dirname(path))
    steps = [
        'base64 -d > "$t"',
        f'chown {shlex.quote(owner)}:{shlex.quote(group)} "$t"',
        f'chmod {shlex.quote(mode)} "$t"',
        *([check.replace("{}", '"$t"')] if check else []),
        'sync "$t"',
        f'mv -fT "$t" {shlex.quote(path)}',
    ]
    return (
        f"umask 022; mkdir -p {directory} && t=$(mktemp {directory}/.plumbline.XXXXXX) || exit 1; "
        + " && ".join(steps)
        + ' || { rm -f "$t"; exit 1; }'
    )


@operation()
def _whole_file(path: str, content: str, mode: str, owner: str, group: str, check: str | None) -> Commands:
    yield from write(path, content, mode, owner, group, check)


def whole_file(
    path: str,
    content: str,
    *,
    mode: str = "0644",
    owner: str = "root",
    group: str = "root",
    check: str | None = None,
    when: Sequence[OperationMeta] = (),
) -> OperationMeta:
    """Make `path` a file with exactly this content, mode (octal) and owner; missing directories are made.

    The plan shows a unified diff against what is on the host now. The file is replaced by a rename, so
    nobody ever reads half of it. `check` is a command that must accept the new file before it is put in
    place, with `{}` for its (temporary) name: `nft -c -f {}`. A link at the path is replaced, not followed.
    With `when`, only after one of these operations changed something.
    """
    return _whole_file(
        path=path,
        content=content,
        mode=mode,
        owner=owner,
        group=group,
        check=check,
        name=f"Write {path}",
        _if=any_changed(*when) if when else None,
    )


class FileDigest(FactBase[FileOnHost]):
    """Read what is at a path as `WholeFile` does, with the SHA-256 of the content in place of it."""

    def command(self, path: str) -> str:
        """Return the command; it prints nothing of what the file holds."""
        return WholeFile().command(path).replace('base64 "$p"', 'sha256sum < "$p"')

    def process(self, output: list[str]) -> FileOnHost:
        """Parse the answer; `content` is the digest in hexadecimal."""
        if not output[-1].endswith("  -"):
            return WholeFile().process(output)
        there = WholeFile().process(output[:-1])
        return replace(there, content=output[-1].split()[0].encode())


@operation()
def _secret_file(path: str, content: Callable[[], str], mode: str, owner: str, group: str) -> Commands:
    there = host.get_fact(FileDigest, path=path)
    if there.kind in ("directory", "other"):
        raise OperationError(f"{path} is a {there.kind} on the host, not a file; move it away first")
    try:
        wanted = content().encode()
    except MissingSecretError as error:
        if not only_planning():
            raise
        note(f"{path}: whether it differs cannot be said, as {error.message}")
        wanted = b""
    digest = hashlib.sha256(wanted).hexdigest().encode()
    same_access = (there.mode.zfill(4), there.owner, there.group) == (mode.zfill(4), owner, group)
    if there.kind == "file" and there.content == digest and same_access:
        host.noop(f"{path} has this content, mode and owner")
        return
    tell(f"a secret is in it, so its content is not shown; mode {mode}, owner {owner}:{group}")
    tell_touches(paths=[path if there.parent else posixpath.dirname(path)])
    yield StringCommand(
        _atomic_write(path, mode, owner, group, None), _stdin=base64.encodebytes(wanted).decode() or "\n"
    )


def secret_file(
    path: str,
    content: Callable[[], str] | str,
    *,
    mode: str = "0600",
    owner: str = "root",
    group: str = "root",
    when: Sequence[OperationMeta] = (),
) -> OperationMeta:
    """Make `path` a file with exactly this content, which holds a secret, so that it is told nowhere.

    The content goes to the host over the connection's standard input, and a digest comes back to compare.
    Give it as a function, `lambda: f"key {secret('time.key.1').reveal()}\\n"`: a mere plan then goes on
    without the secret. With `when`, only after one of these operations changed something.
    """
    return _secret_file(
        path=path,
        content=content if callable(content) else _Unnamed(content),
        mode=mode,
        owner=owner,
        group=group,
        name=f"Write {path}",
        _if=any_changed(*when) if when else None,
    )


class _Unnamed:
    """A text that pyinfra cannot make a part of an operation's name or identity."""

    name = "secret"

    def __init__(self, text: str) -> None:
        self._text = text

    def __call__(self) -> str:
        return self._text


@operation()
def _no_file(path: str, brought: bool) -> Commands:
    there = host.get_fact(WholeFile, path=path)
    if there.kind == "directory":
        raise OperationError(f"{path} is a directory on the host, a file was to be removed; look at it first")
    if there.kind == "none" and not brought:
        host.noop(f"{path} is absent")
        return
    tell_touches(paths=[path])
    if there.kind == "file":
        tell_diff(path, there.content, None)
    yield StringCommand(f"rm -f {shlex.quote(path)}")


def no_file(path: str, *, brought_by: OperationMeta | None = None) -> OperationMeta:
    """Make sure that nothing is at `path`; a link is removed, not what it points to.

    `brought_by`: the operation that may bring the file (a package installed), so that the plan can say so.
    """
    brought = brought_by is not None and brought_by.will_change
    return _no_file(path=path, brought=brought, name=f"Remove {path}")
