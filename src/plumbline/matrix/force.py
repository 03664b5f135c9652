"""Whether a row is in force on a day: approved by all three departments, and its term not over (4.8.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from plumbline.matrix.model import DEPARTMENTS, Row
from plumbline.model import Text
from plumbline.report.locales import text


@dataclass(frozen=True)
class Objection:
    """One reason for which a row opens nothing; `rule` is lint's name for it, `at` the part of the row."""

    rule: str
    message: Text
    at: tuple[str | int, ...]


def approvals(row: Row, today: date) -> Iterator[Objection]:
    """Yield which approvals a row lacks on a day."""
    missing = [department for department in DEPARTMENTS if department not in row.approved_by]
    if missing:
        told = text("not approved by {departments}", departments=", ".join(missing))
        yield Objection("not-approved", told, ("approved_by",))
    for department, day in row.approved_by.items():
        if day > today:
            message = "the approval by {department} is dated {day}, which is to come"
            told = text(message, department=department, day=day.isoformat())
            yield Objection("approved-in-future", told, ("approved_by", department))


def term(row: Row, today: date) -> Iterator[Objection]:
    """Yield that a row's last day is over, if it is."""
    if row.valid_until is not None and row.valid_until < today:
        told = text("the row expired on {day}", day=row.valid_until.isoformat())
        yield Objection("expired", told, ("valid_until",))


def objections(row: Row, today: date) -> tuple[Objection, ...]:
    """Return every reason for which a row is not in force on a day; none when it is."""
    return (*term(row, today), *approvals(row, today))
