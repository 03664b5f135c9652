"""The firewall's roads in and their obstacles, from what nft and systemd really printed."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from plumbline.probes.base import Output, ParseError
from plumbline.probes.firewall import BOOT, NOW, Entrance, _closed, _openings, _rewriting, _shut_out
from plumbline.probes.firewall.evaluate import Packet, inbound
from plumbline.probes.firewall.flows import Box, less, of_network
from plumbline.probes.firewall.loaders import Detours
from plumbline.probes.firewall.loading import SERVICE, UNITS, obstacles, other_loaders, other_services
from plumbline.probes.firewall.ruleset import Ruleset, parse_ruleset
from plumbline.probes.systemd import ON_DISK, Line, UnitsOnDisk
from plumbline.verify.unknown import Unknown

RECORDED = Path(__file__).parents[2] / "recorded"
HERE = Entrance("host0", ipaddress.IPv4Address("10.0.0.5"))
NONE = Detours((), (), ())
SSH = [of_network("tcp", ipaddress.IPv4Network("192.0.2.0/24"), 22, 22)]


def printed(path: str) -> Output:
    return Output((RECORDED / path).read_bytes(), b"", 0)


def recorded_with(path: str, keep: Callable[[str], bool]) -> Ruleset:
    """Return the recorded ruleset with those rules only whose JSON is kept; everything else stays."""
    document = json.loads((RECORDED / path).read_text())
    kept = [o for o in document["nftables"] if "rule" not in o or keep(json.dumps(o["rule"]["expr"]))]
    return parse_ruleset(json.dumps({"nftables": kept}))


@pytest.fixture(params=["1.0.6", "1.1.3"])
def roads(request: pytest.FixtureRequest) -> str:
    return f"firewall/roads-nft-{request.param}.json"


def with_only(path: str, *parts: str) -> Ruleset:
    rules = recorded_with(path, lambda rule: any(part in rule for part in parts))
    rules.chains = {key: chain for key, chain in rules.chains.items() if chain.table != "dorm"}
    return rules


def opened(ruleset: Ruleset) -> set[str]:
    return {str(Box(b.protocol, b.low, b.high, b.first, b.last)) for b in _openings(ruleset)}


def test_every_recorded_rule_is_followed(roads: str) -> None:
    rules = NOW.parse(printed(roads))
    assert rules is not None
    assert _openings(rules) != []
    assert {line.rsplit(" ", 1)[-1] for line in _rewriting(rules)} == {
        "mangle",
        "notrack",
        "helper",
        "expectation",
    }


def test_table_with_an_unreadable_flag_may_be_dormant_and_may_not(roads: str) -> None:
    rules = recorded_with(roads, lambda _: False)
    rules.chains = {key: chain for key, chain in rules.chains.items() if chain.table == "dorm"}
    assert opened(rules) == {
        "tcp from anywhere",
        "udp from anywhere",
        "icmp from anywhere",
        "other from anywhere",
    }


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ('"right": "@both"', {"tcp 22 from 10.0.0.0/24", "tcp 80-90 from 10.0.0.9"}),
        ('"10.1.1.1", {"range": [80, 81]}', {"tcp 22 from 10.0.0.0/8", "tcp 80-81 from 10.1.1.1"}),
        ('"len": 16}}, 443', {"tcp 443 from 10.2.0.0/16"}),
        ('"data": "@vm"', {"tcp 22 from anywhere"}),
        ('["*", {"drop": null}]', {"tcp 22 from anywhere"}),
        ('"icmpv6"', set()),
        ('"fe80::"', set()),
        ('{"set": [1, 58]}', {"icmp from anywhere"}),
        ('"iiftype"', set()),
        ('"right": "lo"', set()),
        ('"sctp"', {"other from anywhere"}),
        ('"established", {"accept"', set()),
        ('"sport"', {"tcp from 10.0.0.0/8"}),
        ('"right": "syn"', {"tcp 1 from anywhere"}),
    ],
)
def test_recorded_rule_opens(roads: str, part: str, expected: set[str]) -> None:
    found = _openings(with_only(roads, part))
    wanted = expected
    if part == '"sport"':  # two of its networks are left out
        excluded = [of_network("tcp", ipaddress.IPv4Network(n)) for n in ("10.1.1.1/32", "10.2.0.0/16")]
        assert less([of_network("tcp", ipaddress.IPv4Network("10.0.0.0/8"))], [*found, *excluded]) == []
        assert less(found, [of_network("tcp", ipaddress.IPv4Network("10.0.0.0/8"))]) == []
        return
    assert {str(Box(b.protocol, b.low, b.high, b.first, b.last)) for b in found} == wanted


def test_element_for_all_others_opens_to_anybody(roads: str) -> None:
    assert "tcp from anywhere" in opened(with_only(roads, '"@any"'))


def test_set_that_packets_fill_may_hold_anybody(roads: str) -> None:
    assert "tcp from anywhere" in opened(with_only(roads, '"@dyn"'))
    assert opened(recorded_with(roads, lambda rule: '"right": "@dyn"' in rule)) == set()


ORDINARY = [
    '["fin", "syn"]',  # a flag combination no connection begins with
    '"fib"',  # no way back
    '"inv": true',  # beyond a rate
    '"frag-off"',  # fragments
]


def test_drops_of_extraordinary_packets_do_not_shut_management_out(roads: str) -> None:
    rules = with_only(roads, *ORDINARY, '"rate": 10, "burst": 5, "per": "minute"}')
    assert _closed(rules, HERE, SSH) == []


def test_own_address_as_destination_is_answered(roads: str) -> None:
    rules = with_only(roads, '"10.0.0.5"')
    assert _closed(rules, HERE, SSH) == []
    assert _closed(rules, Entrance("host0", ipaddress.IPv4Address("10.0.0.6")), SSH) == SSH


def test_early_drop_before_connection_tracking_is_on_the_way(roads: str) -> None:
    rules = with_only(roads, '"10.0.0.5"', '"right": "invalid"')
    assert _closed(rules, HERE, SSH) == SSH
    on_device = with_only(roads, '"10.0.0.5"', '"right": 22}}, {"drop"')
    assert _closed(on_device, HERE, SSH) == SSH


def test_question_nobody_can_answer_is_unknown_not_shut() -> None:
    rule = {"family": "inet", "table": "t", "chain": "c"}
    mark = {"match": {"op": "==", "left": {"meta": {"key": "mark"}}, "right": 5}}
    chain = {"family": "inet", "table": "t", "name": "c", "type": "filter", "hook": "input", "prio": 0}
    objects = [
        {"metainfo": {}},
        {"chain": {**chain, "policy": "drop"}},
        {"rule": {**rule, "expr": [mark, {"accept": None}]}},
    ]
    rules = parse_ruleset(json.dumps({"nftables": objects}))
    with pytest.raises(Unknown, match="cannot be said from the rules"):
        _closed(rules, HERE, SSH)


def test_rule_of_the_old_iptables_without_a_verdict_may_let_in() -> None:
    chain = {"family": "ip", "table": "filter", "name": "INPUT", "type": "filter", "hook": "input", "prio": 0}
    rule = {"family": "ip", "table": "filter", "chain": "INPUT", "expr": [{"xt": None}, {"counter": None}]}
    objects = [{"metainfo": {}}, {"chain": {**chain, "policy": "drop"}}, {"rule": rule}]
    rules = parse_ruleset(json.dumps({"nftables": objects}))
    assert "tcp from anywhere" in opened(rules)
    assert inbound(rules, Packet(answer="surely")) == []


def test_set_that_is_not_there_is_not_an_empty_one(roads: str) -> None:
    rules = with_only(roads, '"right": "@any"')
    rules.sets.clear()
    with pytest.raises(ParseError, match="not there"):
        _openings(rules)


@pytest.mark.parametrize("version", ["1.0.6", "1.1.3"])
def test_hardened_host_lets_replies_and_errors_in(version: str) -> None:
    rules = NOW.parse(printed(f"firewall/hardened-nft-{version}.json"))
    assert rules is not None
    assert _shut_out(rules, HERE) == []
    assert _rewriting(rules) == []


def refusals(version: str) -> list[str]:
    text = (RECORDED / f"firewall/refused-nft-{version}.txt").read_text()
    return [part.lstrip("\n") for part in text.split("====") if part.strip()]


@pytest.mark.parametrize("version", ["1.0.6", "1.1.3"])
def test_boot_file_that_nft_refuses_loads_nothing(version: str) -> None:
    seen = []
    for refusal in refusals(version):
        try:
            loaded = BOOT.parse(Output(refusal.encode(), b"", 0))
        except Unknown as unknown:
            seen.append(f"unknown: {str(unknown).rsplit('Error: ', 1)[-1]}")
        else:
            assert loaded.ruleset == Ruleset()
            seen.append(f"refused: {loaded.refused.rsplit('Error: ', 1)[-1]}")
    assert seen == [
        "unknown: Interface does not exist",
        "refused: syntax error, unexpected drop",
        "refused: Could not process rule: No such file or directory",
        "refused: File not found: /nope/a.nft",
        "refused: Could not resolve hostname: Temporary failure in name resolution",
        "unknown: Could not process rule: No such file or directory",
    ]


def test_refusal_without_a_word_is_unknown() -> None:
    with pytest.raises(Unknown):
        BOOT.parse(Output(b"does not load\n\n", b"", 0))


@pytest.fixture(params=["252", "257"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def disk(version: str, *, without: str = "", more: str = "") -> UnitsOnDisk:
    text = (RECORDED / f"systemd/on-disk-systemd-{version}.txt").read_text()
    kept = "".join(line for line in text.splitlines(keepends=True) if not without or without not in line)
    return ON_DISK.parse(Output((more + kept).encode(), b"", 0))


def told(version: str, old: str = "", new: str = "") -> list[str]:
    text = (RECORDED / f"firewall/units-systemd-{version}.txt").read_text()
    assert old in text
    found = UNITS.parse(Output(text.replace(old, new, 1).encode(), b"", 0))
    return obstacles(found[SERVICE], disk(version), [])


def test_recorded_unit_has_no_obstacle(version: str) -> None:
    assert told(version) == []


def test_obstacles_are_told_as_systemd_writes_them(version: str) -> None:
    assert told(version, "PrivateNetwork=no", "PrivateNetwork=yes") == [f"{SERVICE}: PrivateNetwork=yes"]
    assert told(version, "argv[]=/usr/sbin/nft -f /etc/nftables.conf", "argv[]=/usr/sbin/nft -f /x") == [
        f"{SERVICE}: ExecStart=/usr/sbin/nft -f /x"
    ]
    assert told(version, "network-pre.target", "late.target")[0].startswith(f"{SERVICE}: Before=")


def test_link_to_nowhere_in_the_wanting_directory_enables_nothing(version: str) -> None:
    link = "sysinit.target.wants/nftables.service"
    on_disk = disk(version, without=link, more=f"link\t/etc/systemd/system/{link}\t/dev/null\n")
    assert on_disk.state(SERVICE) == "disabled"


def test_line_of_a_unit_file_that_a_nearer_one_replaces_does_not_count(version: str) -> None:
    lines = [Line("/usr/lib/systemd/system/own.service", 3, "ExecStart=/usr/sbin/nft -f /x")]
    enabled = (
        "link\t/etc/systemd/system/multi-user.target.wants/own.service\t/etc/systemd/system/own.service\n"
    )
    far = "file\t/usr/lib/systemd/system/own.service\t9\n"
    near = "file\t/etc/systemd/system/own.service\t9\n"
    assert other_loaders(lines, [], NONE, disk(version, more=enabled + far)) == lines
    assert other_loaders(lines, [], NONE, disk(version, more=enabled + far + near)) == []


def test_script_that_only_lists_or_ends_without_the_program_loads_nothing(version: str) -> None:
    path = "/etc/network/if-up.d/x"
    texts = [
        "[ -x /usr/sbin/nft ] || exit 0",
        "nft -j list ruleset >/var/log/x",
        "iptables -L -n",
        "nft -f /x",
        "nft list tables >/dev/null; nft -f /y",
    ]
    lines = [Line(path, number, text) for number, text in enumerate(texts, 1)]
    assert [line.number for line in other_loaders([], lines, NONE, disk(version))] == [4, 5]


def test_other_service_that_is_absent_is_not_told(version: str) -> None:
    found = UNITS.parse(printed(f"firewall/units-systemd-{version}.txt"))
    assert other_services(found, disk(version)) == []


def test_what_a_container_runtime_does_through_iptables_is_rewriting() -> None:
    """iptables-nft 1.8.9 made these rules; nft 1.0.6 names their targets and nothing more."""
    rules = NOW.parse(printed("firewall/container-rules-iptables-1.8.9-nft-1.0.6.json"))
    assert _rewriting(rules) == [
        "ip nat DOCKER: meta iifname != docker0 tcp dport 8080 counter target DNAT",
        "ip nat POSTROUTING: meta oifname != docker0 ip saddr 172.17.0.0/16 counter target MASQUERADE",
        "netdev n i: tcp dport 7003 ip saddr mangle",
        "inet ing i: tcp dport 7005 ip saddr mangle",
    ]


@pytest.mark.parametrize(
    ("statement", "rewrites"),
    [
        ({"xt": {"type": "target", "name": "DNAT"}}, True),
        ({"xt": {"type": "target", "name": "NOTRACK"}}, True),
        ({"xt": {"type": "target", "name": "a target of tomorrow"}}, True),
        ({"xt": None}, True),
        ({"xt": {"type": "target", "name": "LOG"}}, False),
        ({"xt": {"type": "match", "name": "addrtype"}}, False),
    ],
)
def test_a_target_of_iptables_rewrites_unless_it_is_known_not_to(statement: object, rewrites: bool) -> None:
    document = {
        "nftables": [
            {"metainfo": {}},
            {"chain": {"family": "ip", "table": "nat", "name": "c"}},
            {"rule": {"family": "ip", "table": "nat", "chain": "c", "expr": [statement]}},
        ]
    }
    assert bool(_rewriting(parse_ruleset(json.dumps(document)))) is rewrites


def filtered(before: list[object], **more: object) -> Ruleset:
    """Return a filter that lets loopback, replies and errors in, behind a chain with these statements."""
    chain = {"family": "inet", "table": "t", "type": "filter", "hook": "input", "policy": "accept"}
    in_first = {"family": "inet", "table": "t", "chain": "first"}
    document = [
        {"metainfo": {}},
        *({kind: {"family": "inet", "table": "t", **value}} for kind, value in more.items()),
        {"chain": {**chain, "name": "first", "prio": -1}},
        {"rule": {**in_first, "expr": before}},
    ]
    return parse_ruleset(json.dumps({"nftables": document}))


def of_set(name: str) -> object:
    saddr = {"payload": {"protocol": "ip", "field": "saddr"}}
    return {"match": {"op": "==", "left": saddr, "right": name}}


PORT = {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 22}}


def test_who_is_banned_from_a_port_is_no_loopback_that_is_shut() -> None:
    rules = filtered([PORT, of_set("@bans"), {"drop": None}], set={"name": "bans", "elem": ["203.0.113.5"]})
    assert _shut_out(rules, HERE) == []


@pytest.mark.parametrize(
    ("element", "shuts"),
    [
        ("203.0.113.5", True),
        ({"elem": {"val": "203.0.113.5", "comment": "x"}}, True),
        ({"elem": {"val": "203.0.113.5", "timeout": 600, "expires": 599}}, False),
        ({"elem": {"val": "203.0.113.5", "expires": 3599}}, False),
    ],
    ids=["for good", "with a comment", "for a while", "for the set's while"],
)
def test_who_is_banned_for_a_while_is_not_shut_out(element: object, shuts: bool) -> None:
    rules = filtered([of_set("@bans"), {"drop": None}], set={"name": "bans", "elem": [element]})
    assert bool(_shut_out(rules, HERE)) is shuts


def test_who_may_come_for_a_while_does_not_surely_come_and_may() -> None:
    element = {"elem": {"val": "192.0.2.7", "timeout": 600, "expires": 599}}
    rules = filtered([of_set("@guests"), {"accept": None}], set={"name": "guests", "elem": [element]})
    (chain,) = rules.chains.values()
    chain.policy = "drop"
    assert {str(box).partition(" (")[0] for box in _openings(rules)} >= {"tcp from 192.0.2.7"}
    assert inbound(rules, Packet("new", "host0", "surely")) == []


@pytest.mark.parametrize("kind", ["limit", "quota"])
def test_what_is_dropped_beyond_a_named_limit_is_not_shut(kind: str) -> None:
    """What nft 1.0.6 prints: the rule has the name alone, the object says `inv` where it holds beyond."""
    rules = filtered([{kind: "lim"}, {"drop": None}], **{kind: {"name": "lim", "inv": True}})
    assert _shut_out(rules, HERE) == []


def test_what_is_dropped_up_to_a_named_limit_may_be_shut() -> None:
    with pytest.raises(Unknown):
        _shut_out(filtered([{"limit": "lim"}, {"drop": None}], limit={"name": "lim"}), HERE)


def test_of_a_limit_that_a_map_chooses_nothing_is_said() -> None:
    chosen = {
        "map": {"key": {"payload": {"protocol": "tcp", "field": "dport"}}, "data": {"set": [[22, "l"]]}}
    }
    with pytest.raises(Unknown):
        _shut_out(filtered([{"limit": chosen}, {"drop": None}]), HERE)


def test_dropping_sources_that_nobody_outside_has_shuts_nobody_out() -> None:
    """Replies come from other hosts, so a rule against one's own addresses and loopback keeps none out."""
    rules = NOW.parse(printed("firewall/container-rules-iptables-1.8.9-nft-1.0.6.json"))
    assert rules is not None
    ours = {key: chain for key, chain in rules.chains.items() if chain.table == "plumbline"}
    own = ipaddress.IPv4Address("10.89.2.11")
    assert _shut_out(Ruleset(ours, rules.sets), Entrance("host0", own)) == []
    assert _shut_out(Ruleset(ours, rules.sets), Entrance("host0", ipaddress.IPv4Address("10.89.2.12"))) != []
