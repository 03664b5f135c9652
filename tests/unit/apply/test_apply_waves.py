"""Waves: canaries first, groups apart, sizes in hosts and shares."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.apply.waves import Rollout, order
from plumbline.errors import UsageError

FIVE = ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize(
    ("rollout", "waves"),
    [
        (Rollout(), [FIVE]),
        (Rollout(canaries=("c",)), [["c"], ["a", "b", "d", "e"]]),
        (Rollout(canaries=("c", "a"), wave="2"), [["a", "c"], ["b", "d"], ["e"]]),
        (Rollout(wave="40%"), [["a", "b"], ["c", "d"], ["e"]]),
        (Rollout(wave="100%"), [FIVE]),
        (Rollout(wave="9"), [FIVE]),
    ],
    ids=[
        "all_at_once",
        "canary_goes_first_alone",
        "canaries_go_first_together",
        "share_of_all_hosts",
        "whole",
        "more",
    ],
)
def test_waves(rollout: Rollout, waves: list[list[str]]) -> None:
    assert order(FIVE, rollout) == waves


def test_share_of_less_than_a_host_is_one_host() -> None:
    assert order(FIVE, Rollout(wave="10%")) == [[name] for name in FIVE]


def test_two_of_a_group_are_never_in_one_wave() -> None:
    assert order(FIVE, groups={"a": "pair", "b": "pair"}) == [["a", "c", "d", "e"], ["b"]]


def test_canaries_of_one_group_go_one_after_the_other() -> None:
    waves = order(FIVE, Rollout(canaries=("a", "b")), {"a": "pair", "b": "pair"})
    assert waves == [["a"], ["b"], ["c", "d", "e"]]


def test_nothing_meant_is_no_wave() -> None:
    assert order([], Rollout(wave="10%")) == []


@pytest.mark.parametrize("word", ["0", "0%", "101%", "-1", "ten", "", "1.5", "5 hosts", "٣"])
def test_word_that_is_no_size_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match="is no size of a wave"):
        order(FIVE, Rollout(wave=word))


def test_canary_that_is_not_meant_is_refused() -> None:
    with pytest.raises(UsageError, match="the canary z is not among the hosts meant: a, b"):
        order(["a", "b"], Rollout(canaries=("z",)))


@given(
    st.lists(st.sampled_from("abcdefghijklmnop"), unique=True),
    st.dictionaries(st.sampled_from("abcdefghijklmnop"), st.sampled_from(["one", "two", "three"])),
    st.integers(1, 20),
    st.data(),
)
def test_every_host_has_one_wave_and_its_group_others(
    hosts: list[str], groups: dict[str, str], size: int, data: st.DataObject
) -> None:
    canaries = tuple(data.draw(st.lists(st.sampled_from(hosts), unique=True))) if hosts else ()
    waves = order(hosts, Rollout(canaries, str(size)), groups)
    assert sorted(name for wave in waves for name in wave) == sorted(hosts)
    for wave in waves:
        held = [groups[name] for name in wave if name in groups]
        assert len(held) == len(set(held))
        assert len(wave) <= size or set(wave) <= set(canaries)
    flat = [name for wave in waves for name in wave]
    assert set(flat[: len(canaries)]) == set(canaries)
