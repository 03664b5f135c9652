"""Holes behind the matrix' back in rules as nft printed them: foreign addresses, verdict maps, stand-ins."""

from __future__ import annotations

import json
from ipaddress import IPv4Address

import pytest
from golden import FOLDER, TABLE

from plumbline.matrix.flows import host_flows
from plumbline.matrix.readback.approved import Approved, Face
from plumbline.matrix.readback.compare import Difference, differences
from plumbline.probes.firewall import _rewriting
from plumbline.probes.firewall.ruleset import parse_ruleset
from plumbline.spec.load import Inventory

PRINTED = (FOLDER / "hist-holes.nft-1.0.6.json").read_text()
FACES = [Face("eth0", int(IPv4Address("10.1.1.12"))), Face("eth1", int(IPv4Address("10.1.3.2")))]


@pytest.fixture
def found(inventory: Inventory) -> list[Difference]:
    approved = Approved(host_flows(inventory, TABLE)["hist"])
    return differences(parse_ruleset(PRINTED), approved, FACES)


@pytest.mark.parametrize(
    ("way", "told"),
    [
        ("in", "ip daddr 10.1.1.99 tcp dport 7601 accept"),
        ("in", "ip daddr vmap {224.0.0.251,accept}"),
        ("in", "ip daddr @many udp dport 7602 accept"),
        ("out", "ip saddr != {10.1.1.12, 10.1.3.2} tcp dport 7603 accept"),
        ("out", "ip saddr 10.1.1.98 accept"),
    ],
    ids=["an address more", "verdict map", "named set", "all but the host's own", "a foreign source"],
)
def test_rule_for_an_address_that_the_host_should_not_have_is_open(
    found: list[Difference], way: str, told: str
) -> None:
    (one,) = [one for one in found if told in one.by]
    assert (one.kind, one.way) == ("open", way)


def test_what_a_verdict_map_sends_on_does_not_come_to_its_element_for_all_others(
    found: list[Difference],
) -> None:
    """7605 goes on to the next rule, 7606 comes back from a chain; all others, as 7607, are dropped."""
    (one,) = [one for one in found if "tcp dport {7605, 7606, 7607} accept" in one.by]
    assert one.kind == "open"
    assert {flow.partition(":")[0] for flow in one.flows} == {"tcp 7605-7606", "IPv6 tcp"}


def test_protocols_are_read_by_number_as_a_host_may_name_them_otherwise(found: list[Difference]) -> None:
    document = json.loads(PRINTED)
    rules = [one["rule"]["expr"] for one in document["nftables"] if "rule" in one]
    assert {"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": 47}} in [
        part for rule in rules for part in rule
    ]
    (one,) = [one for one in found if "meta l4proto 47 accept" in one.by]
    assert one.kind == "open"
    assert all(flow.startswith("other: ") or flow == "IPv6 other" for flow in one.flows)


def test_a_stand_in_that_answers_for_the_host_is_a_rewrite() -> None:
    assert _rewriting(parse_ruleset(PRINTED)) == ["inet plumbline input: tcp dport 7604 synproxy"]
