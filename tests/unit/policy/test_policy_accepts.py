"""What a parameter accepts: ranges, lists and single values, and nothing that only looks like them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline.policy.accepts import OneOf, Range, parse_accepts

IDLE = parse_accepts("1..600", "s")


@pytest.mark.parametrize("value", [1, 300, 600, [1, 600], (300,), {300}])
def test_inside_the_range(value: object) -> None:
    assert value in IDLE


@pytest.mark.parametrize(
    "value", [0, -1, 601, 10**12, "600", "", True, False, 300.0, None, [], (), [300, 0], [None]]
)
def test_not_in_the_range(value: object) -> None:
    """0 is never, `600` as text is no number, and what was not observed is not good."""
    assert value not in IDLE


@pytest.mark.parametrize("value", [1, "a", ["a"], ["a", 1]])
def test_one_of_the_list(value: object) -> None:
    assert value in parse_accepts(["a", 1])


@pytest.mark.parametrize("value", ["1", True, "A", "a ", None, [], ["a", "b"], ["a", None]])
def test_not_one_of_the_list(value: object) -> None:
    assert value not in parse_accepts(["a", 1])


def test_a_single_value_is_accepted_alone() -> None:
    assert 0 in parse_accepts(0)
    assert 1 not in parse_accepts(0)
    assert False not in parse_accepts(0)


def test_an_empty_list_accepts_nothing() -> None:
    for value in (None, "", 0, [], [""]):
        assert value not in parse_accepts([])


@pytest.mark.parametrize("notation", ["600..1", True, None, {"low": 1}, [True], [None], [[1]], 1.5])
def test_notation_that_is_none(notation: object) -> None:
    with pytest.raises(
        ValueError, match=r"is not low\.\.high, a list, a number or a text|the range .* is empty"
    ):
        parse_accepts(notation)


@pytest.mark.parametrize(
    ("notation", "unit", "told"),
    [("1..600", "s", "1..600 s"), ("-5..0", None, "-5..0"), (["a", "b"], None, "a, b"), (7, "d", "7 d")],
)
def test_told_as_written(notation: object, unit: str | None, told: str) -> None:
    assert str(parse_accepts(notation, unit)) == told


@given(st.integers(), st.integers(min_value=0), st.integers())
@settings(database=None, derandomize=True)
def test_a_range_accepts_what_lies_between_its_ends(low: int, width: int, value: int) -> None:
    accepted = parse_accepts(f"{low}..{low + width}")
    assert accepted == Range(low, low + width)
    assert (value in accepted) == (low <= value <= low + width)
    assert str(value) not in accepted


@given(st.lists(st.integers() | st.text()), st.integers() | st.text())
@settings(database=None, derandomize=True)
def test_a_list_accepts_its_elements_only(values: list[int | str], value: int | str) -> None:
    accepted = OneOf(tuple(values))
    assert (value in accepted) == (value in values)
