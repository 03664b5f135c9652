"""Logging on to a lab host as somebody of the directory, and looking for a secret in what runs here."""

from __future__ import annotations

import base64
import contextlib
import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import paramiko

from plumbline.lab import Lab
from plumbline.lab.host import LabHost

SECONDS = 30
PAUSE = 0.1
"""Between two looks at what runs; what is looked for runs longer, and the machine has more to do."""


@dataclass(frozen=True)
class Shown:
    """What a command printed in somebody's session, and how it ended."""

    status: int
    text: str


def by_password(host: LabHost, user: str, password: str, command: str = "id -un") -> Shown | None:
    """Run a command on a host as a user who logs on with a password; None if he is not let in."""
    client = paramiko.SSHClient()
    # Who answers at a lab's own address is not in question here.
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())  # noqa: S507
    try:
        client.connect(
            host.address,
            username=user,
            password=password,
            allow_agent=False,
            look_for_keys=False,
            timeout=SECONDS,
        )
        given, shown, said = client.exec_command(command, timeout=SECONDS)
        with contextlib.suppress(OSError):  # a command that asks nothing may have ended by now
            given.write(f"{password}\n")
            given.channel.shutdown_write()
        text = shown.read().decode() + said.read().decode()
        return Shown(shown.channel.recv_exit_status(), text.strip())
    except paramiko.AuthenticationException:
        return None
    finally:
        client.close()


def by_ticket(lab: Lab, host: LabHost, user: str, password: str) -> str | None:
    """Return who somebody is on a host he enters by a Kerberos ticket alone; None if he is not let in.

    The ticket is got on the domain controller's machine; he comes from here, whence hosts are managed.
    """
    site = lab.site
    ticket = f"/run/ticket-{user}"
    lab.run_site("directory", f"kinit -c FILE:{ticket} {user}", input=password)
    encoded = lab.run_site("directory", f"base64 {ticket}; rm {ticket}").stdout
    with tempfile.TemporaryDirectory() as folder:
        cache, configuration = Path(folder, "ticket"), Path(folder, "krb5.conf")
        cache.write_bytes(base64.b64decode(encoded))
        cache.chmod(0o600)
        configuration.write_text(
            f"[libdefaults]\ndefault_realm = {site.realm}\ndns_lookup_kdc = false\nrdns = false\n"
            f"dns_canonicalize_hostname = false\n[realms]\n{site.realm} = {{\n kdc = {site.dns}\n}}\n"
        )
        options = {
            "GSSAPIServerIdentity": f"{host.name}.{site.ad_domain}",
            "StrictHostKeyChecking": "no",
            "UserKnownHostsFile": "/dev/null",
            "LogLevel": "ERROR",
            "BatchMode": "yes",
            "GSSAPIAuthentication": "yes",
            "PreferredAuthentications": "gssapi-with-mic",
        }
        done = subprocess.run(
            [
                "ssh",
                "-F",
                "none",
                *(f"-o{key}={value}" for key, value in options.items()),
                f"{user}@{host.address}",
                "id -un",
            ],
            env={**os.environ, "KRB5CCNAME": f"FILE:{cache}", "KRB5_CONFIG": str(configuration)},
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
    return done.stdout.strip() if done.returncode == 0 else None


@dataclass
class Watch:
    """Reads again and again with which words and environment everything on this machine runs, hosts too."""

    secrets: Sequence[str]
    word: bytes
    found: list[str] = field(default_factory=list)
    seen: int = 0
    """How often a process was seen with the word among its own."""

    def __enter__(self) -> Self:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        secret = re.compile(b"|".join(re.escape(each.encode()) for each in self.secrets))
        while not self._over.wait(PAUSE):
            for process in Path("/proc").glob("[0-9]*"):
                for name in ("cmdline", "environ"):
                    with contextlib.suppress(OSError):
                        text = (process / name).read_bytes()
                        self.seen += name == "cmdline" and self.word in text
                        if secret.search(text):
                            self.found.append(f"{process}/{name}")


def files_with(secrets: Sequence[str], *places: Path) -> list[str]:
    """Return the files below some places that hold a secret; grep is given them where nobody sees it."""
    command = ["grep", "-rlaF", "-f", "-", *map(str, places)]
    done = subprocess.run(command, check=False, input="\n".join(secrets), capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout.splitlines()
