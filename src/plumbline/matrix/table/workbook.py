"""The matrix as an XLSX workbook: a template to fill in, read back without trusting anything in it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import Cell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from plumbline.atomic import replace
from plumbline.errors import InputError
from plumbline.findings import Finding, FindingsError
from plumbline.matrix.model import Matrix
from plumbline.matrix.table.columns import COLUMNS, YES, Column, Lang, texts
from plumbline.matrix.table.reading import matrix_of

SHEETS: dict[Lang, tuple[str, str]] = {"en": ("Matrix", "Names"), "sk": ("Matica", "Mená")}
"""What the sheets are called: the rows, and the names with their addresses."""
UNPACKED_MAX = 256 * 1024 * 1024
"""Bytes a workbook may unpack to; a small file that unpacks to more is no table."""
LINES_MAX = 200_000
EMPTY_MAX = 1000
"""So many empty lines in a row end a sheet: a format on a whole column makes a million of them."""
TEMPLATE_LINES = 2000


def write_workbook(matrix: Matrix, path: Path, lang: Lang = "en") -> None:
    """Write a matrix as a workbook, at once or not at all; no value becomes a formula."""
    book = Workbook()
    sheet = _rows_sheet(book, lang)
    for number, row in enumerate(matrix.rows, 2):
        for column, value in enumerate(texts(row, lang), 1):
            _put(sheet.cell(number, column), value)
    names = book.create_sheet(SHEETS[lang][1])
    for number, (name, addresses) in enumerate(matrix.names.items(), 1):
        _put(names.cell(number, 1), name)
        _put(names.cell(number, 2), ", ".join(map(str, addresses)))
    _choices(sheet, lang, max(TEMPLATE_LINES, len(matrix.rows) + 100))
    made = io.BytesIO()
    book.save(made)
    replace(path, made.getvalue(), 0o644)


def _rows_sheet(book: Workbook, lang: Lang) -> Worksheet:
    sheet = book.active
    if not isinstance(sheet, Worksheet):
        raise TypeError("a new workbook has a sheet")
    sheet.title = SHEETS[lang][0]
    for index, column in enumerate(COLUMNS, 1):
        cell = sheet.cell(1, index)
        _put(cell, column.header(lang))
        cell.font = Font(bold=True)
        cell.fill = PatternFill("solid", fgColor="DDE6ED" if column.needed else "F2F2F2")
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        dimension = sheet.column_dimensions[get_column_letter(index)]
        dimension.width = column.width
        # As text, so that the ports 10-12 do not become a day in October.
        dimension.number_format = "yyyy-mm-dd" if column.kind == "date" else "@"
    sheet.freeze_panes = "B2"
    return sheet


def _choices(sheet: Worksheet, lang: Lang, lines: int) -> None:
    """Offer what a cell may hold where that is a list, and a calendar's days where it is a date."""
    for index, column in enumerate(COLUMNS, 1):
        offered = _offered(column, lang)
        if offered:
            rule = DataValidation("list", formula1=f'"{",".join(offered)}"', allow_blank=not column.needed)
        elif column.kind == "date":
            rule = DataValidation("date", operator="greaterThan", formula1="36526", allow_blank=True)
        else:
            continue
        rule.showErrorMessage = True
        letter = get_column_letter(index)
        rule.add(f"{letter}2:{letter}{lines}")
        sheet.add_data_validation(rule)


def _offered(column: Column, lang: Lang) -> list[str]:
    if column.kind == "yes":
        return [YES[True][lang], YES[False][lang]]
    words = column.words or {}
    return list(words.values()) if lang == "sk" else list(words)


def _put(cell: Cell | Any, value: str | date) -> None:  # noqa: ANN401  (openpyxl's merged cells have no value)
    if value == "":
        return
    cell.value = value
    if isinstance(value, str):
        # Written as a text whatever it begins with: `=1+1` is shown and not computed.
        cell.data_type = "s"
        cell.quotePrefix = value.startswith(("=", "+", "-", "@"))
        cell.number_format = "@"
    else:
        cell.number_format = "yyyy-mm-dd"


def read_workbook(path: Path) -> Matrix:
    """Read a workbook that a person filled in; the first sheet holds the rows, unless one is called so.

    Raises InputError when it is no workbook or would unpack to too much, FindingsError naming each bad cell
    by sheet and cell: a formula is one, for its value is not known to be what the person saw.
    """
    book = _opened(path)
    titles = {title: index for titles in SHEETS.values() for index, title in enumerate(titles)}
    rows = next((s for s in book.worksheets if titles.get(s.title) == 0), None) or book.worksheets[0]
    beside = next((s for s in book.worksheets if titles.get(s.title) == 1), None)
    formulas: list[Finding] = []
    names: dict[str, list[str]] = {}
    for _, cells in _lines(path, beside, formulas) if beside is not None else ():
        if cells and cells[0]:
            given = str(cells[1]) if len(cells) > 1 and cells[1] is not None else ""
            names[str(cells[0]).strip()] = [part.strip() for part in given.split(",")]
    lines = list(_lines(path, rows, formulas))
    if formulas:
        raise FindingsError(formulas)
    return matrix_of(
        str(path),
        lines,
        names,
        lambda line, column: f"{rows.title}!{get_column_letter(column + 1)}{line + 1}",
    )


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


def _lines(path: Path, sheet: Any, formulas: list[Finding]) -> Iterator[tuple[int, list[object]]]:  # noqa: ANN401
    """Yield a sheet's lines with something in them; formulas are found on the way."""
    # What the file says of its own size need not be true.
    sheet.reset_dimensions()
    empty = 0
    try:
        for number, cells in enumerate(sheet.iter_rows(max_col=len(COLUMNS) + 20)):
            if number >= LINES_MAX:
                raise InputError(f"{sheet.title} has more than {LINES_MAX} lines; it is no matrix", file=path)
            values = [cell.value for cell in cells]
            empty = 0 if any(value is not None for value in values) else empty + 1
            if empty > EMPTY_MAX:
                return
            for index, cell in enumerate(cells):
                if cell.data_type == "f":
                    place = f"{sheet.title}!{get_column_letter(index + 1)}{number + 1}"
                    message = f"{place}: the cell holds a formula; write its value"
                    formulas.append(Finding(str(path), number + 1, message))
            yield number, values
    except InputError:
        raise
    except Exception as error:  # as above: the parts of the file are read only now
        raise InputError(f"is no workbook that can be read ({type(error).__name__})", file=path) from error
