"""Hosts that must be left as they are, each with the reason and what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from ipaddress import IPv4Network

import pytest

from plumbline.apply.ground import Ground, Look, RefusedError, refuse_unsafe
from plumbline.matrix.flows import host_flows
from plumbline.matrix.load import load_matrix
from plumbline.matrix.model import Matrix
from plumbline.policy.load import load_standard
from plumbline.policy.resolve import resolve
from plumbline.policy.standard import DesiredState
from plumbline.rooms import LAB_INVENTORY
from plumbline.spec.load import load_inventory

STANDARD = load_standard("mhth-ot")


def desired(*sources: str, without_firewall: bool = False) -> DesiredState:
    inventory = load_inventory(LAB_INVENTORY)
    ((system, host),) = inventory.select(["srv-app-01"])
    networks = [IPv4Network(source) for source in sources]
    site = inventory.site.model_copy(update={"management_sources": networks} if sources else {})
    state = resolve(STANDARD, site, system, host)
    if not without_firewall:
        return state
    left = {name: one for name, one in state.controls.items() if one.subject != "firewall"}
    return replace(state, controls=left)


def ground(**other: object) -> Ground:
    there = Ground(
        uid=0,
        client="10.89.0.1",
        server="10.89.0.11",
        port="22",
        distribution="debian",
        pretty="Debian GNU/Linux 12 (bookworm)",
        systemd=True,
        addresses={"lo": ["127.0.0.1"], "host0": ["10.89.0.11"]},
    )
    return replace(there, **other)  # type: ignore[arg-type]  # fields by name


def reason(there: Ground, state: DesiredState | None = None, *, sudo: bool = False) -> str:
    with pytest.raises(RefusedError) as refused:
        refuse_unsafe(there, state or desired(), user="vendor", sudo=sudo)
    return str(refused.value)


def test_a_host_as_specified_reached_by_management_is_not_refused() -> None:
    refuse_unsafe(ground(), desired(), user="root", sudo=False)


def test_what_a_debian_12_host_told_is_read(recorded: Callable[[str], list[str]]) -> None:
    assert Look().process(recorded("look-debian-12-root.txt")) == Ground(
        uid=0,
        client="10.89.2.1",
        server="10.89.2.11",
        port="22",
        distribution="debian",
        pretty="Debian GNU/Linux 12 (bookworm)",
        systemd=True,
        addresses={"lo": ["127.0.0.1"], "host0": ["10.89.2.11"]},
    )


def test_users_who_may_and_may_not_use_sudo_are_told_apart(recorded: Callable[[str], list[str]]) -> None:
    operator = Look().process(recorded("look-debian-12-operator.txt"))
    plain = Look().process(recorded("look-debian-12-plain.txt"))
    assert (operator.uid, operator.sudo) == (1000, "")
    assert (plain.uid, plain.sudo) == (1001, "sudo: a password is required")


def test_another_operating_system_is_refused() -> None:
    assert "Alpine Linux v3.20" in reason(ground(distribution="alpine", pretty="Alpine Linux v3.20"))


def test_a_host_without_systemd_is_refused() -> None:
    assert "with systemd" in reason(ground(systemd=False))


def test_a_user_who_is_not_root_is_refused_without_sudo() -> None:
    assert "sudo: true" in reason(ground(uid=1000))


def test_sudo_that_asks_for_a_password_is_refused_in_its_own_words() -> None:
    there = ground(uid=1001, sudo="sudo: a password is required")
    assert "sudo: a password is required" in reason(there, sudo=True)


def test_a_user_with_sudo_is_not_refused() -> None:
    refuse_unsafe(ground(uid=1000), desired(), user="operator", sudo=True)


@pytest.mark.parametrize(
    "addresses",
    [{"host0": ["10.89.0.99"]}, {"eth0": ["10.89.0.11"]}, {}],
    ids=["another address", "on another interface", "none"],
)
def test_a_host_without_its_specified_address_is_refused(addresses: dict[str, list[str]]) -> None:
    assert "host0 has not the specified address 10.89.0.11" in reason(ground(addresses=addresses))


def test_a_host_reached_at_an_address_that_is_not_specified_is_refused() -> None:
    there = ground(server="10.99.0.1", addresses={"host0": ["10.89.0.11"], "tun0": ["10.99.0.1"]})
    assert "reached at its address 10.99.0.1" in reason(there)


def test_a_controller_that_is_no_management_source_is_refused_with_its_address() -> None:
    said = reason(ground(client="10.89.0.7"), desired("10.89.0.1/32", "192.0.2.0/24"))
    assert "seen there as 10.89.0.7" in said
    assert "(10.89.0.1/32, 192.0.2.0/24)" in said


def test_a_controller_inside_a_management_network_is_let_go_on() -> None:
    refuse_unsafe(ground(client="10.89.0.7"), desired("10.89.0.0/28"), user="root", sudo=False)


def test_a_controller_seen_by_ipv6_is_refused() -> None:
    assert "seen there as fd00::1" in reason(ground(client="fd00::1"))


def test_a_controller_seen_from_nowhere_is_refused() -> None:
    assert "does not say from where" in reason(ground(client=""))


def test_a_port_the_firewall_would_shut_is_refused() -> None:
    assert "port 2222" in reason(ground(port="2222"))


def test_where_no_firewall_is_applied_any_source_will_do() -> None:
    refuse_unsafe(ground(client="10.89.0.7"), desired(without_firewall=True), user="root", sudo=False)


# Where the site has a matrix

TODAY = date(2026, 11, 22)
ADMIN = "source 10.89.0.1, destination srv-app-01 (10.89.0.11), protocol tcp, port 22"


def by_matrix(**changes: object) -> DesiredState:
    """Return the state with the lab's matrix, whose row of management is changed; None takes it away."""
    inventory, shipped = load_inventory(LAB_INVENTORY), load_matrix(LAB_INVENTORY).matrix
    rows = [
        row.model_copy(update=changes) if row.id == "management" else row
        for row in shipped.rows
        if row.id != "management" or changes != {"id": None}
    ]
    matrix = Matrix(names=shipped.names, rows=rows)
    flows = host_flows(inventory, matrix, ["srv-app-01"], today=TODAY)
    return replace(desired(), flows=flows["srv-app-01"])


def test_a_controller_that_a_row_lets_in_is_not_refused() -> None:
    refuse_unsafe(ground(), by_matrix(), user="root", sudo=False)


def test_rows_decide_where_there_is_a_matrix_and_not_the_management_sources() -> None:
    state = by_matrix(source=["10.89.0.7"])
    refuse_unsafe(ground(client="10.89.0.7"), state, user="root", sudo=False)
    assert "it has no row with " + ADMIN in reason(ground(), state)


def test_a_matrix_without_a_row_for_the_way_in_names_what_is_missing() -> None:
    said = reason(ground(), by_matrix(id=None))
    assert f"it has no row with {ADMIN}" in said
    assert "add such a row to matrix.yml" in said


@pytest.mark.parametrize(
    "change",
    [{"ports": ["2222"]}, {"protocol": "udp"}, {"destination": ["srv-hist-01"]}, {"source": ["10.89.0.2"]}],
    ids=["another port", "another protocol", "another host", "another source"],
)
def test_a_row_beside_the_way_in_does_not_open_it(change: dict[str, object]) -> None:
    assert f"it has no row with {ADMIN}" in reason(ground(), by_matrix(**change))


def test_a_row_of_the_way_in_that_expired_is_named_with_its_last_day() -> None:
    said = reason(ground(), by_matrix(valid_until=date(2026, 11, 21)))
    assert f"row management is not in force: the row expired on 2026-11-21 ({ADMIN})" in said


def test_a_row_holds_on_its_last_day() -> None:
    refuse_unsafe(ground(), by_matrix(valid_until=TODAY), user="root", sudo=False)


def test_a_row_of_the_way_in_that_lacks_approvals_is_named_with_who_is_missing() -> None:
    said = reason(ground(), by_matrix(approved_by={"infrastructure": date(2026, 11, 23)}))
    assert "row management is not in force: not approved by cyber-security, control-systems" in said
    assert "dated 2026-11-23, which is to come" in said


def test_a_controller_on_the_host_itself_needs_no_row() -> None:
    there = ground(client="10.89.0.11")
    refuse_unsafe(there, by_matrix(id=None), user="root", sudo=False)


def test_a_controller_to_whom_no_route_leads_back_is_refused_though_a_row_lets_it_in() -> None:
    """The rules take such packets for spoofed, also those of a session that is open."""
    said = reason(ground(ways_back=["eth1", "eth1"]), by_matrix())
    assert "comes in by host0, where no route leads back to it (but by eth1)" in said
    refuse_unsafe(ground(ways_back=["eth1", "host0"]), by_matrix(), user="root", sudo=False)


def test_routes_to_the_controller_are_read_and_those_that_lead_nowhere_are_none() -> None:
    told = [
        "route default via 10.89.8.1 dev host0 proto static ",
        "route 10.89.8.0/24 dev host0 proto kernel scope link src 10.89.8.11 ",
        "route unreachable default dev lo metric 4278198272 ",
        "route default proto static \\\tnexthop via 10.1.1.1 dev eth0 \\\tnexthop via 10.1.2.1 dev eth1 ",
    ]
    assert Look().process(told).ways_back == ["host0", "host0", "eth0", "eth1"]


def test_a_controller_seen_by_ipv6_is_refused_as_no_row_can_be_for_it() -> None:
    assert "no row of the matrix can be for" in reason(ground(client="fd00::1"), by_matrix())
