"""Flows as slabs: ranges of ports that nothing parts, each with its ranges of addresses, in order.

A rule asks for few ports or few addresses. By slabs what it asks for is found without looking at the rest, so
following a ruleset costs about as much as it is long.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

Spans = list[tuple[int, int]]
"""Ranges of addresses, both ends included: in order, none touching another."""
Slab = tuple[int, int, Spans]
"""Ports `first`..`last`, and the addresses that have them all."""


class Area:
    """A set of flows that grows less; slabs of a protocol are in order and do not overlap."""

    def __init__(self, slabs: dict[str, list[Slab]] | None = None) -> None:
        self._slabs = slabs if slabs is not None else {}
        self._firsts = {protocol: [slab[0] for slab in found] for protocol, found in self._slabs.items()}

    @classmethod
    def of(cls, boxes: Iterable[tuple[str, int, int, int, int]]) -> Area:
        """Make one of boxes: protocol, lowest and highest address, first and last port."""
        by_ports: dict[str, dict[tuple[int, int], Spans]] = {}
        for protocol, low, high, first, last in boxes:
            by_ports.setdefault(protocol, {}).setdefault((first, last), []).append((low, high))
        return cls({protocol: _parted(found) for protocol, found in by_ports.items()})

    def __bool__(self) -> bool:
        return any(self._slabs.values())

    def slabs(self) -> Iterator[tuple[str, Slab]]:
        """Yield every slab with its protocol."""
        for protocol, found in self._slabs.items():
            for slab in found:
                yield protocol, slab

    def boxes(self) -> Iterator[tuple[str, int, int, int, int]]:
        """Yield it as boxes, as `of` takes them."""
        for protocol, (first, last, spans) in self.slabs():
            for low, high in spans:
                yield protocol, low, high, first, last

    def copy(self) -> Area:
        """Return another that grows less by itself."""
        return Area({protocol: list(found) for protocol, found in self._slabs.items()})

    def touching(self, protocol: str, first: int, last: int) -> list[Slab]:
        """Return the slabs that have some of these ports, in order."""
        start, end = self._place(protocol, first, last)
        return self._slabs[protocol][start:end] if start < end else []

    def common(self, other: Area) -> Area:
        """Return the flows of both."""
        found: dict[str, list[Slab]] = {}
        for protocol, (first, last, spans) in other.slabs():
            for mine_first, mine_last, mine in self.touching(protocol, first, last):
                if shared := shared_spans(mine, spans):
                    slab = max(first, mine_first), min(last, mine_last), shared
                    found.setdefault(protocol, []).append(slab)
        return Area(found)

    def remove(self, other: Area) -> None:
        """Take the flows of the other away."""
        for protocol, (first, last, spans) in other.slabs():
            start, end = self._place(protocol, first, last)
            if start == end:
                continue
            kept: list[Slab] = []
            for mine_first, mine_last, mine in self._slabs[protocol][start:end]:
                if mine_first < first:
                    kept.append((mine_first, first - 1, mine))
                if rest := spans_without(mine, spans):
                    kept.append((max(first, mine_first), min(last, mine_last), rest))
                if last < mine_last:
                    kept.append((last + 1, mine_last, mine))
            self._slabs[protocol][start:end] = kept
            self._firsts[protocol][start:end] = [slab[0] for slab in kept]

    def _place(self, protocol: str, first: int, last: int) -> tuple[int, int]:
        """Return where the slabs with these ports begin and end."""
        firsts = self._firsts.get(protocol)
        if not firsts:
            return 0, 0
        start = bisect_right(firsts, first) - 1
        if start < 0 or self._slabs[protocol][start][1] < first:
            start += 1
        return start, max(start, bisect_right(firsts, last))


def _parted(by_ports: dict[tuple[int, int], Spans]) -> list[Slab]:
    """Return slabs of ranges of ports that may overlap."""
    if len(by_ports) == 1:
        (((first, last), spans),) = by_ports.items()
        return [(first, last, united(spans))]
    edges = sorted({edge for first, last in by_ports for edge in (first, last + 1)})
    gathered: list[Spans] = [[] for _ in edges]
    for (first, last), spans in by_ports.items():
        for place in range(bisect_left(edges, first), bisect_left(edges, last + 1)):
            gathered[place] += spans
    ends = [edge - 1 for edge in edges[1:]]
    return [
        (first, last, united(spans))
        for first, last, spans in zip(edges, ends, gathered, strict=False)
        if spans
    ]


def united(spans: Spans) -> Spans:
    """Return ranges in any order as ranges in order, those that touch or overlap as one."""
    if len(spans) == 1:
        return spans
    found: Spans = []
    for low, high in sorted(spans):
        if found and low <= found[-1][1] + 1:
            if high > found[-1][1]:
                found[-1] = (found[-1][0], high)
        else:
            found.append((low, high))
    return found


def shared_spans(one: Spans, other: Spans) -> Spans:
    """Return what two lists of ranges share."""
    if len(one) > len(other):
        one, other = other, one
    found: Spans = []
    for low, high in one:
        for place in range(*touched(other, low, high)):
            found.append((max(low, other[place][0]), min(high, other[place][1])))
    return found


def spans_without(spans: Spans, taken: Spans) -> Spans:
    """Return the first ranges less the second ones."""
    if len(taken) * 8 < len(spans):  # few of many: the others are not looked at
        found = list(spans)
        for low, high in taken:
            start, end = touched(found, low, high)
            found[start:end] = [part for span in found[start:end] for part in _around(span, low, high)]
        return found
    found = []
    for low, high in spans:
        since = low
        for place in range(*touched(taken, low, high)):
            first, last = taken[place]
            if since < first:
                found.append((since, first - 1))
            since = last + 1
        if since <= high:
            found.append((since, high))
    return found


def _around(span: tuple[int, int], low: int, high: int) -> Iterator[tuple[int, int]]:
    if span[0] < low:
        yield span[0], low - 1
    if high < span[1]:
        yield high + 1, span[1]


def touched(spans: Spans, low: int, high: int) -> tuple[int, int]:
    """Return from which to which place ranges in order have something of one range."""
    start = max(0, bisect_left(spans, (low + 1,)) - 1)
    if start < len(spans) and spans[start][1] < low:
        start += 1
    return start, max(start, bisect_left(spans, (high + 1,), start))
