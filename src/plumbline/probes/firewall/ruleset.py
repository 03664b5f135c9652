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

    @property
    def is_foreign(self) -> bool:
        """Whether it has a part of the old iptables and no verdict that can be read: its target decides."""
        return any("xt" in statement for statement in self.statements)

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
    devices: tuple[str, ...] = ()
    rules: list[Rule] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.family} {self.table} {self.name}"


@dataclass
class Ruleset:
    """All chains, and the elements of the named sets; keys are (family, table, name).

    `growing` are the sets that packets put elements into. `dormant` are the tables (family, name) that are
    switched off, whose chains no packet meets: surely (True) or perhaps (False). `limits` are the named ones,
    quotas among them (family, table, kind, name): whether they hold beyond their rate (True) or up to it.
    """

    chains: dict[tuple[str, str, str], Chain] = field(default_factory=dict)
    sets: dict[tuple[str, str, str], list[Any]] = field(default_factory=dict)
    growing: set[tuple[str, str, str]] = field(default_factory=set)
    dormant: dict[tuple[str, str], bool] = field(default_factory=dict)
    limits: dict[tuple[str, str, str, str], bool] = field(default_factory=dict)

    def base_chains(
        self, hook: str, families: tuple[str, ...] = ("ip", "inet"), *, perhaps: bool = False
    ) -> list[Chain]:
        """Return the base chains of a hook that IPv4 packets pass, in the order they pass them.

        `perhaps`: with the chains that packets may or may not pass.
        """
        found = [
            chain
            for chain in self.chains.values()
            if chain.hook == hook and chain.family in families and self._awake(chain, perhaps)
        ]
        return sorted(found, key=lambda chain: chain.priority)

    def _awake(self, chain: Chain, perhaps: bool) -> bool:
        surely = self.dormant.get((chain.family, chain.table))
        return surely is None or (perhaps and not surely)

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
    if kind == "table":
        if (dormant := _dormant(value.get("flags"))) is not None:
            ruleset.dormant[value["family"], value["name"]] = dormant
    elif kind == "chain":
        key = (value["family"], value["table"], value["name"])
        ruleset.chains[key] = Chain(
            *key,
            type=value.get("type", ""),
            hook=value.get("hook", ""),
            priority=int(value.get("prio", 0)),
            policy=value.get("policy", "accept"),
            devices=tuple([device] if isinstance(device := value.get("dev", []), str) else device),
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
        for statement in rule.statements:
            for name in (statement[kind].get(kind, "") for kind in ("set", "map") if kind in statement):
                ruleset.growing.add((rule.family, rule.table, str(name).removeprefix("@")))
    elif kind in {"limit", "quota"}:
        ruleset.limits[value["family"], value["table"], kind, value["name"]] = bool(value.get("inv", False))
    elif kind in {"set", "map"}:
        ruleset.sets[value["family"], value["table"], value["name"]] = list(value.get("elem", []))


def _dormant(flags: object) -> bool | None:
    """Say whether a table's flags switch it off: True, False for perhaps, None for no.

    nft 1.0.6 prints whatever its memory holds there, if it has any flag at all.
    """
    listed = [flags] if isinstance(flags, str) else flags
    if isinstance(listed, list) and all(flag in {"dormant", "owner", "persist"} for flag in listed):
        return True if "dormant" in listed else None
    return None if flags is None else False


def _told(statement: Statement) -> str:
    """Return a statement roughly as nft writes it; for people, not for nft."""
    (kind, value), *_ = statement.items()
    if kind == "match":
        operator = "" if value["op"] in {"==", "in"} else f"{value['op']} "
        return f"{_operand(value['left'])} {operator}{_operand(value['right'])}"
    if kind in {"jump", "goto"}:
        return f"{kind} {value['target']}"
    if kind == "vmap":
        return f"{_operand(value['key'])} vmap {_operand(value['data'])}"
    if kind == "mangle":
        return f"{_operand(value['key'])} mangle"
    if kind == "xt" and isinstance(value, dict):
        return f"{value.get('type', 'xt')} {value.get('name', '')}".strip()
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
    if kind == "concat":
        return " . ".join(_operand(part) for part in value)
    if kind == "set":
        return "{" + ", ".join(_operand(element) for element in value) + "}"
    return str(kind)
