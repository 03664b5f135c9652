"""What runs in each network namespace of the packet tests: it answers on ports, and asks others.

One JSON object a line comes in on stdin, one answer a line goes out. `{"listen": [addresses, ports]}`.
`{"ask": [[protocol, source, destination, port, patience], ..]}`, patience in seconds, is answered by an
outcome each: `echo`, `silent`, or what else came. `{"forge": [[source, destination, port, mark], ..]}` sends
datagrams from any address. `{"arrived": true}` is answered by the datagrams that came so far.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import socket
import struct
import sys
from typing import Any

ECHO6, ECHO6_REPLY = 128, 129
REPLIES = {8: 0, 13: 14}
AGAIN = 0.4
"""Seconds after which what may be lost on a busy machine is sent once more."""
arrived: list[str] = []


class Datagrams(asyncio.DatagramProtocol):
    """Sends every datagram back."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        arrived.append(data.decode(errors="replace"))
        self._transport.sendto(data, addr)


async def stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send what comes back until the other side is done."""
    try:
        while data := await reader.read(100):
            writer.write(data)
    except OSError:
        pass
    writer.close()


def bound(kind: int, address: str, port: int) -> socket.socket:
    """Return a socket for one address: of one for all, the answer to a datagram may come from another."""
    opened = socket.socket(_family(address), kind)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    opened.bind((address, port))
    opened.setblocking(False)
    return opened


async def listen(addresses: list[str], ports: list[int]) -> None:
    loop = asyncio.get_running_loop()
    for address in addresses:
        for port in ports:
            await asyncio.start_server(stream, sock=bound(socket.SOCK_STREAM, address, port), backlog=1000)
            await loop.create_datagram_endpoint(Datagrams, sock=bound(socket.SOCK_DGRAM, address, port))


async def ask(protocol: str, source: str, destination: str, port: int, patience: float) -> str:
    """Return `echo`, `silent`, or the name of the error that came."""
    asking = {"tcp": _tcp, "udp": _udp, "icmp": _icmp}[protocol]
    try:
        return await asyncio.wait_for(asking(source, destination, port), patience)
    except TimeoutError:
        return "silent"
    except PermissionError:
        return "silent"  # the sender's own filter dropped it
    except OSError as error:
        return error.strerror or str(error)


def _family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


async def _tcp(source: str, destination: str, port: int) -> str:
    loop = asyncio.get_running_loop()
    with socket.socket(_family(source), socket.SOCK_STREAM) as opened:
        opened.setblocking(False)
        opened.bind((source, 0))
        await loop.sock_connect(opened, (destination, port))
        await loop.sock_sendall(opened, b"asked")
        return "echo" if await loop.sock_recv(opened, 100) == b"asked" else "garbled"


async def _udp(source: str, destination: str, port: int) -> str:
    with socket.socket(_family(source), socket.SOCK_DGRAM) as opened:
        opened.setblocking(False)
        opened.bind((source, 0))
        opened.connect((destination, port))
        mark = f"{source} {destination} {port}".encode()
        return await _until(opened, mark, lambda answer: answer == mark)


async def _icmp(source: str, destination: str, kind: int) -> str:
    six = ":" in source
    protocol = socket.IPPROTO_ICMPV6 if six else socket.IPPROTO_ICMP
    number = int.from_bytes(os.urandom(2))
    asked = ECHO6 if six else kind
    replied = ECHO6_REPLY if six else REPLIES[kind]
    body = struct.pack("!BBHHH", asked, 0, 0, number, 1) + bytes(12)
    message = body[:2] + struct.pack("!H", _sum(body)) + body[4:]

    def answers(packet: bytes) -> bool:
        head = packet if six else packet[(packet[0] & 15) * 4 :]
        return head[0] == replied and head[4:6] == struct.pack("!H", number)

    with socket.socket(_family(source), socket.SOCK_RAW, protocol) as opened:
        opened.setblocking(False)
        opened.bind((source, 0))
        opened.connect((destination, 0))
        return await _until(opened, message, answers)


async def _until(opened: socket.socket, message: bytes, answers: Any) -> str:  # noqa: ANN401  (a predicate)
    loop = asyncio.get_running_loop()
    while True:
        await loop.sock_sendall(opened, message)
        try:
            async with asyncio.timeout(AGAIN):
                while not answers(await loop.sock_recv(opened, 2000)):
                    pass
                return "echo"
        except TimeoutError:
            continue


def _sum(data: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def forge(source: str, destination: str, port: int, mark: str) -> None:
    """Send a datagram with any source; the kernel fills in length and sum of the header."""
    data = mark.encode()
    datagram = struct.pack("!HHHH", 40000, port, 8 + len(data), 0) + data
    head = struct.pack(
        "!BBHHHBBH4s4s",
        *(0x45, 0, 0, 0, 0, 64, socket.IPPROTO_UDP, 0),
        *(socket.inet_aton(source), socket.inet_aton(destination)),
    )
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as opened:
        opened.sendto(head + datagram, (destination, 0))


async def answer(line: dict[str, Any]) -> object:
    if "listen" in line:
        await listen(*line["listen"])
        return True
    if "ask" in line:
        return await asyncio.gather(*(ask(*one) for one in line["ask"]))
    if "forge" in line:
        for one in line["forge"]:
            forge(*one)
        return True
    return arrived


async def main() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps(await answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
