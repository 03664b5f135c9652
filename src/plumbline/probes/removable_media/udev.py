"""udev's rules, run on paper: what would be started when a stick or a disc is put in (udev(7)).

Each rule is tried on the events such a medium makes. What the event says (subsystem, device type, how its
name begins, action) decides; what only the medium could say (its label, vendor, content) counts as being so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from plumbline.probes.removable_media.events import EVENTS, Event, matches

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
    prefix: str = ""

    @property
    def is_match(self) -> bool:
        """Whether the term asks, rather than sets."""
        return self.operator in ("==", "!=") or self.key in ("PROGRAM", "TEST", "IMPORT")


@dataclass(frozen=True)
class Rule:
    """A rule with where it stands; `terms` is empty for a line udev would not understand either.

    `packaged` says that a package brought the file, rather than a person.
    """

    file: str
    line: int
    terms: tuple[Term, ...]
    packaged: bool

    def first(self, key: str) -> str | None:
        """Return the value of a key of which udev takes the first of a rule: GOTO, LABEL."""
        return next((term.value for term in self.terms if term.key == key), None)


def parse_rule(file: str, line: int, text: str, packaged: bool | None = None) -> Rule:
    """Read one rule, lines already joined; udev ignores a rule it cannot read, and so is done here.

    Unless it is told, a file is taken for a package's if it stands below /usr/lib.
    """
    by_package = file.startswith("/usr/lib/") if packaged is None else packaged
    terms: list[Term] = []
    position = 0
    while position < len(text) and text[position:].strip(" \t,"):
        match = _TERM.match(text, position)
        if match is None:
            return Rule(file, line, (), by_package)
        terms.append(Term(match[1], match[2] or "", match[3], match[5], match[4]))
        position = match.end()
    return Rule(file, line, tuple(terms), by_package)


def _matches(term: Term, event: Event) -> bool | None:
    """Say whether a term holds on an event; None where only the medium could say."""
    key = f"{term.key}{{{term.name}}}" if term.name else term.key
    holds = matches(key, term.value.lower() if term.prefix == "i" else term.value, event)
    if holds is None or term.operator == "==":
        return holds
    return not holds


def _certainty(rule: Rule, event: Event) -> bool | None:
    """Say whether a rule applies to an event: True, False, or None for perhaps."""
    certain = True
    asks_subsystem = False
    for term in rule.terms:
        if term.operator not in ("==", "!="):
            certain = certain and not term.is_match
            continue
        asks_subsystem = asks_subsystem or (term.key == "SUBSYSTEM" and term.operator == "==")
        answer = _matches(term, event)
        if answer is False:
            return False
        certain = certain and answer is True
    if not event.subsystem and not asks_subsystem:
        return False
    return True if certain else None


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
    labels = [rule.first("LABEL") for rule in rules]
    position = 0
    while position < len(rules):
        rule = rules[position]
        position += 1
        certainty = _certainty(rule, event)
        if certainty is False:
            continue
        for term in rule.terms:
            starts = term.key in ("RUN", "PROGRAM") or (term.key, term.name) == ("IMPORT", "program")
            wants = term.key == "ENV" and term.name in ("SYSTEMD_WANTS", "SYSTEMD_USER_WANTS")
            if starts or (wants and term.operator not in ("==", "!=")):
                gathered.apply(rule, term, certainty is True)
        goes_to = rule.first("GOTO")
        if certainty and goes_to is not None and goes_to in labels[position:]:
            position = labels.index(goes_to, position)


_MOUNTER = re.compile(
    r"\b(u?mount|systemd-mount|udisksctl|udisks2?-\w+|usbmount|pmount(-hal)?|udevil|devmon|ldm|automount|autofs|"
    r"udiskie|gio|gvfs-mount|halevt|ivman|uam|udev-automount|media-automount|automedia)\b|mount@|\.mount\b|\.automount\b",
    re.IGNORECASE,
)
_KERNEL_MOUNTS = ("sys-fs-fuse-connections.mount", "sys-kernel-config.mount", "sys-kernel-debug.mount")
_FOREIGN = re.compile(r"(^|[\s'=])/(usr/local|opt|home|srv|var|tmp|root|media|mnt|etc|run)/")
_ASKS_ONLY = re.compile(
    r"((/usr)?/lib/udev/)?(scsi_id|ata_id|cdrom_id|usb_id|path_id|mtd_probe|v4l_id|fido_id)( |$)|"
    r"(/usr)?/s?bin/(blkid|udevadm info|dmsetup info|dmsetup splitname)( |$)"
)


def offends(rule: Rule, term: Term) -> bool:
    """Say whether what a rule starts may mount or run something from a medium.

    A rule that no package brought offends with whatever it runs on a medium, but for the programs that only
    ask a device what it is; one of a package only if it mounts, or runs a program that no package brings.
    """
    if term.key == "RUN" and term.name == "builtin":
        return False
    if term.value in _KERNEL_MOUNTS:
        return False
    if _MOUNTER.search(term.value) or _FOREIGN.search(term.value):
        return True
    asks_only = term.key in ("PROGRAM", "IMPORT") and _ASKS_ONLY.match(term.value)
    return not rule.packaged and not asks_only


def _told(term: Term) -> str:
    name = f"{{{term.name}}}" if term.name else ""
    return f'{term.key}{name}{term.operator}"{term.value}"'
