"""Sets of inbound IPv4 flows, as boxes: protocol, range of source addresses, range of destination ports."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from plumbline.probes.firewall.area import Area, Slab, shared_spans, spans_without

ADDRESS_MAX = 2**32 - 1

# The second range of a box: destination ports, the type of an ICMP message, nothing for other protocols.
SPACES = {"tcp": 65535, "udp": 65535, "icmp": 255, "other": 0}

ICMP_TYPES = {
    "echo-reply": 0,
    "destination-unreachable": 3,
    "source-quench": 4,
    "redirect": 5,
    "echo-request": 8,
    "router-advertisement": 9,
    "router-solicitation": 10,
    "time-exceeded": 11,
    "parameter-problem": 12,
    "timestamp-request": 13,
    "timestamp-reply": 14,
    "info-request": 15,
    "info-reply": 16,
    "address-mask-request": 17,
    "address-mask-reply": 18,
}
"""Names nft prints for ICMP types (nft(8), ICMP TYPE TYPE) with their numbers (RFC 792, RFC 950)."""


@dataclass(frozen=True)
class Box:
    """Flows of one protocol from `low`..`high` to ports (ICMP: types) `first`..`last`, all included.

    `rule` tells which rule let them in, where that is known; it does not take part in the arithmetic.
    """

    protocol: str
    low: int
    high: int
    first: int
    last: int
    rule: str = ""

    def meet(self, other: Box) -> Box | None:
        """Return what both hold, told with this box's rule; None if nothing."""
        if self.protocol != other.protocol:
            return None
        low, high = max(self.low, other.low), min(self.high, other.high)
        first, last = max(self.first, other.first), min(self.last, other.last)
        if low > high or first > last:
            return None
        return replace(self, low=low, high=high, first=first, last=last)

    def without(self, other: Box) -> list[Box]:
        """Return this box less the other, as at most four boxes."""
        common = self.meet(other)
        if common is None:
            return [self]
        parts = []
        if self.low < common.low:
            parts.append(replace(self, high=common.low - 1))
        if common.high < self.high:
            parts.append(replace(self, low=common.high + 1))
        middle = replace(self, low=common.low, high=common.high)
        if self.first < common.first:
            parts.append(replace(middle, last=common.first - 1))
        if common.last < self.last:
            parts.append(replace(middle, first=common.last + 1))
        return parts

    def __str__(self) -> str:
        port = ""
        if self.protocol != "other" and (self.first, self.last) != (0, SPACES[self.protocol]):
            span = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
            port = f" type {span}" if self.protocol == "icmp" else f" {span}"
        told = f"{self.protocol}{port} from {sources(self.low, self.high)}"
        return f"{told} ({self.rule})" if self.rule else told


def everything() -> list[Box]:
    """Return the boxes of all flows there are."""
    return [Box(protocol, 0, ADDRESS_MAX, 0, last) for protocol, last in SPACES.items()]


def meet(left: Iterable[Box], right: Iterable[Box]) -> list[Box]:
    """Return the flows in both sets, told with the rules of the left one."""
    others = area(right)
    return [part for box in left for part in _parts(box, _shared(box, others))]


def less(left: Iterable[Box], right: Iterable[Box]) -> list[Box]:
    """Return the flows of the left set that are not in the right one."""
    others = area(right)
    return [part for box in left for part in _parts(box, _left(box, others))]


def area(boxes: Iterable[Box]) -> Area:
    """Return boxes as an area, which does not know their rules."""
    return Area.of((box.protocol, box.low, box.high, box.first, box.last) for box in boxes)


def boxes_of(found: Area, rule: str = "") -> list[Box]:
    """Return an area as boxes of one rule."""
    return [Box(*parts, rule) for parts in found.boxes()]


def _shared(box: Box, others: Area) -> Iterator[Slab]:
    span = [(box.low, box.high)]
    for first, last, spans in others.touching(box.protocol, box.first, box.last):
        yield max(first, box.first), min(last, box.last), shared_spans(span, spans)


def _left(box: Box, others: Area) -> Iterator[Slab]:
    """Yield what is left of a box, by ports: between the slabs of the others all of it."""
    span = [(box.low, box.high)]
    since = box.first
    for first, last, spans in others.touching(box.protocol, box.first, box.last):
        if since < first:
            yield since, first - 1, span
        yield max(first, box.first), min(last, box.last), spans_without(span, spans)
        since = last + 1
    if since <= box.last:
        yield since, box.last, span


def _parts(box: Box, slabs: Iterable[Slab]) -> Iterator[Box]:
    """Yield the parts of a box; neighbouring ports with the same addresses are one."""
    joined: list[Slab] = []
    for first, last, spans in slabs:
        if joined and joined[-1][1] + 1 == first and joined[-1][2] == spans:
            joined[-1] = joined[-1][0], last, spans
        else:
            joined.append((first, last, spans))
    for first, last, spans in joined:
        for low, high in spans:
            yield Box(box.protocol, low, high, first, last, box.rule)


def of_network(
    protocol: str, network: ipaddress.IPv4Network, first: int = 0, last: int | None = None, rule: str = ""
) -> Box:
    """Return the flows from one network to ports `first`..`last` (all ports when `last` is left out)."""
    high = SPACES[protocol] if last is None else last
    return Box(protocol, int(network.network_address), int(network.broadcast_address), first, high, rule)


def sources(low: int, high: int) -> str:
    """Return a range of addresses as a person writes it: an address, a network, a range, `anywhere`."""
    if (low, high) == (0, ADDRESS_MAX):
        return "anywhere"
    start, end = ipaddress.IPv4Address(low), ipaddress.IPv4Address(high)
    if low == high:
        return str(start)
    networks = list(ipaddress.summarize_address_range(start, end))
    return str(networks[0]) if len(networks) == 1 else f"{start}-{end}"
