"""Whether applications and data lie on partitions other than the system's, as the specification has them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Sequence

from plumbline.probes.filesystem.mounted import REMOTE, AtBoot, Mount, Mounts
from plumbline.spec.services import Service
from plumbline.spec.storage import Partition
from plumbline.verify.unknown import Unknown

_SYSTEM = ("/usr", "/etc", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/boot")
_FLEETING = ("/run", "/dev", "/proc", "/sys", "/tmp", "/var/tmp")  # noqa: S108  (names only, nothing is made)
_MAY_SHARE = {"btrfs", "zfs", "bcachefs", *REMOTE}
_GIB = 1024**3


def below(path: str, directories: Iterable[str]) -> bool:
    """Say whether a path is one of the directories or lies below one."""
    return any(path == directory or path.startswith(f"{directory}/") for directory in directories)


def mounted_wrongly(
    mounts: Mounts, partitions: Sequence[Partition], specified: Sequence[Partition] = ()
) -> list[str]:
    """Return the partitions that are not there now, each with what is in their place.

    `specified` are all of the host: no two of them may be one.
    """
    found = []
    for partition in partitions:
        mount = mounts.at(partition.mount)
        wrong = _wrong_now(mounts, mount, specified or partitions)
        if wrong:
            found.append(f"{partition.mount}: {wrong}")
    return found


def _wrong_now(mounts: Mounts, mount: Mount | None, specified: Sequence[Partition]) -> str:
    system = mounts.root.source
    if mount is None:
        return f"no partition is mounted there; a directory, or a link, on the system's ({system})"
    if mounts.on_system(mount.point):
        return f"{mount.inside} of the system's own file system ({system}) is mounted there"
    if not mount.is_disk:
        return f"{mount.kind} is mounted there, which is no partition"
    if mount.inside != "/" and mount.kind not in _MAY_SHARE:
        return f"the directory {mount.inside} of {mount.source} is bound there"
    file = mounts.loops.get(mount.number)
    if file is not None and mounts.on_system(file):
        return f"{file}, a file on the system's partition, is mounted there"
    points = {partition.mount for partition in specified} - {mount.point}
    for beside in mounts.now:
        same = beside.number == mount.number and beside.inside == "/"
        if same and beside.point in points and mount.kind not in _MAY_SHARE:
            return f"{mount.source} is mounted there, the same as at {beside.point}"
    return ""


def mounted_wrongly_at_boot(
    mounts: Mounts, partitions: Sequence[Partition], specified: Sequence[Partition] = ()
) -> list[str]:
    """Return the partitions that the next boot will not mount, each with why."""
    found = []
    for partition in partitions:
        wrong = _wrong_at_boot(mounts, partition.mount, specified or partitions)
        if wrong:
            found.append(wrong)
    return found


def _wrong_at_boot(mounts: Mounts, point: str, specified: Sequence[Partition]) -> str:
    if point in mounts.masked:
        return f"{point}: its mount unit is masked"
    entries = [entry for entry in mounts.boot if entry.point == point]
    above = [entry for entry in entries if entry.place.startswith("/etc/systemd/")]
    fstab = [entry for entry in entries if entry.place.startswith("/etc/fstab")]
    counting = above or fstab or entries
    now = mounts.at(point)
    if not counting:
        if now is not None and now.kind == "zfs":
            raise Unknown("{point} is ZFS, whose own properties say what boots mount", point=point)
        return f"{point}: neither fstab nor a mount unit names it"
    entry = counting[-1]
    if not any(one.asked for one in counting + fstab):
        return f"{entry}: it is not mounted by itself"
    trusted = None if _wrong_now(mounts, now, specified) else now
    return _wrong_source(mounts, entry, trusted)


def _wrong_source(mounts: Mounts, entry: AtBoot, now: Mount | None) -> str:
    if entry.bound:
        return f"{entry}: a directory is bound there"
    if entry.number is None and not (entry.kind in _MAY_SHARE or ":" in entry.source):
        return f"{entry}: {entry.kind or 'what it names'} is no partition"
    if entry.number == "":
        return f"{entry}: there is no such device"
    if entry.number is not None and entry.number == mounts.root.number:
        return f"{entry}: the system's own partition"
    same = [one for one in mounts.boot if one.number and one.number == entry.number]
    twice = next((one for one in same if one.asked and one.point != entry.point), None)
    if twice is not None and entry.kind not in _MAY_SHARE:
        return f"{entry}: the same device as on {twice.point}"
    if now is None or now.number.startswith("0:") or entry.number is None:
        return ""
    return "" if entry.number == now.number else f"{entry}: another device than {now.source}, mounted now"


def too_small(mounts: Mounts, partitions: Sequence[Partition], tolerance: int) -> list[str]:
    """Return the partitions smaller than specified by more than `tolerance` percent.

    A file system keeps a part of its device for itself, so what it offers is always somewhat less.
    """
    found = []
    for partition in partitions:
        mount = mounts.at(partition.mount)
        size = mounts.sizes.get(partition.mount)
        of_system = partition.holds != "system" and _wrong_now(mounts, mount, [])
        if mount is None or mount.kind in REMOTE or of_system:
            continue  # that it is there at all is another question
        if size is None:
            raise Unknown("the size of {point} cannot be seen", point=partition.mount)
        if size < partition.size_gib * _GIB * (100 - tolerance) / 100:
            found.append(
                f"{partition.mount}: {size / _GIB:.1f} GiB, specified are {partition.size_gib:g} GiB"
            )
    return found


def led_back(mounts: Mounts, partitions: Sequence[Partition]) -> list[str]:
    """Return what lies below a partition's mount point and is nevertheless the system's: links and binds."""
    points = [partition.mount for partition in partitions]
    found = [
        f"{mount.point}: {mount.inside} of the system's own file system is mounted there"
        for mount in mounts.now
        if below(mount.point, points) and mount.point not in points and mounts.on_system(mount.point)
    ]
    for link, target in mounts.leads:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(link), target))
        harmless = below(path, (*_SYSTEM, *_FLEETING))
        if below(link, points) and not harmless and mounts.on_system(path):
            found.append(f"{link} leads to {path}, on the system's partition")
    return found


def lying_on_system(mounts: Mounts, places: Iterable[str]) -> list[str]:
    """Return files in places for applications and data that lie on the system's partition."""
    found = []
    for place in places:
        real, first = mounts.places.get(place, (place, ""))
        if first == "?":
            raise Unknown("{place} was not looked through in time", place=place)
        if first and mounts.on_system(real):
            through = f" (by {place})" if real != place else ""
            found.append(f"{first}{through}")
    return found


def _is_of(unit: str, service: Service) -> bool:
    stem = unit.removesuffix(".service").partition("@")[0]
    return stem == service.name.removesuffix(".service").partition("@")[0]


def running_on_system(mounts: Mounts) -> list[str]:
    """Return programs of services that run from the system's partition and are no part of the system."""
    return _distinct(
        f"{process.unit}: {process.program}"
        for process in mounts.processes
        if _is_applications(process.program) and mounts.on_system(process.program)
    )


def _is_applications(path: str) -> bool:
    own = below(path, _SYSTEM) and not below(path, ("/usr/local",))
    return not own and not below(path, _FLEETING) and path != "/"


def working_on_system(mounts: Mounts, services: Sequence[Service]) -> list[str]:
    """Return declared services that work in a directory on the system's partition: their data grow there."""
    return _distinct(
        f"{process.unit}: works in {process.directory}"
        for process in mounts.processes
        if any(_is_of(process.unit, service) for service in services)
        and _is_applications(process.directory)
        and mounts.on_system(process.directory)
    )


def _distinct(lines: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(lines))
