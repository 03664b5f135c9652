"""Sets of inbound IPv4 flows, as boxes: protocol, range of source addresses, range of destination ports."""

from __future__ import annotations

import ipaddress
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import accumulate

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
    others = _Ordered(right)
    pairs = ((box, other) for box in left for other in others.touching(box))
    return [common for box, other in pairs if (common := box.meet(other)) is not None]


def less(left: Iterable[Box], right: Iterable[Box]) -> list[Box]:
    """Return the flows of the left set that are not in the right one."""
    others = _Ordered(right)
    found: list[Box] = []
    for box in left:
        remaining = [box]
        for other in others.touching(box):
            # The others come by their lowest address, so what lies below it is not touched any more.
            found += [part for part in remaining if part.high < other.low]
            remaining = [
                part for whole in remaining if whole.high >= other.low for part in whole.without(other)
            ]
        found += remaining
    return found


class _Ordered:
    """Boxes by their lowest address, so that those that touch a box are found without looking at all."""

    def __init__(self, boxes: Iterable[Box]) -> None:
        self._boxes: dict[str, list[Box]] = {}
        for box in boxes:
            self._boxes.setdefault(box.protocol, []).append(box)
        self._lows: dict[str, list[int]] = {}
        self._highest: dict[str, list[int]] = {}
        for protocol, found in self._boxes.items():
            found.sort(key=lambda box: box.low)
            self._lows[protocol] = [box.low for box in found]
            self._highest[protocol] = list(accumulate((box.high for box in found), max))

    def touching(self, box: Box) -> list[Box]:
        """Return the boxes with an address of this one, by their lowest."""
        boxes, highest = self._boxes.get(box.protocol, []), self._highest.get(box.protocol, [])
        last = bisect_right(self._lows.get(box.protocol, []), box.high)
        first = bisect_left(highest, box.low, 0, last)
        return [other for other in boxes[first:last] if other.high >= box.low]


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
