"""Judging a matrix before anybody loads it: everything wrong with it, row by row."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from plumbline.matrix.ends import Ends, UnknownEndError
from plumbline.matrix.lint import approval, overlap, places, protocols, width
from plumbline.matrix.lint.finding import Finding, Resolved, Rule, Table
from plumbline.matrix.model import Matrix
from plumbline.policy.protocols import Protocol
from plumbline.spec.load import Inventory

__all__ = ["Finding", "lint"]

RULES: tuple[Rule, ...] = (
    protocols.restricted,
    protocols.cleartext,
    places.border,
    places.vlans,
    places.hosts,
    places.redundancy,
    places.known_to_both,
    places.site_services,
    places.openings,
    width.addresses,
    width.ports,
    overlap.rows,
    approval.justified,
    approval.approved,
    approval.in_force,
)


def lint(
    inventory: Inventory, matrix: Matrix, restricted: Mapping[str, Protocol], today: date
) -> list[Finding]:
    """Return everything wrong with a matrix, by row; first what belongs to no row.

    `restricted`: the protocols of 5.3; `today`: the day that approvals and terms are judged on. The time it
    takes grows with the number of rows, not with its square.
    """
    ends = Ends(inventory, matrix)
    rows: list[Resolved] = []
    found: list[Finding] = []
    for index, row in enumerate(matrix.rows):
        spans: dict[str, list[tuple[int, ...]]] = {}
        before = len(found)
        for side in ("source", "destination"):
            spans[side] = []
            for place, word in enumerate(getattr(row, side)):
                try:
                    ends.spans(word)
                except UnknownEndError as error:
                    found.append(Finding("unknown-end", "error", index, row.id, error.told, (side, place)))
        if len(found) == before:
            rows.append(
                Resolved(
                    index,
                    row,
                    tuple(span for word in row.source for span in ends.spans(word)),
                    tuple(span for word in row.destination for span in ends.spans(word)),
                )
            )
    table = Table(inventory, matrix, ends, rows, restricted, today)
    for rule in RULES:
        found += rule(table)
    return sorted(found, key=lambda one: (-1 if one.index is None else one.index, one.rule))
