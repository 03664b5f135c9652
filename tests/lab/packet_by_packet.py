"""A second opinion on rulesets: one packet at a time through what `nft -j` lists, apart from the product.

It knows the statements that the product writes and stops at any other.
"""

from __future__ import annotations

import ipaddress
import json
import subprocess
from dataclasses import dataclass
from typing import Any

ICMP = {"echo-request": 8, "destination-unreachable": 3, "time-exceeded": 11, "parameter-problem": 12}


@dataclass(frozen=True)
class Packet:
    """A packet that opens a connection; `port`: the destination port, of icmp the type."""

    hook: str
    protocol: str
    source: str
    destination: str
    port: int
    device: str = "eth0"


def loaded(text: str) -> list[dict[str, Any]]:
    """Load a ruleset twice in a network namespace of its own, and return what nft lists then."""
    script = "ip link set lo up && nft -f /dev/stdin && nft -j list ruleset"
    twice = f"{text}\n{text.split(chr(10), 1)[1]}"
    done = subprocess.run(["unshare", "-n", "sh", "-c", script], input=twice, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    listed: list[dict[str, Any]] = json.loads(done.stdout)["nftables"]
    return listed


class Rules:
    """Rulesets as nft lists them."""

    def __init__(self, listed: list[dict[str, Any]]) -> None:
        self.chains = {one["chain"]["name"]: one["chain"] for one in listed if "chain" in one}
        self.sets = {one["set"]["name"]: one["set"].get("elem", []) for one in listed if "set" in one}
        self.rules: dict[str, list[list[dict[str, Any]]]] = {name: [] for name in self.chains}
        for one in listed:
            if "rule" in one:
                self.rules[one["rule"]["chain"]].append(one["rule"]["expr"])

    def accepts(self, packet: Packet) -> bool:
        """Say whether a packet passes the hook's base chain."""
        (base,) = (chain for chain in self.chains.values() if chain.get("hook") == packet.hook)
        verdict = self._chain(base["name"], packet)
        return (verdict or base["policy"]) == "accept"

    def _chain(self, name: str, packet: Packet) -> str | None:
        for expressions in self.rules[name]:
            verdict = self._rule(expressions, packet)
            if verdict is not None:
                return verdict
        return None

    def _rule(self, expressions: list[dict[str, Any]], packet: Packet) -> str | None:
        for expression in expressions:
            ((kind, value),) = expression.items()
            if kind == "match":
                if not self._matches(value, packet):
                    return None
            elif kind in ("accept", "drop"):
                return kind
            elif kind == "vmap":
                for key, verdict in value["data"]["set"]:
                    if self._in(self._field(value["key"], packet), key):
                        return self._chain(verdict["jump"]["target"], packet)
                return None
            else:
                raise AssertionError(f"a statement nobody expected: {expression}")
        return None

    def _matches(self, match: dict[str, Any], packet: Packet) -> bool:
        left, right = match["left"], match["right"]
        if "fib" in left:
            return False  # there is a way back
        if left == {"ct": {"key": "state"}}:
            return "new" in (right if isinstance(right, list) else [right])
        assert match["op"] == "==", match
        return self._in(self._field(left, packet), right)

    def _field(self, left: dict[str, Any], packet: Packet) -> object:
        if "meta" in left:
            key = left["meta"]["key"]
            assert key in ("iifname", "oifname"), left
            return packet.device
        asked = (left["payload"]["protocol"], left["payload"]["field"])
        if asked == ("ip", "saddr"):
            return ipaddress.IPv4Address(packet.source)
        if asked == ("ip", "daddr"):
            return ipaddress.IPv4Address(packet.destination)
        if asked == ("icmp", "type"):
            return packet.port if packet.protocol == "icmp" else None
        assert asked in (("tcp", "dport"), ("udp", "dport")), left
        return packet.port if packet.protocol == asked[0] else None

    def _in(self, value: object, right: Any) -> bool:  # noqa: ANN401  (nft's JSON)
        if value is None:
            return False
        if isinstance(right, str) and right.startswith("@"):
            return any(self._in(value, element) for element in self.sets[right[1:]])
        if isinstance(right, dict):
            if "set" in right:
                return any(self._in(value, one) for one in right["set"])
            if "elem" in right:
                return self._in(value, right["elem"]["val"])
            if "prefix" in right:
                network = ipaddress.ip_network((right["prefix"]["addr"], right["prefix"]["len"]))
                return isinstance(value, ipaddress.IPv4Address) and value in network
            low, high = right["range"]
            kind = ipaddress.IPv4Address if isinstance(value, ipaddress.IPv4Address) else int
            return bool(kind(low) <= value <= kind(high))  # type: ignore[operator]  # both are of one kind
        if isinstance(value, ipaddress.IPv4Address):
            return value == ipaddress.IPv4Address(right)
        return value == (ICMP.get(right, right) if isinstance(right, str) else right)
