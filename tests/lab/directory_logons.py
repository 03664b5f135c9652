"""Logging on to a lab host as somebody of the directory, and looking for a secret in what runs here."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import paramiko

from plumbline.lab import Lab
from plumbline.lab.host import LabHost

SECONDS = 30


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

    The domain controller's machine is where he comes from.
    """
    name = f"{host.name}.{lab.site.ad_domain}"
    lab.run_site("directory", f"grep -q ' {name}$' /etc/hosts || echo '{host.address} {name}' >>/etc/hosts")
    cache = f"/run/ticket-{user}"
    lab.run_site("directory", f"kinit -c FILE:{cache} {user}", input=password)
    options = (
        "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o BatchMode=yes "
        "-o GSSAPIAuthentication=yes -o PreferredAuthentications=gssapi-with-mic"
    )
    done = lab.run_site(
        "directory",
        f"export KRB5CCNAME=FILE:{cache}; ssh {options} {user}@{name} id -un; s=$?; kdestroy -q; exit $s",
        check=False,
    )
    return done.stdout.strip() if done.returncode == 0 else None


@dataclass
class Watch:
    """Reads again and again with which words and environment everything on this machine runs, hosts too."""

    secret: str
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
        while not self._over.is_set():
            for process in Path("/proc").glob("[0-9]*"):
                for name in ("cmdline", "environ"):
                    with contextlib.suppress(OSError):
                        text = (process / name).read_bytes()
                        self.seen += name == "cmdline" and self.word in text
                        if self.secret.encode() in text:
                            self.found.append(f"{process}/{name}")


def files_with(secret: str, *places: Path) -> list[str]:
    """Return the files below some places that hold a secret; it is given to grep where nobody sees it."""
    command = ["grep", "-rlaF", "-f", "-", *map(str, places)]
    done = subprocess.run(command, check=False, input=secret, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout.splitlines()
