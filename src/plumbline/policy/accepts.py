"""What a parameter accepts: `1..600`, one of a list, or exactly one value."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

Scalar = int | str
Value = Scalar | list[str]

_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)")


class Accepts:
    """A set of acceptable values; `observed in accepts` judges, `str(accepts)` tells.

    A list is accepted when it is not empty and each of its elements is; what was not observed (None)
    never is.
    """

    unit: str | None = None

    def one(self, value: object) -> bool:
        """Say whether a single value is acceptable."""
        raise NotImplementedError

    def __contains__(self, value: object) -> bool:
        if isinstance(value, list | tuple | set | frozenset):
            return bool(value) and all(self.one(element) for element in value)
        return value is not None and self.one(value)

    def _with_unit(self, text: str) -> str:
        return f"{text} {self.unit}" if self.unit else text


@dataclass(frozen=True)
class Range(Accepts):
    """Whole numbers from `low` to `high`, both included."""

    low: int
    high: int
    unit: str | None = None

    def one(self, value: object) -> bool:
        """Accept whole numbers inside; text, truth values and fractions are not numbers here."""
        return isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high

    def __str__(self) -> str:
        return self._with_unit(f"{self.low}..{self.high}")


@dataclass(frozen=True)
class OneOf(Accepts):
    """Any of the listed values."""

    values: tuple[Scalar, ...]
    unit: str | None = None

    def one(self, value: object) -> bool:
        """Accept a value of the list; 1 and True are different, 1 and "1" too."""
        return any(type(value) is type(accepted) and value == accepted for accepted in self.values)

    def __str__(self) -> str:
        return self._with_unit(", ".join(str(value) for value in self.values) or "—")


def parse_accepts(text: object, unit: str | None = None) -> Accepts:
    """Make what is accepted from its notation in a control: `low..high`, a list, or one value.

    Raises ValueError with a sentence when the notation is none of these.
    """
    if isinstance(text, str) and (match := _RANGE.fullmatch(text)):
        low, high = int(match[1]), int(match[2])
        if low > high:
            raise ValueError(f"the range {text} is empty: {low} is more than {high}")
        return Range(low, high, unit)
    if isinstance(text, bool) or text is None:
        raise ValueError(f"{text!r} is not low..high, a list, a number or a text")
    if isinstance(text, int | str):
        return OneOf((text,), unit)
    if isinstance(text, Iterable) and not isinstance(text, dict):
        values = tuple(text)
        if all(isinstance(value, int | str) and not isinstance(value, bool) for value in values):
            return OneOf(values, unit)
    raise ValueError(f"{text!r} is not low..high, a list, a number or a text")
