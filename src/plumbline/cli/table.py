"""Tables: rich ones on a terminal, plain aligned columns anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> None:
    """Print rows under their columns; the last column takes what room is left.

    Off a terminal nothing is cut or wrapped, so that the output can be searched line by line.
    """
    if sys.stdout.isatty():
        _rich(columns, rows, title)
        return
    if title:
        click.echo(title)
    widths = [max(len(row[index]) for row in [columns, *rows]) for index in range(len(columns) - 1)]
    for row in [columns, *rows]:
        start = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        click.echo(f"{start}  {row[-1]}".rstrip() if widths else row[-1])


def _rich(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if title:
        console.print(Text(title, style="bold"))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        last = index == len(columns) - 1
        table.add_column(column, overflow="fold", ratio=1 if last else None, no_wrap=not last)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)
