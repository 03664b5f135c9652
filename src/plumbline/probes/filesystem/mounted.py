"""Mounts as they are and as files will have them made: which file system a path lies on."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field

from plumbline.probes.base import ParseError

DISK_KINDS = "ext2 ext3 ext4 xfs btrfs zfs f2fs jfs reiserfs bcachefs nilfs2 vfat exfat ntfs ntfs3 ocfs2 gfs2"
DISKS = frozenset(DISK_KINDS.split())
"""File systems that lie on block devices of this host and keep what is written to them."""

_REMOTE = "nfs nfs4 cifs smb3 ceph glusterfs fuse.sshfs fuse.glusterfs 9p virtiofs"
REMOTE = frozenset(_REMOTE.split())


@dataclass(frozen=True)
class Mount:
    """A mount as /proc/self/mountinfo has it: `number` is its device, `inside` the directory of it."""

    number: str
    inside: str
    kind: str
    source: str
    options: frozenset[str]
    point: str

    @property
    def is_disk(self) -> bool:
        """Whether it keeps what is written, on this host or on another."""
        return self.kind in DISKS or self.kind in REMOTE


@dataclass(frozen=True)
class AtBoot:
    """A mount that a file will have made at boot: where the file says so, of what, and whether by itself.

    `number` is the device the source leads to now; empty if it leads to none, None if it names no device.
    """

    place: str
    source: str
    point: str
    kind: str
    number: str | None
    bound: bool
    asked: bool

    def __str__(self) -> str:
        return f"{self.place}: {self.source} on {self.point}"


@dataclass(frozen=True)
class Process:
    """A process of a service: its unit, program, and the directory it works in."""

    unit: str
    program: str
    directory: str


@dataclass(frozen=True)
class Mounts:
    """All mounts, their sizes in bytes by mount point, and what will be mounted at boot."""

    now: tuple[Mount, ...]
    sizes: dict[str, int]
    boot: tuple[AtBoot, ...]
    masked: tuple[str, ...]
    """Mount points whose unit is masked: nothing mounts them at boot, whatever fstab says."""
    places: dict[str, tuple[str, str]]
    """Place of applications -> the directory it really is, and the first file in it, if any."""
    leads: tuple[tuple[str, str], ...]
    """Links on disks beside the root's to directories: the link, and what it leads to."""
    processes: tuple[Process, ...]
    loops: dict[str, str] = field(default_factory=dict)
    """Loop device -> the file on this host that it is made of."""

    def at(self, point: str) -> Mount | None:
        """Return what is mounted at a point; the last of several mounted over each other."""
        return next((mount for mount in reversed(self.now) if mount.point == point), None)

    def of(self, path: str) -> Mount:
        """Return the mount a path lies on; symbolic links are not followed."""
        point = posixpath.normpath(path)
        while True:
            found = self.at(point)
            if found is not None:
                return found
            if point == "/":
                raise ParseError("nothing is mounted at /")
            point = posixpath.dirname(point)

    @property
    def root(self) -> Mount:
        """The system's own file system."""
        return self.of("/")

    def on_system(self, path: str) -> bool:
        """Say whether a path lies on the system's partition: of any subvolume or directory of it."""
        mount = self.of(path)
        return mount.number == self.root.number or (
            mount.kind == self.root.kind and mount.source == self.root.source and mount.kind != "tmpfs"
        )
