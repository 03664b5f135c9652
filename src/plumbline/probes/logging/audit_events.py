"""Which events audit rules record, and of which nothing stays: events are tried on the rules one by one.

The kernel takes the first rule, in the order of the list, that matches a call: one that says `never` hides it
(audit.rules(7)). So each event is made for several subjects (who is logged in, as whom the program runs), for
those at the edges of what rules name too, and must find a rule that records it whatever else is true.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from plumbline.probes.logging.audit_calls import (
    ARCHITECTURES,
    CHANGES,
    CLOCK,
    CLOCK_B32,
    ENDS,
    MACHINES,
    NUMBERS,
    PERMISSIONS,
    PERMISSIONS_B32,
    RECORDS,
    STARTS,
    USER_RECORDS,
)
from plumbline.probes.logging.audit_rules import UNSET, Condition, Rule

_IDENTITIES = ("auid", "uid", "euid", "suid", "fsuid")
_USUAL_UIDS = (0, 33, 999, 1000, 1001, 65534)
_HARMLESS_FILE_SYSTEMS = ("tracefs", "debugfs", "0x74726163", "0x64626720")


@dataclass(frozen=True)
class Subject:
    """Who does it: the login uid, which stays through sudo and su, and the uid the program runs as."""

    auid: int
    uid: int

    def __str__(self) -> str:
        return f"auid={'unset' if self.auid == UNSET else self.auid} uid={self.uid}"


@dataclass(frozen=True)
class Call:
    """A system call: its architecture, its name, the path it changes and how (`w` or `a`), if it does.

    `ends` is true of one that does not return, so that rules on its success never match.
    """

    arch: str
    name: str
    path: str | None = None
    perm: str | None = None
    ends: bool = False


class Events:
    """The events of 16.1 held against one set of rules; each method returns what is not recorded, and why.

    `clock_keepers` are the programs that may adjust the clock without an entry: the time service slews it all
    day, and logs its steps itself.
    """

    def __init__(self, rules: Sequence[Rule], clock_keepers: Iterable[str] = ()) -> None:
        self._rules = {kind: [r for r in rules if r.kind == kind] for kind in {r.kind for r in rules}}
        self._clock_keepers = frozenset(clock_keepers)
        literals = {
            c.number
            for rule in rules
            for c in rule.conditions
            if c.field in _IDENTITIES and c.number is not None
        }
        near = {n + step for n in literals if n != UNSET for step in (-1, 0, 1) if 0 <= n + step < UNSET}
        self._uids = sorted({*_USUAL_UIDS, *near})

    def starts(self, scope: str) -> list[str]:
        """Starts of processes that leave no entry."""
        return self._calls([Call(a, name) for a in ARCHITECTURES for name in STARTS], scope)

    def ends(self, scope: str) -> list[str]:
        """Ends of processes that leave no entry; of `exit`, threads end by it, nothing is asked."""
        return self._calls([Call(a, ENDS[0], ends=True) for a in ARCHITECTURES], scope)

    def permissions(self, scope: str, kernel: str) -> list[str]:
        """Changes of rights to files that leave no entry; newer kernels (release) have a further call."""
        names = [*PERMISSIONS, *(["fchmodat2"] if _release(kernel) >= (6, 6) else [])]
        calls = [Call(a, name) for a in ARCHITECTURES for name in names]
        return self._calls([*calls, *(Call("b32", name) for name in PERMISSIONS_B32)], scope)

    def clock(self) -> list[str]:
        """Changes of the clock that leave no entry."""
        calls = [Call(a, name) for a in ARCHITECTURES for name in CLOCK]
        return self._calls([*calls, *(Call("b32", name) for name in CLOCK_B32)], "all", self._clock_keepers)

    def files(self, paths: Iterable[str]) -> list[str]:
        """Changes of these files, or of anything below these directories, that leave no entry."""
        found = []
        for path in paths:
            calls = [
                Call(arch, name, path, perm)
                for arch in ARCHITECTURES
                for perm, names in CHANGES.items()
                for name in names
            ]
            found += [f"{path}: {told.partition(': ')[2]}" for told in self._calls(calls, "all")][:1]
        return found

    def records(self, names: Iterable[str]) -> list[str]:
        """Record types of these that some rule drops, with the rule."""
        found = []
        for name in names:
            number = RECORDS[name]
            dropping = self._dropping("exclude", "always", "never", number)
            if dropping is None and any(number in numbers for numbers in USER_RECORDS):
                dropping = self._dropping("user", "never", "always", number)
            if dropping is not None:
                found.append(f"{name}: {dropping}")
        return found

    def _dropping(self, which: str, drops: str, keeps: str, number: int) -> Rule | None:
        for rule in self._rules.get(which, ()):
            asked = [_is_record(c, number) for c in rule.all("msgtype")]
            others = [c for c in rule.conditions if c.field not in ("msgtype", "key")]
            if False in asked:
                continue
            if rule.action == drops:
                return rule
            if rule.action == keeps and not others and None not in asked:
                return None
        return None

    def _calls(self, calls: Iterable[Call], scope: str, trusted: frozenset[str] = frozenset()) -> list[str]:
        """Return what is wrong, the calls with one reason in one line."""
        reasons: dict[str, dict[str, list[str]]] = {}
        for call in calls:
            reason = self._reason(call, scope, trusted)
            if reason is not None:
                reasons.setdefault(reason, {}).setdefault(call.name, []).append(call.arch)
        return [
            f"{', '.join(_told(name, archs) for name, archs in names.items())}: {reason}"
            for reason, names in reasons.items()
        ]

    def _reason(self, call: Call, scope: str, trusted: frozenset[str]) -> str | None:
        hidden = next(self._all_calls_hidden(call), None)
        if hidden is not None:
            return f"hidden by {hidden}"
        relevant = [
            (rule, [c for c in rule.conditions if _static(c, call) is None])
            for rule in self._rules.get("exit", ())
            if _about(rule, call)
        ]
        if not any(rule.action == "always" for rule, _ in relevant):
            return "no rule records it"
        for subject in self._subjects(scope):
            problem = _tried(relevant, subject, trusted)
            if problem is not None:
                return problem
        return None

    def _all_calls_hidden(self, call: Call) -> Iterator[Rule]:
        """Yield rules by which whole programs, or whole file systems, leave no entries."""
        yield from (rule for rule in self._rules.get("task", ()) if rule.action == "never")
        for rule in self._rules.get("exclude", ()):
            needed = ["SYSCALL", *(["PATH"] if call.path else [])]
            if rule.action == "always" and any(
                False not in [_is_record(c, RECORDS[name]) for c in rule.all("msgtype")] for name in needed
            ):
                yield rule
        for rule in self._rules.get("filesystem", ()) if call.path else ():
            if rule.action == "never" and not any(
                c.operator == "=" and c.value in _HARMLESS_FILE_SYSTEMS for c in rule.all("fstype")
            ):
                yield rule

    def _subjects(self, scope: str) -> Iterator[Subject]:
        """Yield those who may do it: everybody logged in, as himself and as root; for `all` also services."""
        for uid in self._uids:
            yield Subject(uid, uid)
            yield Subject(uid, 0)
        if scope == "all":
            for uid in self._uids:
                yield Subject(UNSET, uid)


def _told(name: str, archs: list[str]) -> str:
    return name if set(archs) == set(ARCHITECTURES) else f"{name} ({', '.join(archs)})"


def _release(kernel: str) -> tuple[int, ...]:
    found = re.match(r"(\d+)\.(\d+)", kernel)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _is_record(condition: Condition, number: int) -> bool | None:
    """Say whether a condition on the record type holds; None where the type named is not known."""
    named = RECORDS.get(condition.value, condition.number)
    if named is None:
        return False if condition.operator == "=" else None
    return _compare(number, condition.operator, named)


def _compare(left: int, operator: str, right: int) -> bool:
    return {
        "=": left == right,
        "!=": left != right,
        "<": left < right,
        "<=": left <= right,
        ">": left > right,
        ">=": left >= right,
        "&": bool(left & right),
        "&=": left & right == right,
    }[operator]


def _about(rule: Rule, call: Call) -> bool:
    """Say whether a rule may match a call at all, whoever makes it."""
    if rule.syscalls and call.name not in _names(rule.syscalls, call.arch):
        return False
    if not rule.all("arch") and rule.syscalls and call.arch != "b64":
        return False  # without an architecture, names are those of the machine's own
    if rule.watch is not None and not _below(call.path, rule.watch):
        return False
    return all(_static(condition, call) is not False for condition in rule.conditions)


@cache
def _names(syscalls: frozenset[str], arch: str) -> frozenset[str]:
    return frozenset(NUMBERS[arch].get(int(name), name) if name.isdecimal() else name for name in syscalls)


def _below(path: str | None, top: str) -> bool:
    return path is not None and (path == top or path.startswith(f"{top.rstrip('/')}/"))


def _static(condition: Condition, call: Call) -> bool | None:
    """Say whether a condition holds for a call whoever makes it; None where that depends on the maker."""
    field, operator, value = condition.field, condition.operator, condition.value
    if field == "key":
        return True
    if field == "arch":
        same = MACHINES.get(value, value) == call.arch
        return same if operator == "=" else not same
    if field == "perm":
        return call.perm in value if call.perm else False
    if field == "path":
        return call.path == value
    if field == "dir":
        return _below(call.path, value)
    if field == "success" and not call.ends:
        return (value in ("1", "yes")) == (operator == "=")
    if field == "exit" and not call.ends and condition.number is not None:
        return _compare(0, operator, condition.number) if not value.startswith("-") else operator == "!="
    if field == "a0" and call.name.startswith("clock_set") and condition.number is not None:
        return _compare(0, operator, condition.number)  # CLOCK_REALTIME, the only one that can be set
    if field in ("success", "exit"):
        return False
    return None


def _tried(
    relevant: Sequence[tuple[Rule, list[Condition]]], subject: Subject, trusted: frozenset[str]
) -> str | None:
    """Return why a subject's call leaves no entry, given the rules about it; None if it leaves one."""
    for rule, conditions in relevant:
        held = [_holds(condition, subject) for condition in conditions]
        if False in held:
            continue
        if rule.action == "never":
            if any(c.field == "exe" and c.operator == "=" and c.value in trusted for c in conditions):
                continue
            return f"hidden by {rule}"
        if None not in held:
            return None
        if trusted and all(
            c.field == "exe" and c.operator == "!=" and c.value in trusted
            for c, holds in zip(conditions, held, strict=True)
            if holds is None
        ):
            return None
    return f"not recorded for {subject}"


def _holds(condition: Condition, subject: Subject) -> bool | None:
    """Say whether a condition holds for a subject; None where that cannot be said of all its programs."""
    if condition.field == "sessionid" and condition.number == UNSET:
        return (subject.auid == UNSET) == (condition.operator == "=")
    if condition.field not in _IDENTITIES or condition.number is None:
        return None
    value = subject.auid if condition.field == "auid" else subject.uid
    return _compare(value, condition.operator, condition.number)
