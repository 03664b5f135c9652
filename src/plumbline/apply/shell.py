"""Commands on a host as root, over one SSH connection: that of a run, or a new one with its own login."""

from __future__ import annotations

import shlex
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass

import paramiko

from plumbline.apply import guard
from plumbline.apply.guard.answers import AnswerT
from plumbline.apply.guard.commands import PROGRAM
from plumbline.errors import NotReachedError
from plumbline.evidence import login, route
from plumbline.evidence.printable import last_line
from plumbline.evidence.ssh import AS_IT_IS, CONNECT_SECONDS, THROUGH_SUDO, SshTarget

LINK_SECONDS = 30
"""After this long without an answer from the host's kernel the link counts as lost."""


class LinkLostError(NotReachedError):
    """The connection ended before the command did; what it was doing may go on there."""


@dataclass(frozen=True)
class Ran:
    """What came of a command: its exit status, and what it printed, errors among it."""

    status: int
    out: str


class Shell:
    """Runs commands on one host as root, each in a channel of its own beside whatever else runs there."""

    def __init__(self, transport: paramiko.Transport, *, sudo: bool) -> None:
        self._transport, self._sudo = transport, sudo

    def run(self, command: str, stdin: str = "", seconds: float = 60) -> Ran:
        """Run a command line of POSIX sh; LinkLostError if there is no answer, also not within `seconds`."""
        try:
            with self._transport.open_session(timeout=CONNECT_SECONDS) as channel:
                channel.settimeout(seconds)
                channel.set_combine_stderr(True)
                channel.exec_command(_as_root(command, sudo=self._sudo))
                with suppress(OSError):  # a command that ended early reads no further; its status says why
                    channel.sendall(stdin.encode())
                    channel.shutdown_write()
                out = bytearray()
                while part := channel.recv(1 << 16):
                    out += part
                status = channel.recv_exit_status()
        except TimeoutError as error:
            raise LinkLostError(f"no answer within {seconds:.0f} s; what it was doing may go on") from error
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise LinkLostError("the link was lost; what it was doing may go on there") from error
        if status == -1:
            raise LinkLostError("the link was lost; what it was doing may go on there")
        return Ran(status, out.decode("utf-8", "backslashreplace"))

    def ask(self, command: guard.Command[AnswerT]) -> AnswerT:
        """Give the host's guard one command and return its answer; GuardError if it refuses."""
        return guard.parse(command.answers, self.run(command.line, command.stdin, command.timeout).out)

    def has_guard(self) -> bool:
        """Say whether there is a guard on the host, be it of another version."""
        return self.run(f"test -e {PROGRAM}").status == 0

    def install_guard(self) -> None:
        """Make sure that this version's guard is on the host."""
        try:
            self.ask(guard.installed())
        except guard.GuardError:
            self.ask(guard.install())


def _as_root(command: str, *, sudo: bool) -> str:
    # The login shell may be any; it only has to hand the command to sh.
    return f"{(THROUGH_SUDO if sudo else AS_IT_IS).removesuffix('-s')}-c {shlex.quote(command)}"


@contextmanager
def entered(target: SshTarget) -> Iterator[Shell]:
    """Enter a host by a new TCP connection and a new login, and show that we are root there.

    Raises NotReachedError, naming the host and why, when there is no way in.
    """
    try:
        link = route.connect(target.address, target.name, target.port, target.user, CONNECT_SECONDS)
        with link, closing(login.transport(link)) as transport:
            if link.family in (socket.AF_INET, socket.AF_INET6):  # through a proxy it is a pipe
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, LINK_SECONDS * 1000)
            transport.set_keepalive(LINK_SECONDS // 3)
            login.negotiate(transport, target.address, target.name, target.port, target.known_hosts)
            login.authenticate(transport, target.user, target.identity_file)
            shell = Shell(transport, sudo=target.sudo)
            told = shell.run("id -u")
            if told.out.split()[-1:] != ["0"]:
                said = last_line(told.out.encode()) or "it does not say why"
                raise NotReachedError(f"{target.user} gets in, but does not become root: {said}")
            yield shell
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise NotReachedError(f"{target}: the connection broke off: {error}") from error
    except NotReachedError as error:
        raise NotReachedError(f"{target}: {error.message}", hint=error.hint) from error
