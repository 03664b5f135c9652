"""What is wrong with a row of the matrix, where it stands, and how heavy it weighs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from plumbline.matrix.ends import Ends, Span
from plumbline.matrix.model import Matrix, Row
from plumbline.model import Text
from plumbline.policy.protocols import Protocol
from plumbline.report.locales import text
from plumbline.spec.load import Inventory

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """One thing wrong. `index`: the row's place among the rows, None where a row is missing.

    `at`: which part of the row, such as `("source", 0)`; `final`: the standard grants no exception from it.
    """

    rule: str
    severity: Severity
    index: int | None
    row: str
    message: Text
    at: tuple[str | int, ...] = ()
    final: bool = False


@dataclass(frozen=True)
class Resolved:
    """A row with the addresses its words stand for."""

    index: int
    row: Row
    sources: tuple[Span, ...]
    destinations: tuple[Span, ...]

    def found(
        self, rule: str, severity: Severity, message: str, *at: str | int, final: bool = False, **said: object
    ) -> Finding:
        """Make a finding of this row; `message` is the English sentence, its places filled from `said`."""
        return Finding(rule, severity, self.index, self.row.id, text(message, **said), at, final)


@dataclass(frozen=True)
class Table:
    """The whole of what the rules look at; `rows` are those whose words are all known."""

    inventory: Inventory
    matrix: Matrix
    ends: Ends
    rows: Sequence[Resolved]
    protocols: Mapping[str, Protocol]
    today: date


Rule = Callable[[Table], Iterator[Finding]]
