"""Flows as slabs: what areas share and what is left agrees with single flows, however they are cut."""

from __future__ import annotations

from itertools import pairwise, product

from hypothesis import given
from hypothesis import strategies as st

from plumbline.probes.firewall.area import Area, Spans, shared_spans, spans_without, touched, united

SIZE = 12
ENDS = st.tuples(st.integers(0, SIZE), st.integers(0, SIZE)).map(lambda pair: (min(pair), max(pair)))
BOXES = st.lists(
    st.tuples(st.sampled_from(["tcp", "udp"]), ENDS, ENDS).map(lambda t: (t[0], *t[1], *t[2])), max_size=8
)
SPANS = st.lists(ENDS, max_size=8).map(united)
Flow = tuple[str, int, int]


def flows(area: Area) -> set[Flow]:
    """Return every single flow; AssertionError if one is told twice or the slabs are out of order."""
    found: list[Flow] = []
    for protocol, low, high, first, last in area.boxes():
        found += [(protocol, *each) for each in product(range(low, high + 1), range(first, last + 1))]
    assert len(found) == len(set(found))
    slabs = [(protocol, first) for protocol, (first, _, _) in area.slabs()]
    assert all(one < other for one, other in pairwise(slabs) if one[0] == other[0])
    return set(found)


def single(boxes: list[tuple[str, int, int, int, int]]) -> set[Flow]:
    return {
        (protocol, address, port)
        for protocol, low, high, first, last in boxes
        for address, port in product(range(low, high + 1), range(first, last + 1))
    }


def addresses(spans: Spans) -> set[int]:
    """Return the single addresses of ranges; AssertionError if these touch or are out of order."""
    assert all(one[1] + 1 < other[0] for one, other in pairwise(spans))
    return {address for low, high in spans for address in range(low, high + 1)}


@given(boxes=BOXES)
def test_it_holds_what_it_is_made_of(boxes: list[tuple[str, int, int, int, int]]) -> None:
    assert flows(Area.of(boxes)) == single(boxes)
    assert bool(Area.of(boxes)) == bool(boxes)


@given(one=BOXES, other=BOXES)
def test_common_and_what_is_left(
    one: list[tuple[str, int, int, int, int]], other: list[tuple[str, int, int, int, int]]
) -> None:
    left, right = Area.of(one), Area.of(other)
    kept = left.copy()
    assert flows(left.common(right)) == single(one) & single(other)
    left.remove(right)
    assert flows(left) == single(one) - single(other)
    assert flows(kept) == single(one)


@given(boxes=BOXES, taken=st.lists(BOXES, max_size=4))
def test_taking_away_again_and_again(
    boxes: list[tuple[str, int, int, int, int]], taken: list[list[tuple[str, int, int, int, int]]]
) -> None:
    area, expected = Area.of(boxes), single(boxes)
    for more in taken:
        area.remove(Area.of(more))
        expected -= single(more)
        assert flows(area) == expected
        assert flows(area.common(Area.of(boxes))) == expected


@given(one=SPANS, other=SPANS, few=ENDS)
def test_ranges(one: Spans, other: Spans, few: tuple[int, int]) -> None:
    assert addresses(shared_spans(one, other)) == addresses(one) & addresses(other)
    assert set(addresses(spans_without(one, other))) == addresses(one) - addresses(other)
    start, end = touched(one, *few)
    assert one[start:end] == [span for span in one if span[0] <= few[1] and few[0] <= span[1]]


@given(few=ENDS)
def test_few_taken_of_many(few: tuple[int, int]) -> None:
    """The way that looks only at the ranges it takes from."""
    many = [(number * 3, number * 3 + 1) for number in range(SIZE)]
    assert addresses(spans_without(many, [few])) == addresses(many) - addresses([few])
