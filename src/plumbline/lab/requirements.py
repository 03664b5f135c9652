"""What a machine must have to carry a lab; whatever is missing is said in one sentence."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from plumbline.errors import PlumblineError

INOTIFY_INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")
ENOUGH_INSTANCES = 8192

# program -> the Debian package it comes from
TO_RUN = {
    "systemd-nspawn": "systemd-container",
    "ip": "iproute2",
    "mount": "mount",
    "mke2fs": "e2fsprogs",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "setpriv": "util-linux",
}
TO_BUILD = {"mmdebstrap": "mmdebstrap", "dpkg-deb": "dpkg", "chroot": "coreutils"}


def check_rights() -> None:
    """Raise PlumblineError unless this is Linux and we are root."""
    if not sys.platform.startswith("linux"):
        raise PlumblineError("The lab needs Linux: its hosts are systemd-nspawn containers.")
    if os.geteuid() != 0:
        raise PlumblineError(
            "The lab needs root: it mounts overlays and makes a network bridge.", hint="Run it with sudo."
        )


def check_machine() -> None:
    """Raise PlumblineError with the first thing this machine lacks to run a lab."""
    check_rights()
    _check_programs(TO_RUN, "run a lab")
    if not _has_overlay():
        raise PlumblineError(
            "The lab needs overlayfs, and this machine's kernel has none.",
            hint="Load it with `modprobe overlay`, or use a kernel that has it.",
        )
    cgroup_mount()


def raise_limits() -> None:
    """Let this machine carry many hosts, until it boots again: all hosts' root counts as one user of inotify.

    A booted host takes a dozen inotify instances (man inotify(7)), and the kernel's default is 128.
    """
    # Where it may not be raised, a host that meets the limit says so in its log.
    with contextlib.suppress(OSError):
        if int(INOTIFY_INSTANCES.read_text()) < ENOUGH_INSTANCES:
            INOTIFY_INSTANCES.write_text(f"{ENOUGH_INSTANCES}\n")


def check_builder() -> None:
    """Raise PlumblineError with the first thing this machine lacks to build the hosts' root image."""
    _check_programs(TO_BUILD, "build the lab's root image")


def cgroup_mount() -> Path:
    """Return where cgroup v2 is mounted (man cgroups(7)); every host is confined to a group of its own."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields, _, source = line.partition(" - ")
        if source.split()[0] == "cgroup2":
            return Path(fields.split()[4])
    raise PlumblineError(
        "The lab needs cgroup v2, and this machine has none mounted.",
        hint="Mount it: mount -t cgroup2 none /sys/fs/cgroup",
    )


def has_systemd() -> bool:
    """Tell whether systemd is this machine's init (man sd_booted(3))."""
    return Path("/run/systemd/system").is_dir()


def _check_programs(programs: dict[str, str], purpose: str) -> None:
    for program, package in programs.items():
        if shutil.which(program) is None:
            raise PlumblineError(
                f"To {purpose}, this machine lacks {program}.", hint=f"On Debian: apt-get install {package}"
            )


def _has_overlay() -> bool:
    known = Path("/proc/filesystems")
    if "\toverlay\n" in known.read_text():
        return True
    if shutil.which("modprobe"):
        subprocess.run(["modprobe", "overlay"], check=False, capture_output=True)
    return "\toverlay\n" in known.read_text()
