"""Lab hosts as virtual machines: a kernel of their own, the lab's network, disks, and nothing left behind.

In between the machine becomes a physical one: bonds, encrypted volumes and no hypervisor.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import lab_name
from hardened import HOST, sabotaged
from judging import observed, verdicts
from test_lab import left_of
from vm_physical import BOND, RIGHT, VOLUME, WRONG, physical

from plumbline.errors import UsageError
from plumbline.lab import Lab, VmHost
from plumbline.verify.results import ControlResult, Verdict

SUBJECTS = ("network", "operating_system", "crypto")
UPLINK, DATA, STATION = "redundant-uplink", "classified-data-encrypted", "workstation-virtual"


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


@pytest.fixture(scope="module")
def before() -> dict[str, ControlResult]:
    """Verdicts on the machine as delivered: virtual, on one interface, nothing encrypted."""
    return {}


@pytest.fixture(scope="module")
def workstation(lab: Lab, before: dict[str, ControlResult]) -> Lab:
    """The same machine after it became a physical one; nothing here makes it virtual again."""
    physical(lab)
    before |= verdicts(lab, HOST, *SUBJECTS)
    host = lab.hosts[0]
    assert isinstance(host, VmHost)
    bond = BOND.replace("ADDRESS", str(host.address)).replace("GATEWAY", str(lab.state.gateway))
    lab.run(host, f"set -e\n{bond}{VOLUME}")
    boot = host.boot()
    host.shut_down()
    assert not host.running
    host.poses_as_physical, host.kernel_words = True, "lab.word=1"
    host.start()
    assert host.wait() in ("running", "degraded")
    assert host.boot() != boot
    return lab


@pytest.mark.usefixtures("workstation")
def test_faults_of_the_delivered_machine_are_seen(before: dict[str, ControlResult]) -> None:
    assert {before[name].verdict for name in (UPLINK, DATA, STATION)} == {Verdict.FAIL}
    assert observed(before, f"{UPLINK}:redundant_uplinks_are_of_a_physical_machine") == ["qemu"]
    assert observed(before, f"{UPLINK}:uplinks_are_one_bond_at_boot") == [
        "host0: in no bond",
        "eth1: in no bond",
    ]
    (now,) = observed(before, f"{DATA}:classified_data_lies_on_encrypted_volumes_now")
    assert now.startswith("/opt = on /dev/vdb")
    assert observed(before, f"{DATA}:media_for_classified_data_are_refused_or_encrypted")
    (kind,) = observed(before, f"{STATION}:workstation_is_virtual")
    assert kind.startswith("virtual (qemu, ")


def test_reboot_keeps_what_was_written_and_takes_the_words_for_the_kernel(workstation: Lab) -> None:
    told = workstation.run(
        HOST, "ls /root/opt.key; cat /proc/cmdline; systemd-detect-virt", check=False
    ).stdout
    key, words, machine = told.splitlines()
    assert (key, words.split()[-1], machine) == ("/root/opt.key", "lab.word=1", "none")


def test_physical_machine_with_a_bond_and_encrypted_volumes_passes(workstation: Lab) -> None:
    found = verdicts(workstation, HOST, *SUBJECTS)
    not_right = {
        f"{name}:{check.check}": (check.verdict, check.reason, check.observed)
        for name in (UPLINK, DATA, STATION)
        for check in found[name].checks
        if check.verdict not in (Verdict.PASS, Verdict.NOT_APPLICABLE)
    }
    assert not_right == {}
    assert {found[name].verdict for name in (UPLINK, DATA, STATION)} == {Verdict.PASS}


@pytest.fixture(scope="module")
def wrong(workstation: Lab) -> dict[str, ControlResult]:
    """Verdicts on the machine with several wrongs that do not hide one another."""
    with sabotaged(workstation, WRONG, RIGHT):
        return verdicts(workstation, HOST, *SUBJECTS)


@pytest.mark.parametrize(
    ("check", "told"),
    [
        (f"{UPLINK}:bonds_join_declared_uplinks_only_now", "eth2: a member of bond0"),
        (f"{UPLINK}:bonds_join_declared_uplinks_only_at_boot", "eth2: bond0"),
        (f"{UPLINK}:uplinks_are_one_bond_at_boot", "eth1: in no bond"),
        (f"{DATA}:classified_data_will_lie_on_encrypted_volumes", "opt = not opened at boot"),
        (f"{DATA}:media_for_classified_data_are_refused_or_encrypted", "uas"),
    ],
    ids=[
        "third_interface_joined_the_bond",
        "third_interface_will_join_the_bond",
        "uplink_will_leave_the_bond",
        "volume_is_not_opened_at_boot",
        "media_can_be_plugged_in",
    ],
)
def test_wrong_is_seen(wrong: dict[str, ControlResult], check: str, told: str) -> None:
    assert wrong[check.partition(":")[0]].verdict is Verdict.FAIL
    assert any(line.startswith(told) for line in observed(wrong, check)), observed(wrong, check)


def test_uplink_that_left_the_bond_is_seen_now(workstation: Lab) -> None:
    with sabotaged(
        workstation, "ip link set eth1 nomaster", "ip link set eth1 down; ip link set eth1 master bond0"
    ):
        found = verdicts(workstation, HOST, "network")
    (line,) = observed(found, f"{UPLINK}:uplinks_are_one_bond_now")
    assert line.startswith("eth1")


def test_weaker_cipher_is_seen(workstation: Lab) -> None:
    """The last test of the volume: it is made anew with another cipher, and stays so."""
    workstation.run(
        HOST,
        "set -e; umount /opt; cryptsetup close opt; cryptsetup open --type plain --cipher aes-cbc-plain64 "
        "--key-size 128 --key-file /root/opt.key /dev/lab/opt opt; mkfs.ext4 -q /dev/mapper/opt; mount /opt",
    )
    found = verdicts(workstation, HOST, "crypto")
    (line,) = observed(found, f"{DATA}:volumes_of_classified_data_are_encrypted_as_accepted")
    assert line.startswith("opt = aes-cbc-plain64 128")


def test_nothing_is_left_when_the_lab_is_down(lab: Lab, host: VmHost) -> None:
    """The last test of this file: it takes the lab down, from another process."""
    pid = host.pid
    assert pid is not None
    words = [sys.executable, "-m", "plumbline", "lab", "down", "--name", lab.name]
    subprocess.run(words, check=True, capture_output=True, cwd="/")
    assert left_of(lab.place) == []
    assert not Path(f"/run/plumbline-lab/{host.machine}.qmp").exists()
