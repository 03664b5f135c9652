"""How the lab enters its hosts: its own key, known host keys, one shared connection a host."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import time
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from plumbline.errors import NotReachedError, PlumblineError

COMMAND_SECONDS = 600.0
SECONDS_TO_CLOSE = 5.0
LOST = 255  # ssh's own exit code for a connection that failed (man ssh(1), EXIT STATUS)


@dataclass(frozen=True)
class Entry:
    """The way into one host: address, key, known hosts, and the socket of the shared connection."""

    name: str
    address: IPv4Address
    key: Path
    known_hosts: Path
    socket: Path

    def options(self, *, shared: bool = True) -> list[str]:
        """Return ssh's options (man ssh_config(5)); nothing of the person's own configuration is used."""
        settings = {
            "IdentityFile": self.key,
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": self.known_hosts,
            "GlobalKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "yes",
            "BatchMode": "yes",
            "ConnectTimeout": "10",
            "ServerAliveInterval": "15",
            "LogLevel": "ERROR",
        }
        if shared:
            settings |= {"ControlMaster": "auto", "ControlPersist": "60", "ControlPath": f"{self.socket}-%r"}
        return [
            "-F",
            "none",
            *(word for name, value in settings.items() for word in ("-o", f"{name}={value}")),
        ]

    def command(self, user: str, *words: str, tty: bool = False, shared: bool = True) -> list[str]:
        """Return the argument list that runs `words` on the host, or opens a shell when there are none."""
        terminal = ["-t"] if tty else []
        return ["ssh", *self.options(shared=shared), *terminal, f"{user}@{self.address}", *words]

    def run(
        self,
        command: str,
        *,
        user: str = "root",
        check: bool = True,
        input: str | None = None,
        timeout: float = COMMAND_SECONDS,
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell command on the host.

        Raises NotReachedError when the host cannot be entered or does not answer within `timeout` seconds,
        and with `check` PlumblineError when the command ends with anything but 0.
        """
        feed = {"input": input} if input is not None else {"stdin": subprocess.DEVNULL}
        try:
            done: subprocess.CompletedProcess[str] = subprocess.run(
                self.command(user, "--", command),
                check=False,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout,
                **feed,
            )
        except subprocess.TimeoutExpired as late:
            raise NotReachedError(f"{self.name}: `{command}` did not end within {timeout:g} s.") from late
        if check and done.returncode == LOST:
            raise NotReachedError(f"{self.name} ({self.address}) cannot be entered: {done.stderr.strip()}")
        if check and done.returncode != 0:
            raise PlumblineError(
                f"{self.name}: `{command}` ended with {done.returncode}: {done.stderr.strip()}"
            )
        return done

    def answers(self) -> bool:
        """Tell whether an SSH server greets at the host's address (RFC 4253, 4.2)."""
        with (
            contextlib.suppress(OSError),
            socket.create_connection((str(self.address), 22), timeout=1) as link,
        ):
            return link.recv(4) == b"SSH-"
        return False

    def forget(self) -> None:
        """Close the shared connections; a host that ended has left them hanging."""
        for path in self.socket.parent.glob(f"{self.socket.name}-*"):
            close_shared(path)


def close_shared(path: Path) -> None:
    """End the process that holds a shared connection's socket, and wait until it is gone."""
    found = re.search(r"pid=(\d+)", _control("check", path))
    _control("exit", path)
    deadline = time.monotonic() + SECONDS_TO_CLOSE
    while found and Path("/proc", found[1], "exe").exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    path.unlink(missing_ok=True)


def _control(word: str, path: Path) -> str:
    command = ["ssh", "-F", "none", "-o", f"ControlPath={path}", "-O", word, "lab"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return done.stdout + done.stderr


def make_key(path: Path) -> str:
    """Make the lab's RSA key, readable by its owner only, and return its public line."""
    _keygen("-q", "-t", "rsa", "-b", "3072", "-N", "", "-C", "plumbline-lab", "-f", str(path))
    return path.with_name(f"{path.name}.pub").read_text()


def make_host_keys(root: Path) -> list[str]:
    """Make a host's keys of every kind sshd wants, below its root; return their public `type key` words."""
    _keygen("-A", "-f", str(root))
    keys = sorted(root.glob("etc/ssh/ssh_host_*_key.pub"))
    return [" ".join(key.read_text().split()[:2]) for key in keys]


def _keygen(*words: str) -> None:
    # It ends with us (man setpriv(1)), and does not write into what is taken down after a crash.
    command = ["setpriv", "--pdeathsig", "KILL", "--", "ssh-keygen", *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise PlumblineError(f"The lab's keys cannot be made: {(done.stderr or done.stdout).strip()}")


def authorize(root: Path, home: str, public: str) -> None:
    """Let the lab's key into an account, given by its home directory on the host."""
    place = root / home.lstrip("/")
    owner = place.stat()
    directory = place / ".ssh"
    directory.mkdir(exist_ok=True)
    keys = directory / "authorized_keys"
    keys.write_text(public)
    for path, mode in ((directory, 0o700), (keys, 0o600)):
        path.chmod(mode)
        os.chown(path, owner.st_uid, owner.st_gid)
