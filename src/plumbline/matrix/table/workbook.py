"""The matrix as an XLSX workbook: a template for a supplier to fill in."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from plumbline.atomic import replace
from plumbline.matrix.model import Matrix
from plumbline.matrix.table.columns import COLUMNS, YES, Column, Lang, texts

SHEETS: dict[Lang, tuple[str, str]] = {"en": ("Matrix", "Names"), "sk": ("Matica", "Mená")}
"""What the sheets are called: the rows, and the names with their addresses."""
TEMPLATE_LINES = 2000


def write_workbook(matrix: Matrix, path: Path, lang: Lang = "en") -> None:
    """Write a matrix as a workbook, at once or not at all; no value becomes a formula."""
    book = Workbook()
    sheet = _rows_sheet(book, lang)
    for number, row in enumerate(matrix.rows, 2):
        for column, value in enumerate(texts(row, lang), 1):
            put_text(sheet.cell(number, column), value)
    names = book.create_sheet(SHEETS[lang][1])
    for number, (name, addresses) in enumerate(matrix.names.items(), 1):
        put_text(names.cell(number, 1), name)
        put_text(names.cell(number, 2), ", ".join(map(str, addresses)))
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
        put_text(cell, column.header(lang))
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


def put_text(cell: Cell | Any, value: str | date) -> None:  # noqa: ANN401  (openpyxl's merged cells have no value)
    """Write a value into a cell of a workbook; a text never becomes a formula."""
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
