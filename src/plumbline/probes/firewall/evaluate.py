"""Which inbound flows a ruleset lets in: rules are followed as the kernel does, over sets of flows at once.

What a rule asks beyond source, protocol and port (a mark, a rate, a time of day) cannot be answered from the
ruleset. So there are two answers, and each verdict takes the one that cannot err towards good: the flows that
*may* come in (an unanswerable question is taken to let in and never to keep out), and the flows that *surely*
come in (the other way round).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from plumbline.probes.base import ParseError
from plumbline.probes.firewall.area import Area
from plumbline.probes.firewall.flows import Box, area, boxes_of, everything, less, meet
from plumbline.probes.firewall.questions import Packet, asked, named_set
from plumbline.probes.firewall.ruleset import Chain, Rule, Ruleset, Statement

__all__ = ["Packet", "drops_by_default", "forwarded", "inbound"]

DEPTH_MAX = 16
"""Jumps the kernel allows (NFT_JUMP_STACK_SIZE)."""

CONNTRACK = -200
"""The priority at which packets get their state (NF_IP_PRI_CONNTRACK); until then it is `invalid`."""

_ENDS = {"accept", "drop", "reject", "return", "jump", "goto", "queue"}
_ACCEPTS = {"accept", "queue", "dnat", "snat", "masquerade", "redirect"}
_WAY_IN = (("ingress", ("netdev", "inet")), ("prerouting", ("ip", "inet")), ("input", ("ip", "inet")))


def inbound(ruleset: Ruleset, packet: Packet) -> list[Box]:
    """Return the flows that every base chain on the way lets in, told with the last chain's rules.

    With an interface, that is the whole way in through it; without one, the filter chains of the input hook,
    which is where the standard wants packets to be stopped.
    """
    flows = everything()
    for chain in _chains_on_the_way(ruleset, packet):
        seen = packet
        if chain.hook == "ingress" or (chain.hook == "prerouting" and chain.priority <= CONNTRACK):
            seen = replace(packet, state="invalid")
        flows = meet(_Walk(ruleset, seen).base(chain), flows)
    return flows


def _chains_on_the_way(ruleset: Ruleset, packet: Packet) -> Iterator[Chain]:
    if packet.interface is None:
        yield from _filters(ruleset, "input")
        return
    for hook, families in _WAY_IN:
        for chain in ruleset.base_chains(hook, families, perhaps=packet.answer == "surely"):
            passes_others = chain.type == "nat" and packet.state != "new"
            if not passes_others and (not chain.devices or packet.interface in chain.devices):
                yield chain


def _filters(ruleset: Ruleset, hook: str) -> list[Chain]:
    return [chain for chain in ruleset.base_chains(hook) if chain.type == "filter"]


def forwarded(ruleset: Ruleset, packet: Packet) -> list[Box]:
    """Return the flows that every base chain of the forward hook lets through."""
    flows = everything()
    for chain in _filters(ruleset, "forward"):
        flows = meet(_Walk(ruleset, packet).base(chain), flows)
    return flows


def drops_by_default(ruleset: Ruleset, hook: str) -> bool:
    """Say whether some base chain of a hook never comes to accept by its policy."""
    return any(not _Walk(ruleset, Packet()).undecided(chain) for chain in _filters(ruleset, hook))


class _Walk:
    """One walk of a base chain; `accepted` grows on the way."""

    def __init__(self, ruleset: Ruleset, packet: Packet) -> None:
        self._ruleset = ruleset
        self._packet = packet
        self._may = packet.answer == "may"
        self._accepted: list[Box] = []

    def undecided(self, chain: Chain) -> list[Box]:
        """Return the flows that an accepting policy lets in; none when the policy is to drop."""
        return [] if chain.policy == "drop" else boxes_of(self._chain(chain, area(everything()), 0))

    def base(self, chain: Chain) -> list[Box]:
        """Return the flows that a base chain lets in."""
        rest = self._chain(chain, area(everything()), 0)
        if chain.policy == "accept":
            self._accepted += boxes_of(rest, f"{chain}: policy accept")
        return self._accepted

    def _chain(self, chain: Chain, flows: Area, depth: int) -> Area:
        """Walk a chain; return the flows that come out at its end, or return from it, undecided.

        The flows that are given grow less.
        """
        if depth > DEPTH_MAX:
            raise ParseError(f"chains jump more than {DEPTH_MAX} deep at {chain}")
        returned: list[Area] = []
        for rule in chain.rules:
            if not flows:
                break
            for wanted, certain, verdict in self._branches(rule):
                if matched := flows.common(area(wanted)):
                    flows.remove(self._decide(rule, verdict, matched, certain, depth, returned))
        return _together([flows, *returned])

    def _decide(
        self,
        rule: Rule,
        verdict: Statement,
        matched: Area,
        certain: bool,
        depth: int,
        returned: list[Area],
    ) -> Area:
        """Act on the matched flows; return those that go no further in this chain."""
        kind = next(iter(verdict))
        none = Area()
        if kind in _ACCEPTS or kind == "xt":
            # A program that decides on queued packets may let them in, and may not; neither can a target of
            # the old iptables be read.
            certain = certain and kind not in {"queue", "xt"}
            if self._may or certain:
                self._accepted += boxes_of(matched, str(rule))
            return matched if certain or not self._may else none
        if kind in {"drop", "reject"}:
            return none if self._may and not certain else matched
        if not certain and not self._may:
            # Whether these flows leave the chain here cannot be said, so nothing sure can be said of them.
            return matched
        if kind == "continue":
            return none
        if kind == "return":
            returned.append(matched)
            return matched if certain else none
        target = self._ruleset.chains.get((rule.family, rule.table, verdict[kind]["target"]))
        if target is None:
            raise ParseError(f"{rule} leads to a chain that is not there")
        came_back = self._chain(target, matched.copy(), depth + 1)
        if kind == "goto":
            returned.append(came_back)
        if not certain:
            return none
        if kind == "jump":
            matched.remove(came_back)
        return matched

    def _branches(self, rule: Rule) -> Iterator[tuple[list[Box], bool, Statement]]:
        """Yield the flows a rule asks for, whether that is all it asks, and the verdict it then gives.

        A verdict map gives several.
        """
        questions: list[Statement] = []
        for statement in rule.statements:
            kind = next(iter(statement))
            if kind in _ENDS or kind in _ACCEPTS:
                yield *asked(self._ruleset, rule, questions, self._packet), statement
                return
            if kind == "vmap":
                yield from self._mapped(rule, questions, statement["vmap"])
                return
            questions.append(statement)
        if rule.is_foreign:
            known = [question for question in questions if "xt" not in question]
            yield *asked(self._ruleset, rule, known, self._packet), {"xt": None}

    def _mapped(
        self, rule: Rule, questions: list[Statement], vmap: Statement
    ) -> Iterator[tuple[list[Box], bool, Statement]]:
        data = vmap["data"]
        named = isinstance(data, str)
        if named and (rule.family, rule.table, data.removeprefix("@")) in self._ruleset.growing:
            raise ParseError(f"{rule} asks a map that packets change")
        pairs = named_set(self._ruleset, rule, data) if named else data["set"]
        before, sure = asked(self._ruleset, rule, questions, self._packet)
        others: list[Box] = []
        others_certain = True
        # The element for everything else holds when no other does, wherever it is written; what another has
        # sent back from a chain, or on to the next rule, does not come to it.
        for value, verdict in sorted(pairs, key=lambda pair: pair[0] == "*"):
            match = {"match": {"op": "==", "left": vmap["key"], "right": value}}
            wanted, certain = asked(self._ruleset, rule, [match], self._packet)
            if value == "*":
                wanted, certain = less(wanted, others) if others_certain else wanted, others_certain
            others += wanted
            others_certain = others_certain and certain
            yield meet(before, wanted), sure and certain, verdict


def _together(areas: list[Area]) -> Area:
    """Return the flows of several areas; of one, that one."""
    there = [one for one in areas if one]
    if len(there) == 1:
        return there[0]
    return Area.of(parts for one in there for parts in one.boxes())
