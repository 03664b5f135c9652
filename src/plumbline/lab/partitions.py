"""A host's partitions: a sparse image with a file system each, mounted here and bound into the host.

They lie in directories beside the layers of the host's root, one for what is written now and one for each
kept state, so that putting a host back puts its partitions back too.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from plumbline.errors import PlumblineError
from plumbline.lab.layers import make_directory, mounts_below, unmount_below

DEVICES = "/dev/lab"
"""Where a host finds the devices of its partitions."""

# Little is written until it is used, whatever the size: few inodes, a small journal, tables made when needed.
_MAKE = "mke2fs -q -F -t ext4 -m 0 -N 65536 -J size=4 -O ^resize_inode,sparse_super2 -E lazy_itable_init=1"


def of_storage(storage: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Return the partitions beside the root's (mount -> GiB) of a host's storage (mount, GiB)."""
    return {mount: size for mount, size in storage if mount.startswith("/") and mount != "/"}


def fstab(partitions: Iterable[str]) -> str:
    """Return the file that has a host mount its partitions at boot (fstab(5))."""
    lines = [f"{device(mount)} {mount} ext4 defaults 0 2\n" for mount in sorted(partitions)]
    return "# <file system> <mount point> <type> <options> <dump> <pass>\n" + "".join(lines)


def device(mount: str) -> str:
    """Return the path a host finds a partition's device at."""
    return f"{DEVICES}/{_slug(mount)}"


def make(directory: Path, partitions: Mapping[str, float], root: Path) -> None:
    """Make the images in `directory`, with what the host's root has at their mount points now."""
    for mount, size in partitions.items():
        make_directory(directory)
        image = directory / f"{_slug(mount)}.img"
        with image.open("wb") as handle:
            handle.truncate(int(size * 1024**3))
        filled = root / mount.lstrip("/")
        content = ["-d", str(filled)] if filled.is_dir() else []
        _run([*_MAKE.split(), *content, str(image)], f"The partition {mount} cannot be made")


def copy(source: Path, target: Path) -> None:
    """Copy the images of one directory to another that is not there yet."""
    if source.is_dir() and not target.exists():
        _run(["cp", "-a", "--sparse=always", str(source), str(target)], "Partitions cannot be copied")


def attach(directory: Path, partitions: Mapping[str, float]) -> list[str]:
    """Mount the images below `directory` here; return the words that have systemd-nspawn bind them."""
    words = []
    for mount in sorted(partitions):
        point = directory / f"{_slug(mount)}.mounted"
        if not mounts_below(point):
            make_directory(point)
            image = directory / f"{_slug(mount)}.img"
            _run(["mount", "-o", "loop", str(image), str(point)], f"The partition {mount} cannot be mounted")
        words += [f"--bind={point}:{mount}", f"--bind={_source(point)}:{device(mount)}"]
    return words


def detach(directory: Path) -> None:
    """Unmount the images below `directory`, with everything written to them.

    The host's own mounts of them may live a moment longer than the host, and keep back what is not flushed.
    """
    for point in mounts_below(directory):
        _run(["sync", "-f", str(point)], f"What was written to {point} cannot be kept")
    unmount_below(directory)


def _source(point: Path) -> str:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields, _, source = line.partition(" - ")
        if fields.split()[4] == str(point):
            return source.split()[1]
    raise PlumblineError(f"{point} was unmounted meanwhile.")


def _slug(mount: str) -> str:
    return re.sub("/", "-", mount.strip("/").replace("-", "--"))


def _run(command: list[str], failure: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise PlumblineError(f"{failure}: {done.stderr.strip()}", hint="Are there loop devices, and space?")
