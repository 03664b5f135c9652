"""Packets, not opinions: through compiled filters every row's connection works, and nothing else does."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
from matrix_network import Network, six

from plumbline.matrix.compile.nftables import render
from plumbline.matrix.flows import host_flows
from plumbline.matrix.model import Matrix, Row

sys.path.append(str(Path(__file__).resolve().parents[1] / "unit/matrix"))
from plant import MANAGEMENT, SERVICES, plant, row

FILTERED = ("plc-gw", "hist", "desk")
HOSTS = {
    "plc-gw": ["10.1.1.11"],
    "hist": ["10.1.1.12", "10.1.3.2"],
    "desk": ["10.1.2.11"],
    # What follows has no filter, so that whatever dies between it and a host, that host has dropped.
    "site": ["10.1.9.5", "10.1.9.10", "10.1.9.11", "10.1.9.12"],
    "stranger": ["10.1.1.50", "10.1.3.3"],
    "guest": ["10.1.2.50"],
}
OWNER = {address: name for name, addresses in HOSTS.items() for address in addresses}
WORDS = {
    "plc-gw": ["10.1.1.11"],
    "hist": ["10.1.1.12"],
    "desk": ["10.1.2.11"],
    "system:heat": ["10.1.1.11", "10.1.1.12", "10.1.2.11"],
    "site:management": ["10.1.9.5"],
    "site:time": ["10.1.9.11"],
    "site:dns": ["10.1.9.10"],
    "site:directory": ["10.1.9.10"],
    "site:log": ["10.1.9.12"],
    "vlan:control": ["10.1.1.0/24"],
    "10.1.3.2": ["10.1.3.2"],
    "10.1.3.3": ["10.1.3.3"],
    "10.1.2.8-10.1.2.15": ["10.1.2.8/29"],
}
"""What the words of the rows mean, said a second time: by hand."""
PING = {"ports": None, "icmp_types": ["echo-request"], "protocol": "icmp"}
TABLE = Matrix.model_validate(
    {
        "rows": [
            MANAGEMENT,
            *SERVICES,
            row(),
            row("view", source=["desk"], destination=["plc-gw"], ports=["8443-8445"]),
            row(
                "telegrams",
                source=["hist"],
                destination=["desk"],
                protocol="udp",
                ports=["5000-5002", "6000"],
            ),
            row("announced", source=["vlan:control"], destination=["hist"], protocol="udp", ports=["4000"]),
            row("offices", source=["10.1.2.8-10.1.2.15"], destination=["hist"], ports=["4443"]),
            row("twin", source=["10.1.3.3"], destination=["10.1.3.2"], ports=["5433"]),
            row("ping", source=["site:management"], destination=["system:heat"], **PING),
            row("alive", source=["desk"], destination=["plc-gw"], **PING),
        ]
    }
)
ECHO, TIMESTAMP = 8, 13
PATIENCE = 20.0
"""Seconds in which a packet that may pass arrives on the busiest machine; nobody waits for one that has."""
SILENCE = 1.0
"""Seconds of silence by which a packet is dropped; what may pass is sent after it, and waited for."""


@dataclass(frozen=True, order=True)
class Asked:
    """A connection, opened by the source; `port` is of icmp the type."""

    protocol: str
    source: str
    destination: str
    port: int

    @property
    def ends(self) -> set[str]:
        """The two hosts."""
        return {OWNER[self.source], OWNER[self.destination]}


def meant(asked: Asked) -> bool:
    """Say from the table alone whether a row is for a connection."""
    return any(_is_for(one, asked) for one in TABLE.rows)


def _is_for(one: Row, asked: Asked) -> bool:
    return (
        one.protocol == asked.protocol
        and asked.port in _ports(one)
        and _held(asked.source, one.source)
        and _held(asked.destination, one.destination)
    )


def _ports(one: Row) -> set[int]:
    if one.protocol == "icmp":
        return {ECHO}
    parted = [[int(end) for end in text.split("-")] for text in one.ports]
    return {port for ends in parted for port in range(ends[0], ends[-1] + 1)}


def _held(address: str, words: Iterable[str]) -> bool:
    return any(IPv4Address(address) in IPv4Network(part) for word in words for part in WORDS[word])


def rows() -> list[Asked]:
    """Return each row's connections: between all addresses it names and there are, on every port."""
    return sorted(
        Asked(one.protocol, source, destination, port)
        for one in TABLE.rows
        for port in _ports(one)
        for source in OWNER
        for destination in OWNER
        if OWNER[source] != OWNER[destination]
        and _held(source, one.source)
        and _held(destination, one.destination)
    )


def others() -> list[Asked]:
    """Return connections beside each row's, that no row is for."""
    found = {changed for asked in rows() for changed in _beside(asked)}
    return sorted(one for one in found if len(one.ends) == 2 and one.ends & set(FILTERED) and not meant(one))


def _beside(asked: Asked) -> Iterator[Asked]:
    yield replace(asked, source=asked.destination, destination=asked.source)
    for address in OWNER:
        yield replace(asked, source=address)
        yield replace(asked, destination=address)
    if asked.protocol == "icmp":
        yield replace(asked, port=TIMESTAMP)
    else:
        yield replace(asked, port=asked.port - 1)
        yield replace(asked, port=asked.port + 1)
        yield replace(asked, protocol={"tcp": "udp", "udp": "tcp"}[asked.protocol])


def over_ipv6() -> list[Asked]:
    """Return the rows' connections, and pings, between the same hosts over IPv6, which no row is for."""
    pings = {Asked("icmp", one.source, one.destination, ECHO) for one in rows()}
    return [
        replace(one, source=six(one.source), destination=six(one.destination)) for one in {*rows(), *pings}
    ]


def outcomes(network: Network, asked: dict[Asked, float]) -> dict[Asked, str]:
    """Ask everything at once, each from its source; what comes first in `asked` is sent first."""
    owner = OWNER | {six(address): name for address, name in OWNER.items()}
    by_host: dict[str, list[Asked]] = defaultdict(list)
    for one in asked:
        by_host[owner[one.source]].append(one)
    questions = {
        name: [[one.protocol, one.source, one.destination, one.port, asked[one]] for one in found]
        for name, found in by_host.items()
    }
    told = network.ask(questions)
    return {
        one: outcome
        for name, found in by_host.items()
        for one, outcome in zip(found, told[name], strict=True)
    }


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    with Network(HOSTS) as built:
        built.listen({one.port for one in (*rows(), *others()) if one.protocol != "icmp"})
        yield built


@pytest.fixture(scope="module")
def filters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    found = host_flows(plant(tmp_path_factory.mktemp("plant")), TABLE)
    return {name: render(found[name]) for name in FILTERED}


def load(network: Network, filters: dict[str, str], *names: str) -> None:
    """Load the filters of these hosts, and take those of the others away."""
    for name in FILTERED:
        network.filter(name, filters[name] if name in names else "")


def wrong(network: Network, filtered: set[str]) -> dict[Asked, str]:
    """Return the connections of filtered hosts that pass without a row, and those that do not with one."""
    closed = [one for one in others() if one.ends & filtered]
    opened = [one for one in rows() if one.ends & filtered]
    told = outcomes(network, {**dict.fromkeys(closed, SILENCE), **dict.fromkeys(opened, PATIENCE)})
    return {one: said for one, said in told.items() if (said == "silent") != (one in set(closed))}


def test_there_are_several_hundred_connections_of_each_kind() -> None:
    assert len(rows()) >= 30
    assert len(others()) >= 400
    assert {one.protocol for one in rows()} == {one.protocol for one in others()} == {"tcp", "udp", "icmp"}


def test_without_filters_everything_passes(network: Network, filters: dict[str, str]) -> None:
    """So that what dies in the other tests was dropped by a filter."""
    load(network, filters)
    told = outcomes(network, dict.fromkeys([*rows(), *others(), *over_ipv6()], PATIENCE))
    assert {one: said for one, said in told.items() if said != "echo"} == {}


def test_every_row_passes_and_nothing_else(network: Network, filters: dict[str, str]) -> None:
    load(network, filters, *FILTERED)
    assert wrong(network, set(FILTERED)) == {}


@pytest.mark.parametrize("name", FILTERED)
def test_each_host_drops_by_itself(network: Network, filters: dict[str, str], name: str) -> None:
    """With the filters of all others taken away: both what comes in and what goes out."""
    load(network, filters, name)
    assert wrong(network, {name}) == {}


def test_a_file_loaded_twice_lets_the_same_pass(network: Network, filters: dict[str, str]) -> None:
    load(network, filters, *FILTERED)
    load(network, filters, *FILTERED)
    assert set(outcomes(network, dict.fromkeys(rows(), PATIENCE)).values()) == {"echo"}


def test_nothing_passes_over_ipv6(network: Network, filters: dict[str, str]) -> None:
    load(network, filters, *FILTERED)
    told = outcomes(network, dict.fromkeys(over_ipv6(), SILENCE))
    assert {one: said for one, said in told.items() if said == "echo"} == {}


FORGED = {
    "our own address": ("stranger", "10.1.1.12", "10.1.1.12", 4000),
    "our loopback": ("stranger", "127.0.0.1", "10.1.1.12", 4000),
    "a source of the row by another interface": ("stranger", "10.1.1.11", "10.1.3.2", 4000),
    "a source that no row has": ("guest", "10.1.2.77", "10.1.1.12", 4000),
    "a management source, for another port": ("stranger", "10.1.9.5", "10.1.1.12", 4443),
}


def test_forged_sources_are_dropped(network: Network, filters: dict[str, str]) -> None:
    """Each datagram arrives without the filter, and does not with it; one without forgery does."""
    load(network, filters)
    assert arriving(network, "without") == set(FORGED)
    load(network, filters, "hist")
    assert arriving(network, "with") == set()


def arriving(network: Network, filtered: str) -> set[str]:
    """Send every forged datagram, then one that a row is for, until that arrives; return what came."""
    sent: dict[str, list[object]] = defaultdict(list)
    for name, (sender, *said) in FORGED.items():
        sent[sender].append([*said, f"{filtered}: {name}"])
    for sender, said in sent.items():
        said.append(["10.1.1.50", "10.1.1.12", 4000, f"{filtered}: last of {sender}"])
    network.ask(sent, "forge")
    until = time.monotonic() + PATIENCE
    arrived: set[str] = set()
    while not {f"{filtered}: last of {sender}" for sender in sent} <= arrived:
        assert time.monotonic() < until, f"what a row is for did not arrive: {arrived}"
        arrived = set(network.ask({"hist": True}, "arrived")["hist"])
    return {name for name in FORGED if f"{filtered}: {name}" in arrived}
