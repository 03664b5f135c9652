"""What a host's rows must let in: the openings of its specification, and the connection it is managed by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from plumbline.matrix.flows import HostFlows, Withheld
from plumbline.matrix.readback.approved import Approved, boxes
from plumbline.model import Text
from plumbline.probes.firewall.flows import Box, less, meet, of_network, sources
from plumbline.report.locales import text
from plumbline.spec.model import HostSpec, Opening


@dataclass(frozen=True)
class Uncovered:
    """An opening of which no row in force holds `left`; `rows` would, but are not in force."""

    opening: Opening
    left: tuple[Box, ...]
    rows: tuple[Withheld, ...]

    def told(self) -> Text:
        """Say it for a person."""
        first = self.left[0]
        return text(
            "the opening {opening} ({protocol} {port} from {source}) has no row in force: it stays shut{why}",
            opening=self.opening.id,
            protocol=self.opening.protocol,
            port=self.opening.port,
            source=sources(first.low, first.high),
            why=told_withheld(self.rows),
        )


def uncovered(host: HostSpec, flows: HostFlows) -> Iterator[Uncovered]:
    """Yield the openings of a host's specification that its rows do not let in whole."""
    approved = Approved(flows)
    beyond = approved.impossible()
    rows = [box for span in flows.addresses for box in approved.of("in", span.low)]
    for opening in host.firewall_openings:
        wanted = [
            of_network(opening.protocol, network, opening.port, opening.port) for network in opening.sources
        ]
        if left := less(less(wanted, beyond), rows):
            holding = (one for one in flows.withheld if one.flow.way == "in" and meet(boxes(one.flow), left))
            yield Uncovered(opening, tuple(left), tuple(holding))


def letting_in(
    flows: HostFlows, client: IPv4Address, server: IPv4Address, port: int
) -> tuple[Withheld, ...] | None:
    """Return None if a connection over TCP is let in, else the rows that would let it but are withheld."""
    wanted = [Box("tcp", int(client), int(client), port, port)]
    if not less(wanted, Approved(flows).of("in", int(server))):
        return None
    own = int(server)
    return tuple(
        one
        for one in flows.withheld
        if one.flow.way == "in"
        and any(span.low <= own <= span.high for span in one.flow.own)
        and meet(boxes(one.flow), wanted)
    )


def told_withheld(rows: tuple[Withheld, ...]) -> Text | str:
    """Say which rows would hold it but are not in force, and why; nothing when there is none."""
    if not rows:
        return ""
    told = [one.told() for one in rows]
    return Text(en="; " + "; ".join(one.en for one in told), sk="; " + "; ".join(one.sk for one in told))
