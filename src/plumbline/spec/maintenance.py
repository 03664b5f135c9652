"""When hosts may be changed: maintenance windows by weekday and hour, in the site's own time."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from plumbline.model import Strict

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]"
_LOOKED_AHEAD = 8
"""Days in which every window of a week opens at least once."""


def _clock(text: str) -> str:
    if not re.fullmatch(_CLOCK, text):
        raise ValueError(f"{text!r} is no time of day; write it in quotes as 22:00")
    return text


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (KeyError, OSError, ValueError):
        raise ValueError(f"{text!r} is no time zone; write one as Europe/Bratislava") from None
    return text


Clock = Annotated[str, AfterValidator(_clock), Field(json_schema_extra={"pattern": f"^{_CLOCK}$"})]


class Window(Strict):
    """From one time of day to another on some weekdays; one that ends before it begins ends the next day."""

    days: Annotated[list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]], Field(min_length=1)]
    begins: Clock
    ends: Clock

    @model_validator(mode="after")
    def _lasts(self) -> Window:
        if self.begins == self.ends:
            raise ValueError(f"it begins and ends at {self.begins}; for a whole day write 00:00 to 23:59")
        return self

    def __str__(self) -> str:
        return f"{', '.join(self.days)} {self.begins}-{self.ends}"

    def on(self, day: datetime) -> tuple[datetime, datetime] | None:
        """Return when it begins and ends, if it begins on that day; None on other weekdays."""
        if DAYS[day.weekday()] not in self.days:
            return None
        begins, ends = (
            datetime.combine(day.date(), time.fromisoformat(word), day.tzinfo)
            for word in (self.begins, self.ends)
        )
        return begins, ends if ends > begins else ends + timedelta(days=1)


class Maintenance(Strict):
    """The windows in which hosts may be changed; outside them apply leaves them as they are."""

    timezone: Annotated[str, AfterValidator(_zone)]
    windows: Annotated[list[Window], Field(min_length=1)]

    def ends_after(self, now: datetime) -> datetime | None:
        """Return when the window that is open now ends, the last of several; None if none is open.

        `now` has a time zone.
        """
        local = now.astimezone(ZoneInfo(self.timezone))
        spans = [window.on(local + timedelta(days=back)) for window in self.windows for back in (-1, 0)]
        return max((end for begin, end in filter(None, spans) if begin <= local < end), default=None)

    def opens_after(self, now: datetime) -> datetime:
        """Return when the next window begins. `now` has a time zone."""
        local = now.astimezone(ZoneInfo(self.timezone))
        days = [local + timedelta(days=ahead) for ahead in range(_LOOKED_AHEAD)]
        spans = [window.on(day) for window in self.windows for day in days]
        return min(begin for begin, _ in filter(None, spans) if begin > local)
