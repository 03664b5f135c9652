"""A lab host's partitions: as specified, mounted by its own fstab, kept and put back with the host."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
from conftest import lab_name

from plumbline.lab import Lab
from plumbline.lab.layers import mounts_below

HOST = "srv-app-01"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.up(lab_name(), hosts=1, flavour="clean") as up:
        yield up


def mark(lab: Lab) -> str:
    return lab.run(HOST, "cat /opt/mark 2>/dev/null || echo none").stdout.strip()


def test_partitions_have_the_specified_size_and_a_device(lab: Lab) -> None:
    told = lab.run(HOST, "stat -f -c '%S %b' /opt /var/log").stdout.split("\n")
    sizes = [round(int(line.split()[0]) * int(line.split()[1]) / 1024**3, 1) for line in told if line]
    assert sizes == [10.0, 5.0]
    lab.run(HOST, "umount /opt && ! mountpoint -q /opt && mount /opt && mountpoint -q /opt")
    assert lab.run(HOST, "ls /var/log/apt; stat -c %a /var/log").stdout.split()[-1] == "755"


def test_what_is_written_outlives_a_reboot_and_a_snapshot_but_no_reset(lab: Lab) -> None:
    lab.run(HOST, "echo first >/opt/mark")
    assert lab.reboot(HOST) == "running"
    assert mark(lab) == "first"
    lab.snapshot(HOST, "marked")
    lab.run(HOST, "echo second >/opt/mark")
    lab.reset(HOST, "marked")
    assert mark(lab) == "first"
    lab.reset(HOST)
    assert mark(lab) == "none"


def test_nothing_is_left_when_the_lab_is_down() -> None:
    with Lab.up(lab_name(), hosts=1, flavour="clean") as lab:
        directory = lab.place.directory
        assert str(directory) in loops()
    assert mounts_below(directory) == []
    assert str(directory) not in loops()


def loops() -> str:
    """Return what losetup tells of all loop devices; udev or not, the kernel knows."""
    return subprocess.run(["losetup", "-a"], check=True, capture_output=True, text=True).stdout
