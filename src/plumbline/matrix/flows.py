"""What a matrix opens on each host: its own rows, seen from it, in both directions."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from plumbline.matrix.ends import Ends, Span
from plumbline.matrix.force import Objection, objections
from plumbline.matrix.model import Matrix, Row
from plumbline.model import Text
from plumbline.report.locales import text
from plumbline.spec.load import Inventory

Way = Literal["in", "out"]
_Spans = tuple[Span, ...]


@dataclass(frozen=True)
class Flow:
    """A row as one host sees it: its peers, its own addresses, and the `way` of the packet that opens it.

    `spans` are destination ports, whichever way the packet goes; `icmp_types` stand in their place for icmp.
    """

    row: Row
    way: Way
    own: tuple[Span, ...]
    peers: tuple[Span, ...]

    @property
    def spans(self) -> list[tuple[int, int]]:
        """The destination ports as ranges, both ends included."""
        return merged_ports(self.row.spans())


@dataclass(frozen=True)
class Withheld:
    """A flow that the matrix has for a host but does not open, as its row is not in force; and why."""

    flow: Flow
    why: tuple[Objection, ...]

    def told(self) -> Text:
        """Say which row it is and why it is not in force."""
        why = Text(
            en="; ".join(one.message.en for one in self.why), sk="; ".join(one.message.sk for one in self.why)
        )
        return text("row {row} is not in force: {why}", row=self.flow.row.id, why=why)


@dataclass(frozen=True)
class HostFlows:
    """Everything the matrix opens on one host, in the order of the rows, and what it does not open yet."""

    host: str
    addresses: tuple[Span, ...]
    flows: tuple[Flow, ...]
    withheld: tuple[Withheld, ...] = ()

    def of(self, way: Way) -> list[Flow]:
        """Return the flows of one way."""
        return [flow for flow in self.flows if flow.way == way]


def host_flows(
    inventory: Inventory, matrix: Matrix, hosts: Iterable[str] | None = None, *, today: date | None = None
) -> dict[str, HostFlows]:
    """Return what each host is opened for; all hosts when none is named.

    With `today`, rows that are not approved or have expired on that day are withheld; without, all are taken
    to be in force. Raises UnknownEndError when a row names what is not declared; lint finds that first. A
    host's flow to itself stays inside it and opens nothing.
    """
    ends = Ends(inventory, matrix)
    index = _Owners(ends)
    wanted = set(ends.hosts) if hosts is None else set(hosts)
    found: dict[str, list[Flow]] = defaultdict(list)
    withheld: dict[str, list[Withheld]] = defaultdict(list)
    for row in matrix.rows:
        why = () if today is None else objections(row, today)
        sources = merged(span for word in row.source for span in ends.spans(word))
        destinations = merged(span for word in row.destination for span in ends.spans(word))
        sides: tuple[tuple[Way, _Spans, _Spans], ...] = (
            ("in", destinations, sources),
            ("out", sources, destinations),
        )
        for way, mine, theirs in sides:
            for host, own in index.within(mine):
                if host in wanted and (peers := without(theirs, ends.hosts[host])):
                    flow = Flow(row, way, own, peers)
                    if why:
                        withheld[host].append(Withheld(flow, why))
                    else:
                        found[host].append(flow)
    return {
        host: HostFlows(
            host,
            tuple(Span(int(address), int(address)) for address in addresses),
            tuple(found[host]),
            tuple(withheld[host]),
        )
        for host, addresses in ends.hosts.items()
        if host in wanted
    }


class _Owners:
    """The hosts' addresses in order, so that a range finds its hosts without asking all."""

    def __init__(self, ends: Ends) -> None:
        self._addresses = sorted(ends.owners)
        self._owners = ends.owners

    def within(self, spans: Iterable[Span]) -> Iterator[tuple[str, tuple[Span, ...]]]:
        """Yield each host that has addresses in the ranges, with those addresses."""
        own: dict[str, list[Span]] = {}
        for span in spans:
            place = bisect_left(self._addresses, span.low)
            while place < len(self._addresses) and self._addresses[place] <= span.high:
                address = self._addresses[place]
                own.setdefault(self._owners[address], []).append(Span(address, address))
                place += 1
        for host, addresses in own.items():
            yield host, tuple(addresses)


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return ranges of addresses in order, those that touch or overlap as one, without their words."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.low <= found[-1].high + 1:
            found[-1] = Span(found[-1].low, max(found[-1].high, span.high))
        else:
            found.append(Span(span.low, span.high))
    return tuple(found)


def merged_ports(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return ranges of ports in order, those that touch or overlap as one."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found


def without(spans: Iterable[Span], addresses: Iterable[object]) -> tuple[Span, ...]:
    """Return ranges less single addresses."""
    left = list(spans)
    for number in sorted(int(address) for address in addresses):  # type: ignore[call-overload]  # IPv4Address is a number
        parted: list[Span] = []
        for span in left:
            if not span.low <= number <= span.high:
                parted.append(span)
                continue
            if span.low < number:
                parted.append(Span(span.low, number - 1))
            if number < span.high:
                parted.append(Span(number + 1, span.high))
        left = parted
    return tuple(left)
