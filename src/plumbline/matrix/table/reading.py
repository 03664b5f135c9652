"""From the cells of a table to a matrix: every bad cell is named, and nothing is guessed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pydantic import ValidationError

from plumbline.findings import Finding, FindingsError
from plumbline.matrix.model import Matrix
from plumbline.matrix.table.columns import COLUMNS, Column, column_of, data_of

Cells = Sequence[object]
Place = Callable[[int, int], str]
"""Names a cell by its line and column, both from 0, as the person sees it there: `Matrix!C5`, `column 3`."""


def matrix_of(
    file: str, lines: Iterable[tuple[int, Cells]], names: dict[str, list[str]], place: Place
) -> Matrix:
    """Return the matrix that a table with its header in the first line holds.

    `lines`: number of each line from 0 with its cells; empty lines are passed over.
    Raises FindingsError with every cell that is wrong, and what of the header is unknown, missing or twice.
    """
    reading = _Reading(file, place)
    rows = reading.rows(lines)
    if reading.findings:
        raise FindingsError(reading.findings)
    try:
        return Matrix.model_validate({"names": names, "rows": rows})
    except ValidationError as error:
        raise FindingsError([reading.refused(one["loc"], one["msg"]) for one in error.errors()]) from None


class _Reading:
    def __init__(self, file: str, place: Place) -> None:
        self._file = file
        self._place = place
        self._numbers: list[int] = []
        self._columns: dict[int, Column] = {}
        self.findings: list[Finding] = []

    def rows(self, lines: Iterable[tuple[int, Cells]]) -> list[dict[str, Any]]:
        found = []
        for number, cells in lines:
            if all(_empty(cell) for cell in cells):
                continue
            if not self._columns:
                self._header(number, cells)
                continue
            padded = [*cells, *[None] * len(COLUMNS)]
            data, wrong = data_of([(column, padded[index]) for index, column in self._in_order()])
            for index, column in self._columns.items():
                if column in wrong:
                    self._found(number, index, wrong[column])
            self._numbers.append(number)
            found.append(data)
        if not self._columns:
            self._found(0, 0, "the table is empty; its first line holds the headers")
        return found

    def refused(self, at: tuple[int | str, ...], message: str) -> Finding:
        """Tell a row that the model refuses by its cell."""
        if at[:1] != ("rows",) or len(at) < 2 or not isinstance(at[1], int):
            return Finding(self._file, 0, message.removeprefix("Value error, "))
        number = self._numbers[at[1]]
        key = "ports" if at[2:3] == ("icmp_types",) else str(at[2]) if len(at) > 2 else ""
        index = next((place for place, column in self._columns.items() if column.key == key), 0)
        return self._finding(number, index, message.removeprefix("Value error, "))

    def _header(self, number: int, cells: Cells) -> None:
        for index, cell in enumerate(cells):
            if _empty(cell):
                continue
            column = column_of(str(cell))
            if column is None:
                self._found(number, index, f"{str(cell)!r} is no column of the matrix")
            elif column in self._columns.values():
                self._found(number, index, f"the column {column.en} stands here a second time")
            else:
                self._columns[index] = column
        for column in COLUMNS:
            if column.needed and column not in self._columns.values():
                self._found(number, 0, f"the column {column.en} ({column.sk}) is missing")

    def _in_order(self) -> list[tuple[int, Column]]:
        """Return the columns in the order of the model: the protocol says how the ports are meant."""
        return sorted(self._columns.items(), key=lambda pair: COLUMNS.index(pair[1]))

    def _found(self, number: int, index: int, message: str) -> None:
        self.findings.append(self._finding(number, index, message))

    def _finding(self, number: int, index: int, message: str) -> Finding:
        return Finding(self._file, number + 1, f"{self._place(number, index)}: {message}")


def _empty(cell: object) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())
