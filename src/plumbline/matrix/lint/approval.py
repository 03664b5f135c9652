"""Rules on the papers of a row: why it is needed, who asked, who approved, until when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from plumbline.matrix.force import Objection, approvals, term
from plumbline.matrix.lint.finding import Finding, Resolved, Table


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
        yield from _found(one, approvals(one.row, table.today))


def in_force(table: Table) -> Iterator[Finding]:
    """Find rows whose time has run out."""
    for one in table.rows:
        yield from _found(one, term(one.row, table.today))


def _found(one: Resolved, objections: Iterable[Objection]) -> Iterator[Finding]:
    for each in objections:
        yield Finding(each.rule, "error", one.index, one.row.id, each.message, each.at)
