"""What loads rules by a detour at boot, as a host printed it that has each of them, and what is beside."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline.probes.base import Output, ParseError
from plumbline.probes.firewall.beside import BESIDE
from plumbline.probes.firewall.loaders import DETOURS, Detours
from plumbline.probes.firewall.loading import SERVICE, UNITS, obstacles, other_loaders, others_against
from plumbline.probes.systemd import ON_DISK, Line, UnitsOnDisk

RECORDED = Path(__file__).parents[2] / "recorded"
ETC = "/etc/systemd/system"


def output(text: str) -> Output:
    return Output(text.encode(), b"", 0)


def recorded(name: str) -> Output:
    return Output((RECORDED / name).read_bytes(), b"", 0)


@pytest.fixture
def laid() -> Detours:
    return DETOURS.parse(recorded("firewall/detours-debian-12-sabotaged.txt"))


@pytest.fixture
def disk() -> UnitsOnDisk:
    return ON_DISK.parse(recorded("firewall/on-disk-systemd-252-sabotaged.txt"))


@pytest.mark.parametrize(
    "told",
    [
        f"{ETC}/tune1.service:5: ExecStart=/usr/local/sbin/tune1 → /usr/local/sbin/tune1:2:",
        f"{ETC}/tune24.service:5: ExecStart=/bin/busybox sh /opt/t24 → /opt/t24:1:n=/usr/sbin/nft",
        f"{ETC}/tune5.socket:3: ExecStartPost=/usr/sbin/nft add",
        f"{ETC}/service.d/x.conf:2: ExecStartPost=",
        "/run/systemd/generator.late/tune9.service:18: ExecStart=/etc/init.d/tune9 start → ",
        "/etc/cron.d/x:1: @reboot root /usr/local/sbin/tune15 → /usr/local/sbin/tune15:2:",
        "/etc/dhcp/dhclient-exit-hooks.d/x:1: ",
        "/etc/init.d/tune9:9: ",
        "/etc/modprobe.d/x.conf:1: install nf_tables",
        "/etc/systemd/system-generators/gen:2: ",
        "/etc/udev/rules.d/90-x.rules:1: ",
        "/usr/lib/systemd/system-sleep/x:2: ",
    ],
)
def test_detour_is_told(laid: Detours, disk: UnitsOnDisk, told: str) -> None:
    found = [str(line) for line in other_loaders([], [], laid, disk)]
    assert any(line.startswith(told) for line in found), found


@pytest.mark.parametrize(
    "file",
    ["tune2.service", "tune3.service", "tune16.service", "tune4@.service", "systemd-.service.d/x.conf"],
    ids=["wanted by a drop-in", "unit of another timer", "on success", "instance", "for all of a prefix"],
)
def test_unit_that_is_not_enabled_itself_starts(laid: Detours, disk: UnitsOnDisk, file: str) -> None:
    line = Line(f"{ETC}/{file}", 5, "ExecStart=/usr/sbin/nft -f /x")
    assert line in other_loaders([line], [], laid, disk)


def test_unit_for_which_nobody_calls_does_not_start(disk: UnitsOnDisk) -> None:
    line = Line(f"{ETC}/tune2.service", 5, "ExecStart=/usr/sbin/nft -f /x")
    assert other_loaders([line], [], Detours((), (), ()), disk) == []


def test_unit_called_for_by_one_that_does_not_start_itself_does_not(disk: UnitsOnDisk) -> None:
    line = Line(f"{ETC}/tune2.service", 5, "ExecStart=/usr/sbin/nft -f /x")
    circle = (
        Line(f"{ETC}/tune16.service", 2, "Wants=tune2.service"),
        Line(f"{ETC}/tune2.service", 2, "Wants=tune16.service"),
    )
    assert other_loaders([line], [], Detours((), (), circle), disk) == []


def test_detours_that_were_cut_off_are_no_answer() -> None:
    with pytest.raises(ParseError):
        DETOURS.parse(output("script\t/etc/rc.local:1:nft -f /x\n"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Before=", "RemainAfterExit=no\nBefore="),
        ("Before=", "PartOf=ssh.service\nBefore="),
        ("Before=", "BindsTo=own.service\nBefore="),
        ("Before=", "Conflicts=shutdown.target own.service\nBefore="),
        ("Before=", "StopWhenUnneeded=yes\nBefore="),
        ("Before=", "RuntimeMaxUSec=1min\nBefore="),
        ("Before=", "RestrictAddressFamilies=AF_UNIX\nBefore="),
        ("Before=", "RestrictAddressFamilies=~AF_NETLINK\nBefore="),
        ("Before=", "CapabilityBoundingSet=cap_sys_admin\nBefore="),
        ("Before=", "StopPropagatedFrom=own.service\nBefore="),
        ("Before=", "WorkingDirectory=/srv/rules\nBefore="),
    ],
)
def test_setting_by_which_rules_are_flushed_or_not_loaded(disk: UnitsOnDisk, old: str, new: str) -> None:
    printed = (RECORDED / "firewall/units-systemd-252.txt").read_text().replace(old, new, 1)
    (found,) = obstacles(UNITS.parse(output(printed))[SERVICE], disk, [])
    assert new.partition("=")[0] in found


def test_settings_as_debian_has_them_hinder_nothing(disk: UnitsOnDisk) -> None:
    stock = (
        "RemainAfterExit=yes\nRequires=system.slice\nRequisite=\nBindsTo=\nPartOf=\nConflicts=shutdown.target\n"
        "StopWhenUnneeded=no\nRuntimeMaxUSec=infinity\nRestrictAddressFamilies=~\n"
        "CapabilityBoundingSet=cap_net_bind_service cap_net_admin\nBefore="
    )
    printed = (RECORDED / "firewall/units-systemd-252.txt").read_text().replace("Before=", stock, 1)
    assert obstacles(UNITS.parse(output(printed))[SERVICE], disk, []) == []


NETWORK = (
    "\nId=network-pre.target\nLoadState=loaded\nBefore=network.target systemd-networkd.service\n"
    "\nId=network.target\nLoadState=loaded\nBefore=network-online.target own.service\n"
    "\nId=network-online.target\nLoadState=loaded\nBefore=shutdown.target\n"
)
"""What a lab's host of Debian 12 tells of these, shortened."""


def against(disk: UnitsOnDisk, more: str) -> list[str]:
    printed = (
        (RECORDED / "firewall/units-systemd-252.txt").read_text().replace("Before=", f"{more}\nBefore=", 1)
    )
    return others_against(UNITS.parse(output(printed + NETWORK)), disk)


@pytest.mark.parametrize(
    "late", ["network.target", "network-online.target", "systemd-networkd.service", "own.service"]
)
def test_after_what_comes_after_the_network_is_too_late(disk: UnitsOnDisk, late: str) -> None:
    assert against(disk, f"After=system.slice {late}") == [f"{SERVICE}: After={late}"]


def test_after_what_comes_early_is_in_time(disk: UnitsOnDisk) -> None:
    assert against(disk, "After=system.slice systemd-journald.socket local-fs.target apparmor.service") == []


def test_only_a_unit_that_starts_stops_what_it_conflicts_with(disk: UnitsOnDisk) -> None:
    assert disk.starts("tune1.service")
    assert against(disk, "ConflictedBy=tune1.service absent.service") == [
        f"{SERVICE}: ConflictedBy=tune1.service"
    ]


@pytest.mark.parametrize(
    ("text", "stops"),
    [
        ("@reboot root systemctl stop nftables", True),
        ("systemctl disable --now nftables.service", True),
        ("systemctl -q --now mask 'nftables'", True),
        ('subprocess.run(["systemctl", "stop", "nftables"])', True),
        ("service nftables stop", True),
        ("update-rc.d nftables disable", True),
        ("netfilter-persistent start", True),
        ("systemctl restart nftables", False),
        ("systemctl stop own; systemctl start nftables", False),
        ("systemctl stop nftables-exporter.service", False),
        ("After=nftables.service", False),
        ("cp /etc/nftables.conf /srv", False),
    ],
)
def test_who_stops_the_service_flushes_the_rules(disk: UnitsOnDisk, text: str, stops: bool) -> None:
    line = Line("/etc/rc.local", 2, text)
    assert (line in other_loaders([], [line], Detours((), (), ()), disk)) is stops


def test_include_of_what_each_boot_writes_anew_is_told_and_of_what_lasts_is_not() -> None:
    found = BESIDE.parse(
        output(
            "include\t/etc/nftables.conf\t39\t/run/nft/*.nft\n"
            "include\t/etc/nftables.conf\t40\t/etc/nftables.d/*.nft\n"
            "include\t/etc/nftables.d/a.nft\t0\t/tmp/a.nft\n"
            "end\n"
        )
    )
    assert [str(line) for line in found.volatile] == [
        '/etc/nftables.conf:39: include "/run/nft/*.nft"',
        '/etc/nftables.d/a.nft:0: include "/tmp/a.nft"',
    ]


def test_mounts_and_traffic_control_are_told() -> None:
    found = BESIDE.parse(
        output(
            "mount\t/etc/nftables.conf\n"
            "traffic\thost0\tingress\taction order 1:  pedit action pass keys 1\nend\n"
        )
    )
    assert found.mounted == ("/etc/nftables.conf",)
    assert found.traffic == ("tc host0 ingress: action order 1: pedit action pass keys 1",)
