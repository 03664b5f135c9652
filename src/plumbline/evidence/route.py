"""The way to a host: a TCP connection, or the proxy that the person's ~/.ssh/config puts before it."""

from __future__ import annotations

import shlex
import socket
import subprocess
from pathlib import Path

from plumbline.errors import NotReachedError


def connect(address: str, name: str, port: int, user: str, seconds: float) -> socket.socket:
    """Return a connected socket; NotReachedError, saying why, if there is no way within `seconds`.

    ProxyJump and ProxyCommand of ~/.ssh/config are obeyed, looked up by the host's name and then by its
    address; nothing else of it is.
    """
    config = Path.home() / ".ssh" / "config"
    proxy = proxy_command(config, address, name, port, user) if config.exists() else []
    if proxy:
        return _through(proxy)
    try:
        link = socket.create_connection((address, port), timeout=seconds)
    except socket.gaierror as error:
        raise NotReachedError(
            f"the name {address} is not known", hint="give its address in the inventory's connection.yml"
        ) from error
    except ConnectionRefusedError as error:
        raise NotReachedError(
            f"it refuses connections at port {port}: no SSH server listens there"
        ) from error
    except TimeoutError as error:
        raise NotReachedError(f"it did not answer at port {port} within {seconds:.0f} s") from error
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "that is no address"
        raise NotReachedError(f"there is no way to {address}: {reason}") from error
    # Without it every small message of SSH waits for the acknowledgement of the one before.
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return link


def proxy_command(config: Path, address: str, name: str, port: int, user: str) -> list[str]:
    """Return the command whose input and output are the way to a host; empty if it is reached directly.

    OpenSSH itself is asked what the configuration means for the host (ssh(1), -G).
    """
    for alias in dict.fromkeys((name, address)):
        options = _meant(config, alias, port, user)
        jump = options.get("proxyjump", "none")
        if jump != "none":
            *before, last = jump.split(",")
            via = ["-J", ",".join(before)] if before else []
            ssh = ["ssh", "-F", str(config), "-o", "BatchMode=yes", *via]
            return [*ssh, "-W", f"[{address}]:{port}", "--", last]
        command = options.get("proxycommand", "none")
        if command != "none":
            for token, value in (("%h", address), ("%n", name), ("%p", str(port)), ("%r", user)):
                command = command.replace(token, shlex.quote(value))
            return ["/bin/sh", "-c", f"exec {command.replace('%%', '%')}"]
    return []


def _meant(config: Path, alias: str, port: int, user: str) -> dict[str, str]:
    try:
        told = subprocess.run(
            ["ssh", "-G", "-F", str(config), "-p", str(port), "-l", user, "--", alias],
            check=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
        ).stdout
    except FileNotFoundError:
        return {}  # without OpenSSH there is nobody whose configuration this would be
    except subprocess.CalledProcessError as error:
        reason = error.stderr.strip().splitlines()[:1]
        raise NotReachedError(f"ssh does not understand {config}: {''.join(reason)}") from error
    return {key: value for key, _, value in (line.partition(" ") for line in told.splitlines())}


def _through(command: list[str]) -> socket.socket:
    ours, theirs = socket.socketpair()
    try:
        subprocess.Popen(
            command,
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        ours.close()
        raise NotReachedError(f"the proxy of ~/.ssh/config cannot be run: {error.strerror}") from error
    finally:
        theirs.close()
    return ours
