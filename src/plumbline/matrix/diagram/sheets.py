"""The diagram of many rows as sheets that can be read on paper: by the VLAN rows lead to, a few on each."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from plumbline.matrix import FILE
from plumbline.matrix.diagram.blocks import Blocks
from plumbline.matrix.diagram.svg import LANGS, STYLE, Lang, draw, width
from plumbline.matrix.flows import host_flows
from plumbline.matrix.load import load_matrix
from plumbline.matrix.model import Matrix, Row
from plumbline.model import Text
from plumbline.report.figure import Figure, Flows
from plumbline.report.locales import text
from plumbline.spec.load import Inventory, load_inventory
from plumbline.spec.model import Vlan

ROWS_A_SHEET = 14
WIDTH_MAX = 1300
"""So many rows, and so many pixels beside each other, can be read on a landscape A4."""
ROWS_DRAWN_MAX = 400
"""More rows would make a report too large to open; they are drawn as a file of their own."""


def flows_of(inventory_path: Path, hosts: Collection[str] | None = None) -> Flows | None:
    """Return the sheets of the rows that these hosts have a part in; None where the inventory has no matrix.

    Raises InputError for a wrong matrix, UnknownEndError when a row names what is not declared.
    """
    if not (inventory_path / FILE).exists():
        return None
    inventory, matrix = load_inventory(inventory_path), load_matrix(inventory_path).matrix
    if hosts is not None:
        found = host_flows(inventory, matrix, hosts)
        theirs = {flow.row.id for one in found.values() for flow in one.flows}
        matrix = matrix.model_copy(update={"rows": [row for row in matrix.rows if row.id in theirs]})
    drawn = sheets(inventory, matrix) if len(matrix.rows) <= ROWS_DRAWN_MAX else []
    return Flows(len(matrix.rows), tuple(drawn), STYLE)


def page(inventory: Inventory, matrix: Matrix, lang: Lang = "en") -> str:
    """Return the diagram as an HTML page that shows `lang` first; raises as `sheets` does."""
    from plumbline.report.html import render_flows

    return render_flows(
        _all(inventory), Flows(len(matrix.rows), tuple(sheets(inventory, matrix)), STYLE), lang
    )


def sheets(inventory: Inventory, matrix: Matrix) -> list[Figure]:
    """Return the diagram as figures; UnknownEndError when a row names what is not declared."""
    whole = Blocks(inventory, matrix)
    parts = [(_all(inventory), whole)] if _fits(whole) else list(_parts(inventory, matrix, whole))
    return [
        Figure(title, {lang: draw(blocks, title, lang, f"flows-{number}") for lang in LANGS})
        for number, (title, blocks) in enumerate(parts)
    ]


def _fits(blocks: Blocks) -> bool:
    return len(blocks.arrows) <= ROWS_A_SHEET and max(width(blocks, lang) for lang in LANGS) <= WIDTH_MAX


def _parts(inventory: Inventory, matrix: Matrix, whole: Blocks) -> Iterator[tuple[Text, Blocks]]:
    """Yield the rows of each sheet: those to one VLAN, those to the same block after each other."""
    for vlan, arrows in whole.by_destination():
        found: list[Blocks] = []
        rows: list[Row] = []
        for arrow in arrows:
            more = Blocks(inventory, matrix.model_copy(update={"rows": [*rows, arrow.row]}))
            if not found or not _fits(more):
                rows = []
                more = Blocks(inventory, matrix.model_copy(update={"rows": [arrow.row]}))
                found.append(more)
            rows.append(arrow.row)
            found[-1] = more
        for number, part in enumerate(found, 1):
            yield _title(inventory, vlan, number, len(found)), part


def _all(inventory: Inventory) -> Text:
    return text("Flows of the communication matrix: {site}", site=inventory.site.name)


def _title(inventory: Inventory, vlan: Vlan | None, number: int, count: int) -> Text:
    part = f" ({number}/{count})" if count > 1 else ""
    if vlan is None:
        return text(
            "{site}: flows to what is in no VLAN of the site{part}", site=inventory.site.name, part=part
        )
    told = f"VLAN {vlan.id} {vlan.name}"
    return text("{site}: flows to {vlan}{part}", site=inventory.site.name, vlan=told, part=part)
