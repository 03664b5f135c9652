"""Which runs are undone: the newest, or all back to one; what cannot be undone is told with its reason."""

from __future__ import annotations

import pytest

from plumbline.apply.guard import HistoryEntry
from plumbline.apply.rollback import UNDOES, to_undo
from plumbline.errors import UsageError


def entry(day: int, state: str = "confirmed", **other: object) -> HistoryEntry:
    known = {"undoable": True, **other}
    return HistoryEntry(run=f"202601{day:02}T000000Z-00000000", state=state, **known)  # type: ignore[arg-type]


def chosen(runs: list[HistoryEntry], to: int | None = None) -> list[int]:
    named = None if to is None else entry(to).run
    return [int(found.run[6:8]) for found in to_undo(runs, named, "srv-app-01")]


def test_the_newest_confirmed_run_is_undone() -> None:
    assert chosen([entry(4, "restored"), entry(3), entry(2)]) == [3]


def test_all_runs_back_to_the_named_one_are_undone_the_newest_first() -> None:
    assert chosen([entry(4), entry(3, "restored"), entry(2), entry(1)], to=2) == [4, 2]


def test_what_was_undone_before_is_left_out_and_an_undoing_is_no_step_on_the_way_back() -> None:
    runs = [entry(4, plan=f"{UNDOES}{entry(3).run}"), entry(3, rolled_back="2026-01-04"), entry(2)]
    assert chosen(runs) == [2]
    assert chosen(runs, to=2) == [2]


def test_an_undoing_that_is_named_is_undone_alone() -> None:
    runs = [entry(5), entry(4, plan=f"{UNDOES}{entry(3).run}"), entry(3, rolled_back="2026-01-04")]
    assert chosen(runs, to=4) == [4]


@pytest.mark.parametrize(
    ("runs", "to", "said"),
    [
        ([], None, "nothing to undo"),
        ([entry(1, "restored")], None, "nothing to undo"),
        ([entry(1)], 2, "remembers no run"),
        ([entry(1, "restored")], 1, "left nothing on srv-app-01 to undo"),
        ([entry(1, rolled_back="2026-01-02")], 1, "was undone before"),
        ([entry(1, undoable=False)], None, "has not kept what is needed"),
        ([entry(2), entry(1, undoable=False)], 1, "has not kept what is needed to undo 20260101"),
    ],
)
def test_what_cannot_be_undone_is_told(runs: list[HistoryEntry], to: int | None, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        chosen(runs, to)
