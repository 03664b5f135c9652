"""A host's sockets against its rows: who listens without one, which one nobody serves, who talks to whom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_address

from plumbline.matrix.ends import Span
from plumbline.matrix.flows import Flow, HostFlows, Way
from plumbline.probes.connections import Connections
from plumbline.probes.connections.seen import Address, Connection, End, Seen, plain
from plumbline.probes.services.running import Elsewhere, Process, Running
from plumbline.probes.services.sockets import SERVERS, Socket

_DHCP = {68: 67, 546: 547}
"""The ports of DHCP's clients, and of the servers they ask (RFC 2131, RFC 8415); no row is for them."""
_DHCP_CLIENTS = frozenset({"systemd-networkd", "NetworkManager", "dhclient", "dhcpcd", "udhcpc"})

_LINK_DAEMONS = _DHCP_CLIENTS | {"wpa_supplicant", "lldpd"}
"""Programs that read and write packets of the link itself: leases, neighbours, keys of Wi-Fi."""

_PAST = "past the packet filter"
_ELSEWHERE = "in another network namespace"
_CLIENTS_FROM = 32768
"""From here on the kernel gives ports to clients, where nothing says otherwise (ip_local_port_range)."""


@dataclass(frozen=True)
class Stranger:
    """A listener or a connection without a row; `by` is the process that has it, as it is told."""

    what: str
    by: str
    note: str = ""

    def __str__(self) -> str:
        note = f" ({self.note})" if self.note else ""
        return f"{self.what}{note} by {self.by}" if self.by else f"{self.what}{note}"


@dataclass(frozen=True)
class Unserved:
    """Ports that a row lets in and at which nothing listens; `instead` tells where something does."""

    row: str
    ports: str
    instead: str = ""

    def __str__(self) -> str:
        return f"{self.row}: {self.ports}{f' (only {self.instead})' if self.instead else ''}"


@dataclass(frozen=True)
class Sockets:
    """The sockets of a host, and the rows it has."""

    flows: HostFlows
    seen: Seen
    running: Running
    _at_port: dict[tuple[Way, str, int], list[Flow]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, connections: Connections, flows: HostFlows) -> Sockets:
        """Read a host's sockets; Unknown if that cannot be done."""
        return cls(flows, connections.seen, connections.running)

    # Listening

    def unapproved_listeners(self) -> list[Stranger]:
        """What listens where others could reach it, at a port that no row lets in.

        Whether the filter stops it now does not matter. Left out: loopback; sockets that wait for answers to
        the host's own questions (datagrams at a port of those that clients get), and a client of DHCP.
        """
        found = [
            Stranger(str(socket), self._holder(socket))
            for socket in self.running.sockets
            if not socket.is_local and not _is_bound_to_loopback(socket)
            if not socket.is_clients and not self._is_dhcp(socket) and not self._has_row(socket)
        ]
        found += [
            self._told_elsewhere(each)
            for each in self.running.elsewhere
            if not each.is_local and not self._is_isolated(each.process)
            if not (each.protocol == "udp" and each.port >= _CLIENTS_FROM and each.port not in SERVERS)
            if not self._flows("in", each.protocol, each.port)
        ]
        return list(dict.fromkeys(found))

    def _has_row(self, socket: Socket) -> bool:
        address = _address(socket)
        return any(
            address is None or _within(flow.own, address)
            for flow in self._flows("in", socket.protocol, socket.port)
        )

    def _is_dhcp(self, socket: Socket) -> bool:
        holders = self.running.holders(socket)
        known = [process for process in holders if process.program in _DHCP_CLIENTS]
        return socket.protocol == "udp" and socket.port in _DHCP and bool(known) and known == holders

    def _holder(self, socket: Socket) -> str:
        holders = self.running.holders(socket)
        if socket.unit:
            return socket.unit
        if holders:
            return _told(holders[0])
        return f"process {socket.pids[0]}" if socket.pids else "the kernel"

    def _told_elsewhere(self, each: Elsewhere) -> Stranger:
        process = self.running.processes.get(each.process)
        what = f"{each.protocol} {each.address}:{each.port}"
        return Stranger(what, _told(process) if process else "", _ELSEWHERE)

    def _is_isolated(self, pid: int) -> bool:
        """Say whether a process can reach nobody, and nobody it: its network is loopback alone."""
        process = self.running.processes.get(pid)
        return process is not None and process.network in self.seen.isolated

    # Served

    def unserved(self) -> list[Unserved]:
        """Rows' ports at which nothing listens; of a range of ports one listener is enough."""
        found: dict[Unserved, None] = {}
        for flow in self.flows.of("in"):
            for first, last in flow.row.spans():
                there = [
                    socket
                    for socket in self.running.sockets
                    if socket.protocol == flow.row.protocol and first <= socket.port <= last
                ]
                if not any(_serves(socket, flow) for socket in there):
                    ports = str(first) if first == last else f"{first}-{last}"
                    at = ", ".join(str(socket) for socket in there)
                    found[Unserved(flow.row.id, f"{flow.row.protocol} {ports}", at)] = None
        return list(found)

    # Talking

    def strangers(self) -> list[Stranger]:
        """Connections with a peer or a port that no row allows, however long ago they came about.

        And who reads and writes packets past the filter, with whomever. Left out: what stays on the host,
        DHCP, and the connection that carries the question itself.
        """
        found: dict[Stranger, None] = {}
        for connection in self.seen.connections:
            if self._stays(connection) or self._asks_for_a_lease(connection) or self._is_asking(connection):
                continue
            if connection.kind == "tracked":
                stranger = self._tracked(connection)
            else:
                stranger = self._talking(connection)
            if stranger is not None:
                found[stranger] = None
        return [*found, *self._past_the_filter()]

    def _past_the_filter(self) -> Iterable[Stranger]:
        """Tell sockets of packets, but for those of the system's own programs that look after links."""
        found: dict[Stranger, None] = {}
        for socket in self.seen.packets:
            held = self._known(socket.pids)
            known = [one for one in held if one.program in _LINK_DAEMONS and one.exe.startswith("/usr/")]
            if socket.interface != "lo" and (not held or known != held):
                found[Stranger(str(socket), self._by(socket.pids) or "the kernel", _PAST)] = None
        return found

    def _talking(self, connection: Connection) -> Stranger | None:
        own, peer, protocol = connection.own, connection.peer, connection.protocol
        by = self._by(connection.pids)
        if connection.kind == "elsewhere":
            if self._may_talk("out", protocol, None, peer) or self._may_talk("in", protocol, own, peer):
                return None
            return Stranger(str(connection), by, _ELSEWHERE)
        if self._listens(protocol, own):
            # Whoever holds a port that is listened at was called there; datagrams go both ways.
            if self._may_talk("in", protocol, own, peer):
                return None
            if protocol == "udp" and self._may_talk("out", protocol, own, peer):
                return None
            return Stranger(_arrow(protocol, peer, own), by)
        if self._may_talk("out", protocol, own, peer) or self._may_talk("in", protocol, own, peer):
            return None
        return Stranger(_arrow(protocol, own, peer), by)

    def _known(self, pids: tuple[int, ...]) -> list[Process]:
        return [self.running.processes[pid] for pid in pids if pid in self.running.processes]

    def _by(self, pids: tuple[int, ...]) -> str:
        """Tell the first of these processes that is known, else a number; empty for none."""
        held = self._known(pids)
        return _told(held[0]) if held else "".join(f"process {pid}" for pid in pids[:1])

    def _tracked(self, connection: Connection) -> Stranger | None:
        """Judge what the kernel tracks; of TCP only what passes through, for sockets tell the rest."""
        ends = connection.own, connection.peer
        mine = [end for end in ends if end.address in self.seen.addresses]
        if not mine:
            if any(end.address.is_multicast for end in ends):
                return None
            return Stranger(_arrow(connection.protocol, *ends), "", "passed on")
        if connection.protocol != "udp":
            return None
        own = mine[0]
        peer = ends[1] if own is ends[0] else ends[0]
        # Which end began is not known of what was there before the kernel tracked.
        if self._may_talk("out", "udp", own, peer) or self._may_talk("in", "udp", own, peer):
            return None
        return Stranger(_arrow(connection.protocol, *ends), "", "tracked by the kernel")

    def _stays(self, connection: Connection) -> bool:
        own, peer = connection.own.address, connection.peer.address
        alone = connection.kind == "elsewhere" and self._is_isolated(connection.pids[0])
        if alone or (own.is_loopback and peer.is_loopback) or own == peer:
            return True
        here = self.seen.addresses
        return connection.kind != "elsewhere" and own in here and peer in here

    def _is_asking(self, connection: Connection) -> bool:
        held = set(connection.pids)
        return bool(held & self.seen.asking) and self._listens(connection.protocol, connection.own)

    def _asks_for_a_lease(self, connection: Connection) -> bool:
        """Say whether it is a client of DHCP with its server; other programs may use its ports as well."""
        held = self._known(connection.pids)
        is_client = all(process.program in _DHCP_CLIENTS for process in held)
        return _is_dhcp(connection) and (is_client or connection.kind != "socket")

    def _listens(self, protocol: str, end: End) -> bool:
        for socket in self.running.sockets:
            if (socket.protocol, socket.port) == (protocol, end.port) and not socket.is_clients:
                address = _address(socket)
                if address is None or address == end.address:
                    return True
        return False

    # Rows

    def _may_talk(self, way: Way, protocol: str, own: End | None, peer: End) -> bool:
        """Say whether a row lets the host and a peer talk this way; `own` None is any end of the host."""
        if not isinstance(peer.address, IPv4Address):
            return False
        port = own.port if way == "in" and own else peer.port
        return any(
            _within(flow.peers, peer.address)
            and (own is None or own.address not in self.seen.addresses or _within(flow.own, own.address))
            for flow in self._flows(way, protocol, port)
        )

    def _flows(self, way: Way, protocol: str, port: int) -> list[Flow]:
        """Return the flows of one way to a port, whoever the peer."""
        key = way, protocol, port
        if key not in self._at_port:
            self._at_port[key] = [
                flow
                for flow in self.flows.of(way)
                if flow.row.protocol == protocol and any(a <= port <= b for a, b in flow.row.spans())
            ]
        return self._at_port[key]


def _serves(socket: Socket, flow: Flow) -> bool:
    """Say whether a row's peers could reach a socket, its port apart."""
    if socket.is_local or _is_bound_to_loopback(socket):
        return False
    address = _address(socket)
    return address is None or _within(flow.own, address)


def _address(socket: Socket) -> Address | None:
    """Return the address a socket is bound to; None for every one."""
    if socket.address == "*":
        return None
    address = plain(ip_address(socket.address.partition("%")[0].strip("[]")))
    return None if address.is_unspecified else address


def _is_bound_to_loopback(socket: Socket) -> bool:
    return socket.address.endswith("%lo")


def _is_dhcp(connection: Connection) -> bool:
    ports = {connection.own.port, connection.peer.port}
    return connection.protocol == "udp" and any(ports == {*pair} for pair in _DHCP.items())


def _within(spans: Iterable[Span], address: Address) -> bool:
    return isinstance(address, IPv4Address) and any(span.low <= int(address) <= span.high for span in spans)


def _arrow(protocol: str, source: End, destination: End) -> str:
    """Tell a connection without the client's port, which says nothing and is another each time."""
    return f"{protocol} {source.host} → {destination}"


def _told(process: Process) -> str:
    """Tell a process by its program and unit: its number is another each time."""
    return f"{process.program} in {process.unit or process.cgroup or process.exe}"
