"""The lab itself, on real booted hosts: up, reboot, reset, crash, down."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from leftovers import left_of

from plumbline.errors import NotReachedError, PlumblineError, UsageError
from plumbline.lab import Lab, LabHost, take_down
from plumbline.lab.inventory import load
from plumbline.lab.state import LabPlace
from plumbline.rooms import LAB_INVENTORY
from plumbline.spec.load import load_inventory
from plumbline.spec.model import Connection

MakeLab = Callable[..., Lab]


def plumb(*words: str, user: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "plumbline", "lab", *words],
        check=False,
        capture_output=True,
        text=True,
        user=user,
        cwd="/",
        stdin=subprocess.DEVNULL,
    )


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.02)


def boots(lab: Lab) -> list[tuple[int, int] | None]:
    return [host.boot() for host in lab.hosts]


def test_up_twice_changes_nothing(delivered_lab: Lab) -> None:
    before = boots(delivered_lab)
    again = plumb("up", "--name", delivered_lab.name)
    assert again.returncode == 0
    assert again.stdout == f"{delivered_lab.inventory}\n"
    assert (
        again.stderr == f"All 2 hosts of the lab {delivered_lab.name} are up already; nothing was changed.\n"
    )
    assert boots(delivered_lab) == before


def test_up_asking_for_something_else_is_refused(delivered_lab: Lab) -> None:
    for words, said in (
        (("3",), "other hosts: 2, not 3"),
        (("--as", "clean"), "hosts as delivered, not clean"),
    ):
        asked = plumb("up", *words, "--name", delivered_lab.name)
        assert asked.returncode == 64
        assert said in asked.stderr


def test_inventory_is_the_examples_and_leads_to_the_hosts(delivered_lab: Lab) -> None:
    inventory = load_inventory(delivered_lab.inventory)
    assert list(inventory.hosts()) == [host.name for host in load(LAB_INVENTORY).hosts]
    for host in delivered_lab.hosts:
        assert inventory.address_of(host.name) == host.address
        assert delivered_lab.run(host, "hostname").stdout == f"{host.name}\n"
    key = Path(str(inventory.connection.identity_file))
    assert key.stat().st_mode & 0o777 == 0o600


def test_two_labs_side_by_side_do_not_reach_each_other(delivered_lab: Lab, make_lab: MakeLab) -> None:
    other = make_lab(hosts=1)
    assert not other.state.network.overlaps(delivered_lab.state.network)
    assert other.run(other.hosts[0], "hostname").stdout == f"{other.hosts[0].name}\n"
    reach = "timeout 3 bash -c 'exec 3<>/dev/tcp/{}/22 && head -c 4 <&3'"
    here, there = delivered_lab.hosts[0], delivered_lab.hosts[1]
    assert delivered_lab.run(here, reach.format(there.address)).stdout == "SSH-"
    assert delivered_lab.run(here, reach.format(other.hosts[0].address), check=False).stdout == ""
    other.down()
    assert delivered_lab.run(here, "hostname").stdout == f"{here.name}\n"


def test_more_hosts_than_the_example_and_nothing_left_when_down(make_lab: MakeLab) -> None:
    lab = make_lab(hosts=3, flavour="clean")
    assert lab.run("lab-03", "hostname -I").stdout.split()[0] == str(lab.state.network[13])
    assert left_of(lab.place)
    lab.down()
    assert left_of(lab.place) == []
    assert plumb("down", "--name", lab.name).stderr == f"There is no lab {lab.name}; nothing to do.\n"


def test_killed_host_comes_back_with_what_was_written(make_lab: MakeLab) -> None:
    lab = make_lab(hosts=2)
    killed, other = lab.hosts
    lab.run(killed, "echo written > /root/kept")
    stays = other.boot()
    kill_supervisor(killed)
    up = plumb("up", "--name", lab.name)
    assert up.returncode == 0, up.stderr
    assert lab.run(killed, "cat /root/kept").stdout == "written\n"
    assert other.boot() == stays


def test_down_after_a_crash_leaves_nothing(make_lab: MakeLab) -> None:
    lab = make_lab(hosts=2)
    for host in lab.hosts:
        kill_supervisor(host)
    (lab.place.directory / "lab.json").write_text("damaged")
    assert "broken" in plumb("status", "--name", lab.name).stdout
    assert plumb("down", "--name", lab.name).returncode == 0
    assert left_of(lab.place) == []


def test_up_after_a_crash_during_up_makes_the_lab_anew(make_lab: MakeLab) -> None:
    lab = make_lab(hosts=1)
    lab.state.ready = False
    lab.place.save(lab.state)
    before = lab.hosts[0].boot()
    up = plumb("up", "1", "--name", lab.name)
    assert up.returncode == 0, up.stderr
    again = Lab.of(lab.name)
    assert again.hosts[0].boot() != before
    assert again.run(again.hosts[0], "hostname").returncode == 0


def kill_supervisor(host: LabHost) -> None:
    assert host.pid is not None
    os.kill(host.pid, signal.SIGKILL)
    until(lambda: not host.running)


def test_reboot_is_a_real_one(delivered_lab: Lab) -> None:
    host = delivered_lab.hosts[1]
    delivered_lab.run(host, "touch /run/gone /var/stays")
    started = "systemctl show --property=UserspaceTimestampMonotonic --value"
    before = host.boot(), delivered_lab.run(host, started).stdout
    assert plumb("reboot", host.name, "--name", delivered_lab.name).returncode == 0
    after = host.boot(), delivered_lab.run(host, started).stdout
    assert before[0] != after[0]
    assert int(after[1]) > int(before[1])
    assert delivered_lab.run(host, "ls -d /run/gone /var/stays", check=False).stdout == "/var/stays\n"


def test_host_that_reboots_itself_comes_back(delivered_lab: Lab) -> None:
    host = delivered_lab.hosts[1]
    before = host.boot()
    delivered_lab.run(host, "systemctl reboot", check=False)
    host.entry.forget()
    assert host.wait(after=before) == "running"
    assert host.boot() != before


def test_reset_gives_the_host_as_delivered(delivered_lab: Lab) -> None:
    host = delivered_lab.hosts[1]
    delivered_lab.run(host, "rm /etc/sysctl.d/99-gateway.conf && touch /etc/new")
    delivered_lab.reset(host)
    found = delivered_lab.run(host, "ls /etc/new /etc/sysctl.d/99-gateway.conf", check=False).stdout
    assert found == "/etc/sysctl.d/99-gateway.conf\n"


def test_reset_to_a_kept_state(make_lab: MakeLab) -> None:
    lab = make_lab(hosts=1)
    host = lab.hosts[0]
    lab.run(host, "echo hardened > /etc/state")
    lab.snapshot(host, "hardened")
    lab.run(host, "echo broken > /etc/state")
    lab.reset(host, "hardened")
    assert lab.run(host, "cat /etc/state").stdout == "hardened\n"
    lab.reset(host)
    assert lab.run(host, "cat /etc/state", check=False).returncode == 1
    with pytest.raises(UsageError, match="delivered, hardened"):
        lab.reset(host, "never")


def test_host_that_does_not_boot_says_what_it_printed(make_lab: MakeLab) -> None:
    lab = make_lab(hosts=1)
    host = lab.hosts[0]
    lab.run(host, "cp /bin/false /usr/lib/systemd/systemd.broken")
    host.shut_down()
    programs = host.directory / "upper/usr/lib/systemd"
    (programs / "systemd.broken").rename(programs / "systemd")
    host.start()
    with pytest.raises(NotReachedError, match="has ended instead of booting") as caught:
        host.wait()
    assert str(host.log) in str(caught.value)


def test_accounts_with_and_without_sudo(delivered_lab: Lab) -> None:
    host = delivered_lab.hosts[0]
    assert delivered_lab.run(host, "sudo -n id -u", user="operator").stdout == "0\n"
    refused = delivered_lab.run(host, "sudo -n id -u", user="plain", check=False)
    assert refused.returncode == 1
    assert "password is required" in refused.stderr


def test_ssh_gives_the_commands_output_and_exit_code(delivered_lab: Lab) -> None:
    host = delivered_lab.hosts[0].name
    done = plumb("ssh", host, "--name", delivered_lab.name, "--", "echo out; echo err >&2; exit 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, "out\n", "err\n")
    assert plumb("ssh", "nobody-01").returncode == 64


def test_status_shows_hosts_up_and_down(make_lab: MakeLab) -> None:
    lab = make_lab(hosts=2)
    lab.hosts[1].shut_down()
    lines = plumb("status", "--name", lab.name).stdout.splitlines()[1:]
    assert [line.split()[:4] for line in lines] == [
        [lab.name, lab.hosts[0].name, lab.hosts[0].address, "up"],
        [lab.name, lab.hosts[1].name, lab.hosts[1].address, "down"],
    ]


@pytest.mark.parametrize(
    "words", [("up",), ("down",), ("status",), ("ssh", "srv-app-01")], ids=lambda w: w[0]
)
def test_not_root_is_told_so(words: tuple[str, ...]) -> None:
    done = plumb(*words, user="nobody")
    assert done.returncode == 1
    assert done.stderr.startswith("plumb: The lab needs root")
    assert "Traceback" not in done.stderr


@pytest.fixture
def taken_network(tmp_path: Path) -> Iterator[Path]:
    """An inventory whose network an interface that is no lab's already has."""
    load(LAB_INVENTORY).renumbered(IPv4Network("10.91.0.0/24")).write(tmp_path, Connection())
    name = f"other{os.getpid()}"[:15]
    subprocess.run(["ip", "link", "add", name, "type", "bridge"], check=True)
    try:
        subprocess.run(["ip", "address", "add", "10.91.0.200/24", "dev", name], check=True)
        subprocess.run(["ip", "link", "set", name, "up"], check=True)
        yield tmp_path
    finally:
        subprocess.run(["ip", "link", "delete", name], check=True)


def test_network_of_something_else_is_refused_and_leaves_nothing(
    taken_network: Path, new_name: Callable[[], str]
) -> None:
    name = new_name()
    with pytest.raises(
        PlumblineError, match=r"10\.91\.0\.0/24 is already in use by other\d+, which is not a lab"
    ):
        Lab.up(name, inventory=taken_network)
    assert left_of(LabPlace(name)) == []
    assert not take_down(name)


FAULTS = {
    "media are mounted when plugged in": "ls /etc/udev/rules.d/99-usb-automount.rules",
    "packets are forwarded": "grep -x 1 /proc/sys/net/ipv4/ip_forward",
    "IPv6 is on": "ip -6 -oneline address show scope link dev host0 | grep fe80",
    "a second interface has an address": "ip -4 -oneline address show up dev eth1 | grep 192.168.90.",
    "an unused interface is up": "ip -oneline link show up dev eth2 | grep UP",
    "the address may come from DHCP": "grep DHCP=ipv4 /etc/systemd/network/10-host0.network",
    "a rule routes by source": "ip rule | grep 'from 192.168.90.0/24 lookup 90'",
    "time comes from a public pool": "timedatectl show-timesync | grep pool.ntp.example",
}
LACKS = {
    "no packet filter is loaded": "nft list ruleset | grep table",
    "no packet filter is loaded at boot": "systemctl is-enabled nftables",
    "no antivirus": "dpkg -s clamav-daemon",
    "no chrony": "dpkg -s chrony",
    "shells never end": "bash -lc 'test -n \"$TMOUT\"'",
    "SSH sessions never end": "sshd -T | grep -i 'clientaliveinterval [1-9]'",
}


def test_delivered_host_has_every_fault(delivered_lab: Lab, delivered_host: LabHost) -> None:
    codes = {fault: succeeds(delivered_lab, delivered_host, look) for fault, look in FAULTS.items()}
    assert codes == dict.fromkeys(FAULTS, True)
    codes = {fault: succeeds(delivered_lab, delivered_host, look) for fault, look in LACKS.items()}
    assert codes == dict.fromkeys(LACKS, False)


def test_clean_host_is_stock_debian(make_lab: MakeLab) -> None:
    lab = make_lab(hosts=1, flavour="clean")
    codes = {fault: succeeds(lab, lab.hosts[0], look) for fault, look in (FAULTS | LACKS).items()}
    assert codes == dict.fromkeys(FAULTS | LACKS, False) | {"IPv6 is on": True}
    assert lab.run(lab.hosts[0], "systemctl --failed --no-legend").stdout == ""


def succeeds(lab: Lab, host: LabHost, command: str) -> bool:
    return lab.run(host, command, check=False).returncode == 0


@pytest.mark.parametrize(("release", "version"), [("bookworm", "12"), ("trixie", "13")])
def test_packages_install_and_run_without_internet(release: str, version: str, make_lab: MakeLab) -> None:
    lab = make_lab(hosts=1, release=release)
    host = lab.hosts[0]
    assert f'VERSION_ID="{version}"' in lab.run(host, "cat /etc/os-release").stdout
    install = "apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes"
    lab.run(host, f"{install} chrony clamav-daemon clamav-freshclam clamdscan ethtool")
    lab.run(host, "systemctl enable clamav-freshclam")
    assert lab.reboot(host) == "running"
    units = "systemctl is-active chrony clamav-daemon clamav-freshclam"
    assert lab.run(host, units).stdout.split() == ["active"] * 3
    until(lambda: succeeds(lab, host, "clamdscan --ping 1"))
    assert re.match(r"ClamAV \d+\.\d+\.\d+/1/", lab.run(host, "clamdscan --version").stdout)
    assert "-x" in lab.run(host, "ps -C chronyd -o args=").stdout.split()


def test_collectors_needs_are_there(delivered_lab: Lab) -> None:
    host = delivered_lab.hosts[0]
    assert delivered_lab.run(host, "busybox sh -c 'echo here'").stdout == "here\n"
    assert {"sk_SK.utf8", "de_DE.utf8"} <= set(delivered_lab.run(host, "locale -a").stdout.split())
