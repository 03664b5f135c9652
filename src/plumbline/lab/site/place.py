"""Where the lab's site stands: its machines, names and addresses, its authority and its secrets."""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from plumbline.errors import PlumblineError
from plumbline.lab.hostfiles import write
from plumbline.lab.site.authority import Authority, write_private

SERVERS: dict[str, tuple[str, str]] = {
    "directory": ("dc1", "dc1"),
    "time": ("services", "time"),
    "log": ("services", "log"),
    "monitoring": ("services", "monitoring"),
    "mail": ("services", "mail"),
    "mirror": ("services", "updates"),
}
"""Server -> the machine that carries it, and its own name in the site's domain (dc1: in the directory's)."""

MACHINES: dict[str, int] = {"dc1": -5, "services": -4}
"""Machine -> its place in the lab's network, counted back from the broadcast address: .250 and .251."""

CHROOT_SECONDS = 300


@dataclass(frozen=True)
class SitePlace:
    """What a server of the site needs to know; everything of the site is kept below `directory`.

    `servers`: those that are wanted. `domain`: the site's DNS domain; `ad_domain`: the directory's, with
    `computer_ou` the unit computers go to, and `groups` those that hosts name, with their role (17.4).
    `packages`: a directory of packages with its index, as each host of the lab has one. `hosts`: those of the
    lab beside it.
    """

    directory: Path
    network: IPv4Network
    gateway: IPv4Address
    servers: tuple[str, ...]
    domain: str
    ad_domain: str
    computer_ou: str
    groups: dict[str, str]
    packages: Path
    hosts: dict[str, IPv4Address] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @property
    def realm(self) -> str:
        """The directory's Kerberos realm."""
        return self.ad_domain.upper()

    @property
    def authority(self) -> Authority:
        """The lab's certificate authority; `.pem` is its certificate."""
        return Authority(self.directory)

    @property
    def machines(self) -> list[str]:
        """The machines that the wanted servers need."""
        return [name for name in MACHINES if name in {SERVERS[server][0] for server in self.servers}]

    @property
    def names_machine(self) -> str:
        """The machine that answers DNS: the domain controller, or what there is without one."""
        return "dc1" if "directory" in self.servers else "services"

    @property
    def dns(self) -> IPv4Address:
        """The address the site's hosts ask for names."""
        return self.address(self.names_machine)

    def address(self, name: str) -> IPv4Address:
        """Return the address of a server or machine."""
        machine = SERVERS[name][0] if name in SERVERS else name
        return self.network.broadcast_address + MACHINES[machine]

    def name(self, name: str) -> str:
        """Return the full name of a server (`log` -> log.ot.lab.test) or machine."""
        label = SERVERS[name][1] if name in SERVERS else name
        return f"{label}.{self.ad_domain if label == 'dc1' else self.domain}"

    @property
    def names(self) -> dict[str, IPv4Address]:
        """Every full name of the site's machines and wanted servers, with its address."""
        return {self.name(each): self.address(each) for each in (*self.machines, *self.servers)}

    def secret(self, name: str, make: Callable[[], str] | None = None) -> str:
        """Return the lab's secret of that name, made when there is none yet: by `make`, or a password."""
        with self._turn:
            if name not in self.secrets:
                self.secrets[name] = (make or _password)()
            return self.secrets[name]

    def certify(self, root: Path, server: str, certificate: str, key: str, owner: str = "root") -> None:
        """Put a new certificate of a server and its key at two paths of a machine; `owner` reads the key.

        The authority's certificate is beside all of them, in /etc/ssl/lab-ca.pem.
        """
        issued = self.authority.issue(self.name(server), (), [self.address(server)])
        write(root, certificate, issued.certificate)
        write(root, key, issued.key, 0o600)
        if owner != "root":
            run_in(root, "chown", owner, key)

    def save_secrets(self) -> None:
        """Keep the secrets, where root alone reads them."""
        write_private(secrets_file(self.directory), json.dumps(self.secrets, indent=2) + "\n")


def secrets_file(directory: Path) -> Path:
    """Return where a site's secrets are kept."""
    return directory / "secrets.json"


def load_secrets(directory: Path) -> dict[str, str]:
    """Return the secrets of the site kept below `directory`; none when there is no site."""
    with contextlib.suppress(FileNotFoundError):
        found: dict[str, str] = json.loads(secrets_file(directory).read_text())
        return found
    return {}


def _password() -> str:
    """Return a random password that every usual rule of complexity lets pass."""
    return f"Aa1-{secrets.token_hex(16)}"


def run_in(root: Path, *command: str, input: str | None = None) -> str:
    """Run a program inside the root of a machine that is not booted, and return what it printed.

    Secrets go by `input`, never by the command line. Raises PlumblineError when it does not end with 0.
    """
    with _proc(root):
        done = subprocess.run(
            ["chroot", str(root), *command],
            check=False,
            capture_output=True,
            text=True,
            input=input or "",
            timeout=CHROOT_SECONDS,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/root"},
        )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()[-5:]
        raise PlumblineError(
            f"The lab's site cannot be prepared: {command[0]} ended with {done.returncode}: {' '.join(said)}"
        )
    return done.stdout


@contextlib.contextmanager
def _proc(root: Path) -> Iterator[None]:
    """Give a root the /proc that programs want, for as long as one runs."""
    point = root / "proc"
    subprocess.run(["mount", "-t", "proc", "proc", str(point)], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(point)], check=True, capture_output=True)
