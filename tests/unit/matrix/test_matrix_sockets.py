"""Sockets against rows: recorded on a lab host with wrong ones, and said of it what else a host may print."""

from __future__ import annotations

from pathlib import Path

import pytest
from plant import row

from plumbline.matrix.flows import host_flows
from plumbline.matrix.model import Matrix
from plumbline.matrix.readback.sockets import Sockets
from plumbline.probes.base import Output, ParseError
from plumbline.probes.connections.seen import SEEN, Seen
from plumbline.probes.services.running import RUNNING, Running
from plumbline.rooms import LAB_INVENTORY
from plumbline.spec.load import load_inventory

RECORDED = Path(__file__).parents[2] / "recorded/firewall"
HOST = "srv-app-01"


def printed(name: str) -> str:
    """Return what a probe printed on the lab's host, whose network is told as that of the worked example."""
    return (RECORDED / f"{name}-iproute2-6.1.0-sabotaged.txt").read_text()


def seen(*more: str, instead: str | None = None) -> Seen:
    """Return what was seen, with these lines added, or `instead` of all connections."""
    lines = printed("seen").splitlines() if instead is None else instead.splitlines()
    return SEEN.parse(Output("".join(f"{line}\n" for line in [*more, *lines]).encode(), b"", 0))


def running(*more: str, without: str | tuple[str, ...] = "socket\t") -> Running:
    """Return what runs and listens: the recorded, without its sockets, and these lines."""
    kept = [line for line in printed("running").splitlines() if not line.startswith(without)]
    return RUNNING.parse(Output("".join(f"{line}\n" for line in [*more, *kept]).encode(), b"", 0))


def sockets(found: Seen, listening: Running, opcua: list[str] | None = None) -> Sockets:
    """Return them with four rows of the lab's host; the ports of one may be given."""
    rows = [
        row("management", source=["10.89.0.1"], destination=[HOST], ports=["22"]),
        row("names", source=[HOST], destination=["10.89.0.1"], protocol="udp", ports=["53"]),
        row("opcua-clients", source=["10.89.0.0/24"], destination=[HOST], ports=opcua or ["4840"]),
        row("history", source=[HOST], destination=["10.89.0.12"], ports=["5432"]),
    ]
    inventory = load_inventory(LAB_INVENTORY)
    return Sockets(
        host_flows(inventory, Matrix.model_validate({"rows": rows}), [HOST])[HOST], found, listening
    )


QUIET = "address\t127.0.0.1/8\naddress\t10.89.0.11/24\nasking\t4087\nend\n"
SSHD = 'users:(("sshd",pid=39,fd=3)) ino:1 sk:2 <->'
WRONG = 'users:(("python3",pid=2193,fd=5)) ino:1 sk:2 <->'
TALKS = 'users:(("python3",pid=2193,fd=5))'


def listener(protocol: str, at: str, held: str = WRONG) -> str:
    return f"socket\t{protocol} {'LISTEN' if protocol == 'tcp' else 'UNCONN'} 0 128 {at} 0.0.0.0:* {held}"


def connection(protocol: str, own: str, peer: str, held: str = TALKS) -> str:
    return f"socket\t{protocol} ESTAB 0 0 {own} {peer} {held}"


def test_the_recorded_host_is_told_whole() -> None:
    """What was done to it is in the lab's tests; these are the same findings from the same outputs."""
    found = sockets(seen(), running(without="nothing"))
    assert [str(one) for one in found.unapproved_listeners()] == [
        "udp 10.89.0.11:4840 by wrong.py in wrong.service",
        "udp *:5000 by wrong.py in wrong.service",
        "udp 224.0.0.251:5353 by wrong.py in wrong.service",
        "tcp 10.89.0.11:10001 by wrong.py in wrong.service",
        "tcp *:10000 by wrong.py in wrong.service",
        "tcp *:10002 by wrong.py in wrong.service",
        "tcp 0.0.0.0:10003 (in another network namespace) by apart.py in apart.service",
    ]
    assert [str(one) for one in found.strangers()] == [
        "udp 10.89.0.11 → 10.89.0.1:9998 by wrong.py in wrong.service",
        "tcp 10.89.0.11 → 10.89.0.1:9999 by wrong.py in wrong.service",
        "tcp 10.89.0.1 → 10.89.0.11:10000 by wrong.py in wrong.service",
        "udp 10.89.0.1 → 10.89.0.11:5000 (tracked by the kernel)",
        "udp 10.89.0.11 → 10.89.0.1:9998 (tracked by the kernel)",
    ]
    assert [str(one) for one in found.unserved()] == ["opcua-clients: tcp 4840 (only tcp 127.0.0.1:4840)"]


@pytest.mark.parametrize(
    "line",
    [
        listener("tcp", "127.0.0.1:9000"),
        listener("tcp", "127.0.0.53%lo:53"),
        listener("udp", "0.0.0.0%lo:53"),
        listener("tcp", "[::1]:9000"),
        listener("tcp", "[::ffff:127.0.0.1]:9000"),
        listener("tcp", "*:22", SSHD),
        listener("tcp", "[::]:22", SSHD),
        listener("tcp", "10.89.0.11:22", SSHD),
        listener("tcp", "[::ffff:10.89.0.11]:22", SSHD),
        listener("udp", "0.0.0.0:45000"),
    ],
)
def test_listeners_that_are_right(line: str) -> None:
    found = sockets(seen(instead=QUIET), running(line, without=("socket", "elsewhere")))
    assert found.unapproved_listeners() == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (listener("tcp", "0.0.0.0:23"), "tcp *:23"),
        (listener("udp", "0.0.0.0:22"), "udp *:22"),
        (listener("tcp", "10.89.0.99:22"), "tcp 10.89.0.99:22"),
        (listener("tcp", "[fe80::1]%host0:22"), "tcp [fe80::1]%host0:22"),
        (listener("tcp", "[fd00::1]:22"), "tcp [fd00::1]:22"),
        (listener("sctp", "0.0.0.0:22"), "sctp *:22"),
        (listener("udp", "0.0.0.0:68"), "udp *:68"),
        (listener("tcp", "0.0.0.0:40000"), "tcp *:40000"),
        (listener("udp", "0.0.0.0:47808"), "udp *:47808"),
    ],
)
def test_listeners_without_a_row(line: str, told: str) -> None:
    found = [str(one) for one in sockets(seen(instead=QUIET), running(line)).unapproved_listeners()]
    assert f"{told} by wrong.py in wrong.service" in found


def test_the_kernel_waits_for_others_at_any_port() -> None:
    """Its own datagram sockets are a tunnel's, such as of WireGuard, wherever that listens."""
    line = "socket\tudp UNCONN 0 0 0.0.0.0:48000 0.0.0.0:* ino:1 sk:2 cgroup:/ <->"
    found = [str(one) for one in sockets(seen(instead=QUIET), running(line)).unapproved_listeners()]
    assert "udp *:48000 by the kernel" in found


def test_a_client_of_dhcp_waits_for_its_server() -> None:
    networkd = next(line for line in printed("running").splitlines() if "/systemd-networkd\t" in line)
    held = f'users:(("systemd-network",pid={networkd.split(chr(9))[1]},fd=5)) ino:1 sk:2 <->'
    listening = running(
        listener("udp", "10.89.0.11%host0:68", held), listener("udp", "[fe80::1]%host0:546", held)
    )
    found = sockets(seen(instead=QUIET), listening).unapproved_listeners()
    assert not any(":68" in str(one) or ":546" in str(one) for one in found)
    asking = connection("udp", "10.89.0.11%host0:68", "10.89.0.254:67", held.partition(" ino:")[0])
    assert sockets(seen(asking, instead=QUIET), running()).strangers() == []


SSH_LISTENS = listener("tcp", "0.0.0.0:22", SSHD)


@pytest.mark.parametrize(
    "line",
    [
        connection("tcp", "10.89.0.11:22", "10.89.0.1:40000"),
        connection("tcp", "[::ffff:10.89.0.11]:22", "[::ffff:10.89.0.1]:40000"),
        connection("tcp", "10.89.0.11:50000", "10.89.0.12:5432"),
        connection("udp", "10.89.0.11%host0:50000", "10.89.0.1:53"),
        connection("tcp", "127.0.0.1:50000", "127.0.0.1:9000"),
        connection("tcp", "[::1]:50000", "[::1]:9000"),
        connection("tcp", "10.89.0.11:50000", "10.89.0.11:9000"),
        connection("tcp", "10.89.0.11:50000", "127.0.0.1:9000"),
        connection("tcp", "10.89.0.11:22", "10.7.7.7:40000", 'users:(("sshd",pid=4087,fd=4))'),
        "tracked\tudp\t10.89.0.11\t50000\t10.89.0.1\t53",
        "tracked\tudp\t10.89.0.1\t53\t10.89.0.11\t50000",
        "tracked\ttcp\t10.89.0.1\t53\t10.89.0.11\t50000",
        "tracked\tudp\t10.89.0.11\t68\t10.89.0.254\t67",
        "elsewhere\t2214\ttcp\t0100007F:9530\t0100007F:0016",
        "elsewhere\t2214\tudp\t0200AC0A:9530\t0100590A:0035",
    ],
)
def test_connections_that_are_right(line: str) -> None:
    assert sockets(seen(line, instead=QUIET), running(SSH_LISTENS)).strangers() == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            connection("tcp", "10.89.0.11:50000", "10.89.0.1:443"),
            "tcp 10.89.0.11 → 10.89.0.1:443 by wrong.py",
        ),
        (connection("tcp", "10.89.0.11:50000", "10.89.0.13:5432"), "→ 10.89.0.13:5432 by wrong.py"),
        (connection("udp", "10.89.0.11:50000", "10.89.0.12:5432"), "udp 10.89.0.11 → 10.89.0.12:5432"),
        (connection("tcp", "10.89.0.11:22", "10.7.7.7:40000"), "tcp 10.7.7.7 → 10.89.0.11:22 by wrong.py"),
        # Called at a port that listens; that a row lets the host out to the caller's port is another matter.
        (connection("tcp", "10.89.0.11:22", "10.89.0.12:5432"), "tcp 10.89.0.12 → 10.89.0.11:22"),
        (connection("tcp", "10.89.0.11:50000", "10.89.0.1:443", ""), "tcp 10.89.0.11 → 10.89.0.1:443"),
        (connection("tcp", "[fe80::1]%host0:5000", "[fe80::2]%host0:22"), "tcp [fe80::1] → [fe80::2]:22"),
        (connection("udp", "10.89.0.11:68", "10.7.7.7:67"), "udp 10.89.0.11 → 10.7.7.7:67 by wrong.py"),
        (connection("udp", "10.89.0.11:50000", "10.89.0.254:67"), "udp 10.89.0.11 → 10.89.0.254:67"),
        (
            connection("tcp", "10.89.0.11:50000", "10.7.7.7:22", 'users:(("ssh",pid=4087,fd=4))'),
            "→ 10.7.7.7:22",
        ),
        ("tracked\tudp\t10.89.0.11\t50000\t10.7.7.7\t514", "udp 10.89.0.11 → 10.7.7.7:514 (tracked"),
        ("tracked\ttcp\t172.17.0.2\t50000\t10.7.7.7\t443", "tcp 172.17.0.2 → 10.7.7.7:443 (passed on)"),
        (
            "elsewhere\t2214\ttcp\t0200AC0A:9530\t0707070A:0016",
            "tcp 10.172.0.2:38192 ↔ 10.7.7.7:22 (in another",
        ),
    ],
)
def test_connections_without_a_row(line: str, told: str) -> None:
    (found,) = sockets(seen(line, instead=QUIET), running(SSH_LISTENS)).strangers()
    assert told in str(found)


def test_a_container_cut_off_talks_to_nobody() -> None:
    apart = next(line for line in printed("running").splitlines() if "\t2214\t" in line and "process" in line)
    line = "elsewhere\t2214\ttcp\t0200AC0A:9530\t0707070A:0016"
    alone = f"namespace\t{apart.split(chr(9))[6]}\t"
    assert sockets(seen(line, alone, instead=QUIET), running()).strangers() == []


@pytest.mark.parametrize(
    "at", ["0.0.0.0:4840", "10.89.0.11:4840", "*:4840", "[::]:4840", "[::ffff:10.89.0.11]:4840"]
)
def test_a_row_is_served_where_its_peers_can_reach(at: str) -> None:
    assert sockets(seen(), running(SSH_LISTENS, listener("tcp", at))).unserved() == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (listener("udp", "0.0.0.0:4840"), ""),
        (listener("tcp", "0.0.0.0:4841"), ""),
        (listener("tcp", "127.0.0.1:4840"), " (only tcp 127.0.0.1:4840)"),
        (listener("tcp", "0.0.0.0%lo:4840"), " (only tcp 0.0.0.0%lo:4840)"),
        (listener("tcp", "10.89.0.99:4840"), " (only tcp 10.89.0.99:4840)"),
    ],
)
def test_a_row_nobody_serves(line: str, told: str) -> None:
    found = sockets(seen(), running(SSH_LISTENS, line)).unserved()
    assert [str(one) for one in found] == [f"opcua-clients: tcp 4840{told}"]


def test_of_a_range_one_listener_is_enough_and_each_of_several_ports_needs_its_own() -> None:
    listening = running(SSH_LISTENS, listener("tcp", "0.0.0.0:4845"))
    found = sockets(seen(), listening, ["4840-4850", "4900"]).unserved()
    assert [str(one) for one in found] == ["opcua-clients: tcp 4900"]


@pytest.mark.parametrize(
    "wrong",
    [
        "address\t127.0.0.1/8\nasking\t1\n",
        "asking\t1\nend\n",
        "address\t127.0.0.1/8\nend\n",
        "address\tnone\nasking\t1\nend\n",
        f"{QUIET[:-4]}socket\ttcp ESTAB 0 0 10.1.1.1:22\nend\n",
        f"{QUIET[:-4]}socket\ttcp ESTAB 0 0 10.1.1.1:22 10.1.1.2:http\nend\n",
        f"{QUIET[:-4]}socket\ttcp ESTAB 0 0 10.1.1.1 10.1.1.2:80\nend\n",
        f'{QUIET[:-4]}socket\ttcp ESTAB 0 0 10.1.1.1:22 10.1.1.2:80 users:(("x",pid=1,fd=\nend\n',
        f"{QUIET[:-4]}elsewhere\t5\ttcp\t0100:16\t0100007F:16\nend\n",
        f"{QUIET[:-4]}tracked\tudp\t10.1.1.1\t\t10.1.1.2\t53\nend\n",
        f"{QUIET[:-4]}ESTAB\nend\n",
    ],
)
def test_what_is_cut_off_or_strange_is_never_a_value(wrong: str) -> None:
    with pytest.raises((ParseError, ValueError)):
        SEEN.parse(Output(wrong.encode(), b"", 0))


def test_a_process_cannot_pass_for_another_by_its_name() -> None:
    held = 'users:(("",pid=41,fd=4)",pid=2193,fd=5))'
    found = seen(connection("tcp", "10.89.0.11:22", "10.7.7.7:40000", held), instead=QUIET)
    assert [one.pids for one in found.connections] == [(2193,)]


def test_the_connection_of_the_check_itself_is_left_out() -> None:
    """Printed on Debian 13, whose sshd hands a connection on; it comes from an address without a row."""
    told = (RECORDED / "seen-iproute2-6.15.0-asking.txt").read_text().replace("10.89.0.1:", "10.7.7.7:")
    assert sockets(seen(instead=told), running(SSH_LISTENS)).strangers() == []
    another = told.replace("asking\t102\n", "").replace("asking\t84\n", "")
    assert len(sockets(seen(instead=another), running(SSH_LISTENS)).strangers()) == 1


@pytest.mark.parametrize(
    ("at", "told"),
    [
        (
            "[2048]:host0",
            "packets of protocol 0x0800 on host0 (past the packet filter) by wrong.py in wrong.service",
        ),
        ("*:*", "packets of every protocol on * (past the packet filter) by wrong.py in wrong.service"),
        ("[35020]:lo", ""),
    ],
)
def test_who_reads_packets_past_the_filter_is_told(at: str, told: str) -> None:
    """As ss of iproute2 6.1.0 prints them."""
    line = f'packet\tp_raw UNCONN 33816 0 {at} * users:(("python3",pid=2193,fd=3))'
    found = sockets(seen(line, instead=QUIET), running(without="nothing")).strangers()
    assert [str(one) for one in found] == ([told] if told else [])


def test_the_system_s_own_daemons_look_after_links() -> None:
    line = 'packet\tp_raw UNCONN 0 0 [35020]:host0 * users:(("systemd-network",pid=PID,fd=19))'
    host = running(without="nothing")
    (daemon,) = [each for each in host.processes.values() if each.program == "systemd-networkd"]
    found = sockets(seen(line.replace("PID", str(daemon.pid)), instead=QUIET), host)
    assert found.strangers() == []


def test_a_socket_of_packets_that_cannot_be_read_is_no_pass() -> None:
    with pytest.raises(ParseError):
        seen('packet\tp_raw UNCONN 0 0 what * users:(("x",pid=1,fd=3))', instead=QUIET)
