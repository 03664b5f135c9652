"""Reading a site's communication matrix, `matrix.yml` of an inventory, with the line of every row."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from plumbline.errors import InputError
from plumbline.matrix import FILE
from plumbline.matrix.model import Matrix
from plumbline.yamlfile import Document, read_yaml, validated


@dataclass(frozen=True)
class Loaded:
    """A matrix with the file it was read from; `line` says where a row stands there."""

    matrix: Matrix
    document: Document

    def line(self, index: int, *at: str | int) -> int:
        """Return the line of a row by its place among the rows, or of a part of it; from 1."""
        return self.document.line(("rows", index, *at))


def load_matrix(inventory: Path) -> Loaded:
    """Read the matrix of an inventory directory, or the file itself.

    Raises InputError when there is none, and FindingsError with every finding's file and line.
    """
    path = inventory / FILE if inventory.is_dir() else inventory
    if not path.is_file():
        raise InputError(
            f"there is no communication matrix {path}",
            hint=f"write {FILE} beside site.yml, or `plumb matrix template` for a workbook to fill in",
        )
    document = read_yaml(path)
    return Loaded(validated(Matrix, document), document)
