"""The blocks of the diagram: hosts, systems, VLANs and services that rows name, grouped by VLAN."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from plumbline.matrix.ends import Ends
from plumbline.matrix.model import Matrix, Row
from plumbline.model import Text
from plumbline.report.locales import text
from plumbline.spec.load import Inventory
from plumbline.spec.model import Vlan


@dataclass(frozen=True)
class Block:
    """One box. `name` is what it stands for as the rows say it; `note` is told below it."""

    name: str
    note: Text | None = None


@dataclass(frozen=True)
class Group:
    """The blocks of one VLAN; None is what lies in no VLAN of the site."""

    vlan: Vlan | None
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Arrow:
    """One row: its blocks on both sides."""

    row: Row
    sources: tuple[Block, ...]
    destinations: tuple[Block, ...]


class Blocks:
    """The blocks of a matrix: a host named by itself is one, the other hosts of a system are one together."""

    def __init__(self, inventory: Inventory, matrix: Matrix) -> None:
        self._inventory = inventory
        self._ends = Ends(inventory, matrix)
        self._words = list(
            dict.fromkeys(word for row in matrix.rows for word in (*row.source, *row.destination))
        )
        self._named = {word for word in self._words if word in inventory.hosts()}
        self._by_word = {word: tuple(self._of(word)) for word in self._words}
        self.arrows = [Arrow(row, self._side(row.source), self._side(row.destination)) for row in matrix.rows]

    def groups(self) -> list[Group]:
        """Return the groups that have blocks, in the order of the site's VLANs, what is in none last."""
        found: dict[int | None, dict[Block, None]] = {}
        for word in self._words:
            for block in self._by_word[word]:
                found.setdefault(self._vlan_of(block, word), {})[block] = None
        vlans: list[Vlan | None] = [*self._inventory.site.vlans, None]
        return [
            Group(vlan, tuple(found[key]))
            for vlan in vlans
            if (key := None if vlan is None else vlan.id) in found
        ]

    def by_destination(self) -> list[tuple[Vlan | None, list[Arrow]]]:
        """Return the rows by the VLAN they lead to, those to the same block after each other."""
        vlans: list[Vlan | None] = [*self._inventory.site.vlans, None]
        numbers = [vlan.id if vlan else None for vlan in vlans]
        blocks = {block: place for group in self.groups() for place, block in enumerate(group.blocks)}
        found: list[list[Arrow]] = [[] for _ in vlans]
        for arrow in self.arrows:
            first, word = arrow.destinations[0], arrow.row.destination[0]
            found[numbers.index(self._vlan_of(first, word))].append(arrow)
        return [
            (vlan, sorted(arrows, key=lambda arrow: blocks[arrow.destinations[0]]))
            for vlan, arrows in zip(vlans, found, strict=True)
            if arrows
        ]

    def _side(self, words: list[str]) -> tuple[Block, ...]:
        return tuple(dict.fromkeys(block for word in words for block in self._by_word[word]))

    def _of(self, word: str) -> Iterator[Block]:
        kind, _, name = word.partition(":")
        if kind != "system" or name not in self._inventory.systems:
            yield Block(word, self._note(word))
            return
        hosts = [host.name for host in self._inventory.systems[name].hosts]
        yield from (Block(host, self._note(host)) for host in hosts if host in self._named)
        if rest := [host for host in hosts if host not in self._named]:
            yield Block(word, text("{n} hosts", n=len(rest)) if len(rest) > 1 else self._note(rest[0]))

    def _note(self, word: str) -> Text | None:
        if word.startswith("vlan:"):
            return text("any host of the VLAN")
        spans = self._ends.spans(word)
        told = str(spans[0]) if len(spans) == 1 else f"{spans[0]} (+{len(spans) - 1})" if spans else ""
        return Text(en=told, sk=told) if told and told != word else None

    def _vlan_of(self, block: Block, word: str) -> int | None:
        """Return the VLAN that has the block's first address."""
        spans = self._ends.spans(block.name if block.name in self._named else word)
        for vlan in self._inventory.site.vlans if spans else ():
            network = vlan.network
            if int(network.network_address) <= spans[0].low <= int(network.broadcast_address):
                return vlan.id
        return None
