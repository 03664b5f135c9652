"""Rules on rows that say the same twice: duplicates, rows hidden in a wider one, rows that overlap."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network

from plumbline.matrix.lint.finding import Finding, Resolved, Table
from plumbline.matrix.model import PORT_MAX
from plumbline.probes.firewall.flows import ICMP_TYPES

PARTS_MAX = 20_000
"""So many parts of a row are compared with other rows; one of more is a mistake, or meant to keep us busy."""


@dataclass(frozen=True)
class _Cell:
    """The part of a row between one network and another, for one range of ports (of icmp: one type)."""

    source: IPv4Network
    destination: IPv4Network
    protocol: str
    first: int
    last: int


def _cells(one: Resolved) -> list[_Cell] | None:
    """Return the parts of a row; None if there are too many."""
    spans = one.row.spans() or [(ICMP_TYPES[name], ICMP_TYPES[name]) for name in one.row.icmp_types]
    sources = [network for span in one.sources for network in span.networks()]
    destinations = [network for span in one.destinations for network in span.networks()]
    if len(sources) * len(destinations) * len(spans) > PARTS_MAX:
        return None
    return [
        _Cell(source, destination, one.row.protocol, first, last)
        for source in sources
        for destination in destinations
        for first, last in spans
    ]


class _Index:
    """Cells by their networks; wider ones are found by asking for each length of prefix there is."""

    def __init__(self) -> None:
        self._at: dict[tuple[str, IPv4Network, IPv4Network], list[tuple[_Cell, int]]] = defaultdict(list)
        self._lengths: set[tuple[int, int]] = set()

    def add(self, cell: _Cell, row: int) -> None:
        self._at[cell.protocol, cell.source, cell.destination].append((cell, row))
        self._lengths.add((cell.source.prefixlen, cell.destination.prefixlen))

    def around(self, cell: _Cell) -> Iterator[tuple[_Cell, int]]:
        """Yield the cells, with their rows, whose networks hold this one's and that share a port with it."""
        for source, destination in self._lengths:
            if source > cell.source.prefixlen or destination > cell.destination.prefixlen:
                continue
            key = (
                cell.protocol,
                cell.source.supernet(new_prefix=source),
                cell.destination.supernet(new_prefix=destination),
            )
            for other, row in self._at.get(key, ()):
                if other.first <= cell.last and cell.first <= other.last:
                    yield other, row


def rows(table: Table) -> Iterator[Finding]:
    """Find rows that are wholly or partly in others; of two alike the later one is named."""
    index = _Index()
    cells: dict[int, list[_Cell]] = {}
    for one in table.rows:
        if (found := _cells(one)) is None:
            message = "the row has more than {count} parts by ends and ports; split it, or name ranges"
            yield one.found("many-parts", "error", message, count=PARTS_MAX)
        cells[one.index] = found or []
    ids = {one.index: one.row.id for one in table.rows}
    for one in table.rows:
        for cell in cells[one.index]:
            index.add(cell, one.index)
    for one in table.rows:
        hidden_by: set[int] = set()
        shares_with: set[int] = set()
        hidden = 0
        for cell in cells[one.index]:
            around = [(other, row) for other, row in index.around(cell) if row != one.index]
            holding = [
                row for other, row in around if _holds(other, cell) and (other != cell or row < one.index)
            ]
            hidden += bool(holding)
            hidden_by |= set(holding)
            shares_with |= {row for other, row in around if other != cell and not _holds(other, cell)}
        if 0 < hidden == len(cells[one.index]):
            yield _hidden(one, cells, sorted(hidden_by), ids)
        elif hidden_by or shares_with:
            others = ", ".join(ids[row] for row in sorted(hidden_by | shares_with))
            message = "the row shares addresses and ports with {rows}; say each communication once"
            yield one.found("overlap", "warning", message, rows=others)


def _holds(wide: _Cell, cell: _Cell) -> bool:
    """Say whether a cell around another, by its networks, holds it by its ports too."""
    return wide.first <= cell.first and cell.last <= wide.last <= PORT_MAX


def _hidden(one: Resolved, cells: dict[int, list[_Cell]], others: list[int], ids: dict[int, str]) -> Finding:
    mine = set(cells[one.index])
    for other in others:
        if set(cells[other]) == mine:
            return one.found("duplicate", "error", "the row says the same as {row}", row=ids[other])
    names = ", ".join(ids[other] for other in others)
    return one.found("shadowed", "warning", "the row opens nothing that {rows} does not", rows=names)
