"""Connections there are now: of sockets, of other network namespaces, and what the kernel tracks beside."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Literal

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.tagged import PRINT_END, Rows

Address = IPv4Address | IPv6Address
Kind = Literal["socket", "elsewhere", "tracked"]

LINES_MAX = 1000
"""From so many connections on, those that differ from another in a client's port alone are left out."""

# `synchronized` are connections that came about; those that only wait to be forgotten talk to nobody. What
# ss pads its columns with is squeezed, and what asks here is told by the processes from this shell upwards.
_COMMAND = rf"""
ip -o addr show | awk '{{ print "address\t" $4 }}'
p=$$
while [ "${{p:-0}}" -gt 1 ]; do
    printf 'asking\t%s\n' "$p"
    parent=0
    while read -r key value _; do [ "$key" != PPid: ] || parent=$value; done <"/proc/$p/status"
    p=$parent
done
s=$(ss -Hnp -A tcp,udp,sctp state synchronized exclude time-wait exclude syn-recv) || exit 9
[ -z "$s" ] || printf '%s\n' "$s" | tr -s ' ' | awk '
{{
    own = $5; peer = $6
    at = own; sub(/.*:/, "", at); to = peer; sub(/.*:/, "", to)
    sub(/:[^:]*$/, "", own); sub(/:[^:]*$/, "", peer)
    if (seen[$1, own, peer, at + 0 < to + 0 ? at : to, substr($7, 1, 24)]++ && NR > {LINES_MAX}) next
    print "socket\t" $0
}}'
s=$(ss -Hanp -A packet) || exit 9
[ -z "$s" ] || printf '%s\n' "$s" | tr -s ' ' | head -n {LINES_MAX} | sed 's/^/packet\t/'
[ ! -r /proc/net/nf_conntrack ] || awk '
/\[UNREPLIED\]/ {{ next }}
$3 == "udp" || $3 == "tcp" && $6 == "ESTABLISHED" {{
    # The first of each name is of the way it began; those of the replies follow.
    split("", first)
    for (i = 5; i <= NF; i++) if (split($i, part, "=") == 2 && !(part[1] in first)) first[part[1]] = part[2]
    ends = first["src"] "\t" first["sport"] "\t" first["dst"] "\t" first["dport"]
    low = first["sport"] + 0 < first["dport"] + 0 ? first["sport"] : first["dport"]
    if (!seen[$3, first["src"], first["dst"], low]++) print "tracked\t" $3 "\t" ends
}}' /proc/net/nf_conntrack
own=$(readlink /proc/1/ns/net)
find /proc/[0-9]*/ns/net -maxdepth 0 -printf '%l %h\n' 2>/dev/null | sort -u -k 1,1 | while read -r net at; do
    # A process that ended meanwhile has no link to tell.
    case $net in "$own") continue ;; net:*) ;; *) continue ;; esac
    pid=${{at#/proc/}}
    awk -v net="$net" 'FNR > 2 {{ sub(/:.*/, ""); if ($1 != "lo") names = names " " $1 }}
        END {{ print "namespace\t" net "\t" names }}' "/proc/${{pid%/ns}}/net/dev" 2>/dev/null
    for kind in tcp tcp6 udp udp6; do
        awk -v pid="${{pid%/ns}}" -v kind=$kind 'FNR > 1 && ($4 == "01" || $4 == "08") {{
            print "elsewhere\t" pid "\t" kind "\t" $2 "\t" $3 }}' "/proc/${{pid%/ns}}/net/$kind" 2>/dev/null
    done
done
{PRINT_END}
"""

_FIELDS = {
    "address": 1,
    "asking": 1,
    "socket": 1,
    "packet": 1,
    "tracked": 5,
    "elsewhere": 4,
    "namespace": 2,
}

# A process may call itself almost anything in 15 bytes; what follows its number cannot be forged within them.
_HOLDER = re.compile(r'",pid=(\d+),fd=\d+\)(?=,\("|\)\s*$)')

_PACKETS = re.compile(r"(?:\[(\d+)\]|\*):(\S+)")
"""What ss(8) prints of a socket of packets: `[2048]:eth0`, `*:*`; it needs no names of protocols."""


@dataclass(frozen=True)
class End:
    """One end of a connection."""

    address: Address
    port: int

    @property
    def host(self) -> str:
        """The address as it stands before a port."""
        return f"[{self.address}]" if self.address.version == 6 else str(self.address)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Connection:
    """A connection; `pids` hold its socket, or of kind `elsewhere` are one process of its network namespace.

    Of kind `tracked` `own` is the end it came from first as the kernel saw it, and may be no end of the host.
    """

    kind: Kind
    protocol: str
    own: End
    peer: End
    pids: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.protocol} {self.own} ↔ {self.peer}"


@dataclass(frozen=True)
class PacketSocket:
    """A socket that reads and writes whole packets of an interface (packet(7)): the filter sees none of them.

    `protocol`: the number of what it reads (if_ether.h), None for all; `interface`: its name, `*` for all.
    """

    protocol: int | None
    interface: str
    pids: tuple[int, ...]

    def __str__(self) -> str:
        protocol = "every protocol" if self.protocol is None else f"protocol 0x{self.protocol:04x}"
        return f"packets of {protocol} on {self.interface}"


@dataclass(frozen=True)
class Seen:
    """What the host has connected now; `asking` are the processes that serve the one who asks.

    `isolated`: network namespaces (`net:[4026532281]`) that have no interface but loopback.
    """

    addresses: frozenset[Address]
    connections: tuple[Connection, ...]
    asking: frozenset[int]
    isolated: frozenset[str]
    packets: tuple[PacketSocket, ...] = ()


def _parse(output: Output) -> Seen:
    rows = Rows(output, _FIELDS)
    addresses = frozenset(ip_address(told.partition("/")[0]) for (told,) in rows["address"])
    if not addresses:
        raise ParseError("ip names no address, not even loopback's")
    asking = frozenset(int(pid) for (pid,) in rows["asking"])
    if not asking:
        raise ParseError("the shell that asks is not told")
    found = [_of_socket(line) for (line,) in rows["socket"]]
    found += [_elsewhere(row) for row in rows["elsewhere"]]
    found += [_tracked(row) for row in rows["tracked"]]
    isolated = frozenset(net for net, names in rows["namespace"] if not names.split())
    packets = tuple(_of_packets(line) for (line,) in rows["packet"])
    return Seen(addresses, tuple(found), asking, isolated, packets)


def _of_socket(line: str) -> Connection:
    words, pids = _printed(line)
    return Connection("socket", words[0], _printed_end(words[4]), _printed_end(words[5]), pids)


def _of_packets(line: str) -> PacketSocket:
    words, pids = _printed(line)
    told = _PACKETS.fullmatch(words[4])
    if told is None:
        raise ParseError(f"ss printed {line[:80]!r}")
    return PacketSocket(int(told[1]) if told[1] else None, told[2], pids)


def _printed(line: str) -> tuple[list[str], tuple[int, ...]]:
    """Part a line of ss(8) into its words and the processes that hold the socket."""
    words = line.split()
    if len(words) < 6 or ("users:((" in line and not _HOLDER.search(line)):
        raise ParseError(f"ss printed {line[:80]!r}")
    return words, tuple(dict.fromkeys(int(pid) for pid in _HOLDER.findall(line)))


def _printed_end(told: str) -> End:
    """Read an end as ss(8) prints it: `10.1.1.1%eth0:22`, `[fe80::1]%eth0:22`, `[::ffff:10.1.1.1]:22`."""
    address, _, port = told.rpartition(":")
    if not port.isdigit():
        raise ParseError(f"ss printed the end {told[:80]!r}")
    return End(plain(ip_address(address.partition("%")[0].strip("[]"))), int(port))


def _tracked(row: tuple[str, ...]) -> Connection:
    protocol, source, source_port, destination, destination_port = row
    ends = End(ip_address(source), int(source_port)), End(ip_address(destination), int(destination_port))
    return Connection("tracked", protocol, *ends)


def _elsewhere(row: tuple[str, ...]) -> Connection:
    process, kind, own, peer = row
    return Connection(
        "elsewhere", kind.removesuffix("6"), _kernel_end(own), _kernel_end(peer), (int(process),)
    )


def _kernel_end(told: str) -> End:
    """Read an end as /proc/net/tcp has it: words of four bytes, each in the machine's order (proc(5))."""
    address, _, port = told.partition(":")
    words = [address[i : i + 8] for i in range(0, len(address), 8)]
    return End(plain(ip_address(b"".join(bytes.fromhex(word)[::-1] for word in words))), int(port, 16))


def plain(address: Address) -> Address:
    """Return an address of IPv4 that is written as one of IPv6 as what it is."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


SEEN: Probe[Seen] = Probe("connections.seen", _COMMAND, _parse)
