"""Compiled rulesets accept exactly the matrix: loaded by the real nft, judged packet by packet."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from packet_by_packet import Packet, Rules, loaded

from plumbline.matrix.compile.nftables import DISPATCH_FROM, render
from plumbline.matrix.flows import host_flows
from plumbline.matrix.model import Matrix, Row
from plumbline.spec.load import Inventory

sys.path.append(str(Path(__file__).resolve().parents[1] / "unit/matrix"))
from plant import matrix, plant, row

HOSTS = {"plc-gw": ["10.1.1.11"], "hist": ["10.1.1.12"], "desk": ["10.1.2.11"]}
"""The addresses that the plant's hosts are meant by."""
OWN = {**HOSTS, "hist": ["10.1.1.12", "10.1.3.2"]}
WORDS = {
    **HOSTS,
    "system:heat": ["10.1.1.11", "10.1.1.12", "10.1.2.11"],
    "vlan:office": ["10.1.2.0/24"],
    "10.1.1.0/28": ["10.1.1.0/28"],
    "10.1.1.9-10.1.1.12": ["10.1.1.9", "10.1.1.10/31", "10.1.1.12"],
    "10.1.9.5": ["10.1.9.5"],
    "10.1.3.2": ["10.1.3.2"],
}
PORTS = ["22", "80-90", "85", "1000-2000", "65535", "5432"]
ENDS = st.lists(st.sampled_from(sorted(WORDS)), min_size=1, max_size=2, unique=True)


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    return plant(tmp_path_factory.mktemp("plant"))


@st.composite
def random_row(draw: st.DrawFn) -> dict[str, Any]:
    protocol = draw(st.sampled_from(["tcp", "udp", "icmp"]))
    asked: dict[str, Any] = {"ports": None, "icmp_types": ["echo-request"]}
    if protocol != "icmp":
        asked = {"ports": draw(st.lists(st.sampled_from(PORTS), min_size=1, max_size=2, unique=True))}
    return row("r", source=draw(ENDS), destination=draw(ENDS), protocol=protocol, **asked)


def numbered(found: list[dict[str, Any]]) -> Matrix:
    return Matrix.model_validate({"rows": [{**one, "id": f"r{i}"} for i, one in enumerate(found)]})


def meant(one: Row, packet: Packet) -> bool:
    """Say from the table alone whether a row is for a packet."""
    if one.protocol != packet.protocol:
        return False
    spans = [tuple(map(int, (text.split("-") * 2)[:2])) for text in one.ports] or [(8, 8)]
    return (
        any(first <= packet.port <= last for first, last in spans)
        and _held(packet.source, one.source)
        and _held(packet.destination, one.destination)
    )


def _held(address: str, words: list[str]) -> bool:
    networks = [IPv4Network(part) for word in words for part in WORDS[word]]
    return any(IPv4Address(address) in network for network in networks)


PEERS = [
    "10.1.1.8",
    "10.1.1.9",
    "10.1.1.11",
    "10.1.1.12",
    "10.1.1.13",
    "10.1.1.16",
    "10.1.2.11",
    "10.1.2.255",
    "10.1.3.0",
    "10.1.3.2",
    "10.1.9.5",
    "10.1.9.6",
]
NUMBERS = (21, 22, 23, 79, 80, 85, 90, 91, 999, 1000, 2000, 2001, 5432, 65535)
ASKED = [("icmp", 8), ("icmp", 13), *((protocol, n) for protocol in ("tcp", "udp") for n in NUMBERS)]


def packets(host: str) -> Iterator[Packet]:
    for own in OWN[host]:
        for peer in PEERS:
            if peer in OWN[host]:
                continue
            for protocol, port in ASKED:
                yield Packet("input", protocol, peer, own, port)
                yield Packet("output", protocol, own, peer, port)


def disagreements(inventory: Inventory, table: Matrix, host: str) -> list[Packet]:
    """Return the packets on which the loaded ruleset and the table differ."""
    rules = Rules(loaded(render(host_flows(inventory, table)[host])))
    return [
        packet
        for packet in packets(host)
        if rules.accepts(packet) != any(meant(one, packet) for one in table.rows)
    ]


@settings(deadline=None, phases=[Phase.generate], max_examples=25, suppress_health_check=list(HealthCheck))
@given(found=st.lists(random_row(), max_size=8), host=st.sampled_from(sorted(HOSTS)))
def test_few_rows_accept_exactly_the_matrix(
    inventory: Inventory, found: list[dict[str, Any]], host: str
) -> None:
    assert disagreements(inventory, numbered(found), host) == []


@settings(deadline=None, phases=[Phase.generate], max_examples=8, suppress_health_check=list(HealthCheck))
@given(
    found=st.lists(random_row(), min_size=5, max_size=20),
    host=st.sampled_from(sorted(HOSTS)),
    first=st.integers(2300, 5000),
)
def test_many_rows_dispatched_by_port_accept_exactly_the_matrix(
    inventory: Inventory, found: list[dict[str, Any]], host: str, first: int
) -> None:
    """With rows on ports nobody asks for, so many that each way and protocol is dispatched."""
    others = [
        row("r", source=source, destination=destination, protocol=protocol, ports=[str(first + number)])
        for number in range(DISPATCH_FROM)
        for protocol in ("tcp", "udp")
        for source, destination in ((["10.1.9.5"], [host]), ([host], ["10.1.9.5"]))
    ]
    table = numbered(found + others)
    text = render(host_flows(inventory, table)[host])
    assert "tcp dport vmap" in text
    assert "udp dport vmap" in text
    assert disagreements(inventory, table, host) == []


def test_a_packet_that_claims_to_be_ours_is_dropped(inventory: Inventory) -> None:
    everyone = row("all", source=["10.0.0.0/8", "127.0.0.0/8"], destination=["plc-gw"], ports=["4840"])
    rules = Rules(loaded(render(host_flows(inventory, matrix(everyone))["plc-gw"])))
    assert rules.accepts(Packet("input", "tcp", "10.1.1.12", "10.1.1.11", 4840))
    assert not rules.accepts(Packet("input", "tcp", "10.1.1.11", "10.1.1.11", 4840))
    assert not rules.accepts(Packet("input", "tcp", "127.0.0.1", "10.1.1.11", 4840))


def test_every_row_of_a_host_is_named_in_its_rules(inventory: Inventory) -> None:
    text = render(host_flows(inventory, matrix(row()))["hist"])
    for name in ("management", "time", "names", "directory", "log", "history"):
        assert f'comment "{name}"' in text
