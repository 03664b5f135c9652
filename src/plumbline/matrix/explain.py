"""Would this packet pass: by which row, and if not, on which of the two hosts it dies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from plumbline.matrix.ends import Ends, Span
from plumbline.matrix.flows import Flow, HostFlows, Withheld, host_flows
from plumbline.matrix.model import Matrix
from plumbline.probes.firewall.flows import ICMP_TYPES
from plumbline.spec.load import Inventory


@dataclass(frozen=True)
class Step:
    """What one end does with the packet: by which row it lets it pass, or that none does.

    `host` None: the address is no declared host's, and nothing is known of it. `withheld`: a row that would,
    but is not in force.
    """

    way: Literal["out", "in"]
    host: str | None
    address: str
    row: str | None
    withheld: Withheld | None = None

    @property
    def passes(self) -> bool:
        """Whether the packet gets past this end; an unknown end is taken to let it."""
        return self.host is None or self.row is not None


@dataclass(frozen=True)
class Explained:
    """The way of one packet."""

    source: str
    destination: str
    protocol: str
    port: int
    steps: tuple[Step, Step]

    @property
    def passes(self) -> bool:
        """Whether it arrives."""
        return all(step.passes for step in self.steps)

    @property
    def dies_at(self) -> Step | None:
        """The first end that does not let it pass."""
        return next((step for step in self.steps if not step.passes), None)


def explain(
    inventory: Inventory,
    matrix: Matrix,
    source: str,
    destination: str,
    protocol: str,
    port: int,
    today: date | None = None,
) -> list[Explained]:
    """Follow a packet from each address of the source to each of the destination that differs in answer.

    `source`, `destination`: words as in a row. `port`: the destination port, of icmp the type. With `today`,
    rows that are not in force then let nothing pass. Raises UnknownEndError for a word that means nothing. Of
    a range its first and last address are followed.
    """
    ends = Ends(inventory, matrix)
    flows = host_flows(inventory, matrix, today=today)
    found: list[Explained] = []
    for start in _addresses(ends, source):
        for end in _addresses(ends, destination):
            if start != end:
                steps = (
                    _step(ends, flows, "out", start, end, protocol, port),
                    _step(ends, flows, "in", end, start, protocol, port),
                )
                found.append(Explained(str(Span(start, start)), str(Span(end, end)), protocol, port, steps))
    return found


def _addresses(ends: Ends, word: str) -> list[int]:
    return sorted({edge for span in ends.spans(word) for edge in (span.low, span.high)})


def _step(
    ends: Ends,
    flows: dict[str, HostFlows],
    way: Literal["out", "in"],
    own: int,
    peer: int,
    protocol: str,
    port: int,
) -> Step:
    host = ends.owners.get(own)
    address = str(Span(own, own))
    if host is None:
        return Step(way, None, address, None)
    for flow in flows[host].of(way):
        if _holds(flow, own, peer, protocol, port):
            return Step(way, host, address, flow.row.id)
    for one in flows[host].withheld:
        if one.flow.way == way and _holds(one.flow, own, peer, protocol, port):
            return Step(way, host, address, None, one)
    return Step(way, host, address, None)


def _holds(flow: Flow, own: int, peer: int, protocol: str, port: int) -> bool:
    if flow.row.protocol != protocol:
        return False
    if protocol == "icmp":
        asked = port in {ICMP_TYPES[name] for name in flow.row.icmp_types}
    else:
        asked = any(first <= port <= last for first, last in flow.spans)
    return asked and _within(own, flow.own) and _within(peer, flow.peers)


def _within(address: int, spans: tuple[Span, ...]) -> bool:
    return any(span.low <= address <= span.high for span in spans)
