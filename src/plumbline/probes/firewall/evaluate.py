"""Which inbound flows a ruleset lets in: rules are followed as the kernel does, over sets of flows at once.

What a rule asks beyond source, protocol and port (a mark, a rate, a time of day) cannot be answered from the
ruleset. So there are two answers, and each verdict takes the one that cannot err towards good: the flows that
*may* come in (an unanswerable question is taken to let in and never to keep out), and the flows that *surely*
come in (the other way round).
"""

from __future__ import annotations

import fnmatch
import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from plumbline.probes.base import ParseError
from plumbline.probes.firewall.flows import ADDRESS_MAX, ICMP_TYPES, SPACES, Box, everything, less, meet
from plumbline.probes.firewall.ruleset import Chain, Rule, Ruleset, Statement

DEPTH_MAX = 16
"""Jumps the kernel allows (NFT_JUMP_STACK_SIZE)."""

_ENDS = {"accept", "drop", "reject", "return", "jump", "goto", "queue"}
_PASSES = {"counter", "log", "comment", "last"}
"""Statements that neither decide nor narrow; `limit`, `quota`, `ct count` and the like do narrow."""


@dataclass(frozen=True)
class Packet:
    """What is fixed while flows are followed: connection state and incoming interface; and which answer.

    `interface` None is any interface but loopback.
    """

    state: Literal["new", "established", "related", "invalid", "untracked"] = "new"
    interface: str | None = None
    answer: Literal["may", "surely"] = "may"


def inbound(ruleset: Ruleset, packet: Packet) -> list[Box]:
    """Return the flows that every base chain of the input hook lets in, told with the last chain's rules."""
    flows = everything()
    for chain in ruleset.base_chains("input"):
        if chain.type == "filter":
            let_in = _Walk(ruleset, packet).base(chain)
            flows = meet(let_in, flows)
    return flows


def forwarded(ruleset: Ruleset, packet: Packet) -> list[Box]:
    """Return the flows that every base chain of the forward hook lets through."""
    flows = everything()
    for chain in ruleset.base_chains("forward"):
        if chain.type == "filter":
            flows = meet(_Walk(ruleset, packet).base(chain), flows)
    return flows


def drops_by_default(ruleset: Ruleset, hook: str) -> bool:
    """Say whether some base chain of a hook never comes to accept by its policy."""
    for chain in ruleset.base_chains(hook):
        if chain.type == "filter" and not _Walk(ruleset, Packet()).undecided(chain):
            return True
    return False


class _Walk:
    """One walk of a base chain; `accepted` grows on the way."""

    def __init__(self, ruleset: Ruleset, packet: Packet) -> None:
        self._ruleset = ruleset
        self._packet = packet
        self._may = packet.answer == "may"
        self._accepted: list[Box] = []

    def undecided(self, chain: Chain) -> list[Box]:
        """Return the flows that an accepting policy lets in; none when the policy is to drop."""
        return [] if chain.policy == "drop" else self._chain(chain, everything(), 0)

    def base(self, chain: Chain) -> list[Box]:
        """Return the flows that a base chain lets in."""
        rest = self._chain(chain, everything(), 0)
        if chain.policy == "accept":
            self._accepted += [replace(box, rule=f"{chain}: policy accept") for box in rest]
        return self._accepted

    def _chain(self, chain: Chain, flows: list[Box], depth: int) -> list[Box]:
        """Walk a chain; return the flows that come out at its end, or return from it, undecided."""
        if depth > DEPTH_MAX:
            raise ParseError(f"chains jump more than {DEPTH_MAX} deep at {chain}")
        returned: list[Box] = []
        for rule in chain.rules:
            if not flows:
                break
            for statements, verdict in self._branches(rule):
                asked, certain = self._asked(rule, statements)
                matched = meet(flows, asked)
                if not matched:
                    continue
                decided = self._decide(rule, verdict, matched, certain, depth, returned)
                flows = less(flows, decided)
        return flows + returned

    def _decide(
        self,
        rule: Rule,
        verdict: Statement,
        matched: list[Box],
        certain: bool,
        depth: int,
        returned: list[Box],
    ) -> list[Box]:
        """Act on the matched flows; return those that go no further in this chain."""
        kind = next(iter(verdict))
        if kind in {"accept", "queue"}:
            # A program that decides on queued packets may let them in, and may not.
            if self._may or (certain and kind == "accept"):
                self._accepted += [replace(box, rule=str(rule)) for box in matched]
            return matched if certain else []
        if kind in {"drop", "reject"}:
            return [] if self._may and not certain else matched
        if not certain and not self._may:
            # Whether these flows leave the chain here cannot be said, so nothing sure can be said of them.
            return matched
        if kind == "return":
            returned += matched
            return matched if certain else []
        target = self._ruleset.chains.get((rule.family, rule.table, verdict[kind]["target"]))
        if target is None:
            raise ParseError(f"{rule} leads to a chain that is not there")
        came_back = self._chain(target, matched, depth + 1)
        if kind == "goto":
            returned += came_back
        if not certain:
            return []
        return matched if kind == "goto" else less(matched, came_back)

    def _branches(self, rule: Rule) -> Iterator[tuple[list[Statement], Statement]]:
        """Yield what a rule asks with the verdict it then gives; a verdict map gives several."""
        asked: list[Statement] = []
        for statement in rule.statements:
            kind = next(iter(statement))
            if kind in _ENDS:
                yield asked, statement
                return
            if kind == "vmap":
                data = statement["vmap"]["data"]
                if isinstance(data, str):
                    pairs = self._ruleset.sets[rule.family, rule.table, data.removeprefix("@")]
                else:
                    pairs = data["set"]
                for value, verdict in pairs:
                    match = {"match": {"op": "==", "left": statement["vmap"]["key"], "right": value}}
                    yield [*asked, match], verdict
                return
            asked.append(statement)

    def _asked(self, rule: Rule, statements: list[Statement]) -> tuple[list[Box], bool]:
        """Return the flows that a rule's questions leave, and whether that is all it asks."""
        flows, certain = everything(), True
        for statement in statements:
            kind = next(iter(statement))
            if kind == "match":
                answer, sure = self._match(rule, statement["match"])
                flows, certain = meet(flows, answer), certain and sure
            elif kind not in _PASSES:
                certain = False
        return flows, certain

    def _match(self, rule: Rule, match: dict[str, Any]) -> tuple[list[Box], bool]:
        """Return the flows for which a match can hold, and whether it holds for all of them."""
        operator, left, right = match["op"], match["left"], match["right"]
        if operator not in {"==", "!=", "in"} or not isinstance(left, dict):
            return everything(), False
        values = list(self._values(rule, right))
        key, otherwise = _key(left), operator == "!="
        if key == "ct state":
            return _all_or_none((self._packet.state in values) != otherwise)
        if key in {"meta iifname", "meta iif"}:
            return self._interface([str(value) for value in values], otherwise)
        if key in {"meta nfproto", "meta protocol"}:
            return _all_or_none(bool({"ipv4", "ip"} & set(map(str, values))) != otherwise)
        boxes, certain = _boxes(key, values)
        if not otherwise:
            return boxes, certain
        within = [box for box in everything() if box.protocol in _IMPLIED.get(key, SPACES)]
        return (less(within, boxes), True) if certain else (within, False)

    def _interface(self, patterns: list[str], otherwise: bool) -> tuple[list[Box], bool]:
        """Answer a question for the incoming interface; "any" is known only not to be loopback."""
        if self._packet.interface is not None:
            held = any(fnmatch.fnmatchcase(self._packet.interface, pattern) for pattern in patterns)
            return _all_or_none(held != otherwise)
        if patterns == ["lo"]:
            return _all_or_none(otherwise)
        return everything(), False

    def _values(self, rule: Rule, right: Any) -> Iterator[Any]:  # noqa: ANN401  (nft's JSON)
        """Yield the single values of a right side: of a list, a set, a named set."""
        if isinstance(right, str) and right.startswith("@"):
            for element in self._ruleset.sets.get((rule.family, rule.table, right[1:]), []):
                yield from self._values(rule, element)
        elif isinstance(right, list):
            for element in right:
                yield from self._values(rule, element)
        elif isinstance(right, dict) and "set" in right:
            yield from self._values(rule, right["set"])
        elif isinstance(right, dict) and "elem" in right:
            yield from self._values(rule, right["elem"]["val"])
        else:
            yield right


_IMPLIED = {"tcp dport": ("tcp",), "udp dport": ("udp",), "icmp type": ("icmp",)}
"""Protocols that a question for a field of theirs asks for too (nft(8), implicit dependencies)."""


def _key(left: dict[str, Any]) -> str:
    (kind, value), *_ = left.items()
    if kind == "payload" and isinstance(value, dict):
        return f"{value.get('protocol')} {value.get('field')}"
    if kind in {"meta", "ct"} and set(value) == {"key"}:
        return f"{kind} {value['key']}"
    return kind


def _all_or_none(held: bool) -> tuple[list[Box], bool]:
    return (everything() if held else []), True


def _boxes(key: str, values: list[Any]) -> tuple[list[Box], bool]:
    """Return the flows a field's values can stand for, and whether they stand for all of those."""
    try:
        if key == "ip saddr":
            spans = [_addresses(value) for value in values]
            return [Box(p, *span, 0, last) for span in spans for p, last in SPACES.items()], True
        if key in {"ip protocol", "meta l4proto"}:
            return _protocols(values)
        if key == "icmp type":
            return [Box("icmp", 0, ADDRESS_MAX, *_span(value, ICMP_TYPES)) for value in values], True
        if key == "th dport":
            # It asks for two bytes of whatever protocol comes, so of others than TCP and UDP it says nothing.
            ports = [Box(p, 0, ADDRESS_MAX, *_span(value, {})) for value in values for p in ("tcp", "udp")]
            return [*ports, *(box for box in everything() if box.protocol in {"icmp", "other"})], False
        protocols = _IMPLIED.get(key)
        if protocols is not None:
            return [Box(p, 0, ADDRESS_MAX, *_span(value, {})) for value in values for p in protocols], True
    except (ValueError, KeyError, TypeError):
        pass
    return everything(), False


def _protocols(values: list[Any]) -> tuple[list[Box], bool]:
    """Return the flows of protocols; those without a name here are each only a part of `other`."""
    numbers = {1: "icmp", 6: "tcp", 17: "udp"}
    names = {numbers.get(value, "other") if isinstance(value, int) else str(value) for value in values}
    known = {name if name in SPACES else "other" for name in names}
    return [Box(name, 0, ADDRESS_MAX, 0, SPACES[name]) for name in sorted(known)], "other" not in known


def _addresses(value: Any) -> tuple[int, int]:  # noqa: ANN401  (nft's JSON)
    if isinstance(value, dict) and "prefix" in value:
        network = ipaddress.IPv4Network((value["prefix"]["addr"], value["prefix"]["len"]), strict=False)
        return int(network.network_address), int(network.broadcast_address)
    if isinstance(value, dict) and "range" in value:
        low, high = value["range"]
        return int(ipaddress.IPv4Address(low)), int(ipaddress.IPv4Address(high))
    address = int(ipaddress.IPv4Address(value))
    return address, address


def _span(value: Any, names: dict[str, int]) -> tuple[int, int]:  # noqa: ANN401  (nft's JSON)
    if isinstance(value, dict):
        low, high = value["range"]
        return _span(low, names)[0], _span(high, names)[0]
    number = names[value] if isinstance(value, str) else int(value)
    return number, number
