"""The crossing between VLANs as Cisco IOS extended access lists, one for what comes from each VLAN.

The lists are stateless, so each row also lets its replies back: of TCP those of established connections, of
UDP those from the port of the service, of ICMP the answers.

A list on a switch only grows when it is entered again, behind its last `deny`. So a list's name changes with
what it holds: the new one is entered beside the old one, bound in its place, and the old one is removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from ipaddress import IPv4Network

from plumbline.matrix.ends import Ends, Span
from plumbline.matrix.flows import merged, merged_ports
from plumbline.matrix.model import Matrix, Row
from plumbline.spec.load import Inventory
from plumbline.spec.model import Vlan

_REPLIES = {"echo-request": "echo-reply", "timestamp-request": "timestamp-reply"}
_ERRORS = ("unreachable", "time-exceeded", "parameter-problem")


def render(inventory: Inventory, matrix: Matrix) -> str:
    """Return the access lists of all VLANs that have a gateway, to be bound there to what comes in."""
    ends = Ends(inventory, matrix)
    lines: list[str] = []
    for vlan in inventory.site.vlans:
        if vlan.gateway is not None:
            lines += [*_list(vlan, matrix, ends), "!"]
    return "".join(f"{line}\n" for line in lines)


def _list(vlan: Vlan, matrix: Matrix, ends: Ends) -> Iterator[str]:
    entries = list(_entries(vlan, matrix, ends))
    digest = sha256("\n".join(entries).encode()).hexdigest()[:8]
    name = f"PLUMBLINE-VLAN{vlan.id}-IN-{digest}"
    yield f"! {vlan.name}: bind with `ip access-group {name} in` on interface Vlan{vlan.id},"
    yield f"! then remove older lists that begin with PLUMBLINE-VLAN{vlan.id}-IN-"
    yield f"ip access-list extended {name}"
    yield from entries


def _entries(vlan: Vlan, matrix: Matrix, ends: Ends) -> Iterator[str]:
    inside = Span(int(vlan.network.network_address), int(vlan.network.broadcast_address))
    for row in matrix.rows:
        sources = merged(span for word in row.source for span in ends.spans(word))
        destinations = merged(span for word in row.destination for span in ends.spans(word))
        entries = [
            *_openings(row, _cut(sources, inside), _beyond(destinations, inside)),
            *_replies(row, _cut(destinations, inside), _beyond(sources, inside)),
        ]
        if entries:
            yield f" remark {row.id}"
            yield from (f" permit {entry}" for entry in entries)
    yield " remark messages that IPv4 needs"
    yield from (f" permit icmp {_network(vlan.network)} any {message}" for message in _ERRORS)
    yield " deny ip any any log"


def _openings(row: Row, sources: list[Span], destinations: list[Span]) -> Iterator[str]:
    for source, destination in _pairs(sources, destinations):
        if row.protocol == "icmp":
            yield from (f"icmp {source} {destination} {_icmp(name)}" for name in row.icmp_types)
        else:
            yield from (f"{row.protocol} {source} {destination} {ports}" for ports in _ports(row))


def _replies(row: Row, sources: list[Span], destinations: list[Span]) -> Iterator[str]:
    """Yield what lets a row's replies out of the VLAN of its destination."""
    for source, destination in _pairs(sources, destinations):
        if row.protocol == "icmp":
            yield from (f"icmp {source} {destination} {_REPLIES[name]}" for name in row.icmp_types)
        elif row.protocol == "tcp":
            yield from (f"tcp {source} {ports} {destination} established" for ports in _ports(row))
        else:
            yield from (f"udp {source} {ports} {destination}" for ports in _ports(row))


def _pairs(sources: list[Span], destinations: list[Span]) -> Iterator[tuple[str, str]]:
    for source in sources:
        for destination in destinations:
            for one in source.networks():
                yield from ((_network(one), _network(other)) for other in destination.networks())


def _network(network: IPv4Network) -> str:
    """Return a network as IOS writes it, with the mask turned round."""
    if network.prefixlen == 32:
        return f"host {network.network_address}"
    return f"{network.network_address} {network.hostmask}"


def _ports(row: Row) -> Iterator[str]:
    for first, last in merged_ports(row.spans()):
        yield f"eq {first}" if first == last else f"range {first} {last}"


def _icmp(name: str) -> str:
    return "echo" if name == "echo-request" else name


def _cut(spans: Iterable[Span], inside: Span) -> list[Span]:
    """Return what of the ranges lies inside a VLAN."""
    cut = [Span(max(span.low, inside.low), min(span.high, inside.high)) for span in spans]
    return [span for span in cut if span.low <= span.high]


def _beyond(spans: Iterable[Span], inside: Span) -> list[Span]:
    """Return what of the ranges lies outside a VLAN; inside it no packet comes to its gateway."""
    found = []
    for span in spans:
        if span.low < inside.low:
            found.append(Span(span.low, min(span.high, inside.low - 1)))
        if span.high > inside.high:
            found.append(Span(max(span.low, inside.high + 1), span.high))
    return found
