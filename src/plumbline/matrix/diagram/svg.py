"""The diagram as SVG: blocks in columns, each row an arrow in a lane of its own, so no label meets another.

It has no script and nothing from elsewhere, words of the table are escaped and made visible; its ids begin
with `flows`, as its style does, so it can stand in a page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal, get_args

from plumbline.matrix.diagram.blocks import Arrow, Block, Blocks, Group
from plumbline.matrix.model import Matrix
from plumbline.model import Text
from plumbline.report.locales import counted, text, told, translate
from plumbline.report.words import visible
from plumbline.spec.load import Inventory

Lang = Literal["en", "sk"]
LANGS: tuple[Lang, ...] = get_args(Lang)
LETTER = 7.4
"""Width in pixels of a letter of 12 px, generously: a label reserves that much for each."""
TITLE_LETTER = 1.5
"""How much wider a letter of the title is."""
MARGIN, GAP, PAD = 16, 14, 12
HEAD, BLOCK, LANE = 26, 46, 44
TITLE, LEGEND = 40, 40
_ENCRYPTIONS = {
    "none": "not encrypted",
    "tls": "TLS",
    "ssh": "SSH",
    "ipsec": "IPsec",
    "kerberos": "Kerberos",
    "snmpv3": "SNMPv3",
    "opc-ua": "OPC UA",
    "nts": "NTS",
    "application": "the application's own encryption",
}
_SHAPES = """\
.flows text { font: 12px system-ui, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif; }
.flows .title { font-size: 18px; font-weight: 650; }
.flows .strong { font-weight: 600; }
.flows .life { stroke-dasharray: 2 4; }
.flows .arrow { stroke-width: 2; fill: none; }
.flows .opens { stroke-width: 2; }
.flows .clear .arrow { stroke-dasharray: 7 4; }
.flows .label { paint-order: stroke; stroke-width: 4px; stroke-linejoin: round; }
"""
# Written out for both schemes: word processors and printers' programs know no variables.
_COLOURS = """\
.flows text {{ fill: {ink}; }} .flows .soft {{ fill: {soft}; }} .flows .paper {{ fill: {paper}; }}
.flows .group {{ fill: {ground}; stroke: {line}; }} .flows .block {{ fill: {paper}; stroke: {ink}; }}
.flows .life {{ stroke: {line}; }} .flows .arrow {{ stroke: {arrow}; }} .flows .head {{ fill: {arrow}; }}
.flows .opens {{ fill: {paper}; stroke: {arrow}; }} .flows .label {{ stroke: {ground}; }}
.flows .clear .arrow, .flows .clear .opens {{ stroke: {clear}; }}
.flows .clear .head, .flows .clear .way {{ fill: {clear}; }}
"""
_LIGHT = {
    "paper": "#ffffff", "ink": "#1b1f24", "soft": "#59636e", "line": "#aab4be", "ground": "#f1f4f7",
    "clear": "#a8201a", "arrow": "#1d5a8c",
}  # fmt: skip
_DARK = {
    "paper": "#1c2127", "ink": "#e4e8ec", "soft": "#a0aab4", "line": "#56616c", "ground": "#262d35",
    "clear": "#ff9a91", "arrow": "#8fc4f2",
}  # fmt: skip
STYLE = (
    _SHAPES
    + _COLOURS.format(**_LIGHT)
    + "@media screen and (prefers-color-scheme: dark) {\n"
    + _COLOURS.format(**_DARK)
    + "}\n"
)
"""What draws it, in both colour schemes; in a page it is part of the page's style."""


@dataclass(frozen=True)
class _Laid:
    """Where everything stands: each block's middle and width, each group's edges, in pixels."""

    middles: dict[Block, float]
    widths: dict[Block, float]
    edges: list[tuple[Group, float, float]]
    width: float


def render(inventory: Inventory, matrix: Matrix, lang: Lang = "en") -> str:
    """Return the whole diagram as a file; UnknownEndError when a row names what is not declared."""
    title = text("Flows of the communication matrix: {site}", site=inventory.site.name)
    return draw(Blocks(inventory, matrix), title, lang, "flows", alone=True)


def width(blocks: Blocks, lang: Lang) -> float:
    """Return how many pixels a diagram of blocks takes beside each other, its labels apart."""
    return _laid(blocks.groups(), lang, 0).width


def draw(blocks: Blocks, title: Text, lang: Lang, name: str, *, alone: bool = False) -> str:
    """Return a diagram of blocks; `name` begins its ids, and `alone` it brings its style itself."""
    labels = [_label(arrow, lang) for arrow in blocks.arrows]
    longest = max((_long(line) for pair in labels for line in pair), default=0)
    laid = _laid(blocks.groups(), lang, max(longest, _long(told(title, lang)) * TITLE_LETTER))
    top = TITLE + HEAD + BLOCK + PAD
    height = top + LANE * len(labels) + PAD + LEGEND
    count = counted(
        "There is {n} row, an arrow from block to block.",
        "There are {n} rows, each an arrow from block to block.",
        len(labels),
        lang,
    )
    name = f"{name}-{lang}"
    described = " ".join([count, *(_sentence(arrow, lang) for arrow in blocks.arrows)])
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="flows" role="img" lang="{lang}"'
        f' aria-labelledby="{name}-title {name}-desc" viewBox="0 0 {laid.width:.0f} {height}"'
        f' width="{laid.width:.0f}" height="{height}">',
        f'<title id="{name}-title">{_words(told(title, lang))}</title>',
        f'<desc id="{name}-desc">{_words(described)}</desc>',
        *([f"<style>{STYLE}</style>"] if alone else []),
        f'<rect class="paper" width="{laid.width:.0f}" height="{height}"/>',
        _text(MARGIN, 26, told(title, lang), "title"),
        *_blocks(laid, lang, height - LEGEND),
    ]
    for number, (arrow, label) in enumerate(zip(blocks.arrows, labels, strict=True)):
        parts += _arrow(arrow, label, laid, top + LANE * number, _sentence(arrow, lang))
    return "\n".join([*parts, *_legend(height - LEGEND / 2 + 4, lang), "</svg>", ""])


def _laid(groups: Sequence[Group], lang: Lang, label: float) -> _Laid:
    """Give each block a column as wide as its words, and the whole the width of the longest label."""
    middles: dict[Block, float] = {}
    widths: dict[Block, float] = {}
    edges: list[tuple[Group, float, float]] = []
    x = float(MARGIN)
    for group in groups:
        start = x
        x += PAD
        for block in group.blocks:
            note = told(block.note, lang) if block.note else ""
            widths[block] = max(_long(block.name), _long(note)) + 2 * PAD
            middles[block] = x + widths[block] / 2
            x += widths[block] + GAP
        x = max(x - GAP + PAD, start + _long(_head(group, lang)) + 2 * PAD)
        edges.append((group, start, x))
        x += GAP
    end = max(x - GAP, label + 2 * MARGIN + 2 * PAD)
    if edges:
        group, start, _ = edges[-1]
        edges[-1] = (group, start, end)
    return _Laid(middles, widths, edges, end + MARGIN)


def _blocks(laid: _Laid, lang: Lang, bottom: float) -> Iterator[str]:
    for group, start, end in laid.edges:
        rectangle = f'x="{start:.0f}" y="{TITLE}" width="{end - start:.0f}" height="{bottom - TITLE:.0f}"'
        yield f'<rect class="group" rx="6" {rectangle}/>'
        yield _text(start + PAD, TITLE + 18, _head(group, lang), "soft")
    for block, middle in laid.middles.items():
        left, y, width = middle - laid.widths[block] / 2, TITLE + HEAD, laid.widths[block]
        life = f'x1="{middle:.0f}" x2="{middle:.0f}" y1="{y + BLOCK}" y2="{bottom - PAD / 2:.0f}"'
        yield f'<line class="life" {life}/>'
        yield f'<rect class="block" rx="4" x="{left:.0f}" y="{y}" width="{width:.0f}" height="{BLOCK}"/>'
        yield _text(middle, y + (20 if block.note else 28), block.name, "strong", "middle")
        if block.note:
            yield _text(middle, y + 37, told(block.note, lang), "soft", "middle")


def _arrow(arrow: Arrow, label: tuple[str, str], laid: _Laid, y: float, sentence: str) -> Iterator[str]:
    """Draw a row: a line over all its blocks, a ring where it is opened, a head wherever data arrives."""
    sources = [laid.middles[block] for block in arrow.sources]
    destinations = [laid.middles[block] for block in arrow.destinations]
    left, right = min([*sources, *destinations]), max([*sources, *destinations])
    line = y + LANE - 10
    yield f'<g class="{"clear" if arrow.row.encryption == "none" else "secured"}">'
    yield f"<title>{_words(sentence)}</title>"
    if left == right:  # between hosts of one block
        right = left + 30
        destinations = [right]
    yield f'<path class="arrow" d="M{left:.0f} {line:.0f}H{right:.0f}"/>'
    if arrow.row.direction in ("to-destination", "both"):
        yield from (_head_at(x, line, x > min(sources), ring=x in sources) for x in destinations)
    if arrow.row.direction in ("to-source", "both"):
        yield from (_head_at(x, line, x > min(destinations), ring=True) for x in sources)
    yield from (f'<circle class="opens" cx="{x:.0f}" cy="{line:.0f}" r="4"/>' for x in sources)
    x = max(MARGIN + PAD, min(left + 8, laid.width - MARGIN - PAD - max(map(_long, label))))
    yield _text(x, y + 12, label[0], "label strong")
    yield _text(x, y + 26, label[1], "label soft way")
    yield "</g>"


def _head_at(x: float, y: float, from_left: bool, *, ring: bool) -> str:
    """Draw a head that ends at a block's middle, or before the ring there."""
    side = -1 if from_left else 1
    tip = x + (5 * side if ring else 0)
    return f'<path class="head" d="M{tip:.0f} {y:.0f}l{10 * side} -5v10z"/>'


def _legend(y: float, lang: Lang) -> Iterator[str]:
    x = float(MARGIN)
    signs = (
        (f'<circle class="opens" cx="{{0}}" cy="{y - 4:.0f}" r="4"/>', "opens the connection", ""),
        (f'<path class="head" d="M{{1}} {y - 4:.0f}l-10 -5v10z"/>', "data arrives", ""),
        (f'<path class="arrow" d="M{{2}} {y - 4:.0f}h24"/>', "encrypted", ""),
        (f'<path class="arrow" d="M{{2}} {y - 4:.0f}h24"/>', "not encrypted", "clear"),
    )
    for sign, words, kind in signs:
        told_so = translate(words, lang)
        drawn = sign.format(f"{x + 12:.0f}", f"{x + 16:.0f}", f"{x:.0f}")
        yield f'<g class="{kind}">{drawn}{_text(x + 30, y, told_so, "soft")}</g>'
        x += 30 + _long(told_so) + 24


def _label(arrow: Arrow, lang: Lang) -> tuple[str, str]:
    row = arrow.row
    ports = ", ".join([*row.ports, *row.icmp_types])
    encryption = translate(_ENCRYPTIONS[row.encryption], lang)
    return row.data, f"{row.id} · {row.service} · {row.protocol.upper()} {ports} · {encryption}"


def _sentence(arrow: Arrow, lang: Lang) -> str:
    """Say a row in words, for who does not see the picture."""
    row = arrow.row
    sentence = {
        "to-destination": "{id}: {sources} sends {data} to {destinations} ({how}).",
        "to-source": "{id}: {sources} fetches {data} from {destinations} ({how}).",
        "both": "{id}: {sources} and {destinations} exchange {data} ({how}).",
    }[row.direction]
    return translate(
        sentence,
        lang,
        id=row.id,
        sources=", ".join(row.source),
        destinations=", ".join(row.destination),
        data=row.data,
        how=_label(arrow, lang)[1].partition(" · ")[2],
    )


def _head(group: Group, lang: Lang) -> str:
    if group.vlan is None:
        return told(text("in no VLAN of the site"), lang)
    return f"VLAN {group.vlan.id} {group.vlan.name} {group.vlan.network}"


def _text(x: float, y: float, words: str, kind: str, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{_words(words)}</text>'


def _words(words: str) -> str:
    """Return words as text of a picture: nothing in them is markup, and XML forbids none of it."""
    return escape(visible(words))


def _long(words: str) -> float:
    return len(visible(words)) * LETTER
