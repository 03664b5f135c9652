"""The matrix as CSV (RFC 4180, UTF-8): the rows in one file, the names beside it in `<stem>.names.csv`."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from plumbline.atomic import replace
from plumbline.errors import InputError
from plumbline.findings import Finding, FindingsError
from plumbline.matrix.model import Matrix
from plumbline.matrix.table.columns import COLUMNS, Lang, texts
from plumbline.matrix.table.reading import matrix_of

# What a spreadsheet takes for a formula; an apostrophe before it makes it a text, and is taken off again.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'", "＝", "＋", "－", "＠")
# A spreadsheet that parts cells at another sign than the comma finds cells inside a cell. What would be a
# formula there is made a text too.
_INSIDE = re.compile(r"([;|\t\r\n]\s*)('*[=+\-@＝＋－＠])")
_INSIDE_MEANT = re.compile(r"([;|\t\r\n]\s*)'('*[=+\-@＝＋－＠])")


def write_csv(matrix: Matrix, path: Path, lang: Lang = "en") -> list[Path]:
    """Write the matrix, each file at once or not at all; return the files written."""
    header = [column.header(lang) for column in COLUMNS]
    replace(path, csv_bytes([header, *(texts(row, lang) for row in matrix.rows)]), 0o644)
    written = [path]
    if matrix.names:
        names = _names(path)
        lines = [[name, ", ".join(map(str, addresses))] for name, addresses in matrix.names.items()]
        replace(names, csv_bytes([["name", "addresses"], *lines]), 0o644)
        written.append(names)
    return written


def read_csv(path: Path) -> Matrix:
    """Read a matrix; comma, semicolon or tab between the cells, whichever the header has.

    Raises InputError when it is no text, FindingsError with every bad cell.
    """
    beside = _names(path)
    names: dict[str, list[str]] = {}
    if beside.is_file():
        for number, cells in list(_lines(beside))[1:]:
            if cells and cells[0] in names:
                message = f"{cells[0]} stands here a second time"
                raise FindingsError([Finding(str(beside), number + 1, message)])
            if cells:
                names[cells[0]] = [part.strip() for part in cells[1].split(",")] if len(cells) > 1 else []
    return matrix_of(str(path), _lines(path), names, lambda _, column: f"column {column + 1}")


def _names(path: Path) -> Path:
    return path.with_name(f"{path.stem}.names.csv")


def csv_bytes(lines: Sequence[Sequence[str | date]]) -> bytes:
    """Return a CSV file (RFC 4180) of these lines; no cell is taken for a formula."""
    made = io.StringIO()
    writer = csv.writer(made, lineterminator="\r\n")
    for line in lines:
        writer.writerow([_safe(cell.isoformat() if isinstance(cell, date) else cell) for cell in line])
    # With the mark of UTF-8 at its beginning a spreadsheet shows Slovak letters right.
    return made.getvalue().encode("utf-8-sig")


def _safe(cell: str) -> str:
    inside = _INSIDE.sub(r"\1'\2", cell)
    return f"'{inside}" if inside.startswith(_FORMULA) else inside


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        separator = max(",;\t", key=text.partition("\n")[0].count)
        for number, cells in enumerate(csv.reader(io.StringIO(text), delimiter=separator, strict=True)):
            yield number, [_meant(cell) for cell in cells]
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=path) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"is no CSV in UTF-8: {error}", file=path) from error


def _meant(cell: str) -> str:
    whole = cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell
    return _INSIDE_MEANT.sub(r"\1\2", whole)
