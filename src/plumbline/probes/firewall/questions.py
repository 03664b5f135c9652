"""What a rule asks of a packet: the flows for which it can hold, and whether it holds for all of those."""

from __future__ import annotations

import fnmatch
import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal

from plumbline.probes.base import ParseError
from plumbline.probes.firewall.flows import ADDRESS_MAX, ICMP_TYPES, SPACES, Box, everything, less, meet
from plumbline.probes.firewall.ruleset import Rule, Ruleset, Statement

State = Literal["new", "established", "related", "invalid", "untracked"]
Answer = tuple[list[Box], bool]


@dataclass(frozen=True)
class Packet:
    """What is fixed while flows are followed: state, incoming interface, destination; and which answer.

    `interface` None is any interface but loopback, `destination` None any address. A question that the
    ruleset cannot answer is taken to hold or not, whichever lets more in (`may`) or less in (`surely`); the
    latter speaks of ordinary packets: whole, sent to this host, at a rate under every limit.
    `elsewhere`: the destination is any address but these, which are all that the host should have.
    """

    state: State = "new"
    interface: str | None = None
    answer: Literal["may", "surely"] = "may"
    destination: int | None = None
    elsewhere: frozenset[int] | None = None


def asked(ruleset: Ruleset, rule: Rule, statements: list[Statement], packet: Packet) -> Answer:
    """Return the flows that a rule's questions leave, and whether that is all it asks."""
    flows, certain = everything(), True
    for statement in statements:
        (kind, value), *_ = statement.items()
        if kind == "match":
            answer, sure = _match(ruleset, rule, value, packet)
        elif kind in _AT_A_RATE and packet.answer == "surely":
            answer, sure = _at_a_rate(ruleset, rule, kind, value)
        else:
            answer, sure = everything(), kind in _PASSES
        flows, certain = meet(flows, answer), certain and sure
    return flows, certain


_PASSES = {"counter", "log", "comment", "last", "mangle", "notrack", "ct helper", "ct timeout", "secmark"}
"""Statements that neither decide nor narrow."""

_AT_A_RATE = {"limit", "ct count", "quota"}
"""Statements that hold up to a rate or amount, or beyond it with `inv`."""


def _at_a_rate(ruleset: Ruleset, rule: Rule, kind: str, value: Any) -> Answer:  # noqa: ANN401  (nft's JSON)
    """Answer for packets under every limit; of one that a map chooses nothing can be said."""
    if isinstance(value, str):
        beyond = ruleset.limits.get((rule.family, rule.table, kind, value))
        return (everything(), False) if beyond is None else all_or_none(not beyond)
    if "map" in value:
        return everything(), False
    return all_or_none(not value.get("inv", False))


def _match(ruleset: Ruleset, rule: Rule, match: dict[str, Any], packet: Packet) -> Answer:
    operator, left, right = match["op"], match["left"], match["right"]
    if operator not in {"==", "!=", "in"} or not isinstance(left, dict):
        return everything(), False
    if packet.answer == "surely" and (held := _ordinarily(operator, left, right, packet)) is not None:
        return all_or_none(held)
    if _grows(ruleset, rule, right):
        return everything(), False
    values = list(_values(ruleset, rule, right, passing=packet.answer == "may"))
    key, otherwise = field_of(left), operator == "!="
    if key.startswith(_NEVER_IPV4):
        return [], True
    if key == "ct state":
        return all_or_none((packet.state in values) != otherwise)
    if key in {"meta iifname", "meta iif", "meta iiftype"}:
        return _interface(packet, ["lo" if v == "loopback" else str(v) for v in values], otherwise)
    if key in {"meta nfproto", "meta protocol"}:
        return all_or_none(bool({"ipv4", "ip"} & set(map(str, values))) != otherwise)
    if key == "ip daddr" and packet.destination is not None:
        return _destination(packet.destination, values, otherwise)
    if key == "ip daddr" and packet.elsewhere is not None:
        return _elsewhere(packet.elsewhere, values, otherwise)
    boxes, certain, within = _boxes(left, values)
    if not otherwise:
        return boxes, certain
    return (less(within, boxes), True) if certain else (within, False)


_NEVER_IPV4 = ("ip6 ", "icmpv6 ", "arp ")
"""Fields that only other packets have; asking for one asks for such a packet (nft(8))."""


def _grows(ruleset: Ruleset, rule: Rule, right: Any) -> bool:  # noqa: ANN401  (nft's JSON)
    """Say whether packets themselves put elements into the named set that is asked."""
    named = isinstance(right, str) and right.startswith("@")
    return named and (rule.family, rule.table, right[1:]) in ruleset.growing


def _interface(packet: Packet, patterns: list[str], otherwise: bool) -> Answer:
    """Answer a question for the incoming interface; "any" is known only not to be loopback."""
    if packet.interface is not None:
        held = any(fnmatch.fnmatchcase(packet.interface, pattern) for pattern in patterns)
        return all_or_none(held != otherwise)
    if set(patterns) == {"lo"}:
        return all_or_none(otherwise)
    return everything(), False


def _destination(destination: int, values: list[Any], otherwise: bool) -> Answer:
    try:
        spans = [_addresses(value) for value in values]
    except (ValueError, KeyError, TypeError):
        return everything(), False
    return all_or_none(any(low <= destination <= high for low, high in spans) != otherwise)


def _elsewhere(but: frozenset[int], values: list[Any], otherwise: bool) -> Answer:
    """Answer for all destinations but these at once: what asks for none but these does not hold."""
    try:
        spans = [_addresses(value) for value in values]
    except (ValueError, KeyError, TypeError):
        return everything(), False
    if all(high - low < len(but) and but.issuperset(range(low, high + 1)) for low, high in spans):
        return all_or_none(otherwise)
    return everything(), False


def _values(ruleset: Ruleset, rule: Rule, right: Any, *, passing: bool) -> Iterator[Any]:  # noqa: ANN401  (nft)
    """Yield the single values of a right side: of a list, a set, a named set.

    `passing`: with elements that leave by themselves. Who is banned for a while was beyond some limit.
    """
    if isinstance(right, str) and right.startswith("@"):
        for element in named_set(ruleset, rule, right):
            yield from _values(ruleset, rule, element, passing=passing)
    elif isinstance(right, list):
        for element in right:
            yield from _values(ruleset, rule, element, passing=passing)
    elif isinstance(right, dict) and "set" in right:
        yield from _values(ruleset, rule, right["set"], passing=passing)
    elif isinstance(right, dict) and "elem" in right:
        if passing or not {"timeout", "expires"} & set(right["elem"]):
            yield from _values(ruleset, rule, right["elem"]["val"], passing=passing)
    else:
        yield right


def named_set(ruleset: Ruleset, rule: Rule, name: str) -> list[Any]:
    """Return the elements of a named set or map; ParseError if the ruleset does not have it."""
    try:
        return ruleset.sets[rule.family, rule.table, name.removeprefix("@")]
    except KeyError:
        raise ParseError(f"{rule} asks the set {name}, which is not there") from None


def field_of(left: dict[str, Any]) -> str:
    """Return what a left side asks for, such as `tcp dport` or `ct state`."""
    (kind, value), *_ = left.items()
    if kind == "payload" and isinstance(value, dict):
        return f"{value.get('protocol')} {value.get('field')}"
    if kind in {"meta", "ct"} and set(value) == {"key"}:
        return f"{kind} {value['key']}"
    return kind


def all_or_none(held: bool) -> Answer:
    """Return the answer to a question that holds for all flows or for none."""
    return (everything() if held else []), True


def _boxes(left: dict[str, Any], values: list[Any]) -> tuple[list[Box], bool, list[Box]]:
    """Return the flows values can stand for, whether they stand for all of those, and those that are asked.

    A question for a field of TCP asks for TCP too (nft(8), implicit dependencies).
    """
    keys = [field_of(part) for part in left["concat"]] if "concat" in left else [field_of(left)]
    within = reduce(meet, ([box for box in everything() if box.protocol in _protocols_of(k)] for k in keys))
    found: list[Box] = []
    certain = True
    for value in values:
        parts = value["concat"] if "concat" in left and isinstance(value, dict) else [value]
        if value == "*":  # the element for everything else, and then there is nothing else
            return within, True, within
        if len(parts) != len(keys):
            return within, False, within
        answers = [_field(key, part) for key, part in zip(keys, parts, strict=True)]
        found += reduce(meet, (boxes for boxes, _ in answers), within)
        certain = certain and all(sure for _, sure in answers)
    return (found, True, within) if certain else (found or within, False, within)


def _protocols_of(key: str) -> set[str]:
    protocol = key.split(" ", 1)[0]
    if protocol in {"tcp", "udp", "icmp"}:
        return {protocol}
    return {"other"} if protocol in {"sctp", "dccp", "udplite", "ah", "esp", "comp", "igmp"} else set(SPACES)


def _field(key: str, value: Any) -> Answer:  # noqa: ANN401  (nft's JSON)
    """Return the flows that one value of one field stands for, and whether for all of them."""
    try:
        if key == "ip saddr":
            low, high = _addresses(value)
            return [Box(p, low, high, 0, last) for p, last in SPACES.items()], True
        if key in {"ip protocol", "meta l4proto"}:
            return _protocol(value)
        if key == "icmp type":
            return [Box("icmp", 0, ADDRESS_MAX, *_span(value, ICMP_TYPES))], True
        if key == "th dport":
            # It asks for two bytes of whatever protocol comes, so of others than TCP and UDP it says nothing.
            ports = [Box(p, 0, ADDRESS_MAX, *_span(value, {})) for p in ("tcp", "udp")]
            return [*ports, *(box for box in everything() if box.protocol in {"icmp", "other"})], False
        if key in {"tcp dport", "udp dport"}:
            return [Box(key[:3], 0, ADDRESS_MAX, *_span(value, {}))], True
    except (ValueError, KeyError, TypeError):
        pass
    return everything(), False


def _protocol(value: Any) -> Answer:  # noqa: ANN401  (nft's JSON)
    """Return the flows of a protocol; those without a name here are each only a part of `other`."""
    if isinstance(value, dict):
        low, high = value["range"]
        inside = [name for number, name in _NUMBERS.items() if low <= number <= high]
        return [Box(name, 0, ADDRESS_MAX, 0, SPACES[name]) for name in [*inside, "other"]], False
    name = _NUMBERS.get(value, "other") if isinstance(value, int) else str(value)
    if name == "ipv6-icmp":
        return [], True
    known = name if name in SPACES and name != "other" else "other"
    return [Box(known, 0, ADDRESS_MAX, 0, SPACES[known])], known != "other"


_NUMBERS = {1: "icmp", 6: "tcp", 17: "udp", 58: "ipv6-icmp"}


def _addresses(value: Any) -> tuple[int, int]:  # noqa: ANN401  (nft's JSON)
    if value == "*":
        return 0, ADDRESS_MAX
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


def _ordinarily(operator: str, left: dict[str, Any], right: Any, packet: Packet) -> bool | None:  # noqa: ANN401
    """Say whether a question holds for ordinary packets; None if it depends on the flow or cannot be said."""
    if isinstance(right, str) and right.startswith("@"):
        return None
    negative = operator == "!="
    (kind, value), *_ = left.items()
    if kind == "fib" and isinstance(value, dict) and right in (False, True):
        return right is not negative  # the way back exists
    if (
        kind == "fib"
        and isinstance(value, dict)
        and value.get("result") == "type"
        and "daddr" in value["flags"]
    ):
        return ("local" in _listed(right)) is not negative
    if field_of(left) == "meta pkttype":
        return ("host" in _listed(right)) is not negative
    field, mask = (value[0], value[1]) if kind == "&" and isinstance(value[0], dict) else (left, None)
    if field_of(field) == "ip frag-off" and kind == "&":
        return (right == 0) is not negative
    if field_of(field) == "tcp flags":
        compare = _holds_all if operator != "in" else _holds_any
        held = {compare(flags, mask, right) is not negative for flags in _ORDINARY_FLAGS[packet.state]}
        return held.pop() if len(held) == 1 else None
    return None


_TALKING: tuple[set[str], ...] = ({"ack"}, {"ack", "psh"}, {"fin", "ack"}, {"syn", "ack"}, {"rst", "ack"})
_ORDINARY_FLAGS: dict[State, tuple[set[str], ...]] = {
    "new": ({"syn"},),
    "established": _TALKING,
    "related": _TALKING,
    "invalid": (),
    "untracked": (),
}


def _listed(right: Any) -> set[str]:  # noqa: ANN401  (nft's JSON)
    if isinstance(right, dict):
        return _listed(next(iter(right.values())))
    return set(map(str, right)) if isinstance(right, list) else {str(right)}


def _holds_all(flags: set[str], mask: Any, right: Any) -> bool:  # noqa: ANN401  (nft's JSON)
    seen = flags if mask is None else flags & _listed(mask)
    return seen == (set() if right == 0 else _listed(right))


def _holds_any(flags: set[str], mask: Any, right: Any) -> bool:  # noqa: ANN401  (nft's JSON)
    return bool((flags if mask is None else flags & _listed(mask)) & _listed(right))
