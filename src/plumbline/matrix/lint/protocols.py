"""Rules on what is talked: restricted protocols (5.3), and what must not go in clear text (5.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from plumbline.matrix.lint.finding import Finding, Resolved, Table
from plumbline.matrix.lint.width import opens_every
from plumbline.matrix.model import CLASSIFICATIONS
from plumbline.policy.protocols import Protocol

_WORD = re.compile(r"[^\W_]+")


def restricted(table: Table) -> Iterator[Finding]:
    """Find rows for a protocol of 5.3 that is forbidden or bound to a condition, by port and by service."""
    terms = _terms(table)
    by_port = {
        (protocol.transport, port): name
        for name, protocol in table.protocols.items()
        for port in protocol.ports
    }
    for one in table.rows:
        named = _by_service(one, terms)
        # A row that opens every port is found by that, and not once more for each protocol there is.
        spans = [] if opens_every(one.row) else one.row.spans()
        opened = {
            name
            for (transport, port), name in by_port.items()
            if transport == one.row.protocol and any(first <= port <= last for first, last in spans)
        }
        for name in sorted(named | opened):
            yield from _judged(one, name, table, "ports" if name in opened else "service")


def _terms(table: Table) -> list[tuple[tuple[str, ...], str]]:
    """Return what protocols are called, word by word, with their names; the longest first."""
    found = {
        tuple(_WORD.findall(term.casefold())): name
        for name, protocol in table.protocols.items()
        for term in (name, *protocol.also, protocol.title.en, protocol.title.sk)
    }
    return sorted(found.items(), key=lambda term: -len(term[0]))


def _by_service(one: Resolved, terms: Sequence[tuple[tuple[str, ...], str]]) -> set[str]:
    """Return the protocols that the service names by whole words; `MQTT over TLS` is not `MQTT`."""
    words = _WORD.findall(one.row.service.casefold())
    found: set[str] = set()
    place = 0
    while place < len(words):
        called = next((term for term in terms if tuple(words[place : place + len(term[0])]) == term[0]), None)
        if called is not None:
            found.add(called[1])
        place += len(called[0]) if called else 1
    return found


def _judged(one: Resolved, name: str, table: Table, at: str) -> Iterator[Finding]:
    protocol = table.protocols[name]
    if protocol.use == "forbidden":
        yield one.found(
            "restricted-protocol",
            "error",
            "{protocol} is forbidden (5.3); {replacement} takes its place"
            if protocol.replacement
            else "{protocol} is forbidden (5.3)",
            at,
            protocol=protocol.title,
            replacement=_title(table, protocol),
        )
    elif protocol.use == "conditional" and protocol.condition is not None and one.row.encryption == "none":
        yield one.found(
            "restricted-protocol",
            "error",
            "{protocol} is allowed only so: {condition}",
            "encryption",
            protocol=protocol.title,
            condition=protocol.condition,
        )


def _title(table: Table, protocol: Protocol) -> object:
    return table.protocols[protocol.replacement].title if protocol.replacement else ""


def cleartext(table: Table) -> Iterator[Finding]:
    """Find rows without encryption; with logon data or data above internal no exception is possible."""
    beyond = CLASSIFICATIONS[CLASSIFICATIONS.index("internal") + 1 :]
    for one in table.rows:
        if one.row.encryption != "none" or one.row.protocol == "icmp":
            continue
        if one.row.credentials:
            message = "logon data must not go in clear text; no exception is possible (5.1)"
            yield one.found("cleartext-credentials", "error", message, "encryption", final=True)
        elif one.row.classification in beyond:
            yield one.found(
                "cleartext-classified",
                "error",
                "data classified {classification} must not go in clear text; no exception is possible (5.1)",
                "encryption",
                final=True,
                classification=one.row.classification,
            )
        else:
            message = "not secured; encrypt it, or ask for an exception with another protection (5.1)"
            yield one.found("cleartext", "warning", message, "encryption")
