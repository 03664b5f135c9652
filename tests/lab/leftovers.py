"""Whatever of a lab is still on this machine: links, mounts, control groups, files, processes."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from plumbline.lab.layers import mounts_below
from plumbline.lab.requirements import cgroup_mount
from plumbline.lab.state import LabPlace


def left_of(place: LabPlace) -> list[str]:
    """Return whatever of a lab is still on this machine."""
    links = [link.name for link in Path("/sys/class/net").iterdir() if place.digest in link.name]
    mounts = [str(path) for path in mounts_below(place.directory)]
    groups = [str(path) for path in cgroup_mount().glob(f"*/*{place.machine_prefix}*")]
    traces = [str(path) for path in Path("/run/systemd/nspawn").glob(f"*/{place.machine_prefix}*")]
    files = [str(path) for path in (place.directory, place.sockets) if path.exists()]
    return links + mounts + groups + traces + files + processes_naming(place.digest, str(place.directory))


def processes_naming(*words: str) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            group = (entry / "cgroup").read_text()
            ended = "\nState:\tZ" in (entry / "status").read_text()
        except OSError:
            continue
        if not ended and entry.name != str(os.getpid()) and any(word in line + group for word in words):
            found.append(f"{entry.name} {line}")
    return found


def command_lines() -> dict[int, bytes]:
    """Return the command line of every process of this machine, those of its lab's hosts among them."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            found[int(entry.name)] = (entry / "cmdline").read_bytes()
    return found


def programs_inside(place: LabPlace) -> list[int]:
    """Return the processes that make a site's directory, inside a root that is not booted."""
    found = []
    for pid, line in command_lines().items():
        with contextlib.suppress(OSError):
            if b"provision" in line and Path(f"/proc/{pid}/root").readlink().is_relative_to(place.site):
                found.append(pid)
    return found
