"""Evidence over SSH: one connection and one exec a host, with nothing left behind on it."""

from __future__ import annotations

import logging
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import paramiko

from plumbline.errors import NotReachedError
from plumbline.evidence import login, route
from plumbline.evidence.collector import EVIDENCE_MAX
from plumbline.evidence.printable import last_line

DEADLINE = 300.0
"""Seconds for one host, from connecting to the last byte; the collector itself stops asking before that."""

CONNECT_SECONDS = 10.0
"""Seconds for a host to accept a connection, and again to greet."""

# The login shell may be any; env and sh are where POSIX puts them. sudo must speak English to be understood.
AS_IT_IS = "exec /bin/sh -s"
THROUGH_SUDO = "exec env LC_ALL=C sudo -n -- /bin/sh -s"

_START = b'{"plumbline_evidence":'
_NOISE_MAX = 64 * 1024

logging.getLogger("paramiko").addHandler(logging.NullHandler())
logging.getLogger("paramiko").propagate = False


@dataclass(frozen=True)
class SshTarget:
    """Where a host is reached and how it is entered.

    `name` is what the person calls the host. Without `identity_file` the agent's keys and those in ~/.ssh
    are tried; without `known_hosts`, ~/.ssh/known_hosts and the system's are believed, and no other key ever.
    With `sudo` the evidence is collected through sudo, which must not ask for a password.
    """

    name: str
    address: str
    port: int = 22
    user: str = "root"
    identity_file: Path | None = None
    known_hosts: Path | None = None
    sudo: bool = False

    def __str__(self) -> str:
        at = f"{self.address}:{self.port}" if self.port != 22 else self.address
        return self.name if self.name == at else f"{self.name} ({at})"


def collect(target: SshTarget, script: str, deadline: float = DEADLINE) -> bytes:
    """Run the collector on a host and return the evidence it printed, as it came.

    `deadline` is in seconds. Raises NotReachedError, with one sentence that names the host, for whatever
    kept the evidence from coming whole.
    """
    try:
        with _transport(target, deadline) as (transport, expired):
            try:
                printed, complaint, status = _run(transport, target, script)
            except (paramiko.SSHException, OSError, EOFError) as error:
                if expired.is_set():
                    raise
                raise NotReachedError("the connection was lost before the evidence came") from error
            if expired.is_set():
                raise EOFError
        return _evidence(target, printed, complaint, status)
    except NotReachedError as error:
        where = "" if error.file is None else f"{error.file}: "
        raise NotReachedError(f"{target}: {where}{error.message}", hint=error.hint) from error


@contextmanager
def _transport(target: SshTarget, deadline: float) -> Iterator[tuple[paramiko.Transport, threading.Event]]:
    """Connect and log in; everything inside ends when the deadline has passed, and it is told so."""
    expired = threading.Event()
    with ExitStack() as stack:
        link = route.connect(
            target.address, target.name, target.port, target.user, min(CONNECT_SECONDS, deadline)
        )
        stack.callback(link.close)
        started = time.monotonic()

        def hang_up() -> None:
            expired.set()
            with suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(deadline, hang_up)
        timer.daemon = True
        timer.start()
        stack.callback(timer.cancel)
        try:
            transport = login.transport(link)
            stack.callback(transport.close)
            login.negotiate(transport, target.address, target.name, target.port, target.known_hosts)
            login.authenticate(transport, target.user, target.identity_file)
            yield transport, expired
        except (paramiko.SSHException, OSError, EOFError, NotReachedError) as error:
            if not expired.is_set():
                raise
            seconds = time.monotonic() - started
            raise NotReachedError(
                f"it did not finish within {seconds:.0f} s: the host, or the way to it, hangs"
            ) from error


def _run(transport: paramiko.Transport, target: SshTarget, script: str) -> tuple[bytes, bytes, int]:
    """Return what the script printed, what it complained, and its exit status (-1 if it told none)."""
    channel = transport.open_session()
    channel.exec_command(THROUGH_SUDO if target.sudo else AS_IT_IS)
    with suppress(OSError):  # a shell that ended early reads no further; what it printed says why
        channel.sendall(script.encode())
        channel.shutdown_write()
    printed = bytearray()
    while part := channel.recv(1 << 16):
        printed += part
        if len(printed) > EVIDENCE_MAX + _NOISE_MAX:
            raise NotReachedError(f"it printed more than {EVIDENCE_MAX >> 20} MiB, which no evidence is")
    complaint = channel.recv_stderr(1 << 16) if channel.recv_stderr_ready() else b""
    return bytes(printed), complaint, channel.recv_exit_status()


def _evidence(target: SshTarget, printed: bytes, complaint: bytes, status: int) -> bytes:
    """Return the evidence alone; a login shell may have printed a greeting before it."""
    start = 0 if printed.startswith(_START) else printed.find(b"\n" + _START) + 1
    if status == 0 and (start > 0 or printed.startswith(_START)):
        return printed[start:]
    if status == -1:
        raise NotReachedError("the connection was lost before the evidence was complete")
    told = last_line(complaint) or last_line(printed)
    if target.sudo:
        _explain_sudo(target.user, complaint.decode("utf-8", "replace"), told)
    if status == 3 and "collect.sh" in told:
        raise NotReachedError(told.partition("collect.sh: ")[2])
    if status == 127:
        raise NotReachedError(f"it has no /bin/sh to run the collector with: {told}")
    raise NotReachedError(f"it printed no evidence (exit status {status}): {told or 'it said nothing'}")


def _explain_sudo(user: str, complaint: str, told: str) -> None:
    """Raise what keeps sudo from running the collector, if that is what its complaint says."""
    hint = f"let {user} run /bin/sh through sudo without a password, for as long as evidence is collected"
    if re.search("^env: ", complaint, re.MULTILINE):
        raise NotReachedError("it has no sudo", hint="connect as root, or install sudo on it")
    if "password is required" in complaint:
        # sudo -n says this too of who may not run the command at all: it would ask before it tells.
        raise NotReachedError(f"sudo does not run the collector for {user} without a password", hint=hint)
    if "not allowed to execute" in complaint:
        raise NotReachedError(f"sudo does not let {user} run the collector", hint=hint)
    if "must have a tty" in complaint:
        raise NotReachedError(f"sudo wants a terminal of {user} (requiretty)", hint=hint)
    if re.search("^sudo: ", complaint, re.MULTILINE):
        raise NotReachedError(f"sudo does not run the collector: {told}", hint=hint)
