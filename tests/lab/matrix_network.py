"""A plant of network namespaces: hosts in VLANs, a crossing between these, an agent in each host.

Each VLAN is a bridge in the crossing's namespace, which routes between them and filters nothing. Every name
carries this process's id, so that runs do not meet, and what a killed run left is taken down by the next.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

AGENT = Path(__file__).with_name("matrix_agent.py")
PREFIX = "plb-matrix"
CROSSING = "crossing"
_SETTINGS = {
    "net.ipv4.conf.all.rp_filter": 0,
    "net.ipv4.conf.default.rp_filter": 0,
    # Else the kernel by itself drops what claims to be ours or loopback, and the filter is not asked.
    "net.ipv4.conf.all.accept_local": 1,
    "net.ipv4.conf.all.route_localnet": 1,
    # The kernel answers so many pings a second, and no more.
    "net.ipv4.icmp_ratelimit": 0,
    "net.ipv4.icmp_msgs_per_sec": 100000,
}


def run(*command: str, given: str | None = None) -> str:
    """Run a program and return what it printed; what it complains about ends the test."""
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


def six(address: str) -> str:
    """Return the IPv6 address that goes with an IPv4 address: fd00:VLAN::HOST."""
    _, _, vlan, host = address.split(".")
    return f"fd00:{vlan}::{host}"


class Network:
    """The network; `hosts`: name -> its addresses, each in the /24 of its VLAN; out by the first."""

    def __init__(self, hosts: Mapping[str, Sequence[str]]) -> None:
        self.hosts = hosts
        self._agents: dict[str, subprocess.Popen[str]] = {}

    def __enter__(self) -> Network:
        _take_down_leftovers()
        try:
            self._build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for agent in self._agents.values():
            agent.kill()
            agent.wait()
        for name in (CROSSING, *self.hosts):
            subprocess.run(["ip", "netns", "delete", _netns(name)], capture_output=True, check=False)

    def filter(self, name: str, ruleset: str) -> None:
        """Load a host's filter, as `nft -f` does; an empty one takes the filter away."""
        run("ip", "netns", "exec", _netns(name), "nft", "-f", "-", given=ruleset or "flush ruleset\n")

    def ask(self, questions: Mapping[str, object], what: str = "ask") -> dict[str, Any]:
        """Give the agents a question each, all at once, and return their answers."""
        for name, asked in questions.items():
            self._tell(name, {what: asked})
        return {name: self._told(name) for name in questions}

    def _tell(self, name: str, message: object) -> None:
        agent = self._agents[name]
        assert agent.stdin is not None
        agent.stdin.write(f"{json.dumps(message)}\n")
        agent.stdin.flush()

    def _told(self, name: str) -> Any:  # noqa: ANN401  (JSON)
        agent = self._agents[name]
        assert agent.stdout is not None
        line = agent.stdout.readline()
        assert line, f"the agent of {name} ended"
        return json.loads(line)

    def listen(self, ports: Iterable[int]) -> None:
        """Let every host answer on these ports, over TCP and UDP."""
        wanted = sorted(ports)
        addresses = {name: [*found, *map(six, found)] for name, found in self.hosts.items()}
        self.ask({name: [found, wanted] for name, found in addresses.items()}, "listen")

    def _build(self) -> None:
        for name in (CROSSING, *self.hosts):
            run("ip", "netns", "add", _netns(name))
            lines = "".join(f"{key}={value}\n" for key, value in _SETTINGS.items())
            run("ip", "netns", "exec", _netns(name), "sysctl", "-q", "-p", "-", given=lines)
        forwarding = "net.ipv4.ip_forward=1\nnet.ipv6.conf.all.forwarding=1\n"
        run("ip", "netns", "exec", _netns(CROSSING), "sysctl", "-q", "-p", "-", given=forwarding)
        run("ip", "-netns", _netns(CROSSING), "-batch", "-", given="\n".join(self._crossing()))
        for name, addresses in self.hosts.items():
            run("ip", "-netns", _netns(name), "-batch", "-", given="\n".join(_host(addresses)))
            self._agents[name] = subprocess.Popen(
                ["ip", "netns", "exec", _netns(name), sys.executable, str(AGENT)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )

    def _crossing(self) -> Iterator[str]:
        for vlan in sorted({_vlan(one) for found in self.hosts.values() for one in found}):
            yield f"link add br{vlan} type bridge mcast_snooping 0"
            yield f"link set br{vlan} up"
            yield f"address add 10.1.{vlan}.1/24 dev br{vlan}"
            yield f"address add fd00:{vlan}::1/64 dev br{vlan} nodad"
        for number, (name, addresses) in enumerate(self.hosts.items()):
            for place, vlan in enumerate(_vlans(addresses)):
                port = f"h{number}e{place}"
                yield f"link add {port} type veth peer name eth{place} netns {_netns(name)}"
                yield f"link set {port} master br{vlan}"
                yield f"link set {port} up"


def _host(addresses: Sequence[str]) -> Iterator[str]:
    yield "link set lo up"
    for place, vlan in enumerate(_vlans(addresses)):
        yield f"link set eth{place} up"
        for address in (one for one in addresses if _vlan(one) == vlan):
            yield f"address add {address}/24 dev eth{place}"
            yield f"address add {six(address)}/64 dev eth{place} nodad"
    yield f"route add default via 10.1.{_vlan(addresses[0])}.1"
    yield f"route add ::/0 via fd00:{_vlan(addresses[0])}::1"


def _vlan(address: str) -> int:
    return int(address.split(".")[2])


def _vlans(addresses: Sequence[str]) -> list[int]:
    return list(dict.fromkeys(map(_vlan, addresses)))


def _netns(name: str) -> str:
    return f"{PREFIX}-{os.getpid()}-{name}"


def _take_down_leftovers() -> None:
    """Delete the namespaces of runs whose process is no more."""
    with contextlib.suppress(FileNotFoundError):
        for entry in list(Path("/run/netns").iterdir()):
            found = re.fullmatch(rf"{PREFIX}-(\d+)-.+", entry.name)
            if found and not Path("/proc", found[1]).exists():
                run("ip", "netns", "delete", entry.name)
