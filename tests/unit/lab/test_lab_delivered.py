"""The files hosts are delivered with."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from plumbline.lab.delivered import EVERY_HOST, FAULTS, Place, extra_interfaces, files

PLACE = Place(
    name="srv-app-01",
    domain="ot.lab.test",
    address=IPv4Address("10.89.0.11"),
    network=IPv4Network("10.89.0.0/24"),
    gateway=IPv4Address("10.89.0.1"),
    dns=(IPv4Address("10.89.0.1"), IPv4Address("10.89.0.2")),
)


def test_clean_host_has_no_fault() -> None:
    clean = files(PLACE, "clean")
    assert clean.keys() == EVERY_HOST.keys()
    assert "DHCP" not in clean["/etc/systemd/network/10-host0.network"]
    assert extra_interfaces("clean") == ()


def test_delivered_host_has_every_fault() -> None:
    delivered = files(PLACE, "delivered")
    assert {path for fault in FAULTS for path in fault.files} <= delivered.keys()
    assert "DHCP=ipv4" in delivered["/etc/systemd/network/10-host0.network"]


def test_nothing_is_left_in_braces() -> None:
    rules = files(PLACE, "delivered").pop("/etc/udev/rules.d/99-usb-automount.rules")
    assert 'RUN{program}+="/usr/bin/systemd-mount' in rules
    others = {path: text for path, text in files(PLACE, "delivered").items() if "udev" not in path}
    assert not [path for path, text in others.items() if "{" in text]


def test_host_knows_its_place() -> None:
    clean = files(PLACE, "clean")
    assert clean["/etc/hostname"] == "srv-app-01\n"
    assert clean["/etc/resolv.conf"].splitlines()[:3] == [
        "search ot.lab.test",
        "nameserver 10.89.0.1",
        "nameserver 10.89.0.2",
    ]
    assert "Address=10.89.0.11/24\nGateway=10.89.0.1" in clean["/etc/systemd/network/10-host0.network"]
