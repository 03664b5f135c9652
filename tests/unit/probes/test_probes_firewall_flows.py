"""The firewall's evaluator: following sets of flows must agree with following one packet at a time."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.probes.base import Output, ParseError
from plumbline.probes.firewall import (
    BOOT,
    LEGACY,
    NOW,
    UNITS,
    Entrance,
    _defaults,
    _openings,
    _rewriting,
    _shut_out,
)
from plumbline.probes.firewall.evaluate import Packet, inbound
from plumbline.probes.firewall.flows import ADDRESS_MAX, Box, everything, less, meet, of_network
from plumbline.probes.firewall.ruleset import Ruleset, parse_ruleset

RECORDED = Path(__file__).parents[2] / "recorded" / "firewall"

Json = dict[str, Any]


def match(protocol: str, field: str, right: object, op: str = "==") -> Json:
    return {"match": {"op": op, "left": {"payload": {"protocol": protocol, "field": field}}, "right": right}}


def ct_state(*states: str) -> Json:
    return {"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": list(states)}}


def iifname(name: str, op: str = "==") -> Json:
    return {"match": {"op": op, "left": {"meta": {"key": "iifname"}}, "right": name}}


ACCEPT: Json = {"accept": None}
DROP: Json = {"drop": None}
MARK: Json = {"match": {"op": "==", "left": {"meta": {"key": "mark"}}, "right": 7}}
LIMIT: Json = {"limit": {"rate": 5, "burst": 5, "per": "second"}}


def ruleset(
    *rules: list[Json],
    policy: str = "drop",
    others: dict[str, list[list[Json]]] | None = None,
    more: list[Json] | None = None,
) -> Ruleset:
    """Make a ruleset of one table `inet t` with the base chain `input` and chains to jump to."""
    objects: list[Json] = [{"metainfo": {}}]
    chains = {"input": list(rules), **(others or {})}
    for name in chains:
        base = {"type": "filter", "hook": "input", "prio": 0, "policy": policy} if name == "input" else {}
        objects.append({"chain": {"family": "inet", "table": "t", "name": name, **base}})
    for name, written in chains.items():
        objects += [
            {"rule": {"family": "inet", "table": "t", "chain": name, "expr": expr}} for expr in written
        ]
    return parse_ruleset(json.dumps({"nftables": objects + (more or [])}))


def told(boxes: list[Box]) -> list[str]:
    return [str(Box(b.protocol, b.low, b.high, b.first, b.last)) for b in boxes]


def test_empty_ruleset_lets_everything_in() -> None:
    empty = parse_ruleset('{"nftables": [{"metainfo": {}}]}')
    assert less(everything(), _openings(empty)) == []
    assert _defaults(empty) == {"input": "accept", "forward": "accept"}


def test_missing_nft_lets_everything_in() -> None:
    assert NOW.parse(Output(b"no nft\n", b"", 0)) is None
    assert less(everything(), _openings(None)) == []


def test_policy_drop_without_rules_lets_nothing_in() -> None:
    assert _openings(ruleset()) == []


def test_policy_accept_ended_by_a_drop_rule_is_default_deny() -> None:
    rules = ruleset([match("tcp", "dport", 22), ACCEPT], [DROP], policy="accept")
    assert _defaults(rules)["input"] == "drop"
    assert told(_openings(rules)) == ["tcp 22 from anywhere"]


def test_policy_accept_after_a_limited_drop_is_not_default_deny() -> None:
    assert _defaults(ruleset([LIMIT, DROP], policy="accept"))["input"] == "accept"


def test_rule_on_another_interface_is_an_opening() -> None:
    assert told(_openings(ruleset([iifname("eth1"), match("tcp", "dport", 80), ACCEPT]))) == [
        "tcp 80 from anywhere"
    ]


def test_loopback_is_no_opening() -> None:
    assert _openings(ruleset([iifname("lo"), ACCEPT])) == []


def test_everything_but_loopback_is_an_opening() -> None:
    assert less(everything(), _openings(ruleset([iifname("lo", "!="), ACCEPT]))) == []


def test_untracked_packets_are_openings() -> None:
    assert told(_openings(ruleset([ct_state("untracked"), match("tcp", "dport", 23), ACCEPT]))) == [
        "tcp 23 from anywhere"
    ]


def test_replies_are_no_opening_but_new_with_them_is() -> None:
    assert _openings(ruleset([ct_state("established", "related"), ACCEPT])) == []
    assert less(everything(), _openings(ruleset([ct_state("established", "new"), ACCEPT]))) == []


def test_unanswerable_accept_may_let_in_but_surely_does_not() -> None:
    marked = ruleset([match("tcp", "dport", 22), MARK, ACCEPT])
    assert told(inbound(marked, Packet(answer="may"))) == ["tcp 22 from anywhere"]
    assert inbound(marked, Packet(answer="surely")) == []


def test_unanswerable_drop_does_not_keep_out_but_spoils_surely() -> None:
    marked = ruleset([MARK, DROP], [match("tcp", "dport", 22), ACCEPT])
    assert told(inbound(marked, Packet(answer="may"))) == ["tcp 22 from anywhere"]
    assert inbound(marked, Packet(answer="surely")) == []


def test_drop_before_accept_closes() -> None:
    rules = ruleset([match("ip", "saddr", "192.0.2.7"), DROP], [match("tcp", "dport", 22), ACCEPT])
    lower, upper = _openings(rules)
    assert told([lower, upper]) == ["tcp 22 from 0.0.0.0-192.0.2.6", "tcp 22 from 192.0.2.8-255.255.255.255"]


def test_jump_into_an_accepting_chain_opens() -> None:
    rules = ruleset([{"jump": {"target": "ssh"}}], others={"ssh": [[match("tcp", "dport", 22), ACCEPT]]})
    assert told(_openings(rules)) == ["tcp 22 from anywhere"]


def test_jump_to_an_empty_chain_comes_back_and_goto_does_not() -> None:
    accept = [match("tcp", "dport", 22), ACCEPT]
    assert told(_openings(ruleset([{"jump": {"target": "e"}}], accept, others={"e": []}))) == [
        "tcp 22 from anywhere"
    ]
    assert _openings(ruleset([{"goto": {"target": "e"}}], accept, others={"e": []})) == []


def test_verdict_map_opens_what_it_accepts() -> None:
    key = {"payload": {"protocol": "tcp", "field": "dport"}}
    rules = ruleset([{"vmap": {"key": key, "data": {"set": [[22, ACCEPT], [23, DROP]]}}}])
    assert told(_openings(rules)) == ["tcp 22 from anywhere"]


def test_element_of_a_named_set_is_an_opening() -> None:
    named = {
        "set": {
            "family": "inet",
            "table": "t",
            "name": "s",
            "elem": ["192.0.2.1", {"elem": {"val": "192.0.2.9"}}],
        }
    }
    rules = ruleset([match("ip", "saddr", "@s"), match("tcp", "dport", 22), ACCEPT], more=[named])
    assert told(_openings(rules)) == ["tcp 22 from 192.0.2.1", "tcp 22 from 192.0.2.9"]


def test_queue_to_a_program_may_let_in() -> None:
    assert less(everything(), _openings(ruleset([{"queue": {"num": 0}}]))) == []


def test_one_other_protocol_is_not_all_of_them() -> None:
    rules = ruleset([match("ip", "protocol", "gre"), DROP], [match("ip", "protocol", "esp"), ACCEPT])
    assert told(inbound(rules, Packet(answer="may"))) == ["other from anywhere"]
    assert inbound(rules, Packet(answer="surely")) == []


def test_port_of_any_transport_says_nothing_of_other_protocols() -> None:
    rules = ruleset([match("th", "dport", 53), ACCEPT])
    opened = ["tcp 53 from anywhere", "udp 53 from anywhere", "icmp from anywhere", "other from anywhere"]
    assert told(inbound(rules, Packet(answer="may"))) == opened
    assert inbound(rules, Packet(answer="surely")) == []


def test_all_ports_but_one_are_of_that_protocol_alone() -> None:
    rules = ruleset([match("tcp", "dport", 22, "!="), ACCEPT])
    assert told(_openings(rules)) == ["tcp 0-21 from anywhere", "tcp 23-65535 from anywhere"]


def test_second_table_that_accepts_opens_nothing_behind_a_drop() -> None:
    second = [
        {
            "chain": {
                "family": "ip",
                "table": "x",
                "name": "c",
                "type": "filter",
                "hook": "input",
                "prio": -300,
                "policy": "accept",
            }
        },
        {"rule": {"family": "ip", "table": "x", "chain": "c", "expr": [match("tcp", "dport", 23), ACCEPT]}},
    ]
    assert _openings(ruleset(more=second)) == []


def test_second_table_that_drops_shuts_management_out() -> None:
    second = [
        {
            "chain": {
                "family": "ip",
                "table": "x",
                "name": "c",
                "type": "filter",
                "hook": "input",
                "prio": 10,
                "policy": "drop",
            }
        },
    ]
    wanted = [of_network("tcp", ipaddress.IPv4Network("192.0.2.0/24"), 22, 22)]
    let_in = inbound(ruleset([match("tcp", "dport", 22), ACCEPT], more=second), Packet(answer="surely"))
    assert told(less(wanted, let_in)) == ["tcp 22 from 192.0.2.0/24"]


def test_ip6_table_says_nothing_of_ipv4() -> None:
    only6 = [
        {
            "chain": {
                "family": "ip6",
                "table": "x",
                "name": "c",
                "type": "filter",
                "hook": "input",
                "prio": 0,
                "policy": "drop",
            }
        }
    ]
    rules = parse_ruleset(json.dumps({"nftables": [{"metainfo": {}}, *only6]}))
    assert _defaults(rules)["input"] == "accept"


def test_missing_loopback_rule_is_named() -> None:
    rules = ruleset([ct_state("established", "related"), ACCEPT])
    assert {
        line.split(":")[0] for line in _shut_out(rules, Entrance("eth0", ipaddress.IPv4Address("192.0.2.1")))
    } == {"loopback"}


def test_recorded_ruleset_of_many_kinds_is_understood() -> None:
    rules = NOW.parse(Output((RECORDED / "nft-1.0.6-many-kinds-of-rules.json").read_bytes(), b"", 0))
    assert rules is not None
    assert [line.split(": ", 1)[1].split()[-1] for line in _rewriting(rules)] == [
        "redirect",
        "dnat",
        "masquerade",
        "notrack",
    ]
    assert [box.rule for box in _openings(rules)] == [
        "inet plumbline input: ct state {established, new} accept"
    ] * 4


@pytest.mark.parametrize(
    "printed", [b"", b"{", b"[]", b"{}", b'{"nftables": []}', b'{"nftables": {}}', b"\xff\xfe"]
)
def test_damaged_ruleset_is_not_an_empty_one(printed: bytes) -> None:
    for probe in (NOW, BOOT):
        with pytest.raises(ParseError):
            probe.parse(Output(printed, b"", 0))


def test_unit_block_without_a_name_is_not_understood() -> None:
    with pytest.raises(ParseError):
        UNITS.parse(Output(b"LoadState=loaded\n", b"", 0))


def test_legacy_tables_are_named_with_their_file() -> None:
    printed = b"/proc/net/ip_tables_names: filter\n"
    assert LEGACY.parse(Output(printed, b"", 0)) == ["/proc/net/ip_tables_names: filter"]


# One packet at a time, to compare with: the same rules followed without any set of flows.

ADDRESSES = ["10.0.0.1", "10.0.0.2", "10.0.1.0", "192.0.2.1"]
PORTS = [21, 22, 23, 80]

ip_values = st.one_of(
    st.sampled_from(ADDRESSES),
    st.just({"prefix": {"addr": "10.0.0.0", "len": 24}}),
    st.just({"range": ["10.0.0.2", "10.0.1.0"]}),
    st.lists(st.sampled_from(ADDRESSES), min_size=1, max_size=3).map(lambda found: {"set": found}),
)
port_values = st.one_of(
    st.sampled_from(PORTS),
    st.just({"range": [22, 80]}),
    st.lists(st.sampled_from(PORTS), min_size=1, max_size=3).map(lambda found: {"set": found}),
)
operators = st.sampled_from(["==", "!="])
matches = st.one_of(
    st.builds(match, st.just("ip"), st.just("saddr"), ip_values, operators),
    st.builds(match, st.sampled_from(["tcp", "udp"]), st.just("dport"), port_values, operators),
    st.builds(match, st.just("ip"), st.just("protocol"), st.sampled_from(["tcp", "udp", "icmp"]), operators),
    st.builds(ct_state, st.sampled_from(["new", "established", "invalid"])),
)
plain_ends = st.sampled_from([ACCEPT, DROP, {"return": None}, {"counter": None}])
plain_rules = st.builds(lambda asked, end: [*asked, end], st.lists(matches, max_size=2), plain_ends)
jumps = st.builds(
    lambda asked, kind: [*asked, {kind: {"target": "sub"}}],
    st.lists(matches, max_size=1),
    st.sampled_from(["jump", "goto"]),
)
chains = st.lists(st.one_of(plain_rules, jumps), max_size=5)


def holds(statement: Json, packet: tuple[str, str, int]) -> bool:
    protocol, address, port = packet
    asked = statement["match"]
    left, right = asked["left"], asked["right"]
    if "ct" in left:
        return "new" in right
    field = left["payload"]["field"]
    if field == "protocol":
        seen: object = protocol
    elif field == "saddr":
        seen = int(ipaddress.IPv4Address(address))
    else:
        if left["payload"]["protocol"] not in {protocol, "th"} or protocol == "icmp":
            return False
        seen = port
    return any(_equal(field, value, seen) for value in _several(right)) != (asked["op"] == "!=")


def _several(right: Any) -> list[Any]:  # noqa: ANN401  (nft's JSON)
    return right["set"] if isinstance(right, dict) and "set" in right else [right]


def _equal(field: str, value: Any, seen: Any) -> bool:  # noqa: ANN401  (nft's JSON)
    if field != "saddr":
        return (
            bool(value["range"][0] <= seen <= value["range"][1]) if isinstance(value, dict) else value == seen
        )
    if isinstance(value, dict) and "prefix" in value:
        return ipaddress.IPv4Address(seen) in ipaddress.IPv4Network("10.0.0.0/24")
    if isinstance(value, dict):
        low, high = (int(ipaddress.IPv4Address(end)) for end in value["range"])
        return low <= seen <= high
    return int(ipaddress.IPv4Address(value)) == seen


def follow(
    chains_by_name: dict[str, list[list[Json]]], name: str, packet: tuple[str, str, int]
) -> str | None:
    for rule in chains_by_name[name]:
        if not all(holds(statement, packet) for statement in rule if "match" in statement):
            continue
        kind = next(iter(rule[-1]))
        if kind in {"accept", "drop"}:
            return kind
        if kind == "return":
            return None
        if kind in {"jump", "goto"}:
            end = follow(chains_by_name, "sub", packet)
            if end is not None or kind == "goto":
                return end
    return None


@given(rules=chains, sub=st.lists(plain_rules, max_size=4), policy=st.sampled_from(["accept", "drop"]))
def test_sets_of_flows_agree_with_single_packets(
    rules: list[list[Json]], sub: list[list[Json]], policy: str
) -> None:
    written = ruleset(*rules, policy=policy, others={"sub": sub})
    may = inbound(written, Packet(answer="may"))
    surely = inbound(written, Packet(answer="surely"))
    for protocol in ("tcp", "udp", "icmp"):
        for address in ADDRESSES:
            for port in [*PORTS, 24]:
                number = int(ipaddress.IPv4Address(address))
                one = Box(protocol, number, number, port, port)
                expected = (
                    follow({"input": rules, "sub": sub}, "input", (protocol, address, port)) or policy
                ) == "accept"
                assert bool(meet([one], may)) == expected
                assert (less([one], surely) == []) == expected


@given(st.lists(st.one_of(plain_rules, st.builds(lambda rule: [LIMIT, *rule], plain_rules)), max_size=6))
def test_what_surely_comes_in_may_come_in(rules: list[list[Json]]) -> None:
    written = ruleset(*rules)
    assert less(inbound(written, Packet(answer="surely")), inbound(written, Packet(answer="may"))) == []


spans = st.tuples(st.integers(0, ADDRESS_MAX), st.integers(0, ADDRESS_MAX)).map(sorted)
ports = st.tuples(st.integers(0, 65535), st.integers(0, 65535)).map(sorted)
boxes = st.builds(lambda a, p: Box("tcp", a[0], a[1], p[0], p[1]), spans, ports)


def size(found: list[Box]) -> int:
    return sum((box.high - box.low + 1) * (box.last - box.first + 1) for box in found)


@given(boxes, boxes)
def test_a_box_is_what_it_shares_and_what_it_does_not(left: Box, right: Box) -> None:
    assert size([left]) == size(meet([left], [right])) + size(less([left], [right]))
    assert meet(less([left], [right]), [right]) == []


@given(st.lists(boxes, max_size=6), st.lists(boxes, max_size=6))
def test_many_boxes_split_as_one_does(left: list[Box], right: list[Box]) -> None:
    rest = less(left, right)
    assert meet(rest, right) == []
    assert less(meet(left, right), right) == []


def test_long_list_of_addresses_is_followed_all_the_same() -> None:
    addresses = [str(ipaddress.IPv4Address(0x0B000000 + 7 * index)) for index in range(4000)]
    named = {"set": {"family": "inet", "table": "t", "name": "s", "elem": addresses}}
    rules = ruleset([match("ip", "saddr", "@s"), DROP], [match("tcp", "dport", 22), ACCEPT], more=[named])
    opened = _openings(rules)
    assert len(opened) == len(addresses) + 1
    assert size(opened) == ADDRESS_MAX + 1 - len(addresses)
