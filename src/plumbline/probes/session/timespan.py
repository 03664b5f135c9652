"""Time spans as systemd writes them (systemd.time(7)): `10min`, `600`, `1h 5m`, `infinity`."""

from __future__ import annotations

import re
from fractions import Fraction

INFINITY = (1 << 64) - 1
"""Microseconds that mean never, as systemd counts."""

_UNITS = {
    ("us", "usec", "µs", "μs"): Fraction(1, 1_000_000),
    ("ms", "msec"): Fraction(1, 1000),
    ("", "s", "sec", "second", "seconds"): Fraction(1),
    ("m", "min", "minute", "minutes"): Fraction(60),
    ("h", "hr", "hour", "hours"): Fraction(3600),
    ("d", "day", "days"): Fraction(86400),
    ("w", "week", "weeks"): Fraction(604800),
    ("M", "month", "months"): Fraction(2629800),
    ("y", "year", "years"): Fraction(31557600),
}
_SECONDS = {name: seconds for names, seconds in _UNITS.items() for name in names}

_PART = re.compile(r"[ \t\n\r]*(\d+(?:\.\d+)?|(?<![\d.])\.\d+)(?!\.)[ \t\n\r]*([A-Za-zµμ]*)")


def microseconds(text: str) -> int:
    """Return a time span in microseconds, a number without a unit being seconds; `INFINITY` for infinity.

    Raises ValueError for what systemd refuses: nothing at all, a sign, a word that is no unit.
    """
    if text.strip() == "infinity":
        return INFINITY
    total = 0
    position, end = 0, len(text.rstrip())
    if end == 0:
        raise ValueError("a time span is empty")
    while position < end:
        part = _PART.match(text, position, end)
        if part is None or part[2] not in _SECONDS:
            raise ValueError(f"{text!r} is no time span")
        total += int(Fraction(part[1]) * _SECONDS[part[2]] * 1_000_000)
        position = part.end()
    return min(total, INFINITY)
