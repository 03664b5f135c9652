"""Listening sockets as ss(8) prints them, and the socket units that hold some for others."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from plumbline.probes.base import ParseError
from plumbline.probes.tagged import Rows

SOCKET_FIELDS = {"socket": 1, "activating": 1, "ephemeral": 2, "elsewhere": 3}

# A process may call itself almost anything in 15 bytes; what follows its number cannot be forged within them.
_HOLDER = re.compile(r'",pid=(\d+),fd=\d+\)(?=,\("|\) +(?:uid|ino|timer|sk|cgroup):)')
SERVERS = frozenset({34962, 34963, 34964, 34980, 44818, 47808, 51820})
"""PROFINET, EtherCAT, EtherNet/IP, BACnet and WireGuard: ports among those that clients get."""
_UNIT = re.compile(r"(?:\S*[\d\]*]:)?(\d+)\s+(?:Stream|Datagram|SequentialPacket)\s+(\S+\.socket)\s")


@dataclass(frozen=True)
class Socket:
    """A socket that waits for others: `address` is `*` for every one.

    `pids` hold it, none where the kernel itself serves; `unit` is the socket unit that opened it, if one did.
    `is_clients`: a process' datagram socket from the range that the kernel gives to those who ask, but for
    ports there that servers of OT and tunnels have by custom.
    """

    protocol: str
    address: str
    port: int
    pids: tuple[int, ...]
    unit: str
    is_clients: bool

    @property
    def is_local(self) -> bool:
        """Whether only the host itself can reach it."""
        return is_loopback(self.address)

    def __str__(self) -> str:
        return f"{self.protocol} {self.address}:{self.port}"


def is_loopback(address: str) -> bool:
    """Say whether an address, as ss(8) prints it, is one of loopback; `*` is not."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0].strip("[]"))
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return bool((mapped or found).is_loopback)


def sockets_of(rows: Rows) -> tuple[Socket, ...]:
    """Read the rows of listening sockets, and say of each which unit opened it."""
    units: dict[str, str] = {}
    for (line,) in rows["activating"]:
        told = _UNIT.match(f"{line} ")
        if told:
            units[told[1]] = told[2]
    ((low, high),) = rows["ephemeral"]
    return tuple(_socket(line, units, range(int(low), int(high) + 1)) for (line,) in rows["socket"])


def _socket(line: str, units: dict[str, str], ephemeral: range) -> Socket:
    words = line.split()
    if len(words) < 6:
        raise ParseError(f"ss printed {line[:80]!r}")
    protocol, _, _, _, local = words[:5]
    address, _, port = local.rpartition(":")
    if not port.isdigit() or not address:
        raise ParseError(f"ss printed {line[:80]!r}")
    pids = tuple(dict.fromkeys(int(pid) for pid in _HOLDER.findall(line)))
    if "users:((" in line and not pids:
        raise ParseError(f"ss printed {line[:80]!r}")
    return Socket(
        protocol=protocol,
        address="*" if address in ("0.0.0.0", "[::]") else address,  # noqa: S104  (nothing is bound here)
        port=int(port),
        pids=pids,
        unit=units.get(port, "") if 1 in pids else "",
        # One of the kernel's own, such as a tunnel's, waits for others.
        is_clients=protocol == "udp" and int(port) in ephemeral and int(port) not in SERVERS and bool(pids),
    )
