"""Maintenance windows: over midnight, over the change of clocks, and what is no window."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from plumbline.spec.maintenance import Maintenance, Window

NIGHTS = Maintenance(
    timezone="Europe/Bratislava", windows=[Window(days=["sat"], begins="22:00", ends="04:00")]
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "is_open"),
    [
        ("2026-11-21T20:59", False),
        ("2026-11-21T21:00", True),
        ("2026-11-22T02:59", True),
        ("2026-11-22T03:00", False),
        ("2026-11-22T21:30", False),
        # 22:00 in summer is an hour earlier in UTC.
        ("2026-07-18T20:00", True),
    ],
    ids=["before", "as_it_begins", "after_midnight", "as_it_ends", "next_evening", "in_summer"],
)
def test_window_over_midnight(now: str, *, is_open: bool) -> None:
    assert (NIGHTS.ends_after(at(now)) is not None) is is_open


def test_clocks_that_go_back_make_the_window_an_hour_longer() -> None:
    """On 25 October 2026 the clocks in Bratislava go back from 3:00 to 2:00."""
    ends = NIGHTS.ends_after(at("2026-10-24T21:00"))
    assert ends is not None
    assert ends.astimezone(UTC) == at("2026-10-25T03:00")


def test_next_window_is_told() -> None:
    assert NIGHTS.opens_after(at("2026-11-22T10:00")).isoformat() == "2026-11-28T22:00:00+01:00"
    assert NIGHTS.opens_after(at("2026-11-21T21:00")).isoformat() == "2026-11-28T22:00:00+01:00"


def test_later_end_of_two_that_are_open_counts() -> None:
    more = Window(days=["sun"], begins="01:00", ends="06:00")
    both = Maintenance(timezone="Europe/Bratislava", windows=[*NIGHTS.windows, more])
    ends = both.ends_after(at("2026-11-22T01:00"))
    assert ends is not None
    assert ends.isoformat() == "2026-11-22T06:00:00+01:00"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"days": ["sat"], "begins": "22:00", "ends": "22:00"}, "it begins and ends at 22:00"),
        ({"days": ["sat"], "begins": "24:00", "ends": "02:00"}, "'24:00' is no time of day"),
        ({"days": [], "begins": "22:00", "ends": "02:00"}, "at least 1 item"),
        ({"days": ["sobota"], "begins": "22:00", "ends": "02:00"}, "'mon', 'tue'"),
    ],
    ids=["no_time_at_all", "hour_that_is_none", "no_day", "day_that_is_none"],
)
def test_what_is_no_window(wrong: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Window.model_validate(wrong)


def test_zone_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError, match="'CEST' is no time zone"):
        Maintenance.model_validate({"timezone": "CEST", "windows": [NIGHTS.windows[0]]})
