"""The root directory of virtual machines: the lab's Debian with a kernel; and a file system made of one."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from plumbline.errors import PlumblineError
from plumbline.lab import recipe, vm_recipe
from plumbline.lab.hostfiles import write
from plumbline.lab.image import build, cached

SIZE_GIB = 8


def ensure_vm_image(
    release: str, tell: Callable[[str], None] = lambda _: None, more: Sequence[str] = ()
) -> Path:
    """Return the root directory of the release's virtual machines, built as `image.ensure_image` does.

    `/vmlinuz` and `/initrd.img` in it are what it boots with.
    """
    recipe.check_release(release)
    return cached(
        f"{release}-vm-{vm_recipe.digest(release, more)}",
        release,
        lambda root, log: _build(release, root, log, more),
        tell,
    )


def _build(release: str, root: Path, log: Path, more: Sequence[str]) -> None:
    build(release, root, log, [*vm_recipe.PACKAGES, *more], [f"--essential-hook={_early_files()}"])
    for path, text in vm_recipe.FILES.items():
        write(root, path, text)
    for path in vm_recipe.CONTAINERS_ONLY:
        (root / path.lstrip("/")).unlink()


def _early_files() -> str:
    """Return a shell fragment that writes files into the new root, mmdebstrap's $1."""
    return "; ".join(
        f'mkdir -p "$1{Path(path).parent}" && printf %s {shlex.quote(text)} >"$1{path}"'
        for path, text in vm_recipe.EARLY.items()
    )


def make_disk(root: Path, disk: Path) -> None:
    """Make a sparse disk with one ext4 file system that holds what `root` does (man mke2fs(8), -d)."""
    partial = disk.with_name(f"{disk.name}.partial")
    with partial.open("wb") as handle:
        handle.truncate(SIZE_GIB * 1024**3)
    command = ["mke2fs", "-q", "-F", "-t", "ext4", "-d", str(root), str(partial)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        partial.unlink()
        raise PlumblineError(
            f"The disk {disk} cannot be made: {done.stderr.strip()}",
            hint="Is there space on its file system?",
        )
    partial.rename(disk)


def make_overlay(disk: Path, below: Path, kind: str) -> None:
    """Make a qcow2 disk that keeps what is written over another, of the format `kind` (raw or qcow2)."""
    command = ["qemu-img", "create", "-q", "-f", "qcow2", "-b", str(below), "-F", kind, str(disk)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise PlumblineError(f"The disk {disk} cannot be made: {done.stderr.strip()}")
