"""Rules on where the ends of a row lie: inside the operator's network, in its VLANs, at declared hosts."""

from __future__ import annotations

import ipaddress
from bisect import bisect_right
from collections.abc import Iterator

from plumbline.matrix.ends import Span, UnknownEndError
from plumbline.matrix.flows import merged
from plumbline.matrix.lint.finding import Finding, Resolved, Table
from plumbline.report.locales import text

PRIVATE = tuple(map(ipaddress.IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
"""The operator's network is taken to lie in the ranges for private use (RFC 1918)."""


def _ends(one: Resolved, table: Table) -> Iterator[tuple[tuple[str, int], str, Span]]:
    for side in ("source", "destination"):
        for place, word in enumerate(getattr(one.row, side)):
            for span in table.ends.spans(word):
                yield (side, place), word, span


def _within(span: Span, networks: tuple[ipaddress.IPv4Network, ...]) -> bool:
    return any(
        int(network.network_address) <= span.low and span.high <= int(network.broadcast_address)
        for network in networks
    )


def border(table: Table) -> Iterator[Finding]:
    """Find rows that lead out of the operator's network or into it (5); only an exception may."""
    for one in table.rows:
        for at, word, span in _ends(one, table):
            if not _within(span, PRIVATE):
                message = (
                    "{word} is not of the operator's network; traffic across its border is forbidden (5)"
                )
                yield one.found("border", "error", message, *at, word=word)


def vlans(table: Table) -> Iterator[Finding]:
    """Find rows whose addresses lie in no VLAN of the site and are no management source or named server."""
    site = table.inventory.site
    known = tuple(vlan.network for vlan in site.vlans) + tuple(site.management_sources)
    named = {int(address) for found in table.matrix.names.values() for address in found}
    named |= {int(address) for address in site.dns}
    for one in table.rows:
        for at, word, span in _ends(one, table):
            alone = span.low == span.high and span.low in named
            if not alone and not word.startswith("site:") and not _within(span, known):
                message = "{word} lies in no VLAN of the site"
                yield one.found("no-vlan", "error", message, *at, word=word)


def hosts(table: Table) -> Iterator[Finding]:
    """Find single addresses inside a VLAN that belong to no declared host."""
    site = table.inventory.site
    known = set(table.ends.owners) | {int(a) for found in table.matrix.names.values() for a in found}
    known |= {int(vlan.gateway) for vlan in site.vlans if vlan.gateway is not None}
    known |= {int(address) for address in site.dns}
    for one in table.rows:
        for at, word, span in _ends(one, table):
            if span.low == span.high and span.low not in known and not word.startswith("site:"):
                message = "{word} is the address of no declared host"
                yield one.found("no-host", "warning", message, *at, word=word)


def redundancy(table: Table) -> Iterator[Finding]:
    """Find rows between a VLAN of application redundancy and anything outside it (6, 8: fully isolated)."""
    site = table.inventory.site
    names = {
        face.vlan
        for _, host in table.inventory.hosts().values()
        for face in host.interfaces
        if face.purpose == "application-redundancy"
    }
    isolated = tuple(vlan.network for vlan in site.vlans if vlan.name in names)
    if not isolated:
        return
    for one in table.rows:
        inside = {_within(span, isolated) for *_, span in _ends(one, table)}
        if inside == {True, False}:
            yield one.found(
                "redundancy-vlan", "error", "the row leaves an isolated VLAN of redundancy (6, 8)"
            )


def known_to_both(table: Table) -> Iterator[Finding]:
    """Find rows to a declared host whose specification has no service or opening on those ports."""
    offered = {
        name: {listener.port for service in host.services for listener in service.listeners}
        | {opening.port for opening in host.firewall_openings}
        for name, (_, host) in table.inventory.hosts().items()
    }
    for one in table.rows:
        if one.row.protocol == "icmp":
            continue
        for word in one.row.destination:
            if word not in offered or _management(one):
                continue
            if not any(first <= port <= last for port in offered[word] for first, last in one.row.spans()):
                message = "the specification of {host} has no service on {ports}"
                ports = ", ".join(one.row.ports)
                yield one.found("one-sided", "warning", message, "destination", host=word, ports=ports)


def _management(one: Resolved) -> bool:
    return one.row.source == ["site:management"]


def site_services(table: Table) -> Iterator[Finding]:
    """Find hosts that no row lets the site manage, and services of the site that no row lets hosts reach."""
    if "site:management" in {word for one in table.rows for word in one.row.source}:
        covered = _Cover([one for one in table.rows if "site:management" in one.row.source])
    else:
        covered = _Cover([])
    for host, addresses in table.ends.hosts.items():
        if addresses and not covered.holds(int(addresses[0])):
            message = "no row lets site:management reach {host}; it would shut its administrators out"
            yield Finding("no-management", "error", None, host, text(message, host=host))
    reached = {word for one in table.rows for word in one.row.destination}
    for service in ("time", "dns", "directory", "log"):
        if f"site:{service}" not in reached and _declared(table, service):
            message = "no row lets a host reach site:{service}"
            yield Finding(
                "no-site-service", "warning", None, f"site:{service}", text(message, service=service)
            )


def _declared(table: Table, service: str) -> bool:
    try:
        return bool(table.ends.spans(f"site:{service}"))
    except UnknownEndError:
        return True


class _Cover:
    """The destinations of some rows, sorted, so that an address is looked up without walking them all."""

    def __init__(self, rows: list[Resolved]) -> None:
        self._merged = merged(span for one in rows for span in one.destinations)
        self._lows = [span.low for span in self._merged]

    def holds(self, address: int) -> bool:
        place = bisect_right(self._lows, address) - 1
        return place >= 0 and address <= self._merged[place].high
