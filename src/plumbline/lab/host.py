"""One host of a lab: a Debian booted by systemd-nspawn over the shared image."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from plumbline.errors import NotReachedError, PlumblineError
from plumbline.lab import partitions
from plumbline.lab.cgroup import Cgroup, reap, start_time, started
from plumbline.lab.delivered import Flavour, Place, extra_interfaces, files, modes
from plumbline.lab.hostfiles import tail, write
from plumbline.lab.layers import make_directory, mount_overlay, mounts_below, remove_tree, unmount_below
from plumbline.lab.network import interface_exists, remove_interface, set_up
from plumbline.lab.recipe import USERS
from plumbline.lab.signatures import daily_database
from plumbline.lab.ssh import Entry, authorize, make_host_keys
from plumbline.lab.state import RUN

BOOT_SECONDS = 120.0
STOP_SECONDS = 60.0
NSPAWN_STATE = Path("/run/systemd/nspawn")

# With --keep-unit, systemd-nspawn ends with 133 when the host reboots, and wants to be started again
# (man systemd-nspawn(1), systemd-nspawn@.service). Each boot gets a control group nobody has used.
LOOP = """\
while :; do
    mkdir -p "$0/boot"
    (echo 0 >"$0/boot/cgroup.procs" && exec "$@")
    [ $? -eq 133 ] || break
    find "$0/boot" -depth -type d -exec rmdir {} +
done
"""


@dataclass
class LabHost:
    """A host of a lab: its name, address, machine name, and the directory its files are in.

    `layers` are the layers over the image, topmost first, by name below `directory`; the writable one is
    not among them. `partitions` are those beside the root's, mount -> GiB.
    """

    name: str
    machine: str
    directory: Path
    image: Path
    bridge: str
    flavour: Flavour
    entry: Entry
    layers: list[str] = field(default_factory=lambda: ["delivered"])
    partitions: dict[str, float] = field(default_factory=dict)
    unsynced: bool = True
    """Writes are not synced to the disk, which is faster; programs that demand it are refused their files."""

    @property
    def address(self) -> str:
        """The address the host is reached at."""
        return str(self.entry.address)

    @property
    def root(self) -> Path:
        """The host's file system, seen from this machine while the host is up."""
        return self.directory / "root"

    @property
    def log(self) -> Path:
        """What the host printed on its console."""
        return self.directory / "console.log"

    @property
    def cgroup(self) -> Cgroup:
        """The control group everything of the host runs in."""
        return Cgroup(self.machine)

    @property
    def pid(self) -> int | None:
        """The process id of the host's systemd-nspawn; None when it does not run."""
        return self.cgroup.supervisor

    @property
    def running(self) -> bool:
        """Whether the host is being kept up; whether it answers is another question."""
        return self.cgroup.watched

    @property
    def extra_links(self) -> dict[str, str]:
        """This machine's end of each interface beside host0 -> its name on the host."""
        return {
            f"{self.machine}{index}": name for index, name in enumerate(extra_interfaces(self.flavour), 1)
        }

    def boot(self) -> tuple[int, int] | None:
        """Return what tells this boot from every other: PID 1's process id here and its start time.

        The kernel's boot_id is this machine's own and does not change when a host reboots.
        """
        init = self.cgroup.init
        began = start_time(init) if init is not None else None
        return (init, began) if init is not None and began is not None else None

    def prepare(
        self, place: Place, public_key: str, fill: Callable[[Path], None] = lambda _: None
    ) -> list[str]:
        """Write the layer that makes the shared image this host as delivered; return its host keys.

        `fill` writes more into it, given the host's root.
        """
        mount_overlay(self.root, [self.image], self.directory / "delivered", self.directory / "work")
        try:
            for path, text in files(place, self.flavour).items():
                write(self.root, path, text, modes(self.flavour).get(path, 0o644))
            signatures = self.root / "var/lib/clamav/daily.cud"
            make_directory(signatures.parent)
            signatures.write_bytes(daily_database(datetime.now(UTC)))
            signatures.chmod(0o644)
            write(self.root, "/etc/machine-id", f"{secrets.token_hex(16)}\n", mode=0o444)
            for home in ("/root", *(f"/home/{user}" for user in USERS)):
                authorize(self.root, home, public_key)
            keys = make_host_keys(self.root)
            fill(self.root)
            write(self.root, "/etc/fstab", partitions.fstab(self.partitions))
            partitions.make(self._kept_partitions("delivered"), self.partitions, self.root)
            return keys
        finally:
            unmount_below(self.root)
            shutil.rmtree(self.directory / "work")

    def start(self) -> None:
        """Start booting the host; `wait` says when it is there. Nothing to do when it runs."""
        if self.running:
            return
        self.clear()
        if not mounts_below(self.root):
            lower = [*(self.directory / layer for layer in self.layers), self.image]
            mount_overlay(self.root, lower, self.directory / "upper", self.directory / "work")
        partitions.copy(self._kept_partitions(self.layers[0]), self._partitions)
        binds = partitions.attach(self._partitions, self.partitions)
        self._launch(["sh", "-c", LOOP, str(self.cgroup.path), *self._nspawn(binds)])

    def _launch(self, words: list[str]) -> None:
        """Start what keeps the host up, in the host's control group; what it prints goes to the log."""
        cgroup = self.cgroup
        cgroup.create()
        command = [*cgroup.launcher(), *words]
        with self.log.open("ab") as log, Path(os.devnull).open("rb") as nothing:
            pid = os.posix_spawnp(
                command[0],
                command,
                {**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1", "LC_ALL": "C.UTF-8"},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, nothing.fileno(), 0),
                    (os.POSIX_SPAWN_DUP2, log.fileno(), 1),
                    (os.POSIX_SPAWN_DUP2, log.fileno(), 2),
                ],
                setsid=True,
                setsigmask=[],
            )
        started.add(pid)
        while not cgroup.watched:
            reap()
            if pid not in started:
                raise self._lost("could not be started")
            time.sleep(0.005)

    @property
    def _partitions(self) -> Path:
        return self.directory / "partitions"

    def _kept_partitions(self, layer: str) -> Path:
        return self.directory / f"{layer}.partitions"

    def _nspawn(self, binds: list[str]) -> list[str]:
        links = [f"--network-veth-extra={here}:{there}" for here, there in self.extra_links.items()]
        return [
            "systemd-nspawn",
            "--quiet",
            "--register=no",
            "--keep-unit",
            "--settings=no",
            "--link-journal=no",
            "--resolv-conf=off",
            "--timezone=off",
            f"--suppress-sync={'yes' if self.unsynced else 'no'}",
            "--console=read-only",
            f"--directory={self.root}",
            f"--machine={self.machine}",
            f"--hostname={self.name}",
            f"--network-bridge={self.bridge}",
            *links,
            *binds,
            "--setenv=SYSTEMD_COLORS=0",
            "--boot",
        ]

    def wait(self, seconds: float = BOOT_SECONDS, *, after: tuple[int, int] | None = None) -> str:
        """Wait until the host has booted and SSH lets us in; return systemd's word: `running` or `degraded`.

        With `after`, a boot other than that one. Raises NotReachedError with the end of the host's log.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for link in self.extra_links:
                set_up(link)
            if self.boot() not in (None, after) and self.entry.answers():
                return self._settled(deadline)
            if not self.running:
                raise self._lost("has ended instead of booting")
            time.sleep(0.03)
        raise self._lost(f"did not answer within {seconds:g} s")

    def _settled(self, deadline: float) -> str:
        state = ""
        while time.monotonic() < deadline:
            left = max(1.0, deadline - time.monotonic())
            done = self.entry.run("systemctl is-system-running --wait", check=False, timeout=left)
            state = done.stdout.strip() or done.stderr.strip()
            if state in ("running", "degraded"):
                return state
            time.sleep(0.1)
        raise self._lost(f"has not settled: {state}")

    def _lost(self, what: str) -> NotReachedError:
        return NotReachedError(
            f"The lab host {self.name} ({self.address}) {what}. The end of its log:\n{tail(self.log)}",
            hint=f"The whole log is {self.log}",
        )

    def reboot(self, seconds: float = BOOT_SECONDS) -> str:
        """Reboot the host for real, orderly, and wait for the new boot; return systemd's word on it.

        PID 1 is told by signal (man systemd(1), SIGRTMIN+5), so a firewall that keeps us out does not matter.
        """
        before = self.boot()
        if before is None:
            raise PlumblineError(f"{self.name} cannot be rebooted: it is not up.", hint="plumb lab up")
        self.entry.forget()
        os.kill(before[0], signal.SIGRTMIN + 5)
        return self.wait(seconds, after=before)

    def shut_down(self) -> None:
        """Shut the host down orderly; what does not end in a minute is ended."""
        self.entry.forget()
        boot = self.boot()
        if boot is not None:
            os.kill(boot[0], signal.SIGRTMIN + 4)
            self.cgroup.wait_empty(STOP_SECONDS)
        self.clear()
        unmount_below(self.root)
        partitions.detach(self._partitions)

    def clear(self) -> None:
        """End the host at once, and remove what a host that ended or crashed leaves on this machine."""
        self.entry.forget()
        clear_machine(self.machine)
        forget_lock(self.root)

    def drop_changes(self) -> None:
        """Throw away what was written since the topmost layer; the host must not run."""
        unmount_below(self.root)
        remove_tree(self.directory / "upper")
        remove_tree(self.directory / "work")
        remove_tree(self._partitions)

    def keep_changes(self, layer: str) -> None:
        """Make what was written since the topmost layer a layer of its own; the host must not run."""
        unmount_below(self.root)
        make_directory(self.directory / "upper")
        (self.directory / "upper").rename(self.directory / layer)
        remove_tree(self.directory / "work")
        partitions.detach(self._partitions)
        if self.partitions:
            self._partitions.rename(self._kept_partitions(layer))
        self.layers = [layer, *self.layers]


def clear_machine(machine: str) -> None:
    """End a machine's processes at once; remove its control group, interfaces and systemd-nspawn's traces."""
    cgroup = Cgroup(machine)
    cgroup.kill()
    cgroup.remove()
    for link in links_of(machine):
        remove_interface(link)
    for kind in ("propagate", "unix-export"):
        directory = NSPAWN_STATE / kind / machine
        unmount_below(directory)
        with contextlib.suppress(FileNotFoundError):
            directory.rmdir()
    control_socket(machine).unlink(missing_ok=True)


def control_socket(machine: str) -> Path:
    """Return the path of the socket by which a virtual machine is told to end; such paths must be short."""
    return RUN / f"{machine}.qmp"


def forget_lock(root: Path) -> None:
    """Remove the lock that a systemd-nspawn that was killed leaves of a mounted root."""
    with contextlib.suppress(FileNotFoundError):
        status = root.stat()
        (NSPAWN_STATE / "locks" / f"inode-{status.st_dev}:{status.st_ino}").unlink()


def links_of(machine: str) -> list[str]:
    """Return this machine's ends of a host's interfaces that are there."""
    return [name for name in (f"vb-{machine}", f"{machine}1", f"{machine}2") if interface_exists(name)]
