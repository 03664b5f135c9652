"""Where the benchmarks run: a hardened host in a lab of their own, or one of a given inventory."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.timing import run
from plumbline.errors import UsageError
from plumbline.lab import Lab
from plumbline.policy.load import load_standard
from plumbline.policy.standard import DesiredState
from plumbline.spec.load import load_inventory
from plumbline.spec.model import Connection
from plumbline.verify.targets import desired_states

PLUMB = str(Path(sys.executable).with_name("plumb"))


@dataclass(frozen=True)
class Ground:
    """One host: its inventory, what it shall be, and how it is entered."""

    inventory: Path
    address: str
    desired: DesiredState
    connection: Connection
    ours: bool

    @property
    def name(self) -> str:
        """The host's name."""
        return self.desired.host.name

    def plumb(self, *words: str) -> list[str]:
        """Return a plumb command for this host."""
        return [PLUMB, *words, "-i", str(self.inventory), self.name]

    def ssh_options(self) -> dict[str, str]:
        """Return what ssh must be told to enter the host as plumb does (ssh_config(5))."""
        way = self.connection
        options = {
            "User": way.user,
            "Port": str(way.port),
            "BatchMode": "yes",
            "StrictHostKeyChecking": "yes",
        }
        if way.identity_file:
            options |= {"IdentityFile": way.identity_file, "IdentitiesOnly": "yes"}
        if way.known_hosts:
            options["UserKnownHostsFile"] = way.known_hosts
        return options

    def bare(self) -> list[str]:
        """Return the command that runs, on the host, the script on its input."""
        options = [word for pair in self.ssh_options().items() for word in ("-o", "=".join(pair))]
        shell = ["sudo", "-n", "sh", "-s"] if self.connection.sudo else ["sh", "-s"]
        return ["ssh", "-F", "none", *options, self.address, *shell]

    def ssh_config(self, path: Path, **more: str) -> Path:
        """Write the same, and `more`, as a configuration file for ssh, and return its path."""
        lines = [f"    {name} {value}" for name, value in (self.ssh_options() | more).items()]
        path.write_text("\n".join([f"Host {self.address}", *lines]) + "\n")
        return path


@contextmanager
def lab_ground() -> Iterator[Ground]:
    """Bring up one lab host as delivered, harden it, yield it, and take it down again."""
    with Lab.up(f"benchmark-{os.getpid()}", hosts=1) as lab:
        # The stock suite judges what the specification opens, which a matrix would stand for.
        (lab.inventory / "matrix.yml").unlink()
        ground = given_ground(lab.inventory, None, ours=True)
        run(ground.plumb("apply", "--yes", "--no-diff"))
        yield ground


def given_ground(inventory: Path, host: str | None, *, ours: bool = False) -> Ground:
    """Return a host of an inventory, as it is; UsageError unless exactly one is meant."""
    read = load_inventory(inventory)
    states = desired_states(load_standard(), read, [host] if host else [])
    if len(states) != 1:
        raise UsageError(f"{len(states)} hosts are meant; name one of them: {', '.join(states)}")
    ((name, desired),) = states.items()
    return Ground(inventory, read.address_of(name), desired, read.connection, ours)
