"""Opens the sockets it is told and holds them: an order a line comes in, `done` goes out.

`listen KIND ADDRESS PORT [DEVICE]` waits and answers whoever comes; `connect KIND ADDRESS PORT` has an answer
before it is done; `mute KIND ADDRESS PORT` only waits; `ask ADDRESS PORT` asks by a datagram, unconnected;
`packets INTERFACE` reads all packets there.
It runs on hosts that have no more of Python than its minimal package.
"""

from __future__ import annotations

import socket
import sys
import threading

KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
held: list[socket.socket] = []


def opened(kind: str, address: str) -> socket.socket:
    """Return a socket of the address's family."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, KINDS[kind])
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.settimeout(10)
    held.append(made)
    return made


def listen(kind: str, address: str, port: str, device: str = "") -> None:
    """Wait at an address; answer everything that comes."""
    made = opened(kind, address)
    if made.family is socket.AF_INET6 and address != "::":
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if "ffff:" in address else 1)
    if device:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    made.bind((address, int(port)))
    made.settimeout(None)
    if kind == "tcp":
        made.listen()
    threading.Thread(target=_serve, args=(made, kind), daemon=True).start()


def _serve(made: socket.socket, kind: str) -> None:
    while True:
        if kind == "udp":
            data, peer = made.recvfrom(100)
            made.sendto(data, peer)
        else:
            stream, _ = made.accept()
            held.append(stream)
            stream.send(b"x")


def connect(kind: str, address: str, port: str) -> None:
    """Connect, and have an answer."""
    made = opened(kind, address)
    made.connect((address, int(port)))
    if kind == "udp":
        made.send(b"x")
    made.recv(9)


def mute(kind: str, address: str, port: str) -> None:
    """Wait for nothing."""
    opened(kind, address).bind((address, int(port)))


def ask(address: str, port: str) -> None:
    """Ask by a datagram from a socket without a peer, and have an answer."""
    made = opened("udp", address)
    made.sendto(b"x", (address, int(port)))
    made.recvfrom(9)


def packets(interface: str) -> None:
    """Have a socket for whole packets of an interface."""
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    made.bind((interface, 0x0800))
    held.append(made)


if __name__ == "__main__":
    verbs = {"listen": listen, "connect": connect, "mute": mute, "ask": ask, "packets": packets}
    for line in sys.stdin:
        verb, *words = line.split()
        verbs[verb](*words)
        print("done", flush=True)
    threading.Event().wait()
