"""Rules on where the ends of a row lie: inside the operator's network, in its VLANs, at declared hosts."""

from __future__ import annotations

import ipaddress
from bisect import bisect_right
from collections.abc import Iterator

from plumbline.matrix.ends import Span, UnknownEndError, servers
from plumbline.matrix.flows import host_flows, merged
from plumbline.matrix.lint.finding import Finding, Resolved, Table
from plumbline.matrix.model import Matrix
from plumbline.matrix.openings import uncovered
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
        name: {(each.protocol, each.port) for service in host.services for each in service.listeners}
        | {(opening.protocol, opening.port) for opening in host.firewall_openings}
        for name, (_, host) in table.inventory.hosts().items()
    }
    for one in table.rows:
        if one.row.protocol == "icmp" or _for_the_operator(one):
            continue
        for word in one.row.destination:
            hosts = _meant(table, word)
            known = {
                port for host in hosts for protocol, port in offered[host] if protocol == one.row.protocol
            }
            if hosts and not any(first <= port <= last for port in known for first, last in one.row.spans()):
                message = "the specification of {host} has no service on {ports}"
                ports = f"{one.row.protocol} {', '.join(one.row.ports)}"
                yield one.found("one-sided", "warning", message, "destination", host=word, ports=ports)


def _meant(table: Table, word: str) -> list[str]:
    """Return the hosts that a word means one by one: a host, its address, those of a system."""
    kind, _, name = word.partition(":")
    if kind == "system":
        return [host.name for host in table.inventory.systems[name].hosts]
    if ":" in word:
        return []
    spans = table.ends.spans(word)
    return [
        table.ends.owners[span.low] for span in spans[:1] if span.size == 1 and span.low in table.ends.owners
    ]


def _for_the_operator(one: Resolved) -> bool:
    """Say whether the row is for what the operator runs on hosts, which no supplier declares."""
    return all(word.startswith("site:") for word in one.row.source)


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
    # Monitoring may do with asking.
    reached |= {word for one in table.rows for word in one.row.source} & {"site:monitoring"}
    for service in ("time", "dns", "directory", "log", "monitoring", "mail", "updates"):
        if f"site:{service}" not in reached and _declared(table, service):
            message = "no row lets a host reach site:{service}"
            yield Finding(
                "no-site-service", "warning", None, f"site:{service}", text(message, service=service)
            )


def _declared(table: Table, service: str) -> bool:
    if servers(table.inventory.site, service) is None:
        return False
    try:
        return bool(table.ends.spans(f"site:{service}"))
    except UnknownEndError:
        return True


def openings(table: Table) -> Iterator[Finding]:
    """Find openings of a host's specification that no row in force holds: the host keeps them shut."""
    hosts = {name: host for name, (_, host) in table.inventory.hosts().items() if host.firewall_openings}
    if not hosts:
        return
    known = Matrix(names=table.matrix.names, rows=[one.row for one in table.rows])
    for name, flows in host_flows(table.inventory, known, hosts, today=table.today).items():
        for one in uncovered(hosts[name], flows):
            yield Finding("opening-without-row", "error", None, name, one.told())


class _Cover:
    """The destinations of some rows, sorted, so that an address is looked up without walking them all."""

    def __init__(self, rows: list[Resolved]) -> None:
        self._merged = merged(span for one in rows for span in one.destinations)
        self._lows = [span.low for span in self._merged]

    def holds(self, address: int) -> bool:
        place = bisect_right(self._lows, address) - 1
        return place >= 0 and address <= self._merged[place].high
