"""What the network's deploy writes and would remove, on what a real host told of itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyinfra.api.exceptions import OperationError

from deploys.mechanisms.links import Links, LinksOnHost, _link_commands, _route_commands, refuse_stacked
from deploys.network import (
    UnitsInUse,
    _keeps_its_lease,
    render_interfaces,
    render_network,
    render_unused,
)
from plumbline.policy.load import load_standard
from plumbline.policy.standard import DesiredState
from plumbline.rooms import LAB_INVENTORY
from plumbline.spec.load import load_inventory
from plumbline.spec.model import Interface
from plumbline.verify.targets import desired_states

RECORDED = Path(__file__).parents[2] / "recorded" / "network"


@pytest.fixture
def desired() -> DesiredState:
    inventory = load_inventory(LAB_INVENTORY)
    return desired_states(load_standard("mhth-ot"), inventory, ["srv-app-01"])["srv-app-01"]


def there(recorded: str) -> LinksOnHost:
    """Read the probe's recording as the fact: the same `ip` printed it."""
    rows = dict(line.split("\t", 1) for line in recorded.splitlines() if "\t" in line)
    lines = [f"links {rows['links']}", f"rules {rows['rules4']}", f"routes {rows['routes4']}"]
    return Links().process(lines)


@pytest.fixture
def stacked() -> LinksOnHost:
    return there((RECORDED / "live.iproute2-6.1.0.stacked.txt").read_text())


def test_network_file_has_the_specified_address_and_no_automatic_one(desired: DesiredState) -> None:
    (interface,) = desired.host.interfaces
    lines = render_network(desired, interface).splitlines()
    assert {
        "Name=host0",
        "Address=10.89.0.11/24",
        "Gateway=10.89.0.1",
        "DHCP=no",
        "LinkLocalAddressing=no",
    } <= {*lines}


def test_interface_without_an_address_gets_none(desired: DesiredState) -> None:
    fieldbus = Interface(name="eth1", vlan="servers", purpose="industrial-protocol")
    text = render_network(desired, fieldbus)
    assert "Address=" not in text.replace("LinkLocalAddressing", "")
    assert "Gateway=" not in text
    assert "iface eth1 inet manual" in render_interfaces(desired, [*desired.host.interfaces, fieldbus])


def test_only_a_client_not_critical_to_the_process_may_have_a_lease() -> None:
    profiles = load_standard("mhth-ot").profiles
    free = [name for name, profile in profiles.items() if "static-address" not in profile.controls]
    assert free == ["non-critical-client"]
    assert {*profiles["client"].controls} - {*profiles["non-critical-client"].controls} == {"static-address"}


def test_lease_is_kept_where_the_address_may_be_one(desired: DesiredState, stacked: LinksOnHost) -> None:
    controls = {name: one for name, one in desired.controls.items() if name != "static-address"}
    may_be = replace(desired, controls=controls)
    assert [_keeps_its_lease(one, stacked) for one in (desired, may_be)] == [False, True]
    text = render_network(may_be, desired.host.interfaces[0], by_dhcp=True)
    assert "DHCP=ipv4\n" in text
    assert "10.89.0.11" not in text
    assert "iface host0 inet dhcp" in render_interfaces(may_be, desired.host.interfaces, leased=True)
    removed = [command for _, command in _link_commands(stacked, {"host0": ""}) if "dev host0" in command]
    assert removed == []


def test_routes_of_a_lease_stay(stacked: LinksOnHost) -> None:
    lease = {"dst": "10.89.6.1", "dev": "host0", "protocol": "dhcp", "scope": "link"}
    far = {"dst": "10.5.0.0/16", "gateway": "10.89.6.9", "dev": "host0", "protocol": "dhcp"}
    found = [command for _, command in _route_commands(replace(stacked, routes=[lease, far]), ["10.89.6.1"])]
    assert found[-1] == "ip -4 route del 10.5.0.0/16 table main"
    assert not any("10.89.6.1 " in command for command in found)


def test_can_bus_is_in_no_vlan(desired: DesiredState) -> None:
    bus = Interface(name="can0", purpose="industrial-protocol", protocol="can")
    text = render_network(desired, bus)
    assert "Name=can0" in text
    assert "Address=" not in text.replace("LinkLocalAddressing", "")


def test_unused_interfaces_are_all_but_loopback_and_the_specified(desired: DesiredState) -> None:
    text = render_unused(desired.host.interfaces)
    assert "Type=!loopback\nName=!host0\n" in text
    assert "ActivationPolicy=always-down\n" in text


def test_interfaces_file_sources_nothing(desired: DesiredState) -> None:
    text = render_interfaces(desired, desired.host.interfaces)
    assert "source" not in text
    assert "iface host0 inet static\n    address 10.89.0.11/24\n    gateway 10.89.0.1\n" in text


def test_everything_else_is_taken_down_and_removed(stacked: LinksOnHost) -> None:
    commands = [command for _, command in _link_commands(stacked, {"host0": "10.89.6.11/24"})]
    assert {"ip link set dev eth1 down", "ip addr flush dev br0", "ip addr del 10.89.6.77/24 dev host0"} <= {
        *commands
    }
    assert "ip addr del 192.0.2.5/32 dev lo" in commands
    assert not any("10.89.6.11" in command or "127.0.0.1" in command for command in commands)


def test_specified_address_that_expires_is_made_lasting() -> None:
    text = (RECORDED / "live.iproute2-6.1.0.stacked.txt").read_text()
    commands = [command for _, command in _link_commands(there(text), {"host0": "10.89.6.77/24"})]
    assert "ip addr change 10.89.6.77/24 dev host0 valid_lft forever preferred_lft forever" in commands


def test_rules_and_routes_too_many_are_removed_and_the_default_stays(stacked: LinksOnHost) -> None:
    commands = [command for _, command in _route_commands(stacked, ["10.89.6.1"])]
    assert commands == [
        "ip -4 rule del pref 1000",
        "ip -4 route del 192.168.91.0/24 table 90",
        "ip -4 route del 10.55.0.0/16 table main",
    ]


def test_bond_member_and_missing_interface_are_refused(stacked: LinksOnHost) -> None:
    with pytest.raises(OperationError, match="no interface eth9"):
        refuse_stacked(stacked, ["eth9"])
    with pytest.raises(OperationError, match="is a bridge"):
        refuse_stacked(stacked, ["br0"])
    refuse_stacked(stacked, ["host0"])


def test_host_that_tells_nothing_is_refused() -> None:
    with pytest.raises(OperationError, match="iproute2"):
        Links().process(["links ", "rules ", "routes "])


def test_units_in_use_are_those_enabled_or_active() -> None:
    blocks: list[dict[str, Any]] = [
        {"Id": "bird.service", "ActiveState": "inactive", "UnitFileState": "enabled"},
        {"Id": "frr.service", "ActiveState": "active", "UnitFileState": "disabled"},
        {"Id": "zebra.service", "ActiveState": "inactive", "UnitFileState": ""},
    ]
    text = "\n\n".join("\n".join(f"{key}={value}" for key, value in block.items()) for block in blocks)
    assert UnitsInUse().process(text.split("\n")) == ["bird.service", "frr.service"]
