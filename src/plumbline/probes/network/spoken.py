"""What the kernel speaks besides IPv4, and through the air: packet types, socket families, radio adapters.

The lists of the kernel show what no list of modules names: a family a maker's own module brought, a program
that speaks to the network card itself (packet(7)). Virtual servers of IPVS pass packets on without a route.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.tagged import PRINT_END, Rows
from plumbline.verify.seen import Seen

_TAGS = {"type": 1, "packet": 3, "index": 2, "family": 3, "adapter": 1, "server": 1}

_COMMAND = r"""
awk 'FNR > 1 {print "type\t" $0}' /proc/net/ptype || exit 9
awk 'FNR > 1 {print "packet\t" $4 "\t" $5 "\t" $8}' /proc/net/packet || exit 9
for f in /sys/class/net/*/ifindex; do
    [ ! -f "$f" ] || { read -r n <"$f"; f=${f%/ifindex}; printf 'index\t%s\t%s\n' "${f##*/}" "$n"; }
done
awk 'FNR == 1 {for (i = 1; i <= NF; i++) column[$i] = i; next}
    {print "family\t" $1 "\t" $3 "\t" $column["module"]}' /proc/net/protocols || exit 9
for d in /sys/class/bluetooth/* /sys/class/ieee80211/* /sys/class/net/*/phy80211; do
    [ ! -e "$d" ] || printf 'adapter\t%s\n' "$d"
done
[ ! -e /proc/net/ip_vs ] || awk 'FNR > 3 && !/->/ {print "server\t" $0}' /proc/net/ip_vs || exit 9
"""

NAMES = {
    "8847": "MPLS",
    "8848": "MPLS multicast",
    "8863": "PPPoE discovery",
    "8864": "PPPoE",
    "8892": "PROFINET",
    "88a4": "EtherCAT",
    "88ab": "POWERLINK",
    "88b8": "GOOSE",
    "88ba": "sampled values",
    "88cd": "SERCOS III",
    "88f7": "PTP",
    "88fb": "PRP",
    "892f": "HSR",
    "8906": "FCoE",
    "4305": "B.A.T.M.A.N.",
    "809b": "AppleTalk",
    "8137": "IPX",
}
"""Packet types by their number (EtherType), as the IEEE has them registered."""


_EVERYTHING, _NOTHING = "0003", "0000"
"""Packet types of sockets that take all packets, as of tcpdump, or none (if_ether.h)."""


@dataclass(frozen=True)
class PacketType:
    """A kind of packets that something takes from the network: its number, or `ALL`, and the interface."""

    number: str
    interface: str
    by: str

    @property
    def seen(self) -> Seen:
        """What is taken, and where."""
        name = NAMES.get(self.number)
        told = f"packets {self.number}" + (f" ({name})" if name else "")
        return Seen(told, f"{self.interface or 'every interface'}, by {self.by}")


@dataclass(frozen=True)
class Spoken:
    """`families`: socket family -> sockets now, and the module it is of (`kernel` for none).

    `adapters` are radio adapters, by their places in sysfs; `servers` virtual servers that pass packets on.
    """

    types: list[PacketType]
    families: dict[str, tuple[int, str]]
    adapters: list[str]
    servers: list[str]

    def other_types(self, accepted: Collection[str], industrial: Collection[str]) -> list[Seen]:
        """Return the packets taken besides the accepted kinds; at industrial interfaces any may be."""
        return [
            found.seen
            for found in self.types
            if found.number not in ("ALL", *accepted) and found.interface not in industrial
        ]

    def other_families(self, accepted: Collection[str]) -> list[Seen]:
        """Return the socket families besides the accepted ones that are used, or that a module brought."""
        return [
            Seen(name, f"{sockets} sockets, module {module}")
            for name, (sockets, module) in self.families.items()
            if name not in accepted and (sockets > 0 or module != "kernel")
        ]


def parse_spoken(output: Output) -> Spoken:
    """Parse the probe's rows."""
    rows = Rows(output, _TAGS)
    families = {name: (int(sockets), module) for name, sockets, module in rows["family"]}
    if not families:
        raise ParseError("not one socket family is told")
    names = {number: name for name, number in rows["index"]}
    types = [_type(line) for (line,) in rows["type"]]
    # Sockets that are bound to an interface are in no list of packet types but in their own.
    types += [
        PacketType(number, names.get(index, f"interface {index}"), f"a socket of the user {user}")
        for number, index, user in rows["packet"]
        if index != "0" and number not in (_EVERYTHING, _NOTHING)
    ]
    return Spoken(types, families, [p for (p,) in rows["adapter"]], [s.strip() for (s,) in rows["server"]])


def _type(line: str) -> PacketType:
    """Read a line of /proc/net/ptype: number, interface if it is of one, function, module if of one."""
    words = re.sub(r"\s+\[\w+\]$", "", line.rstrip()).split()
    if len(words) not in (2, 3) or not re.fullmatch(r"[0-9a-f]{4}|ALL", words[0]):
        raise ParseError(f"/proc/net/ptype has {line[:80]!r}")
    return PacketType(words[0], words[1] if len(words) == 3 else "", words[-1])


SPOKEN: Probe[Spoken] = Probe("network.spoken", f"{_COMMAND}{PRINT_END}", parse_spoken)
