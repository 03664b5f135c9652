"""How long something may sit idle, with what was seen of it."""

from __future__ import annotations

NEVER = -1
"""Seconds of what never ends by itself; no range accepts it."""


class Limit(int):
    """Seconds after which a shell left alone ends; `NEVER` if it does not. Its text says what was seen."""

    seen: str

    def __new__(cls, seconds: int, seen: str) -> Limit:
        """Make a limit of so many seconds, with the words for what was seen."""
        limit = super().__new__(cls, seconds)
        limit.seen = seen
        return limit

    def __str__(self) -> str:
        return self.seen
