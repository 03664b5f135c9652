"""A workbook that a person filled in, read without trusting anything in it: what nobody saw is refused."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from defusedxml.ElementTree import iterparse
from openpyxl import load_workbook
from openpyxl.utils import get_column_letter

from plumbline.errors import InputError
from plumbline.findings import Finding, FindingsError
from plumbline.matrix.model import Matrix
from plumbline.matrix.table.columns import COLUMNS
from plumbline.matrix.table.reading import matrix_of
from plumbline.matrix.table.workbook import SHEETS

UNPACKED_MAX = 256 * 1024 * 1024
"""Bytes a workbook may unpack to; a small file that unpacks to more is no table."""
LINES_MAX = 200_000
SEEN_FROM = 0.5
"""Height in points, or width in letters, from which a line or column can be seen at all."""
EMPTY_MAX = 1000
"""So many empty lines in a row end a sheet: a format on a whole column makes a million of them."""


def read_workbook(path: Path) -> Matrix:
    """Read a workbook that a person filled in; the first sheet holds the rows, unless one is called so.

    Raises InputError when it is no workbook or would unpack to too much, FindingsError naming each bad cell
    by sheet and cell. A formula is one, for its value is not known to be what the person saw, and so is what
    stands in a hidden line, column or sheet: whoever approves the table has not seen it.
    """
    book = _opened(path)
    reading = _Reading(path)
    rows, beside = _called(path, book, 0) or book.worksheets[0], _called(path, book, 1)
    names: dict[str, list[str]] = {}
    for number, cells in reading.lines(beside) if beside is not None else ():
        if cells and cells[0]:
            name = str(cells[0]).strip()
            given = str(cells[1]) if len(cells) > 1 and cells[1] is not None else ""
            if name in names:
                reading.wrong(beside, number, 0, f"{name} stands here a second time")
            names[name] = [part.strip() for part in given.split(",")]
    lines = list(reading.lines(rows))
    if reading.findings:
        raise FindingsError(reading.findings)
    return matrix_of(
        str(path),
        lines,
        names,
        lambda line, column: f"{rows.title}!{get_column_letter(column + 1)}{line + 1}",
    )


def _called(path: Path, book: Any, which: int) -> Any:  # noqa: ANN401  (openpyxl's read-only sheets)
    """Return the sheet of the rows (0) or of the names (1) by its title; None if none is called so."""
    titles = {titles[which] for titles in SHEETS.values()}
    found = [sheet for sheet in book.worksheets if sheet.title in titles]
    if len(found) > 1:
        told = " and ".join(sheet.title for sheet in found)
        raise InputError(f"has the sheets {told}, which mean the same; leave one", file=path)
    return found[0] if found else None


def _opened(path: Path) -> Any:  # noqa: ANN401  (openpyxl's read-only book)
    try:
        with zipfile.ZipFile(path) as packed:
            unpacked = sum(part.file_size for part in packed.infolist())
            names = packed.namelist()
        if unpacked > UNPACKED_MAX:
            raise InputError(f"would unpack to {unpacked // 1024 // 1024} MiB; it is no matrix", file=path)
        if any(name.endswith("vbaProject.bin") for name in names):
            raise InputError("holds macros; save it as a workbook without them (.xlsx)", file=path)
        book = load_workbook(path, read_only=True, data_only=False, keep_links=False)
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", file=path) from error
    except Exception as error:  # a damaged or hostile file makes openpyxl raise nearly anything
        raise InputError(f"is no workbook that can be read ({type(error).__name__})", file=path) from error
    if not book.worksheets:
        raise InputError("has no sheet with cells", file=path)
    return book


@dataclass
class _Reading:
    """One file being read; what is wrong in it is found on the way."""

    path: Path
    findings: list[Finding] = field(default_factory=list)

    def wrong(self, sheet: Any, number: int, index: int, message: str) -> None:  # noqa: ANN401
        """Find a cell wrong; line and column count from 0."""
        place = f"{sheet.title}!{get_column_letter(index + 1)}{number + 1}"
        self.findings.append(Finding(str(self.path), number + 1, f"{place}: {message}"))

    def lines(self, sheet: Any) -> Iterator[tuple[int, list[object]]]:  # noqa: ANN401
        """Yield a sheet's lines with something in them."""
        if sheet.sheet_state != "visible":
            raise InputError(
                f"the sheet {sheet.title} is hidden; show it, so that who approves it sees it", file=self.path
            )
        # What the file says of its own size need not be true.
        sheet.reset_dimensions()
        empty = 0
        try:
            hidden_lines, hidden_columns = self._hidden(sheet)
            for number, cells in enumerate(sheet.iter_rows(max_col=len(COLUMNS) + 20)):
                if number >= LINES_MAX:
                    message = f"{sheet.title} has more than {LINES_MAX} lines; it is no matrix"
                    raise InputError(message, file=self.path)
                values = [cell.value for cell in cells]
                said = [index for index, value in enumerate(values) if value is not None]
                empty = 0 if said else empty + 1
                if empty > EMPTY_MAX:
                    return
                if said and number in hidden_lines:
                    self.wrong(sheet, number, said[0], "the line is hidden; show it, or delete it")
                for index in said:
                    if index in hidden_columns:
                        hidden_columns.discard(index)
                        self.wrong(sheet, number, index, "the column is hidden; show it, or delete it")
                    if cells[index].data_type == "f":
                        self.wrong(sheet, number, index, "the cell holds a formula; write its value")
                    elif cells[index].data_type == "e":
                        self.wrong(sheet, number, index, f"the cell holds the error {values[index]}")
                yield number, values
        except InputError:
            raise
        except Exception as error:  # as above: the parts of the file are read only now
            raise InputError(
                f"is no workbook that can be read ({type(error).__name__})", file=self.path
            ) from error

    def _hidden(self, sheet: Any) -> tuple[set[int], set[int]]:  # noqa: ANN401
        """Return which lines and columns are hidden, or have no height or width, from 0."""
        lines: set[int] = set()
        columns: set[int] = set()
        number = -1
        # openpyxl does not tell this of books that it does not load whole, but which part the sheet is.
        with zipfile.ZipFile(self.path) as packed, packed.open(sheet._worksheet_path) as part:
            for _, element in iterparse(part, events=("end",)):
                kind = element.tag.rpartition("}")[2]
                if kind == "row":
                    number = int(element.get("r", number + 2)) - 1
                    if _is_hidden(element, "ht"):
                        lines.add(number)
                elif kind == "col" and _is_hidden(element, "width"):
                    last = min(int(element.get("max", 0)), len(COLUMNS) + 20)
                    columns |= set(range(int(element.get("min", 1)) - 1, last))
                elif kind not in ("sheetData", "c"):
                    continue
                element.clear()
        return lines, columns


def _is_hidden(element: Any, size: str) -> bool:  # noqa: ANN401  (an element of a tree)
    return element.get("hidden") in ("1", "true") or float(element.get(size, 1)) < SEEN_FROM
