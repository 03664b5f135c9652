"""A real OpenSSH server on the loopback interface, of one test's own, and the keys to enter it."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from plumbline.evidence.ssh import SshTarget


class SshServer:
    """A server in a directory: `key` enters it, `known_hosts` knows it; `options` are of sshd_config(5)."""

    def __init__(self, directory: Path, **options: str) -> None:
        self.directory = directory
        self.options = options
        self.port = free_port()
        self.key = make_key(directory / "id_ed25519")
        self.host_key = make_key(directory / "host_key")
        self.authorized_keys = directory / "authorized_keys"
        self.authorized_keys.write_text(public(self.key))
        self.authorized_keys.chmod(0o600)
        self.known_hosts = directory / "known_hosts"
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {public(self.host_key)}")

    def target(self, **changes: object) -> SshTarget:
        """Return how to reach it, with the changes."""
        way = {
            "name": "heating-1",
            "address": "127.0.0.1",
            "port": self.port,
            "user": getpass.getuser(),
            "identity_file": self.key,
            "known_hosts": self.known_hosts,
        }
        return SshTarget(**(way | changes))  # type: ignore[arg-type]  # the fields as they are

    @contextmanager
    def running(self) -> Iterator[SshServer]:
        """Run it until the end of the block; it listens when the block begins."""
        config = self.directory / "sshd_config"
        options = {
            "Port": str(self.port),
            "ListenAddress": "127.0.0.1",
            "HostKey": str(self.host_key),
            "AuthorizedKeysFile": str(self.authorized_keys),
            "PidFile": "none",
            "PasswordAuthentication": "no",
            "KbdInteractiveAuthentication": "no",
            "PermitRootLogin": "prohibit-password",
            "StrictModes": "no",
            "UsePAM": "no",
        } | self.options
        config.write_text("".join(f"{name} {value}\n" for name, value in options.items()))
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        command = ["/usr/sbin/sshd", "-f", str(config)]
        # Since 9.8 sshd turns away for a while who failed to log in, and here all come from one address.
        lenient = ["-o", "PerSourcePenalties=no"]
        if subprocess.run([*command, "-t", *lenient], check=False, capture_output=True).returncode == 0:
            command += lenient
        process = subprocess.Popen(
            [*command, "-D", "-e"],
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        assert process.stderr is not None
        try:
            for line in process.stderr:
                if "Server listening" in line:
                    break
            else:
                raise AssertionError("sshd ended before it listened")
            yield self
        finally:
            process.terminate()
            process.communicate()


def make_key(path: Path, *options: str) -> Path:
    """Make a key pair without a passphrase, unless the options (of ssh-keygen(1)) say otherwise."""
    passphrase = () if "-N" in options else ("-N", "")
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-C", "test", *passphrase, *options, "-f", path], check=True
    )
    return path


def public(key: Path) -> str:
    """Return the line of a public key."""
    return key.with_name(f"{key.name}.pub").read_text()


def free_port() -> int:
    """Return a port that nothing listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
