"""Rules on the papers of a row: why it is needed, who asked, who approved, until when."""

from __future__ import annotations

from collections.abc import Iterator

from plumbline.matrix.lint.finding import Finding, Table
from plumbline.matrix.model import DEPARTMENTS


def justified(table: Table) -> Iterator[Finding]:
    """Find rows that do not say why they are needed or who asked for them (4.8.2)."""
    for one in table.rows:
        if not one.row.justification.strip():
            yield one.found("no-justification", "error", "the row does not say why it is needed (4.8.2)")
        if not one.row.requested_by.strip():
            yield one.found("no-requester", "error", "the row does not say who asked for it")


def approved(table: Table) -> Iterator[Finding]:
    """Find rows that a department has not approved, or has approved on a day to come."""
    for one in table.rows:
        missing = [department for department in DEPARTMENTS if department not in one.row.approved_by]
        if missing:
            yield one.found(
                "not-approved",
                "error",
                "not approved by {departments}",
                "approved_by",
                departments=", ".join(missing),
            )
        for department, day in one.row.approved_by.items():
            if day > table.today:
                yield one.found(
                    "approved-in-future",
                    "error",
                    "the approval by {department} is dated {day}, which is to come",
                    *("approved_by", department),
                    department=department,
                    day=day.isoformat(),
                )


def in_force(table: Table) -> Iterator[Finding]:
    """Find rows whose time has run out."""
    for one in table.rows:
        until = one.row.valid_until
        if until is not None and until < table.today:
            yield one.found(
                "expired", "error", "the row expired on {day}", "valid_until", day=until.isoformat()
            )
