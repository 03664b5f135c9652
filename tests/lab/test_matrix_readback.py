"""Read back from the real nft: what was compiled differs in nothing, every hole behind the table is found."""

from __future__ import annotations

import json
import subprocess
import sys
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from packet_by_packet import Packet, Rules
from test_matrix_rules import HOSTS, OWN, meant, numbered, packets, random_row

from plumbline.matrix.compile.nftables import render
from plumbline.matrix.flows import HostFlows, host_flows
from plumbline.matrix.model import Matrix
from plumbline.matrix.readback.approved import Approved, Face
from plumbline.matrix.readback.compare import Difference, differences
from plumbline.probes.base import ParseError
from plumbline.probes.firewall.ruleset import parse_ruleset
from plumbline.spec.load import Inventory

sys.path.append(str(Path(__file__).resolve().parents[1] / "unit/matrix"))
from plant import matrix, plant, row

TABLE = matrix(
    row(),
    row("view", source=["desk"], destination=["hist"], ports=["8443-8445"]),
    row("telegrams", source=["hist"], destination=["desk"], protocol="udp", ports=["5000"]),
)


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    return plant(tmp_path_factory.mktemp("plant"))


def listed(text: str, wrong: str = "true") -> str:
    """Load a ruleset in a network namespace of its own, do something wrong, and return what nft lists."""
    script = f"ip link set lo up && nft -f /dev/stdin && {wrong} && nft -j list ruleset"
    done = subprocess.run(
        ["unshare", "-n", "sh", "-c", script], input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def faces(host: str) -> list[Face]:
    return [Face(f"eth{place}", int(IPv4Address(address))) for place, address in enumerate(OWN[host])]


HOLES: dict[str, tuple[str, set[str]]] = {
    "rule_added": ("nft add rule inet plumbline input tcp dport 9 accept", {"open in"}),
    "rule_added_before": ("nft insert rule inet plumbline input tcp dport 9 accept", {"open in"}),
    "rule_added_outward": ("nft add rule inet plumbline output ip daddr 10.7.7.7 accept", {"open out"}),
    "rule_for_udp_and_tcp": (
        "nft add rule inet plumbline input meta l4proto { tcp, udp } accept",
        {"open in"},
    ),
    "element_in_a_named_set": (
        "nft 'add set inet plumbline s { type ipv4_addr; }; add element inet plumbline s { 10.7.7.7 };"
        " add rule inet plumbline output ip daddr @s tcp dport 443 accept'",
        {"open out"},
    ),
    "set_that_packets_fill": (
        "nft 'add set inet plumbline s { type ipv4_addr; flags dynamic; };"
        " add rule inet plumbline input tcp dport 7 add @s { ip saddr };"
        " add rule inet plumbline input ip saddr @s accept'",
        {"open in"},
    ),
    "policy_accept": ("nft 'chain inet plumbline input { policy accept; }'", {"open in"}),
    "policy_accept_outward": ("nft 'chain inet plumbline output { policy accept; }'", {"open out"}),
    "forwarding": ("nft 'chain inet plumbline forward { policy accept; }'", {"open through"}),
    "flushed": ("nft flush ruleset", {"open in", "open out", "open through"}),
    "table_deleted_and_another_there": (
        "nft 'delete table inet plumbline; table ip x { chain c { type filter hook input priority 0; policy"
        " drop; tcp dport 22 accept; }; }'",
        {"open in", "open out", "open through", "closed in", "needed in"},
    ),
    "chain_flushed": ("nft flush chain inet plumbline output", {"closed out", "needed out"}),
    "row_taken_out": ("nft flush chain inet plumbline input", {"closed in", "needed in"}),
    "jump_to_a_chain_that_accepts": (
        "nft 'add chain inet plumbline x; add rule inet plumbline x accept;"
        " add rule inet plumbline input udp dport 161 jump x'",
        {"open in"},
    ),
    "accept_in_another_table": (
        "nft 'table ip x { chain c { type filter hook input priority 10; tcp dport 9 accept; }; }'",
        {"rule in"},
    ),
    "accept_at_an_earlier_priority": (
        "nft 'table inet x { chain c { type filter hook prerouting priority raw; tcp dport 9 accept; }; }'",
        {"rule in"},
    ),
    "accept_in_another_table_outward": (
        "nft 'table ip x { chain c { type filter hook postrouting priority 0;"
        " ip daddr 10.7.7.7 accept; }; }'",
        {"rule out"},
    ),
    "drop_in_another_table": (
        "nft 'table ip x { chain c { type filter hook input priority -5; tcp dport 5432 drop; }; }'",
        {"closed in", "needed in"},
    ),
    "drop_in_another_table_outward": (
        "nft 'table ip x { chain c { type filter hook output priority -5; udp dport 5000 drop; }; }'",
        {"closed out", "needed out"},
    ),
    "over_ipv6": ("nft add rule inet plumbline input ip6 saddr fd00::/8 tcp dport 22 accept", {"open in"}),
    "over_ipv6_by_family": ("nft add rule inet plumbline output meta nfproto ipv6 accept", {"open out"}),
    "over_ipv6_by_map": (
        "nft 'add chain inet plumbline x; add rule inet plumbline x accept;"
        " add rule inet plumbline input meta protocol vmap { ip6 : jump x }'",
        {"open in"},
    ),
    "multicast": (
        "nft add rule inet plumbline input ip daddr 224.0.0.251 udp dport 5353 accept",
        {"open in"},
    ),
    "untracked": ("nft insert rule inet plumbline input ct state untracked accept", {"open in"}),
    "invalid": ("nft insert rule inet plumbline output ct state invalid accept", {"open out"}),
    "own_address_believed": (
        "nft insert rule inet plumbline input ip saddr 10.1.1.12 accept",
        {"open in"},
    ),
    "other_protocols": ("nft add rule inet plumbline input ip protocol gre accept", {"open in"}),
    "by_interface": ("nft add rule inet plumbline input iifname eth1 accept", {"open in"}),
    "by_mark": ("nft add rule inet plumbline output meta mark 7 accept", {"open out"}),
    "wider_port": (
        "nft add rule inet plumbline input ip saddr 10.1.1.11 tcp dport 5432-5433 accept",
        {"open in"},
    ),
}


@pytest.mark.parametrize(("wrong", "expected"), HOLES.values(), ids=HOLES)
def test_found(inventory: Inventory, wrong: str, expected: set[str]) -> None:
    flows = host_flows(inventory, TABLE)["hist"]
    found = differences(parse_ruleset(listed(render(flows), wrong)), Approved(flows), faces("hist"))
    assert {f"{one.kind} {one.way}" for one in found} == expected, found


def test_a_table_switched_off_is_never_good(inventory: Inventory) -> None:
    """Some versions of nft print whatever stood in memory as its flags, so it may not be readable at all."""
    flows = host_flows(inventory, TABLE)["hist"]
    printed = listed(render(flows), "nft 'add table inet plumbline { flags dormant; }'")
    try:
        found = _kinds(differences(parse_ruleset(printed), Approved(flows), faces("hist")))
    except ParseError:
        return
    assert found >= {"open in", "open out", "open through"}


HARMLESS = {
    "loaded_twice": "true",
    "counter": "nft insert rule inet plumbline input counter",
    "log": "nft insert rule inet plumbline output log",
    "drop_of_what_is_dropped": "nft add rule inet plumbline input tcp dport 23 drop",
    "a_row_said_again": (
        "nft add rule inet plumbline input ip saddr 10.1.1.11 ip daddr 10.1.1.12 tcp dport 5432 accept"
    ),
    "table_without_chains": "nft add table ip empty",
    "chain_nobody_jumps_to": "nft 'table ip x { chain c { tcp dport 9 accept; }; }'",
    "replies_elsewhere": (
        "nft 'table ip x { chain c { type filter hook input priority -5; ct state established accept; }; }'"
    ),
}


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS)
def test_what_changes_no_meaning_is_no_difference(inventory: Inventory, change: str) -> None:
    flows = host_flows(inventory, TABLE)["hist"]
    assert differences(parse_ruleset(listed(render(flows), change)), Approved(flows), faces("hist")) == []


TABLES = st.lists(random_row(), max_size=6)
WAYS = {"input": "in", "output": "out"}
SETTINGS = settings(
    deadline=None, phases=[Phase.generate], max_examples=25, suppress_health_check=list(HealthCheck)
)


@SETTINGS
@given(found=TABLES, host=st.sampled_from(sorted(HOSTS)))
def test_compiled_and_read_back_is_the_same(
    inventory: Inventory, found: list[dict[str, Any]], host: str
) -> None:
    flows = host_flows(inventory, numbered(found))[host]
    assert differences(parse_ruleset(listed(render(flows))), Approved(flows), faces(host)) == []


@SETTINGS
@given(loaded=TABLES, wanted=TABLES, host=st.sampled_from(sorted(HOSTS)))
def test_every_packet_that_two_matrices_treat_apart_is_told(
    inventory: Inventory, loaded: list[dict[str, Any]], wanted: list[dict[str, Any]], host: str
) -> None:
    """One matrix is loaded, another is wanted; the tests' own evaluator says for which packets."""
    table = numbered(wanted)
    printed = listed(render(host_flows(inventory, numbered(loaded))[host]))
    found = differences(parse_ruleset(printed), Approved(host_flows(inventory, table)[host]), faces(host))
    rules = Rules(json.loads(printed)["nftables"])
    expected = {
        f"{'open' if passes else 'closed'} {WAYS[packet.hook]}"
        for packet in packets(host)
        if (passes := rules.accepts(packet)) != any(meant(one, packet) for one in table.rows)
    }
    assert _kinds(found) >= expected


def _kinds(found: list[Difference]) -> set[str]:
    return {f"{one.kind} {one.way}" for one in found}


def test_many_rows_for_one_host_load_by_sets_and_read_back(inventory: Inventory) -> None:
    table, flows = many(inventory, 1000)
    assert table.rows[-1].id == "r999"
    text = render(flows)
    assert text.count(" accept") < 200
    assert differences(parse_ruleset(listed(text)), Approved(flows), faces("plc-gw")) == []


def test_five_thousand_rows_for_one_host_load_and_read_back(inventory: Inventory) -> None:
    _, flows = many(inventory, 5000)
    printed = listed(render(flows))
    accepted = Rules(json.loads(printed)["nftables"])
    assert accepted.accepts(Packet("input", "tcp", "10.39.1.249", "10.1.1.11", 3000 + 4999 % 90))
    assert not accepted.accepts(Packet("input", "tcp", "10.40.1.0", "10.1.1.11", 3000))
    assert differences(parse_ruleset(printed), Approved(flows), faces("plc-gw")) == []


def many(inventory: Inventory, count: int) -> tuple[Matrix, HostFlows]:
    """Return a matrix of so many rows, each from a source of its own to one host."""
    table = numbered(
        [
            row(
                "r",
                source=[f"10.{20 + n // 250}.1.{n % 250}"],
                destination=["plc-gw"],
                ports=[str(3000 + n % 90)],
            )
            for n in range(count)
        ]
    )
    return table, host_flows(inventory, table)["plc-gw"]
