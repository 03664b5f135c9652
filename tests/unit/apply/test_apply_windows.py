"""Outside a maintenance window a host is left as it is, and it is said when it may be changed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from plumbline.apply.windows import closed
from plumbline.spec.maintenance import Maintenance

NIGHTS = Maintenance.model_validate(
    {"timezone": "Europe/Bratislava", "windows": [{"days": ["sat"], "begins": "22:00", "ends": "04:00"}]}
)


@pytest.mark.parametrize(
    ("now", "is_open"),
    [
        (datetime(2026, 11, 21, 20, 59, tzinfo=UTC), False),
        (datetime(2026, 11, 21, 21, 0, tzinfo=UTC), True),
        (datetime(2026, 11, 22, 2, 59, tzinfo=UTC), True),
        (datetime(2026, 11, 22, 3, 0, tzinfo=UTC), False),
    ],
)
def test_the_windows_hours_are_those_of_the_site(now: datetime, is_open: bool) -> None:
    assert (closed(NIGHTS, now) is None) == is_open


def test_outside_it_is_said_when_the_next_window_opens() -> None:
    said = closed(NIGHTS, datetime(2026, 11, 23, 8, 5, tzinfo=UTC))
    assert said is not None
    assert "it is Monday 09:05 there" in said
    assert "(sat 22:00-04:00); the next opens Saturday 2026-11-28 22:00 (Europe/Bratislava)" in said


def test_a_host_without_windows_may_be_changed_at_any_hour() -> None:
    assert closed(None) is None
