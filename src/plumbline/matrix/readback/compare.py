"""One ruleset against the rows of its host: what is open without a row, and what a row has but is closed."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from plumbline.matrix.flows import Way
from plumbline.matrix.readback.approved import Approved, Face, connections, errors
from plumbline.matrix.readback.mirror import alone, outgoing, over_ipv6
from plumbline.probes.firewall.evaluate import Packet, forwarded, inbound
from plumbline.probes.firewall.flows import ADDRESS_MAX, Box, everything, less, meet, sources
from plumbline.probes.firewall.questions import State
from plumbline.probes.firewall.ruleset import Chain, Ruleset

Kind = Literal["open", "rule", "closed", "needed", "unclear"]
"""`open`: flows without a row pass. `rule`: a rule without a row accepts, but something else still drops.
`closed`: a row's flows do not pass. `needed`: what every host needs does not, such as replies.
`unclear`: whether a row's flows pass cannot be said from the rules."""

UNSOLICITED: tuple[State, ...] = ("new", "invalid", "untracked")
NEEDED = ("replies", "error messages", "loopback")
_LOOPBACK = int(ipaddress.IPv4Address("127.0.0.1"))
_LOOPBACK_SPAN = (0x7F000000, 0x7FFFFFFF)
_EVERYBODY = 0xFFFFFFFF
_ALL_HOSTS = int(ipaddress.IPv4Address("224.0.0.1"))


@dataclass(frozen=True, order=True)
class Difference:
    """One difference: `by` is the rule that opens, or the row that is closed; `flows` are told.

    `withheld`: ids of the rows that hold such flows but are not in force.
    """

    kind: Kind
    way: Literal["in", "out", "through"]
    by: str
    flows: tuple[str, ...]
    withheld: tuple[str, ...] = ()


def differences(ruleset: Ruleset | None, approved: Approved, faces: Sequence[Face]) -> list[Difference]:
    """Return everything in which a ruleset differs from the rows; None is a host without any filter.

    Raises ParseError for a ruleset that cannot be followed.
    """
    rules = ruleset or Ruleset()
    found: list[Difference] = []
    sides: tuple[tuple[Way, Ruleset], ...] = (("in", rules), ("out", outgoing(rules)))
    for way, side in sides:
        found += [*_beyond(side, way, approved, faces), *_missing(side, way, approved, faces)]
    for state in UNSOLICITED:
        found += [_told("open", "through", box, "") for box in forwarded(rules, Packet(state))]
    found += _forwarding_alone(rules, {one.by for one in found if one.way == "through"})
    return _by_cause(found)


def _forwarding_alone(rules: Ruleset, opened: set[str]) -> Iterator[Difference]:
    """Yield the rules that would forward, and do not only because other chains drop."""
    chains = [chain for chain in rules.base_chains("forward", perhaps=True) if chain.type == "filter"]
    for chain in chains if len(chains) > 1 else ():
        for state in UNSOLICITED:
            for box in forwarded(alone(rules, chain, "forward"), Packet(state)):
                if box.rule not in opened and not _by_policy(box, chain):
                    yield _told("rule", "through", box, "")


def _by_cause(found: list[Difference]) -> list[Difference]:
    """Return a difference a rule or row, with all its flows."""
    flows: dict[tuple[Kind, Literal["in", "out", "through"], str], dict[str, None]] = defaultdict(dict)
    withheld: dict[tuple[Kind, Literal["in", "out", "through"], str], dict[str, None]] = defaultdict(dict)
    for one in found:
        flows[one.kind, one.way, one.by].update(dict.fromkeys(one.flows))
        withheld[one.kind, one.way, one.by].update(dict.fromkeys(one.withheld))
    return sorted(Difference(*cause, tuple(told), tuple(withheld[cause])) for cause, told in flows.items())


def _beyond(rules: Ruleset, way: Way, approved: Approved, faces: Sequence[Face]) -> Iterator[Difference]:
    """Yield what passes without a row, and then the rules that accept what other chains still drop."""
    hosts_own = [face.address for face in faces]
    opened: set[str] = set()
    stopped: list[tuple[Box, int | None]] = []
    asked: list[int | None] = [*hosts_own, *(sorted(_for_many(rules)) if way == "in" else ()), None]
    for own in asked:
        before = set() if own in hosts_own else set(opened)
        allowed = errors() if own is None else approved.allowed(way, own)
        passing, held = _without_row(rules, _at(own, hosts_own), allowed)
        known = {box.rule for box, _ in stopped} if own not in hosts_own else set()
        stopped += [(box, own) for box in held if box.rule not in known]
        for box in passing:
            if box.rule not in before:
                opened.add(box.rule)
                withheld = () if own is None else approved.withheld(way, own, box)
                yield _told("open", way, box, _name(own), withheld)
    for box in _without_row(over_ipv6(rules), Packet(), [])[0]:
        opened.add(box.rule)
        yield Difference("open", way, box.rule, (f"IPv6 {box.protocol}",))
    yield from (_told("rule", way, box, _name(own)) for box, own in stopped if box.rule not in opened)


def _at(own: int | None, hosts_own: Sequence[int]) -> Packet:
    """Return packets for one address; None is any that the host should not have: a rule may be for one."""
    return Packet(elsewhere=frozenset(hosts_own)) if own is None else Packet(destination=own)


def _without_row(rules: Ruleset, packet: Packet, allowed: list[Box]) -> tuple[list[Box], list[Box]]:
    """Return what passes without a row, by each rule that lets it, and what a rule accepts but others drop.

    What passes several chains is told by the rules that accept it; by a chain's policy if no rule does.
    """
    passing = list(_wider(_passing(rules, packet), allowed))
    chains = _base_chains(rules)
    if len(chains) < 2:  # one alone has been asked already
        return passing, []
    by_rule: list[Box] = []
    held: list[Box] = []
    for chain in chains:
        for box in _wider(_passing(alone(rules, chain), packet), allowed):
            if not _by_policy(box, chain):
                (by_rule if meet([box], passing) else held).append(box)
    return [*by_rule, *less(passing, by_rule)], held


def _missing(rules: Ruleset, way: Way, approved: Approved, faces: Sequence[Face]) -> Iterator[Difference]:
    """Yield what has a row, is a reply or stays inside the host, and does not pass."""
    impossible = approved.impossible() if way == "in" else []
    replies = less([replace(box, rule=NEEDED[0]) for box in connections()], impossible)
    related = less([replace(box, rule=NEEDED[1]) for box in errors()], impossible)
    inside = [replace(box, rule=NEEDED[2]) for box in _inside(faces)]
    asked = [(Packet("new", "lo", "surely", _LOOPBACK), inside, _name(_LOOPBACK))]
    for face in faces:
        packet = Packet("new", face.interface, "surely", face.address)
        asked += [
            (packet, approved.of(way, face.address), str(face)),
            (replace(packet, state="established"), replies, str(face)),
            (replace(packet, state="related"), related, str(face)),
        ]
    for packet, wanted, own in asked:
        doubtful = _owed(less(wanted, inbound(rules, packet)), way, approved) if wanted else []
        if not doubtful:
            continue
        surely_not = _owed(less(wanted, inbound(rules, replace(packet, answer="may"))), way, approved)
        for box in surely_not or doubtful:
            closed: Kind = "needed" if box.rule in NEEDED else "closed"
            yield _told(closed if surely_not else "unclear", way, box, own)


def _owed(closed: list[Box], way: Way, approved: Approved) -> list[Box]:
    """Return what is closed, without replies in connections that no row allows: nobody needs those."""
    if not any(box.rule == NEEDED[0] for box in closed):
        return closed
    needed = approved.replies(way)
    return [box for box in closed if box.rule != NEEDED[0] or meet([box], needed)]


def _inside(faces: Sequence[Face]) -> list[Box]:
    """Return what loopback carries: from and to the host's own addresses alone."""
    spans = [_LOOPBACK_SPAN, *((face.address, face.address) for face in faces)]
    return [replace(box, low=low, high=high) for low, high in spans for box in everything()]


def _passing(rules: Ruleset, packet: Packet) -> list[Box]:
    """Return what may pass without being a reply, wherever the packet is for."""
    found: list[Box] = []
    for state in UNSOLICITED:
        found += less(inbound(rules, replace(packet, state=state)), found)
    return found


def _wider(opened: list[Box], allowed: list[Box]) -> Iterator[Box]:
    """Yield what is wider than allowed, whole, as the rules have it."""
    beyond: dict[tuple[str, str], list[Box]] = defaultdict(list)
    for part in less(opened, allowed):
        beyond[part.rule, part.protocol].append(part)
    for box in opened:
        if any(_holds(box, part) for part in beyond.get((box.rule, box.protocol), ())):
            yield box


def _holds(box: Box, part: Box) -> bool:
    return box.low <= part.low <= box.high and box.first <= part.first <= box.last


def _for_many(rules: Ruleset) -> set[int]:
    """Return addresses that several hosts take packets for: those every host does, and those a rule names."""
    named = {address for rule in rules.rules() for part in rule.statements for address in _destinations(part)}
    return {_ALL_HOSTS, _EVERYBODY} | named


def _destinations(statement: Any) -> Iterator[int]:  # noqa: ANN401  (nft's JSON)
    match = statement.get("match", {})
    if match.get("left") != {"payload": {"protocol": "ip", "field": "daddr"}}:
        return
    for text in _texts(match["right"]):
        try:
            address = ipaddress.IPv4Address(text)
        except ValueError:
            continue
        # The host's own are asked anyway; others than these two kinds do not come to an input chain.
        if address.is_multicast or int(address) & 0xFF == 0xFF:
            yield int(address)


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401  (nft's JSON)
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, dict):
        yield from _texts(list(value.values()))


def _base_chains(rules: Ruleset) -> list[Chain]:
    return [
        chain
        for hook in ("prerouting", "input")
        for chain in rules.base_chains(hook, perhaps=True)
        if chain.type == "filter"
    ]


def _by_policy(box: Box, chain: Chain) -> bool:
    return box.rule == f"{chain}: policy accept"


def _name(address: int | None) -> str:
    return "" if address is None else str(ipaddress.IPv4Address(address))


def _told(
    kind: Kind, way: Literal["in", "out", "through"], box: Box, own: str, withheld: tuple[str, ...] = ()
) -> Difference:
    """Tell a flow in signs that need no language: `tcp 22: 10.1.9.5 → 10.1.1.11`."""
    what = str(replace(box, rule="")).partition(" from ")[0]
    peers = "0.0.0.0/0" if (box.low, box.high) == (0, ADDRESS_MAX) else sources(box.low, box.high)
    here = own or "0.0.0.0/0"
    source, destination = (here, peers) if way == "out" else (peers, here)
    return Difference(kind, way, box.rule, (f"{what}: {source} → {destination}",), withheld)
