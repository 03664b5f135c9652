"""What was seen, and where: a text that equals the bare value and is told with its place."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass


class Seen(str):
    """A value as a text; it compares as that text, and `str()` adds where it was seen."""

    where: str
    __slots__ = ("where",)

    def __new__(cls, value: str, where: str = "") -> Seen:
        """Make it from the value and the place: file and line, interface, unit."""
        made = super().__new__(cls, value)
        made.where = where
        return made

    @property
    def bare(self) -> str:
        """The value alone."""
        return str.__str__(self)

    def __str__(self) -> str:
        return f"{self.bare} ({self.where})" if self.where else self.bare

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


@dataclass(frozen=True)
class Reading:
    """The value of one key and where it stands; None where it stands nowhere."""

    key: str
    value: int | str | None
    where: str

    def __str__(self) -> str:
        return f"{self.key} = {'—' if self.value is None else self.value} ({self.where})"


class Each:
    """What each of several readings must be: `readings in Each(accepts)`; told as what is accepted."""

    def __init__(self, accepts: Container[object]) -> None:
        self.accepts = accepts

    def __contains__(self, readings: Iterable[Reading]) -> bool:
        return not self.outside(readings)

    def outside(self, readings: Iterable[Reading]) -> list[Reading]:
        """Return the readings that are not accepted."""
        return [reading for reading in readings if reading.value not in self.accepts]

    def __str__(self) -> str:
        return str(self.accepts)
