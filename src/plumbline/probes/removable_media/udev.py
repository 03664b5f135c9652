"""udev's rules, run on paper: what would be started when a stick or a disc is put in (udev(7)).

Each rule is tried on the events such a medium makes. What the event says (subsystem, device type, name,
action) decides; what only the medium could say (its label, vendor, content) may be so, and counts as so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

_TERM = re.compile(
    r"""\s*,*\s*([A-Z_]+)(?:\{([^}]*)\})?\s*(==|!=|\+=|-=|:=|=)\s*([ei]?)"((?:[^"\\]|\\.)*)"\s*,?"""
)


@dataclass(frozen=True)
class Term:
    """One `KEY{name}operator"value"` of a rule."""

    key: str
    name: str
    operator: str
    value: str

    @property
    def is_match(self) -> bool:
        """Whether the term asks, rather than sets."""
        return self.operator in ("==", "!=") or self.key in ("PROGRAM", "TEST", "IMPORT")


@dataclass(frozen=True)
class Rule:
    """A rule with where it stands; `terms` is empty for a line udev would not understand either."""

    file: str
    line: int
    terms: tuple[Term, ...]


def parse_rule(file: str, line: int, text: str) -> Rule:
    """Read one rule, lines already joined; udev ignores a rule it cannot read, and so is done here."""
    terms: list[Term] = []
    position = 0
    while position < len(text) and text[position:].strip(" \t,"):
        match = _TERM.match(text, position)
        if match is None:
            return Rule(file, line, ())
        terms.append(Term(match[1], match[2] or "", match[3], match[5]))
        position = match.end()
    return Rule(file, line, tuple(terms))


@dataclass(frozen=True)
class Event:
    """What the kernel says when a medium comes: values of match keys; a key not told may have any value."""

    what: str
    told: dict[str, str]
    parents: frozenset[str]


_STORAGE_PARENTS = frozenset({"block", "scsi", "usb", "pci", "ata", "platform", "mmc"})


def _block(what: str, kernel: str, kind: str, action: str, **more: str) -> Event:
    told = {"ACTION": action, "SUBSYSTEM": "block", "KERNEL": kernel, "ENV{DEVTYPE}": kind, **more}
    return Event(what, told, _STORAGE_PARENTS)


def _usb(what: str, kernel: str, kind: str) -> Event:
    told = {"ACTION": "add", "SUBSYSTEM": "usb", "KERNEL": kernel, "ENV{DEVTYPE}": kind}
    return Event(what, told, frozenset({"usb", "pci", "platform"}))


EVENTS = (
    _usb("USB device", "1-1", "usb_device"),
    _usb("USB interface", "1-1:1.0", "usb_interface"),
    Event("SCSI device", {"ACTION": "add", "SUBSYSTEM": "scsi", "KERNEL": "2:0:0:0"}, _STORAGE_PARENTS),
    Event(
        "SCSI pass-through", {"ACTION": "add", "SUBSYSTEM": "scsi_generic", "KERNEL": "sg1"}, _STORAGE_PARENTS
    ),
    _block("disk", "sdb", "disk", "add"),
    _block("disk", "sdb", "disk", "change"),
    _block("partition", "sdb1", "partition", "add"),
    _block("partition", "sdb1", "partition", "change"),
    _block("card", "mmcblk1", "disk", "add"),
    _block("card partition", "mmcblk1p1", "partition", "add"),
    _block("disc", "sr0", "disk", "add"),
    _block("disc", "sr0", "disk", "change"),
)


def _matches(term: Term, event: Event) -> bool | None:
    """Say whether a term holds on an event; None where only the medium could say."""
    key = f"{term.key}{{{term.name}}}" if term.name else term.key
    patterns = term.value.split("|")
    if term.key == "SUBSYSTEMS":
        holds = any(fnmatchcase(parent, pattern) for parent in event.parents for pattern in patterns)
        return holds if term.operator == "==" else None
    if key not in event.told:
        return None
    holds = any(fnmatchcase(event.told[key], pattern) for pattern in patterns)
    return holds if term.operator == "==" else not holds


def _certainty(rule: Rule, event: Event) -> bool | None:
    """Say whether a rule applies to an event: True, False, or None for perhaps."""
    answers = [_matches(term, event) for term in rule.terms if term.operator in ("==", "!=")]
    if False in answers:
        return False
    asks_more = any(term.is_match and term.operator not in ("==", "!=") for term in rule.terms)
    return None if None in answers or asks_more else True


@dataclass
class _Started:
    """What an event has gathered to start, each with where; a key set with := stays as it is."""

    lists: dict[str, list[tuple[Rule, Term]]] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)

    def apply(self, rule: Rule, term: Term, certain: bool) -> None:
        """Add to what is started, or clear it, as the operator says."""
        key = "RUN" if term.key == "RUN" else f"{term.key}{{{term.name}}}"
        if key in self.closed:
            return
        gathered = self.lists.setdefault(key, [])
        if term.operator in ("=", ":=") and certain:
            gathered.clear()
        if term.operator == ":=" and certain:
            self.closed.add(key)
        if term.operator != "-=" and term.value:
            gathered.append((rule, term))


def started(files: list[list[Rule]]) -> list[str]:
    """Return what media start by rules, in the order of the files given; a line each, told once."""
    found: dict[str, None] = {}
    for event in EVENTS:
        gathered = _Started()
        for rules in files:
            _run(rules, event, gathered)
        for terms in gathered.lists.values():
            found |= {f"{r.file}:{r.line}: {_told(t)}": None for r, t in terms if offends(r, t)}
    return sorted(found)


def _run(rules: list[Rule], event: Event, gathered: _Started) -> None:
    skip_to: str | None = None
    for rule in rules:
        if skip_to is not None:
            if any(term.key == "LABEL" and term.value == skip_to for term in rule.terms):
                skip_to = None
            continue
        certainty = _certainty(rule, event)
        if certainty is False:
            continue
        for term in rule.terms:
            starts = term.key in ("RUN", "PROGRAM") or (term.key, term.name) == ("IMPORT", "program")
            wants = term.key == "ENV" and term.name in ("SYSTEMD_WANTS", "SYSTEMD_USER_WANTS")
            if starts or (wants and term.operator not in ("==", "!=")):
                gathered.apply(rule, term, certainty is True)
            elif term.key == "GOTO" and certainty is True:
                skip_to = term.value


_MOUNTER = re.compile(
    r"\b(u?mount|systemd-mount|udisksctl|udisks2?-\w+|usbmount|pmount(-hal)?|udevil|devmon|ldm|automount|autofs|"
    r"udiskie|gio|gvfs-mount|halevt|ivman|uam|udev-automount|media-automount|automedia)\b|mount@|\.mount\b|\.automount\b",
    re.IGNORECASE,
)
_KERNEL_MOUNTS = ("sys-fs-fuse-connections.mount", "sys-kernel-config.mount", "sys-kernel-debug.mount")
_FOREIGN = re.compile(r"(^|[\s'=])/(usr/local|opt|home|srv|var|tmp|root|media|mnt)/")


def offends(rule: Rule, term: Term) -> bool:
    """Say whether what a rule starts may mount or run something from a medium.

    A rule of the administrator (/etc, /run, /usr/local) offends with whatever it runs on a medium; one of a
    package only if it mounts, or runs a program that no package brings.
    """
    if term.key == "RUN" and term.name == "builtin":
        return False
    if term.value in _KERNEL_MOUNTS:
        return False
    mounts = bool(_MOUNTER.search(term.value) or _FOREIGN.search(term.value))
    ask_only = term.key in ("PROGRAM", "IMPORT")
    return mounts or (not rule.file.startswith("/usr/lib/") and not ask_only)


def _told(term: Term) -> str:
    name = f"{{{term.name}}}" if term.name else ""
    return f'{term.key}{name}{term.operator}"{term.value}"'
