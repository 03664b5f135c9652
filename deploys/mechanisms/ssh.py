"""SSH as a deploy may change it: host keys that are missing, drop-ins that never shut anybody out."""

from __future__ import annotations

import base64
import binascii
import shlex
from collections.abc import Generator, Sequence
from pathlib import Path

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import OperationMeta, operation
from pyinfra.context import host

from deploys.mechanisms.files import write
from deploys.mechanisms.printed import lines
from plumbline.apply.telling import note, tell, tell_owed, tell_touches
from plumbline.evidence.known_hosts import known_keys

Commands = Generator[StringCommand, None, None]

SERVER_TAKES = "c=$(mktemp) && cat {} /etc/ssh/sshd_config >$c && sshd -t -f $c; s=$?; rm -f $c; [ $s -eq 0 ]"
"""A check of a drop-in that is read first: sshd takes it together with all else it is told."""


def controller_knows(public_key: str) -> bool:
    """Say whether this controller would believe the host if it showed this key (`TYPE BASE64 …`) alone."""
    file = host.data.get("ssh_known_hosts_file")
    files = [Path(file)] if file else [Path.home() / ".ssh/known_hosts", Path("/etc/ssh/ssh_known_hosts")]
    words = public_key.split()
    try:
        blob = base64.b64decode(words[1], validate=True)
    except (IndexError, binascii.Error):
        return False
    names = (str(host.data.get("ssh_hostname")), host.name)
    known = known_keys(files, names, int(host.data.get("ssh_port") or 22))
    return any(key.blob == blob and not key.revoked for key in known)


@operation()
def _rsa_host_key(path: str, bits: int) -> Commands:
    if lines(f"test -e {shlex.quote(path)} && echo there"):
        host.noop(f"{path} is there")
        return
    tell(f"an RSA key of {bits} bits is made; the keys there are stay")
    tell_touches(paths=[path, f"{path}.pub"])
    quoted = shlex.quote(path)
    yield StringCommand(
        f"umask 077; t=$(mktemp -d /etc/ssh/.plumbline.XXXXXX) || exit 1; "
        f"ssh-keygen -q -t rsa -b {bits} -N '' -C '' -f $t/key && chmod 644 $t/key.pub && "
        f"mv -T $t/key.pub {quoted}.pub && mv -T $t/key {quoted}; s=$?; rm -rf $t; exit $s"
    )


def rsa_host_key(path: str, bits: int) -> OperationMeta:
    """Make the host an RSA key if it has none at `path`; one that is there is never replaced."""
    return _rsa_host_key(path=path, bits=bits, name=f"Make the RSA host key {path}")


@operation()
def _drop_in(path: str, content: str, check: str, notes: list[str], owes: list[str]) -> Commands:
    for sentence in notes:
        note(sentence)
    tell_owed(*owes)
    yield from write(path, content, "0644", "root", "root", check)


def ssh_drop_in(
    path: str, content: str, *, check: str, notes: Sequence[str], owes: Sequence[str] = ()
) -> OperationMeta:
    """Write a drop-in of SSH; `notes` say in every run what was left out of it, and why.

    `owes` are the controls that do not pass because of what was left out.
    """
    return _drop_in(
        path=path, content=content, check=check, notes=list(notes), owes=list(owes), name=f"Write {path}"
    )
