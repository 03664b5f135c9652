"""What only a kernel of its own shows of a physical machine: bonds, encrypted volumes, no hypervisor."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conftest import lab_name
from declaring import declare
from hardened import HOST, sabotaged
from judging import observed, verdicts

from plumbline.lab import Lab, VmHost
from plumbline.verify.results import ControlResult, Verdict

SUBJECTS = ("network", "operating_system", "crypto")
UPLINK, DATA, STATION = "redundant-uplink", "classified-data-encrypted", "workstation-virtual"

NETWORKS = "/etc/systemd/network"
BOND = f"""\
rm {NETWORKS}/*
printf '[NetDev]\\nName=bond0\\nKind=bond\\n[Bond]\\nMode=active-backup\\n' >{NETWORKS}/05-bond0.netdev
printf '[Match]\\nName=host0\\n[Network]\\nBond=bond0\\nPrimarySlave=yes\\n' >{NETWORKS}/10-host0.network
printf '[Match]\\nName=eth1\\n[Network]\\nBond=bond0\\n' >{NETWORKS}/10-eth1.network
printf '[Match]\\nName=bond0\\n[Network]\\nAddress=ADDRESS/24\\nGateway=GATEWAY\\n' \\
    >{NETWORKS}/15-bond0.network
"""
VOLUME = """\
umask 077
head -c 32 /dev/urandom >/root/opt.key
umount /opt
cryptsetup luksFormat -q --cipher aes-xts-plain64 --key-size 512 --pbkdf pbkdf2 \\
    --pbkdf-force-iterations 1000 /dev/lab/opt /root/opt.key
cryptsetup open --key-file /root/opt.key /dev/lab/opt opt
mkfs.ext4 -q /dev/mapper/opt
echo 'opt /dev/lab/opt /root/opt.key luks' >/etc/crypttab
sed -i 's,^/dev/lab/opt ,/dev/mapper/opt ,' /etc/fstab
printf 'install usb-storage /bin/false\\ninstall uas /bin/false\\n' >/etc/modprobe.d/media.conf
"""


def physical(lab: Lab) -> None:
    """Declare a physical workstation with a redundant connection and confidential data."""
    storage = [
        {"mount": "/", "size_gib": 8, "holds": "system"},
        {"mount": "/opt", "size_gib": 10, "holds": "application", "classification": "confidential"},
        {"mount": "/var/log", "size_gib": 5, "holds": "log"},
    ]
    address = str(lab.host(HOST).address)
    interfaces = [
        {"name": "bond0", "vlan": "servers", "address": address},
        {"name": "host0", "vlan": "servers", "purpose": "redundant-uplink"},
        {"name": "eth1", "vlan": "servers", "purpose": "redundant-uplink"},
    ]
    declare(
        lab,
        HOST,
        profile="hmi-client",
        virtual=False,
        vcpu=None,
        cpu={"count": 2, "type": "x"},
        physical_reason="a fieldbus card",
        storage=storage,
        interfaces=interfaces,
    )


@pytest.fixture(scope="module")
def before() -> dict[str, ControlResult]:
    """Verdicts on the machine as delivered: virtual, on one interface, nothing encrypted."""
    return {}


@pytest.fixture(scope="module")
def lab(before: dict[str, ControlResult]) -> Iterator[Lab]:
    with Lab.up(lab_name(), hosts=1, flavour="delivered", kind="vm") as up:
        physical(up)
        before |= verdicts(up, HOST, *SUBJECTS)
        host = up.hosts[0]
        assert isinstance(host, VmHost)
        bond = BOND.replace("ADDRESS", str(host.address)).replace("GATEWAY", str(up.state.gateway))
        up.run(host, f"set -e\n{bond}{VOLUME}")
        boot = host.boot()
        host.shut_down()
        assert not host.running
        host.poses_as_physical, host.kernel_words = True, "lab.word=1"
        host.start()
        assert host.wait() in ("running", "degraded")
        assert host.boot() != boot
        yield up


@pytest.mark.usefixtures("lab")
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


def test_reboot_keeps_what_was_written_and_takes_the_words_for_the_kernel(lab: Lab) -> None:
    told = lab.run(HOST, "ls /root/opt.key; cat /proc/cmdline; systemd-detect-virt", check=False).stdout
    key, words, machine = told.splitlines()
    assert (key, words.split()[-1], machine) == ("/root/opt.key", "lab.word=1", "none")


def test_physical_machine_with_a_bond_and_encrypted_volumes_passes(lab: Lab) -> None:
    found = verdicts(lab, HOST, *SUBJECTS)
    not_right = {
        f"{name}:{check.check}": (check.verdict, check.reason, check.observed)
        for name in (UPLINK, DATA, STATION)
        for check in found[name].checks
        if check.verdict not in (Verdict.PASS, Verdict.NOT_APPLICABLE)
    }
    assert not_right == {}
    assert {found[name].verdict for name in (UPLINK, DATA, STATION)} == {Verdict.PASS}


WRONG = (
    "ip link set eth2 down; ip link set eth2 master bond0; "
    f"cp -a {NETWORKS}/10-eth1.network /root; rm {NETWORKS}/10-eth1.network; "
    f"printf '[Match]\\nName=eth2\\n[Network]\\nBond=bond0\\n' >{NETWORKS}/10-eth2.network; "
    "mv /etc/crypttab /root/crypttab; rm /etc/modprobe.d/media.conf"
)
RIGHT = (
    f"ip link set eth2 nomaster; mv /root/10-eth1.network {NETWORKS}; rm {NETWORKS}/10-eth2.network; "
    "mv /root/crypttab /etc; "
    "printf 'install usb-storage /bin/false\\ninstall uas /bin/false\\n' >/etc/modprobe.d/media.conf"
)


@pytest.fixture(scope="module")
def wrong(lab: Lab) -> dict[str, ControlResult]:
    """Verdicts on the machine with several wrongs that do not hide one another."""
    with sabotaged(lab, WRONG, RIGHT):
        return verdicts(lab, HOST, *SUBJECTS)


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


def test_uplink_that_left_the_bond_is_seen_now(lab: Lab) -> None:
    with sabotaged(lab, "ip link set eth1 nomaster", "ip link set eth1 down; ip link set eth1 master bond0"):
        found = verdicts(lab, HOST, "network")
    (line,) = observed(found, f"{UPLINK}:uplinks_are_one_bond_now")
    assert line.startswith("eth1")


def test_weaker_cipher_is_seen(lab: Lab) -> None:
    """The last test of this file: the volume is made anew with another cipher, and stays so."""
    lab.run(
        HOST,
        "set -e; umount /opt; cryptsetup close opt; cryptsetup open --type plain --cipher aes-cbc-plain64 "
        "--key-size 128 --key-file /root/opt.key /dev/lab/opt opt; mkfs.ext4 -q /dev/mapper/opt; mount /opt",
    )
    found = verdicts(lab, HOST, "crypto")
    (line,) = observed(found, f"{DATA}:volumes_of_classified_data_are_encrypted_as_accepted")
    assert line.startswith("opt = aes-cbc-plain64 128")
