"""Rules of the kernel's audit: as `auditctl -l` lists them, and as they stand in files (audit.rules(7))."""

from __future__ import annotations

import re
from dataclasses import dataclass

UNSET = 2**32 - 1
"""The login uid of what nobody logged in for (`auid=unset`, -1)."""

LISTS = ("task", "exit", "user", "exclude", "filesystem", "io_uring")
ACTIONS = ("always", "never")

_FIELD = re.compile(r"([a-z][a-z0-9_]*)(!=|>=|<=|&=|=|>|<|&)(.*)")
_NAMED = {"unset": UNSET, "root": 0}


@dataclass(frozen=True)
class Condition:
    """One `-F field<operator>value`; of a comparison of two fields (`-C`) the value is the other's name."""

    field: str
    operator: str
    value: str

    @property
    def number(self) -> int | None:
        """The value as an unsigned number; None where it is none, such as the name of an account."""
        if self.value in _NAMED:
            return _NAMED[self.value]
        try:
            return int(self.value, 0) % 2**32
        except ValueError:
            return None


@dataclass(frozen=True)
class Rule:
    """One rule: its kind (the list it is in), whether it records or hides, and what it asks for.

    No `syscalls` means all. `watch` is the path of `-w`, which stands for the file or for all below it.
    `text` is the rule as printed, `where` its file and line if it has one.
    """

    kind: str
    action: str
    text: str
    where: str = ""
    syscalls: frozenset[str] = frozenset()
    conditions: tuple[Condition, ...] = ()
    watch: str | None = None
    first: bool = False

    def __str__(self) -> str:
        return f"{self.where}: {self.text}" if self.where else self.text

    def all(self, field: str) -> list[Condition]:
        """Return the conditions on a field."""
        return [condition for condition in self.conditions if condition.field == field]

    @property
    def paths(self) -> list[str]:
        """The paths that must be there, or whose directory must, for the rule to be loaded."""
        named = [c.value for c in self.conditions if c.field in ("path", "dir", "exe")]
        return [self.watch, *named] if self.watch else named


class RuleError(ValueError):
    """A line that is no rule this reader knows."""


def parse_rule(text: str, where: str = "") -> Rule:
    """Read one rule; RuleError for what auditctl would refuse or this reader does not know."""
    words = text.split()
    if not words:
        raise RuleError("an empty line")
    if words[0] in ("-w", "-a", "-A"):
        return _read(words, " ".join(words), where)
    raise RuleError(f"{words[0]} adds no rule")


def _read(words: list[str], text: str, where: str) -> Rule:
    chosen, action, watch = "exit", "always", None
    syscalls: set[str] = set()
    conditions: list[Condition] = []
    pairs = list(zip(words[::2], words[1::2], strict=False))
    if len(words) % 2:
        raise RuleError(f"{words[-1]} lacks its value")
    for option, value in pairs:
        if option in ("-a", "-A"):
            chosen, action = _list_and_action(value)
        elif option == "-w":
            watch = value.rstrip("/") or "/"
        elif option == "-p":
            conditions.append(Condition("perm", "=", value))
        elif option == "-S":
            syscalls |= set(value.split(",")) - {"all"}
        elif option == "-F":
            conditions.append(_condition(value))
        elif option == "-C":
            conditions.append(Condition("-C", "=", value))
        elif option != "-k":
            raise RuleError(f"{option} is not known")
    if watch is not None and not any(condition.field == "perm" for condition in conditions):
        conditions.append(Condition("perm", "=", "rwxa"))
    return Rule(chosen, action, text, where, frozenset(syscalls), tuple(conditions), watch, words[0] == "-A")


def _list_and_action(value: str) -> tuple[str, str]:
    words = value.split(",")
    lists, actions = [w for w in words if w in LISTS], [w for w in words if w in ACTIONS]
    if len(words) != 2 or len(lists) != 1 or len(actions) != 1:
        raise RuleError(f"{value} is no list and action")
    return lists[0], actions[0]


def _condition(value: str) -> Condition:
    found = _FIELD.fullmatch(value)
    if found is None:
        raise RuleError(f"{value} is no condition")
    field, operator, right = found.groups()
    if field in ("path", "dir"):
        right = right.rstrip("/") or "/"
    return Condition("auid" if field == "loginuid" else field, operator, right)


def parse_list(lines: list[str]) -> list[Rule]:
    """Read what `auditctl -l` printed; ValueError for a line that is no rule."""
    if lines == ["No rules"]:
        return []
    return [parse_rule(line) for line in lines]
