"""Which network a lab gets: the example's, the next one beside another lab's, or none."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from plumbline.errors import PlumblineError
from plumbline.lab.network import Use, choose_network, parse_routes

RECORDED = Path(__file__).parents[2] / "recorded/lab/ip-route-table-all.iproute2-6.1.0.json"
WANTED = IPv4Network("10.89.0.0/24")


def lab(network: str) -> Use:
    return Use(IPv4Network(network), "plb01abef")


def test_recorded_routes_without_default_broad_and_own_addresses() -> None:
    uses = parse_routes(RECORDED.read_text())
    assert [(str(use.network), use.interface, use.by_lab) for use in uses] == [
        ("10.89.0.0/24", "plbadb6c1", True),
        ("10.89.1.0/24", "plb9d2576", True),
        ("10.213.7.0/24", "plbnx", False),
        ("172.20.5.0/24", "pltest0", False),
        ("192.0.2.0/24", "eth0", False),
    ]


def test_free_network_is_taken_as_it_is() -> None:
    assert choose_network(WANTED, [lab("10.89.1.0/24")]) == WANTED


def test_network_of_another_lab_is_passed_over() -> None:
    assert choose_network(WANTED, [lab("10.89.0.0/24"), lab("10.89.1.0/24")]) == IPv4Network("10.89.2.0/24")


def test_neighbour_that_is_no_lab_is_passed_over_too() -> None:
    uses = [lab("10.89.0.0/24"), Use(IPv4Network("10.89.1.128/25"), "eth0")]
    assert choose_network(WANTED, uses) == IPv4Network("10.89.2.0/24")


def test_network_of_something_else_is_refused_by_name() -> None:
    with pytest.raises(PlumblineError, match=r"10\.89\.0\.0/24 is already in use by docker0"):
        choose_network(WANTED, [Use(IPv4Network("10.89.0.0/16"), "docker0")])


def test_large_network_of_another_lab_is_refused() -> None:
    with pytest.raises(PlumblineError, match="larger than /24"):
        choose_network(IPv4Network("10.89.0.0/16"), [lab("10.89.0.0/24")])


def test_all_neighbours_taken_is_said() -> None:
    with pytest.raises(PlumblineError, match="No network beside"):
        choose_network(WANTED, [lab("10.89.0.0/16")])
