"""A host's rows as one nftables file: loaded in one step, both ways denied by default, each row by its id.

Few rows become a rule each. Many are dispatched by port through a verdict map to chains that ask one set,
whose elements carry the rows' ids: what a packet costs then does not grow with the rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from plumbline.matrix.ends import Span
from plumbline.matrix.flows import Flow, HostFlows, Way

TABLE = "inet plumbline"
FILE = "/etc/nftables.conf"
DISPATCH_FROM = 64
"""From so many rows of one way, protocol and own address on, packets are dispatched by port."""

ERRORS = ("destination-unreachable", "time-exceeded", "parameter-problem")
"""The messages IPv4 needs to report errors and find a path's size (RFC 1122, RFC 1191)."""
NEVER_A_SOURCE = ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3")
"""Sources that no packet from outside can have: this network, loopback, multicast and beyond (RFC 6890)."""

_HOOKS: dict[Way, str] = {"in": "input", "out": "output"}
_PEER: dict[Way, str] = {"in": "saddr", "out": "daddr"}
_OWN: dict[Way, str] = {"in": "daddr", "out": "saddr"}


def render(host: HostFlows) -> str:
    """Return the file for one host; loading it twice gives the same table, and others' tables stay."""
    parts = _Parts()
    chains = [_base(host, way, parts) for way in ("in", "out")]
    lines = [
        *_head(host),
        f"table {TABLE} {{",
        *parts.lines,
        *chains[0],
        "",
        *chains[1],
        "",
        *_forward(),
        "}",
    ]
    return "".join(f"{line}\n" for line in lines)


def _head(host: HostFlows) -> Iterator[str]:
    yield "#!/usr/sbin/nft -f"
    yield f"# Written by Plumbline from the matrix for {host.host}; replaced whole when it differs."
    yield f"# Loading it replaces the table {TABLE} in one step and leaves tables of others alone."
    yield from ("", f"table {TABLE}", f"delete table {TABLE}", "")


def _forward() -> Iterator[str]:
    yield "\tchain forward {"
    yield "\t\ttype filter hook forward priority filter; policy drop;"
    yield "\t}"


def _base(host: HostFlows, way: Way, parts: _Parts) -> list[str]:
    hook = _HOOKS[way]
    device = "iifname" if way == "in" else "oifname"
    lines = [f"\tchain {hook} {{", f"\t\ttype filter hook {hook} priority filter; policy drop;"]
    lines.append(f'\t\t{device} "lo" accept comment "loopback"')
    if way == "in":
        own = [str(span) for span in host.addresses]
        lines.append(f'\t\tip saddr {braced([*NEVER_A_SOURCE, *own])} drop comment "spoofed source"')
        lines.append('\t\tfib saddr . iif oif missing drop comment "no way back to the source"')
    lines.append("\t\tct state established,related accept")
    lines.append("\t\tct state invalid drop")
    lines.append(f"\t\ticmp type {braced(ERRORS)} accept")
    for rule in parts.rules(host, way):
        lines.append(f"\t\t{rule}")
    return [*lines, "\t}"]


class _Parts:
    """The sets and chains of a file, in the order they are needed; `lines` stand before the base chains."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._chains = 0

    def rules(self, host: HostFlows, way: Way) -> Iterator[str]:
        """Yield the rules of one way: those of icmp, then of each protocol with ports."""
        flows = host.of(way)
        for flow in flows:
            if flow.row.protocol == "icmp":
                yield f"{_ends(flow)} icmp type {braced(flow.row.icmp_types)} accept {_comment(flow)}"
        for protocol in ("tcp", "udp"):
            of_protocol = [flow for flow in flows if flow.row.protocol == protocol]
            for own, sharing in _by_own(of_protocol).items():
                if len(sharing) < DISPATCH_FROM:
                    for flow in sharing:
                        ports = braced(map(_span, flow.spans))
                        yield f"{_ends(flow)} {protocol} dport {ports} accept {_comment(flow)}"
                else:
                    mine = f"ip {_OWN[way]} {braced(map(str, own))}"
                    yield f"{mine} {protocol} dport vmap {self._dispatched(protocol, way, sharing)}"

    def _dispatched(self, protocol: str, way: Way, flows: Sequence[Flow]) -> str:
        """Make a chain for each set of rows that share ports; return the map from ports to them."""
        chains: dict[tuple[int, ...], str] = {}
        elements = []
        for first, last, sharing in by_port(flows):
            if sharing not in chains:
                self._chains += 1
                chains[sharing] = f"{way}_{protocol}_{self._chains}"
                self._chain(chains[sharing], way, [flows[index] for index in sharing])
            elements.append(f"{_span((first, last))} : jump {chains[sharing]}")
        return braced(elements)

    def _chain(self, name: str, way: Way, flows: Sequence[Flow]) -> None:
        self.lines += [f"\tset {name} {{", "\t\ttype ipv4_addr", "\t\tflags interval"]
        elements = [f'{_address(low, high)} comment "{row}"' for low, high, row in by_address(flows)]
        self.lines += ["\t\telements = {", *(f"\t\t\t{element}," for element in elements), "\t\t}", "\t}", ""]
        self.lines += [f"\tchain {name} {{", f"\t\tip {_PEER[way]} @{name} accept", "\t}", ""]


def by_port(flows: Sequence[Flow]) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Yield ranges of ports that no row parts, each with the places of the rows that have them, in order."""
    starts: dict[int, list[int]] = defaultdict(list)
    ends: dict[int, list[int]] = defaultdict(list)
    for index, flow in enumerate(flows):
        for first, last in flow.spans:
            starts[first].append(index)
            ends[last + 1].append(index)
    sharing: set[int] = set()
    since = 0
    for edge in sorted(starts.keys() | ends.keys()):
        if sharing:
            yield since, edge - 1, tuple(sorted(sharing))
        sharing = (sharing - set(ends[edge])) | set(starts[edge])
        since = edge


def by_address(flows: Sequence[Flow]) -> Iterator[tuple[int, int, str]]:
    """Yield ranges of peers that do not overlap, each with the id of the first row that has it."""
    edges: dict[int, list[tuple[int, bool]]] = defaultdict(list)
    for index, flow in enumerate(flows):
        for span in flow.peers:
            edges[span.low].append((index, True))
            edges[span.high + 1].append((index, False))
    sharing: set[int] = set()
    since = 0
    for edge in sorted(edges):
        if sharing:
            yield since, edge - 1, flows[min(sharing)].row.id
        for index, opens in edges[edge]:
            if opens:
                sharing.add(index)
            else:
                sharing.discard(index)
        since = edge


def _by_own(flows: Iterable[Flow]) -> dict[tuple[Span, ...], list[Flow]]:
    """Return flows by the host's own addresses that they are for."""
    found: dict[tuple[Span, ...], list[Flow]] = defaultdict(list)
    for flow in flows:
        found[flow.own].append(flow)
    return found


def _ends(flow: Flow) -> str:
    own = braced(map(str, flow.own))
    return f"ip {_PEER[flow.way]} {braced(map(str, flow.peers))} ip {_OWN[flow.way]} {own}"


def _comment(flow: Flow) -> str:
    return f'comment "{flow.row.id}"'


def _span(span: tuple[int, int]) -> str:
    first, last = span
    return str(first) if first == last else f"{first}-{last}"


def _address(low: int, high: int) -> str:
    return str(Span(low, high))


def braced(elements: Iterable[str]) -> str:
    """Return elements as an anonymous set."""
    return "{ " + ", ".join(elements) + " }"
