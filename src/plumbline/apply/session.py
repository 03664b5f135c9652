"""pyinfra made quiet, strict and honest: one state for the run, a host's failure is that host's alone.

Imported only where gevent has patched the standard library (`plumbline.apply.worker`).
"""

from __future__ import annotations

import logging
import re
import socket
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import paramiko
from gevent.local import local  # type: ignore[import-untyped]  # it has no types
from pyinfra.api.config import Config
from pyinfra.api.exceptions import ConnectError, PyinfraError
from pyinfra.api.host import Host
from pyinfra.api.inventory import Inventory
from pyinfra.api.state import State
from pyinfra.context import ctx_host, ctx_state

from plumbline.errors import NotReachedError

CONNECT_SECONDS = 10
FACT_SECONDS = 60
COMMAND_SECONDS = 1800
"""How long one command may take while a host is changed; installing from a slow mirror is the longest."""

LINK_SECONDS = 30
"""After this long without an answer from the host's kernel the link counts as lost."""


class HostFailedError(Exception):
    """One host cannot go on; what it printed is in the log kept for it."""


class HostsAlone(State):
    """pyinfra's state, in which a failed fact ends the host's run at once.

    The stock state goes on with the fact's default instead, "no such file" for a file that could not be
    read, and stops everything when the last host has failed.
    """

    def fail_hosts(self, hosts_to_fail: Iterable[Host], activated_count: int | None = None) -> None:
        """Raise HostFailedError in the greenlet of the host."""
        del activated_count
        raise HostFailedError(", ".join(host.name for host in hosts_to_fail))


class KeptLog(logging.Handler):
    """Keeps pyinfra's warnings and errors by host instead of printing them."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._lines: dict[str, list[str]] = defaultdict(list)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record for the host of the greenlet it came from."""
        host = ctx_host.get()  # type: ignore[no-untyped-call]  # theirs
        name = host.name if host is not None else ""
        text = re.sub(r"^(\[[^]]*\] )?\s*", "", record.getMessage())
        self._lines[name] += text.splitlines()

    def take(self, host: Host) -> list[str]:
        """Return what was kept of a host, and forget it; pyinfra's own summing up is left out."""
        lines = self._lines.pop(host.name, [])
        return [line for line in lines if line.strip() and not line.startswith("Error: executed ")]


def quiet() -> KeptLog:
    """Send pyinfra's and paramiko's logs to nowhere but the returned one."""
    kept = KeptLog()
    for name in ("pyinfra", "paramiko"):
        logger = logging.getLogger(name)
        logger.handlers = [kept if name == "pyinfra" else logging.NullHandler()]
        logger.propagate = False
    return kept


def keep_contexts_apart() -> None:
    """Let every greenlet have a pyinfra state of its own; its hosts are kept apart already, its state is not.

    So each host can be at another stage: one is planned anew while another is still changed.
    """
    ctx_state.context._container = local()


def new_state(inventory: Inventory) -> HostsAlone:
    """Make the state of a run: file diffs are ours, commands speak English, nothing waits for ever."""
    inventory.override_data.update({"_env": {"LC_ALL": "C"}, "_timeout": FACT_SECONDS})
    state = HostsAlone(check_for_changes=True)
    state.init(inventory, Config(CONNECT_TIMEOUT=CONNECT_SECONDS))  # type: ignore[no-untyped-call]  # theirs
    for number, host in enumerate(inventory):
        # In API mode pyinfra numbers operations alike on all hosts and takes those of one number for the same
        # operation; hosts have different ones here, and this keeps them apart.
        host.loop_position = [number]
    return state


def connect(host: Host) -> None:
    """Connect, the host key checked, and make the link fast to answer and quick to be known lost.

    Raises NotReachedError with a sentence.
    """
    where = f"{host.data.get('ssh_user')}@{host.data.get('ssh_hostname')}:{host.data.get('ssh_port')}"
    try:
        host.connect(show_errors=False, raise_exceptions=True)
    except ConnectError as error:
        raise NotReachedError(why_not_connected(error, where), hint=_hint(error)) from error
    except (PyinfraError, OSError) as error:
        raise NotReachedError(f"{where}: {error}") from error
    transport = transport_of(host)
    if transport is None:
        raise NotReachedError(f"{where}: the link was lost at once")
    transport.set_keepalive(LINK_SECONDS // 3)
    if isinstance(transport.sock, socket.socket):
        # Paramiko leaves Nagle's algorithm on: 44 ms a command instead of 2.
        transport.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, LINK_SECONDS * 1000)


def transport_of(host: Host) -> paramiko.Transport | None:
    """Return the living transport of a host's connection, None if there is none (any more)."""
    client: Any = getattr(host.connector, "client", None)
    transport = client.get_transport() if client is not None else None
    return transport if isinstance(transport, paramiko.Transport) and transport.is_active() else None


def close(host: Host) -> None:
    """Close a host's connection, which pyinfra leaves open."""
    client: Any = getattr(host.connector, "client", None)
    if client is not None:
        client.close()


def why_not_connected(error: ConnectError, where: str) -> str:
    """Say in a sentence why there is no connection; pyinfra hides the reason in the exception's context."""
    cause = error.__context__
    known: list[tuple[type[BaseException], str]] = [
        (paramiko.BadHostKeyException, f"{where}: its host key is not the known one"),
        (paramiko.AuthenticationException, f"{where}: the host does not let this user in with this key"),
        (socket.gaierror, f"{where}: the name cannot be resolved"),
        (TimeoutError, f"{where}: no answer within {CONNECT_SECONDS} s"),
        (EOFError, f"{where}: the host closed the connection before it spoke"),
    ]
    for kind, sentence in known:
        if isinstance(cause, kind):
            return sentence
    if "found in known_hosts" in str(cause):
        return f"{where}: its host key is not known"
    if isinstance(cause, paramiko.ssh_exception.NoValidConnectionsError):
        refused = any(isinstance(reason, ConnectionRefusedError) for reason in cause.errors.values())
        return f"{where}: {'nothing listens there' if refused else 'the host cannot be reached'}"
    return f"{where}: {cause or error}"


def _hint(error: ConnectError) -> str | None:
    cause = error.__context__
    if isinstance(cause, paramiko.BadHostKeyException):
        return "somebody may be in between; if the host was made anew, correct its line in known_hosts"
    if "found in known_hosts" in str(cause):
        return "get the key from the host's console and add it to known_hosts"
    return None
