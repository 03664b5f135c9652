"""Lab hosts as virtual machines: a kernel of their own, the lab's network, disks, and nothing left behind."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import lab_name
from judging import verdicts
from test_lab import left_of

from plumbline.errors import UsageError
from plumbline.lab import Lab, VmHost
from plumbline.verify.results import Verdict


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.up(lab_name(), hosts=1, flavour="delivered", kind="vm") as up:
        yield up


@pytest.fixture
def host(lab: Lab) -> VmHost:
    found = lab.hosts[0]
    assert isinstance(found, VmHost)
    return found


def test_machine_has_its_own_kernel_and_is_no_container(lab: Lab, host: VmHost) -> None:
    told = lab.run(host, "uname -r; systemd-detect-virt --container; systemd-detect-virt; cat /proc/1/comm")
    kernel, container, machine, init = told.stdout.split()
    assert kernel != platform.release()
    assert (container, init) == ("none", "systemd")
    assert machine in ("qemu", "kvm")


def test_machine_is_the_inventory_s_host(lab: Lab, host: VmHost) -> None:
    told = lab.run(host, "hostname; ip -o -4 addr show host0; cat /etc/os-release").stdout
    assert told.startswith(f"{host.name}\n")
    assert f"inet {host.address}/24" in told
    assert 'VERSION_ID="12"' in told
    assert lab.run(host, "sudo -n id -un", user="operator").stdout == "root\n"


def test_machine_is_as_delivered(lab: Lab, host: VmHost) -> None:
    """With the faults, the further interfaces and the partitions that the specification names."""
    links = lab.run(host, "ls /sys/class/net").stdout.split()
    assert set(links) == {"lo", "host0", "eth1", "eth2"}
    mounts = lab.run(host, "findmnt -rn -o TARGET,SOURCE,FSTYPE -t ext4").stdout.splitlines()
    assert sorted(line.split()[0] for line in mounts) == ["/", "/opt", "/var/log"]
    assert len({line.split()[1] for line in mounts}) == 3
    results = verdicts(lab, host, "removable_media")
    assert results["autorun-off"].verdict is Verdict.FAIL


def test_packages_are_installed_from_the_machine_s_own_source(lab: Lab, host: VmHost) -> None:
    lab.run(host, "apt-get -q update && apt-get -q -y install --no-install-recommends ethtool")
    assert "host0" in lab.run(host, "ethtool host0").stdout


def test_reset_takes_what_was_written(lab: Lab, host: VmHost) -> None:
    lab.run(host, "touch /root/here /opt/here")
    lab.reset(host)
    assert lab.run(host, "ls /root/here /opt/here", check=False).stdout == ""


def test_lab_of_containers_is_not_one_of_machines(lab: Lab) -> None:
    with pytest.raises(UsageError, match="kind of hosts: vm, not container"):
        Lab.up(lab.name, kind="container")


def test_nothing_is_left_when_the_lab_is_down(lab: Lab, host: VmHost) -> None:
    """The last test of this file: it takes the lab down, from another process."""
    pid = host.pid
    assert pid is not None
    words = [sys.executable, "-m", "plumbline", "lab", "down", "--name", lab.name]
    subprocess.run(words, check=True, capture_output=True, cwd="/")
    assert left_of(lab.place) == []
    assert not Path(f"/run/plumbline-lab/{host.machine}.qmp").exists()
