"""What the rows let in and out of a host, as flows that a ruleset's flows can be held against."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

from plumbline.matrix.compile.nftables import ERRORS, NEVER_A_SOURCE
from plumbline.matrix.ends import Span
from plumbline.matrix.flows import Flow, HostFlows, Way
from plumbline.probes.firewall.flows import ADDRESS_MAX, ICMP_TYPES, Box, less, meet, of_network


@dataclass(frozen=True)
class Face:
    """One address of the host, and the interface that has it."""

    interface: str
    address: int

    def __str__(self) -> str:
        return str(Span(self.address, self.address))


@dataclass(frozen=True)
class Approved:
    """A host's rows as flows; their `rule` is the row's id, their addresses are the peers'."""

    host: HostFlows

    def of(self, way: Way, own: int) -> list[Box]:
        """Return what the rows let in or out at one address of the host, beside errors and replies."""
        found = [
            box
            for flow in self.host.of(way)
            if any(span.low <= own <= span.high for span in flow.own)
            for box in boxes(flow)
        ]
        return less(found, self.impossible()) if way == "in" else found

    def allowed(self, way: Way, own: int) -> list[Box]:
        """Return what may pass at one address: the rows', and the messages IPv4 needs."""
        return [*self.of(way, own), *errors()]

    def replies(self, way: Way) -> list[Box]:
        """Return what goes this way in connections that rows allow, whoever began.

        Where the host began it, replies come to a port of its own choice.
        """
        begun = [box for flow in self.host.of(way) for box in boxes(flow)]
        other: Way = "out" if way == "in" else "in"
        spans = dict.fromkeys((peer.low, peer.high) for flow in self.host.of(other) for peer in flow.peers)
        answered = (Box(protocol, *span, 0, last) for span in spans for protocol, last in _LAST.items())
        return [*begun, *answered]

    def withheld(self, way: Way, own: int, box: Box) -> tuple[str, ...]:
        """Return the ids of rows that are not in force and hold some of these flows at one address."""
        return tuple(
            one.flow.row.id
            for one in self.host.withheld
            if one.flow.way == way
            and any(span.low <= own <= span.high for span in one.flow.own)
            and meet(boxes(one.flow), [box])
        )

    def impossible(self) -> list[Box]:
        """Return flows from sources that no packet from outside can have."""
        never = [ipaddress.IPv4Network(network) for network in NEVER_A_SOURCE]
        found = [of_network(protocol, network) for network in never for protocol in _PROTOCOLS]
        own = [
            Box(protocol, a.low, a.high, 0, _LAST[protocol])
            for a in self.host.addresses
            for protocol in _LAST
        ]
        return [*found, *own]


_LAST = {"tcp": 65535, "udp": 65535, "icmp": 255}
_PROTOCOLS = tuple(_LAST)


def errors() -> list[Box]:
    """Return the messages IPv4 needs, from and to anywhere."""
    numbers = [ICMP_TYPES[name] for name in ERRORS]
    return [Box("icmp", 0, ADDRESS_MAX, number, number) for number in numbers]


def connections() -> list[Box]:
    """Return every flow of the protocols that rows are for."""
    return [Box(protocol, 0, ADDRESS_MAX, 0, last) for protocol, last in _LAST.items()]


def boxes(flow: Flow) -> Iterator[Box]:
    """Yield one row's flows at one host, by the addresses of its peers."""
    spans = flow.spans or [(ICMP_TYPES[name], ICMP_TYPES[name]) for name in flow.row.icmp_types]
    for peer in flow.peers:
        for first, last in spans:
            yield Box(flow.row.protocol, peer.low, peer.high, first, last, flow.row.id)
