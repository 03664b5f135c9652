"""Which partition something lies on, and whether the next boot mounts it, is judged by devices."""

from __future__ import annotations

import pytest

from plumbline.probes.filesystem.mounted import AtBoot, Mount, Mounts, Process
from plumbline.probes.filesystem.mounts import point_of
from plumbline.probes.filesystem.partitions import (
    led_back,
    lying_on_system,
    mounted_wrongly,
    mounted_wrongly_at_boot,
    running_on_system,
    too_small,
    working_on_system,
)
from plumbline.spec.services import Service
from plumbline.spec.storage import Partition
from plumbline.verify.unknown import Unknown

GIB = 1024**3
OPT = Partition(mount="/opt", size_gib=10, holds="application")
SRV = Partition(mount="/srv", size_gib=200, holds="data")


def mount(line: str) -> Mount:
    number, inside, kind, source, point = line.split()
    return Mount(number, inside, kind, source, frozenset({"rw"}), point)


def mounts(
    *lines: str, boot: tuple[AtBoot, ...] = (), root: str = "8:1 / ext4 /dev/sda1 /", **more: object
) -> Mounts:
    values: dict[str, object] = {"sizes": {}, "masked": (), "places": {}, "leads": (), "processes": ()}
    return Mounts(now=tuple(map(mount, (root, *lines))), boot=boot, **(values | more))  # type: ignore[arg-type]  # made of words


def at_boot(
    source: str = "/dev/sdb1",
    number: str | None = "8:17",
    kind: str = "ext4",
    place: str = "/etc/fstab:2",
    *,
    bound: bool = False,
    asked: bool = True,
) -> AtBoot:
    return AtBoot(place, source, "/opt", kind, number, bound, asked)


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("8:17 / ext4 /dev/sdb1 /opt", ""),
        ("253:3 / xfs /dev/mapper/vg-opt /opt", ""),
        ("0:45 / zfs tank/opt /opt", ""),
        ("0:50 / nfs4 store:/opt /opt", ""),
        ("0:52 /@opt btrfs /dev/sdb1 /opt", ""),
        ("8:17 / ext4 /dev/sdb1 /opt/app", "no partition is mounted there"),
        ("8:1 /apps ext4 /dev/sda1 /opt", "/apps of the system's own file system"),
        ("8:17 /apps ext4 /dev/sdb1 /opt", "the directory /apps of /dev/sdb1 is bound there"),
        ("0:60 / tmpfs tmpfs /opt", "tmpfs is mounted there, which is no partition"),
        ("0:61 / overlay overlay /opt", "overlay is mounted there"),
        ("7:0 / squashfs /dev/loop0 /opt", "squashfs is mounted there"),
    ],
)
def test_partition_now(line: str, wrong: str) -> None:
    found = mounted_wrongly(mounts(line), [OPT])
    assert found == [] if not wrong else wrong in found[0]


def test_subvolume_of_the_system_s_own_file_system_is_no_partition() -> None:
    seen = mounts("0:30 /@opt btrfs /dev/sda1 /opt", root="0:30 /@root btrfs /dev/sda1 /")
    assert "own file system" in mounted_wrongly(seen, [OPT])[0]


def test_last_mount_over_a_point_counts() -> None:
    assert mounted_wrongly(mounts("8:17 / ext4 /dev/sdb1 /opt", "0:60 / tmpfs x /opt"), [OPT]) != []
    assert mounted_wrongly(mounts("0:60 / tmpfs x /opt", "8:17 / ext4 /dev/sdb1 /opt"), [OPT]) == []


def test_one_device_is_not_two_partitions() -> None:
    seen = mounts("8:17 / ext4 /dev/sdb1 /opt", "8:17 / ext4 /dev/sdb1 /srv")
    assert [line.split(":")[0] for line in mounted_wrongly(seen, [OPT, SRV])] == ["/opt", "/srv"]


@pytest.mark.parametrize(
    ("entries", "wrong"),
    [
        ((at_boot(),), ""),
        ((at_boot("store:/opt", None, "nfs4"),), ""),
        ((at_boot("UUID=1-2", "8:17"),), ""),
        ((), "neither fstab nor a mount unit names it"),
        ((at_boot(asked=False),), "it is not mounted by itself"),
        ((at_boot("/var/apps", None, "none", bound=True),), "a directory is bound there"),
        ((at_boot("tmpfs", None, "tmpfs"),), "tmpfs is no partition"),
        ((at_boot("LABEL=APPS", ""),), "there is no such device"),
        ((at_boot("/dev/sda1", "8:1"),), "the system's own partition"),
        ((at_boot("/dev/sdc1", "8:33"),), "another device than /dev/sdb1"),
        ((at_boot(place="/etc/systemd/system/opt.mount", asked=False),), "it is not mounted by itself"),
        ((at_boot(), at_boot("/dev/sdc1", "8:33", place="/etc/systemd/system/opt.mount")), "another device"),
        ((at_boot("/dev/sdc1", "8:33", place="/usr/lib/systemd/system/opt.mount"), at_boot()), ""),
    ],
)
def test_partition_at_boot(entries: tuple[AtBoot, ...], wrong: str) -> None:
    found = mounted_wrongly_at_boot(mounts("8:17 / ext4 /dev/sdb1 /opt", boot=entries), [OPT])
    assert found == [] if not wrong else wrong in found[0]


def test_masked_mount_unit_wins_over_fstab() -> None:
    seen = mounts("8:17 / ext4 /dev/sdb1 /opt", boot=(at_boot(),), masked=("/opt",))
    assert mounted_wrongly_at_boot(seen, [OPT]) == ["/opt: its mount unit is masked"]


def test_zfs_without_fstab_is_not_known() -> None:
    with pytest.raises(Unknown):
        mounted_wrongly_at_boot(mounts("0:45 / zfs tank/opt /opt"), [OPT])


@pytest.mark.parametrize(
    ("size", "small"), [(10.0, False), (9.51, False), (9.49, True), (0.0, True), (40.0, False)]
)
def test_size_with_what_a_file_system_takes(size: float, small: bool) -> None:
    seen = mounts("8:17 / ext4 /dev/sdb1 /opt", sizes={"/opt": int(size * GIB)})
    assert bool(too_small(seen, [OPT], 5)) == small


def test_size_that_was_not_told_is_not_known() -> None:
    with pytest.raises(Unknown):
        too_small(mounts("8:17 / ext4 /dev/sdb1 /opt"), [OPT], 5)


def test_links_and_binds_back_to_the_system() -> None:
    leads = (
        ("/opt/a/data", "/var/lib/a"),
        ("/opt/a/java", "/usr/lib/jvm/17"),
        ("/opt/a/current", "releases/2"),
        ("/opt/a/up", "../../var/lib/a"),
        ("/opt/a/srv", "/srv/a"),
    )
    seen = mounts(
        "8:17 / ext4 /dev/sdb1 /opt",
        "8:33 / ext4 /dev/sdc1 /srv",
        "8:1 /x ext4 /dev/sda1 /opt/b",
        leads=leads,
    )
    assert [line.split(" ")[0].rstrip(":") for line in led_back(seen, [OPT])] == [
        "/opt/b",
        "/opt/a/data",
        "/opt/a/up",
    ]


def test_files_in_places_for_applications() -> None:
    places = {"/opt": ("/opt", "/opt/a/run"), "/srv": ("/var/data", "/srv/db"), "/var/opt": ("/var/opt", "")}
    assert lying_on_system(mounts("8:17 / ext4 /dev/sdb1 /opt", places=places), places) == [
        "/srv/db (by /srv)"
    ]
    with pytest.raises(Unknown):
        lying_on_system(mounts(places={"/opt": ("/opt", "?")}), ["/opt"])


def test_services_on_the_system_s_partition() -> None:
    processes = (
        Process("cron.service", "/usr/sbin/cron", "/var/spool/cron"),
        Process("app.service", "/opt/app/run", "/opt/app"),
        Process("hist@1.service", "/home/x/hist", "/var/lib/hist"),
        Process("old.service", "/usr/local/bin/old", "/"),
    )
    seen = mounts("8:17 / ext4 /dev/sdb1 /opt", processes=processes)
    assert running_on_system(seen) == ["hist@1.service: /home/x/hist", "old.service: /usr/local/bin/old"]
    hist = Service(name="hist", account="hist")
    assert working_on_system(seen, [hist]) == ["hist@1.service: works in /var/lib/hist"]


@pytest.mark.parametrize(
    ("unit", "point"),
    [
        ("opt.mount", "/opt"),
        ("-.mount", "/"),
        ("var-log.mount", "/var/log"),
        ("srv-a\\x2db.mount", "/srv/a-b"),
    ],
)
def test_point_of_a_mount_unit(unit: str, point: str) -> None:
    assert point_of(unit) == point
