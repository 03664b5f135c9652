"""What is recorded of a lab, and the names everything of it on this machine has."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from plumbline.errors import PlumblineError, UsageError
from plumbline.lab.delivered import Flavour
from plumbline.lab.layers import check_path

RUN = Path("/run/plumbline-lab")

Kind = Literal["container", "vm"]
"""What a lab's hosts are: systemd-nspawn's containers, or virtual machines with a kernel of their own."""


class HostState(BaseModel):
    """One host: its name, address, machine name and the layers over the image, topmost first.

    `partitions` are those beside the root's, mount -> GiB.
    """

    model_config = ConfigDict(extra="forbid")

    name: str
    address: IPv4Address
    machine: str
    layers: list[str] = ["delivered"]
    partitions: dict[str, float] = {}


class SiteHostState(HostState):
    """One machine of the site, which has an image of its own."""

    image: Path


class SiteState(BaseModel):
    """The site of a lab: its servers and machines, its domains, and what the inventory says of people."""

    model_config = ConfigDict(extra="forbid")

    servers: tuple[str, ...]
    hosts: list[SiteHostState]
    domain: str
    ad_domain: str
    computer_ou: str
    groups: dict[str, str]


class LabState(BaseModel):
    """A lab: what it was made as, its network, its hosts, and the layers of each kept state of each host.

    `ready` is false until every host was once up; a lab left so by a crash is made anew.
    """

    model_config = ConfigDict(extra="forbid")

    release: str
    flavour: Flavour
    kind: Kind = "container"
    image: Path
    network: IPv4Network
    gateway: IPv4Address
    hosts: list[HostState]
    site: SiteState | None = None
    kept: dict[str, dict[str, list[str]]] = {}
    ready: bool = False

    @property
    def names(self) -> list[str]:
        """The names of its hosts and of its site's machines."""
        return [host.name for host in (*self.hosts, *(self.site.hosts if self.site else ()))]


class LabPlace:
    """Where a lab of a name lives: its directory, and the names derived from it, unique on this machine."""

    def __init__(self, name: str) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,62}", name):
            raise UsageError(
                f"A lab cannot be called {name!r}.", hint="Use small letters, digits and . _ - (at most 63)."
            )
        self.name = name
        self.directory = labs_directory() / name
        check_path(self.directory)
        self.digest = hashlib.sha256(os.fsencode(self.directory)).hexdigest()[:6]

    @property
    def bridge(self) -> str:
        """The lab's bridge; interface names have at most 15 characters."""
        return f"plb{self.digest}"

    @property
    def machine_prefix(self) -> str:
        """What the machine names of the lab's hosts start with."""
        return f"pl{self.digest}-"

    @property
    def sockets(self) -> Path:
        """Where shared SSH connections keep their sockets, whose paths must be short (man unix(7))."""
        return RUN / self.digest

    @property
    def key(self) -> Path:
        """The lab's private SSH key."""
        return self.directory / "key"

    @property
    def known_hosts(self) -> Path:
        """The keys of the lab's hosts."""
        return self.directory / "known_hosts"

    @property
    def inventory(self) -> Path:
        """The lab's inventory."""
        return self.directory / "inventory"

    @property
    def site(self) -> Path:
        """What is the lab's site's: its authority, its secrets, its machines."""
        return self.directory / "site"

    @property
    def exists(self) -> bool:
        """Whether there is anything of this lab, whole or not."""
        return self.directory.is_dir()

    def load(self) -> LabState | None:
        """Return what is recorded; None when nothing is, or it cannot be read."""
        try:
            return LabState.model_validate_json((self.directory / "lab.json").read_text())
        except (OSError, ValidationError):
            return None

    def save(self, state: LabState) -> None:
        """Record the state, whole or not at all."""
        partial = self.directory / "lab.json.partial"
        partial.write_text(state.model_dump_json(indent=2) + "\n")
        partial.replace(self.directory / "lab.json")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lab for one command at a time; others wait."""
        with lock(f"{self.digest}.lock"):
            yield


@contextlib.contextmanager
def lock(name: str) -> Iterator[None]:
    """Hold a lock of this machine, waiting for whoever has it; it ends with its holder, also in a crash."""
    RUN.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (RUN / name).open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def labs_directory() -> Path:
    """Return where labs live: PLUMBLINE_LAB_DIR, or /var/lib/plumbline/lab."""
    return Path(os.environ.get("PLUMBLINE_LAB_DIR") or "/var/lib/plumbline/lab").absolute()


def names() -> list[str]:
    """Return the names of the labs there are, whole or not."""
    directory = labs_directory()
    try:
        return sorted(entry.name for entry in directory.iterdir() if entry.is_dir())
    except FileNotFoundError:
        return []
    except PermissionError as denied:
        raise PlumblineError(f"The labs in {directory} cannot be read.", hint="Run it with sudo.") from denied
