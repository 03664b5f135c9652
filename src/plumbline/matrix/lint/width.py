"""Rules on how much a row opens: addresses and ports no wider than the system needs (4.8.2)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Literal

from plumbline.matrix.ends import Span
from plumbline.matrix.flows import merged_ports
from plumbline.matrix.lint.finding import Finding, Resolved, Table
from plumbline.matrix.model import PORT_MAX, Row

ADDRESSES = 2**32
EPHEMERAL_FIRST = 32768
"""Where clients' own ports begin on Linux (ip_local_port_range); IANA's begin at 49152 (RFC 6335)."""
SPREAD = 16
"""How many addresses a range may have for each host declared in it before it is called too wide."""
MANY_PORTS = 100
"""More neighbouring ports than this are called too many."""

_Side = Literal["source", "destination"]
_SIDES: tuple[_Side, _Side] = ("source", "destination")


def ports(table: Table) -> Iterator[Finding]:
    """Find rows that open all ports, very many, or ranges of the ports that clients take for themselves."""
    for one in table.rows:
        if opens_every(one.row):
            yield one.found("all-ports", "error", "the row opens every port (4.8.2)", "ports")
            continue
        # Ranges that touch are one, however they are written.
        for first, last in merged_ports(one.row.spans()):
            span = f"{first}-{last}"
            if last - first >= MANY_PORTS:
                message = "the ports {ports} are {count} ports; name those that are used (4.8.2)"
                yield one.found("many-ports", "warning", message, "ports", ports=span, count=last - first + 1)
            elif first != last and last >= EPHEMERAL_FIRST:
                message = "the ports {ports} are such as clients take for themselves; fix the service's port"
                yield one.found("ephemeral-ports", "warning", message, "ports", ports=span)


def opens_every(row: Row) -> bool:
    """Say whether a row opens most ports there are, in one range or several."""
    return sum(last - first + 1 for first, last in merged_ports(row.spans())) > PORT_MAX // 2


def addresses(table: Table) -> Iterator[Finding]:
    """Find rows with any address at an end, or a range much wider than the hosts declared in it."""
    declared = sorted(table.ends.owners)
    for one in table.rows:
        for side in _SIDES:
            for index, word in enumerate(getattr(one.row, side)):
                for span in table.ends.spans(word):
                    yield from _too_wide(one, (side, index), span, word, declared)


def _too_wide(
    one: Resolved, at: tuple[str, int], span: Span, word: str, declared: list[int]
) -> Iterator[Finding]:
    if span.size >= ADDRESSES // 2:
        yield one.found("any-address", "error", "{word} is any address (4.8.2)", *at, word=word)
        return
    if ":" in word:
        return
    inside = bisect_right(declared, span.high) - bisect_left(declared, span.low)
    if span.size > SPREAD * max(inside, 1):
        message = "{word} holds {size} addresses and {hosts} declared hosts; name the hosts (4.8.2)"
        yield one.found("wide-range", "warning", message, *at, word=word, size=span.size, hosts=inside)
