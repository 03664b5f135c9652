"""Rulesets seen from another side, so that one evaluator answers for all: outbound as inbound, IPv6 as IPv4.

The evaluator follows what comes in over IPv4, by source. In a ruleset where source and destination, and the
interfaces, have changed places, what comes in is what goes out of the true one, by destination.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from plumbline.probes.firewall.ruleset import Chain, Rule, Ruleset

_CONNTRACK = -200
_SWAPPED: dict[Any, Any] = {
    "saddr": "daddr", "daddr": "saddr", "iif": "oif", "oif": "iif",
    "iifname": "oifname", "oifname": "iifname", "iiftype": "oiftype", "oiftype": "iiftype",
}  # fmt: skip
_OTHER_FAMILY = {
    "ip": "ip6", "ip6": "ip", "ipv4": "ipv6", "ipv6": "ipv4", "icmp": "ipv6-icmp", "ipv6-icmp": "icmp",
    "icmpv6": "icmp", 1: 58, 58: 1,
}  # fmt: skip
_OF_IPV4 = ("ip", "icmp", "igmp", "arp")
"""Protocols that IPv6 never carries; they become `ip6`, which the evaluator knows IPv4 never carries."""
_UNANSWERED: dict[Any, str] = {"ip6": "other family", "icmpv6": "other family"}
"""Fields that only IPv6 has; the evaluator knows nothing of them, so they may hold and may not."""
_UNKNOWN = {"payload": {"protocol": "other family", "field": "unknown"}}

Change = Callable[[Any], Any]


@dataclass(frozen=True)
class _Seen(Rule):
    """A rule seen from another side; it is told as it truly stands."""

    original: Rule | None = None

    def __str__(self) -> str:
        return str(self.original)


def outgoing(ruleset: Ruleset) -> Ruleset:
    """Return the ruleset whose inbound flows, by source, are this one's outbound flows by destination."""
    seen = _changed(ruleset, _turned_round)
    seen.chains = {key: _hooked_outward(chain) for key, chain in seen.chains.items()}
    return seen


def over_ipv6(ruleset: Ruleset) -> Ruleset:
    """Return the ruleset that does with IPv4 what this one does with IPv6.

    What it asks of addresses and messages of IPv6 cannot be answered then, so it may hold and may not.
    """
    seen = _changed(ruleset, _other_family)

    def moved(key: tuple[str, ...]) -> tuple[str, ...]:
        family, table, *name = key
        return (
            ("inet", f"ip6 {table}", *name)
            if family == "ip6"
            else ("none" if family == "ip" else family, table, *name)
        )

    chains = {}
    for key, chain in seen.chains.items():
        family, table, _ = moved(key)
        rules = [replace(rule, family=family, table=table) for rule in chain.rules]
        chains[moved(key)] = replace(chain, family=family, table=table, rules=rules)
    return Ruleset(
        chains,  # type: ignore[arg-type]  # the keys stay as long as they were
        {moved(key): found for key, found in seen.sets.items()},  # type: ignore[misc]  # as above
        {moved(key) for key in seen.growing},  # type: ignore[misc]  # as above
        {moved(key): surely for key, surely in seen.dormant.items()},  # type: ignore[misc]  # as above
    )


def alone(ruleset: Ruleset, chain: Chain, hook: str = "input") -> Ruleset:
    """Return the ruleset with one base chain only, as if packets came into that one and no other."""
    chains = {
        key: replace(other, hook=hook if other is chain else "") for key, other in ruleset.chains.items()
    }
    return replace(ruleset, chains=chains)


def _changed(ruleset: Ruleset, change: Change) -> Ruleset:
    """Return the ruleset with every statement changed; the rules remember what they were."""
    chains = {
        key: replace(chain, rules=[_seen(rule, change) for rule in chain.rules])
        for key, chain in ruleset.chains.items()
    }
    return replace(ruleset, chains=chains)


def _seen(rule: Rule, change: Change) -> _Seen:
    original = rule.original if isinstance(rule, _Seen) and rule.original else rule
    statements = tuple(change(statement) for statement in rule.statements)
    return _Seen(rule.family, rule.table, rule.chain, statements, rule.comment, original)


def _hooked_outward(chain: Chain) -> Chain:
    """Put a chain of the way out where the evaluator looks for it; those of the way in are passed by none."""
    if chain.hook == "output":
        # Before connections are tracked a packet has no state, which the evaluator knows of that hook.
        return replace(chain, hook="prerouting" if chain.priority <= _CONNTRACK else "input")
    return replace(chain, hook={"postrouting": "input", "egress": "ingress"}.get(chain.hook, ""))


def _turned_round(part: Any) -> Any:  # noqa: ANN401  (nft's JSON)
    if isinstance(part, list):
        return [_turned_round(one) for one in part]
    if not isinstance(part, dict):
        return part
    if "payload" in part and part["payload"].get("field") in ("saddr", "daddr"):
        payload = part["payload"]
        return {"payload": {**payload, "field": _SWAPPED[payload["field"]]}}
    if "meta" in part and isinstance(part["meta"], dict):
        key = part["meta"].get("key")
        return {"meta": {**part["meta"], "key": _SWAPPED.get(key, key)}}
    if "fib" in part and isinstance(part["fib"], dict):
        flags = part["fib"].get("flags", [])
        listed = [flags] if isinstance(flags, str) else flags
        return {"fib": {**part["fib"], "flags": [_SWAPPED.get(flag, flag) for flag in listed]}}
    return {key: _turned_round(value) for key, value in part.items()}


def _other_family(part: Any) -> Any:  # noqa: ANN401  (nft's JSON)
    if isinstance(part, list):
        return [_other_family(one) for one in part]
    if not isinstance(part, dict):
        return part
    if "match" in part:
        match = part["match"]
        left, right = _asked(match["left"], match["right"])
        return {"match": {**match, "left": left, "right": right}}
    if "vmap" in part:
        key, data = _asked(part["vmap"]["key"], part["vmap"]["data"])
        return {"vmap": {"key": key, "data": data}}
    if _names_family(part):
        return _UNKNOWN
    if "payload" in part:
        protocol = str(part["payload"].get("protocol"))
        seen = "ip6" if protocol in _OF_IPV4 else _UNANSWERED.get(protocol, protocol)
        return {"payload": {**part["payload"], "protocol": seen}}
    return {key: _other_family(value) for key, value in part.items()}


def _asked(left: Any, right: Any) -> tuple[Any, Any]:  # noqa: ANN401  (nft's JSON)
    """Return a question and what answers it; of a named set that holds families nothing can be said."""
    if not _names_family(left):
        return _other_family(left), right
    if isinstance(right, str) and right.startswith("@"):
        return _UNKNOWN, right
    if isinstance(right, dict) and "set" in right and all(isinstance(one, list) for one in right["set"]):
        return left, {"set": [[_renamed(key), verdict] for key, verdict in right["set"]]}
    return left, _renamed(right)


def _names_family(left: Any) -> bool:  # noqa: ANN401  (nft's JSON)
    meta = left.get("meta") if isinstance(left, dict) else None
    return isinstance(meta, dict) and meta.get("key") in ("protocol", "nfproto", "l4proto")


def _renamed(value: Any) -> Any:  # noqa: ANN401  (nft's JSON)
    if isinstance(value, list):
        return [_renamed(one) for one in value]
    if isinstance(value, dict):
        return {key: _renamed(one) for key, one in value.items()}
    return _OTHER_FAMILY.get(value, value) if isinstance(value, str | int) else value
