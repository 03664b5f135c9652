"""A packet filter's ruleset as `nft -j list ruleset` prints it (libnftables-json(5))."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from plumbline.probes.base import ParseError

Statement = dict[str, Any]
"""One statement of a rule: a match, a verdict, or anything else nft knows, as its JSON has it."""


@dataclass(frozen=True)
class Rule:
    """One rule: its statements in order, and where it stands."""

    family: str
    table: str
    chain: str
    statements: tuple[Statement, ...]
    comment: str = ""

    def __str__(self) -> str:
        told = " ".join(_told(statement) for statement in self.statements)
        named = f' "{self.comment}"' if self.comment else ""
        return f"{self.family} {self.table} {self.chain}: {told}{named}"


@dataclass
class Chain:
    """A chain; one with a hook is a base chain, where packets come in by themselves."""

    family: str
    table: str
    name: str
    type: str = ""
    hook: str = ""
    priority: int = 0
    policy: str = "accept"
    rules: list[Rule] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.family} {self.table} {self.name}"


@dataclass
class Ruleset:
    """All chains, and the elements of the named sets; keys are (family, table, name)."""

    chains: dict[tuple[str, str, str], Chain] = field(default_factory=dict)
    sets: dict[tuple[str, str, str], list[Any]] = field(default_factory=dict)

    def base_chains(self, hook: str, families: tuple[str, ...] = ("ip", "inet")) -> list[Chain]:
        """Return the base chains of a hook that IPv4 packets pass, in the order they pass them."""
        found = [chain for chain in self.chains.values() if chain.hook == hook and chain.family in families]
        return sorted(found, key=lambda chain: chain.priority)

    def rules(self) -> list[Rule]:
        """Return all rules of all chains."""
        return [rule for chain in self.chains.values() for rule in chain.rules]


def parse_ruleset(printed: str) -> Ruleset:
    """Read what `nft -j list ruleset` printed; ParseError if it is anything else."""
    try:
        document = json.loads(printed)
        objects = document["nftables"]
        if not isinstance(objects, list) or "metainfo" not in objects[0]:
            raise ParseError("nft printed no ruleset")
    except (json.JSONDecodeError, KeyError, IndexError, TypeError) as error:
        raise ParseError(f"nft printed no ruleset: {error}") from error
    ruleset = Ruleset()
    for entry in objects[1:]:
        (kind, value), *more = entry.items()
        if more:
            raise ParseError("an object of the ruleset has several kinds")
        _add(ruleset, kind, value)
    return ruleset


def _add(ruleset: Ruleset, kind: str, value: dict[str, Any]) -> None:
    if kind == "chain":
        key = (value["family"], value["table"], value["name"])
        ruleset.chains[key] = Chain(
            *key,
            type=value.get("type", ""),
            hook=value.get("hook", ""),
            priority=int(value.get("prio", 0)),
            policy=value.get("policy", "accept"),
        )
    elif kind == "rule":
        rule = Rule(
            value["family"],
            value["table"],
            value["chain"],
            tuple(value["expr"]),
            value.get("comment", ""),
        )
        ruleset.chains[rule.family, rule.table, rule.chain].rules.append(rule)
    elif kind in {"set", "map"}:
        ruleset.sets[value["family"], value["table"], value["name"]] = list(value.get("elem", []))


def _told(statement: Statement) -> str:
    """Return a statement roughly as nft writes it; for people, not for nft."""
    (kind, value), *_ = statement.items()
    if kind == "match":
        operator = "" if value["op"] in {"==", "in"} else f"{value['op']} "
        return f"{_operand(value['left'])} {operator}{_operand(value['right'])}"
    if kind in {"jump", "goto"}:
        return f"{kind} {value['target']}"
    return str(kind)


def _operand(operand: Any) -> str:  # noqa: ANN401  (nft's JSON: a number, a text, a list or an object)
    if isinstance(operand, list):
        return ",".join(_operand(element) for element in operand)
    if not isinstance(operand, dict):
        return str(operand)
    (kind, value), *_ = operand.items()
    if kind == "payload":
        return f"{value.get('protocol', '')} {value.get('field', '')}".strip()
    if kind in {"meta", "ct"}:
        return f"{kind} {value['key']}"
    if kind == "prefix":
        return f"{_operand(value['addr'])}/{value['len']}"
    if kind == "range":
        return "-".join(_operand(end) for end in value)
    if kind == "set":
        return "{" + ", ".join(_operand(element) for element in value) + "}"
    return str(kind)
