"""Never change a host that has no room for what it keeps, for what is installed, or cannot be written to."""

from __future__ import annotations

from plumbline.apply.ground import RefusedError
from plumbline.apply.refusals.about import About
from plumbline.apply.refusals.standing import Standing

MIB = 1024 * 1024

SNAPSHOT_FACTOR = 3
"""What is kept of /etc takes at most so many times its size: the copy, lists, and room to put it back."""
SNAPSHOT_MIB = 16
"""What a snapshot takes beside the files: lists of packages and units, journals."""
MARGIN_MIB = 64
"""What must be left where anything is written: the host goes on working while it is changed."""

WRITTEN = ("/", "/etc", "/var")
KEPT = "/var/lib/plumbline"


def refuse_read_only(standing: Standing, about: About) -> None:
    """Refuse where a file system that must be written to cannot be."""
    del about
    if standing.readonly:
        raise RefusedError(
            f"nothing can be written to {', '.join(standing.readonly)} there: it is mounted read-only",
            hint="see why (`dmesg`, /etc/fstab): a failing disk is mounted so by the kernel",
        )


def refuse_full_disk(standing: Standing, about: About) -> None:
    """Refuse where a file system has less room than the change needs in it."""
    del about
    needs: dict[str, int] = {}
    free: dict[str, int] = {}
    for disk in standing.disks:
        free[disk.mounted] = disk.free
        needs[disk.mounted] = needs.get(disk.mounted, 0)
    for path, size in _needed(standing).items():
        mounted = _mounted(standing, path)
        if mounted is not None:
            needs[mounted] += size
    for mounted, need in needs.items():
        if need and free[mounted] < need + MARGIN_MIB * MIB:
            raise RefusedError(
                f"{free[mounted] // MIB} MiB are free in {mounted} there, and changing it takes "
                f"{need // MIB + MARGIN_MIB + 1} MiB",
                hint=f"make room there (`du -xh {mounted} | sort -h | tail`)",
            )


def _needed(standing: Standing) -> dict[str, int]:
    """Return what is written where, in bytes; less than a MiB is what small files take."""
    needed = dict.fromkeys(WRITTEN, 1)
    needed[KEPT] = SNAPSHOT_FACTOR * standing.kept + SNAPSHOT_MIB * MIB
    needed["/var"] += standing.download
    needed["/usr"] = standing.unpacked
    return needed


def _mounted(standing: Standing, path: str) -> str | None:
    """Return where the file system of a path is mounted, by the nearest directory that was asked about."""
    there = {disk.path: disk.mounted for disk in standing.disks}
    while path not in there and path != "/":
        path = path.rpartition("/")[0] or "/"
    return there.get(path)
