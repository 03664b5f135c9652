"""The control group of one host: what runs in it is the host's, so it is what we look at and what we end."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from plumbline.errors import PlumblineError
from plumbline.lab.requirements import cgroup_mount, has_systemd

SECONDS_TO_DIE = 20.0


class Cgroup:
    """A host's group in cgroup v2 (man cgroups(7)).

    `<group>` holds the loop that starts the host again after a reboot, `<group>/boot/supervisor`
    systemd-nspawn, `<group>/boot/payload` the host's own processes. A virtual machine is one process, in
    `<group>` itself.
    """

    def __init__(self, machine: str) -> None:
        self.machine = machine
        self.path = _parent() / (_scope(machine) if has_systemd() else machine)

    def create(self) -> None:
        """Make the group; under systemd the scope that the host is started in makes it."""
        if not has_systemd():
            self.path.mkdir(parents=True, exist_ok=True)

    def launcher(self) -> list[str]:
        """Return the words to put before a command so that it runs in this group."""
        if has_systemd():
            unit = _scope(self.machine)
            return [
                "systemd-run",
                "--quiet",
                "--scope",
                "--collect",
                f"--unit={unit}",
                "--property=Delegate=yes",
            ]
        return ["sh", "-c", 'echo 0 >"$0/cgroup.procs" && exec "$@"', str(self.path)]

    @property
    def populated(self) -> bool:
        """Whether any process lives in the group."""
        try:
            return "populated 1" in (self.path / "cgroup.events").read_text()
        except FileNotFoundError:
            return False

    @property
    def watched(self) -> bool:
        """Whether the loop that keeps the host up lives; what is there without it was left by a crash."""
        return self.keeper is not None

    @property
    def keeper(self) -> int | None:
        """The process id of what keeps the host up: the loop, or a virtual machine itself."""
        return self._first(".")

    @property
    def supervisor(self) -> int | None:
        """The process id of the host's systemd-nspawn."""
        return self._first("boot/supervisor")

    @property
    def init(self) -> int | None:
        """The process id, on this machine, of the host's PID 1."""
        return self._first("boot/payload/init.scope")

    def _first(self, group: str) -> int | None:
        with contextlib.suppress(OSError):
            pids = [int(pid) for pid in (self.path / group / "cgroup.procs").read_text().split()]
            return min(pids, default=None)
        return None

    def kill(self) -> None:
        """End every process of the group at once, and wait until they are gone."""
        with contextlib.suppress(FileNotFoundError):
            (self.path / "cgroup.kill").write_text("1")
        self.wait_empty(SECONDS_TO_DIE)
        if self.populated:
            raise PlumblineError(f"Processes of {self.machine} do not end; they are listed in {self.path}.")

    def wait_empty(self, seconds: float) -> None:
        """Return when nothing lives in the group, or after that many seconds."""
        deadline = time.monotonic() + seconds
        while self.populated and time.monotonic() < deadline:
            reap()
            time.sleep(0.01)
        reap()

    def remove(self) -> None:
        """Remove the group and those below it; nothing to do when it is not there."""
        for directory, _, _ in os.walk(self.path, topdown=False):
            with contextlib.suppress(FileNotFoundError):
                Path(directory).rmdir()


def machines(prefix: str) -> list[str]:
    """Return the machines whose group exists and whose name starts with `prefix`."""
    parent, before, after = _parent(), *(("plumbline-", ".scope") if has_systemd() else ("", ""))
    found = parent.glob(f"{before}{prefix}*{after}")
    return sorted(path.name.removeprefix(before).removesuffix(after) for path in found if path.is_dir())


def start_time(pid: int) -> int | None:
    """Return when a process started, in clock ticks since the machine booted (man proc_pid_stat(5))."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return None


def reap() -> None:
    """Collect hosts' launchers that have ended while the process that started them still lives."""
    for pid in list(started):
        try:
            ended, _ = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            ended = pid
        if ended:
            started.discard(pid)


started: set[int] = set()
"""Process ids of the launchers this process has started and not yet collected."""


def _parent() -> Path:
    return cgroup_mount() / ("system.slice" if has_systemd() else "plumbline-lab")


def _scope(machine: str) -> str:
    return f"plumbline-{machine}.scope"
