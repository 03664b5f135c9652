"""A host's files: layers joined by overlayfs, and their removal that never reaches through a mount."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from plumbline.errors import PlumblineError

SECONDS_TO_DIE = 20.0


def mount_overlay(root: Path, lower: list[Path], upper: Path, work: Path) -> None:
    """Join the `lower` layers (topmost first) and the writable `upper` at `root` (man mount(8), overlay)."""
    for directory in (root, upper, work):
        make_directory(directory)
    options = f"lowerdir={':'.join(map(str, lower))},upperdir={upper},workdir={work}"
    done = subprocess.run(
        ["mount", "-t", "overlay", "-o", options, "plumbline-lab", str(root)],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise PlumblineError(
            f"An overlay cannot be mounted below {root.parent}: {done.stderr.strip()}",
            hint="Point PLUMBLINE_LAB_DIR at a directory on a plain file system, such as ext4 or xfs.",
        )


def make_directory(directory: Path) -> None:
    """Make a directory and its missing parents with mode 0755, whatever the umask: hosts see these modes."""
    missing = [path for path in (directory, *directory.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        path.chmod(0o755)


BUSY_SECONDS = 10
"""How long a mount may be busy yet: what has ended lets go of it later, and others may just look at it."""


def mounts_below(directory: Path) -> list[Path]:
    """Return what is mounted at or below `directory`, deepest first (man proc_pid_mountinfo(5))."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        escaped = line.split()[4]
        point = Path(re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), escaped))
        if point.is_relative_to(directory):
            found.append(point)
    return sorted(found, reverse=True)


def _unmounted(point: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["umount", str(point)], check=False, capture_output=True, text=True)


def unmount_below(directory: Path) -> None:
    """Unmount everything at or below `directory`; PlumblineError when something keeps it busy for long."""
    until = time.monotonic() + BUSY_SECONDS
    for point in mounts_below(directory):
        while (done := _unmounted(point)).returncode != 0 and point in mounts_below(directory):
            if time.monotonic() < until:
                time.sleep(0.1)
                continue
            raise PlumblineError(
                f"{point} cannot be unmounted: {done.stderr.strip()}",
                hint="Leave that directory (a shell may stand in it) and try again.",
            )


def remove_tree(directory: Path) -> None:
    """Remove `directory` with everything in it, unmounting first; nothing to do when it is not there."""
    if not directory.exists():
        return
    unmount_below(directory)
    shutil.rmtree(directory)


def end_inside(directory: Path) -> None:
    """End the processes whose root lies below `directory`: programs run there by who was killed meanwhile.

    They are waited for, so that what they were in can be unmounted.
    """
    deadline = time.monotonic() + SECONDS_TO_DIE
    while inside := [pid for pid in _pids() if _root_of(pid).is_relative_to(directory)]:
        if time.monotonic() > deadline:
            raise PlumblineError(f"Processes below {directory} do not end: {inside}")
        for pid in inside:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _root_of(pid: int) -> Path:
    """Return a process's root; that of this machine when it has ended meanwhile."""
    try:
        return (Path("/proc") / str(pid) / "root").readlink()
    except OSError:
        return Path("/")


def check_path(directory: Path) -> None:
    """Raise PlumblineError for a path that overlayfs' mount options cannot carry."""
    if not re.fullmatch(r"[\w./+@%~-]+", str(directory)):
        raise PlumblineError(
            f"The path {directory} has a character that an overlay's options cannot carry.",
            hint="Use letters, digits and . _ - + @ % ~ only.",
        )
