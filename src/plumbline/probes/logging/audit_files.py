"""What of the files in /etc/audit will be loaded at boot (augenrules(8), auditctl(8))."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from plumbline.probes.files import ConfigFile
from plumbline.probes.logging.audit_rules import Rule, RuleError, parse_rule
from plumbline.verify.seen import Seen

DIRECTORY = "/etc/audit/rules.d"
RULES = "/etc/audit/audit.rules"

# Set once; of several the last counts.
SETTINGS = {"-e": "enabled", "-f": "failure", "-b": "backlog_limit", "-r": "rate_limit"}
_ABSENT = "is not there"
_MOVED = ("-D", "-b", "-f", "-e")
_OF_NO_MATTER = (
    "--backlog_wait_time",
    "--loginuid-immutable",
    "--reset-lost",
    "--reset_backlog_wait_time_actual",
    "-q",
)


@dataclass(frozen=True)
class Line:
    """A line of a rules file that is no comment, with its place."""

    text: str
    where: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text}"

    @property
    def option(self) -> str:
        """The first word."""
        return self.text.split()[0]


@dataclass
class Loaded:
    """What a boot will load: the rules in their order, settings by name, and the lines that do not work.

    `refused` are lines auditctl will not take, but for rules about what is not there, where loading goes on;
    `unread` those after the first of them, where nothing says that it does.
    """

    rules: list[Rule] = field(default_factory=list)
    settings: dict[str, Seen] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    unread: list[Line] = field(default_factory=list)


def lines_of(file: ConfigFile) -> list[Line]:
    """Return the lines of a rules file that say something."""
    return [
        Line(" ".join(text.split()), f"{file.path}:{number}")
        for number, text in enumerate(file.lines, 1)
        if text.strip() and not text.lstrip().startswith("#")
    ]


def merged(files: Mapping[str, ConfigFile], order: Sequence[str]) -> list[Line]:
    """Return the lines of rules.d as augenrules puts them together.

    `order` are the names of its files as `ls -v` sorts them. Of a bare -D, of -b, -f and -e only the last is
    kept; -e goes to the end, the others to the start.
    """
    lines = [
        line
        for name in order
        if name.endswith(".rules") and (file := files.get(f"{DIRECTORY}/{name}")) is not None
        for line in lines_of(file)
    ]
    last = {_moved(line): line for line in lines if _moved(line)}
    rest = [line for line in lines if not _moved(line)]
    before = [last[option] for option in ("-D", "-b", "-f") if option in last]
    return [*before, *rest, *([last["-e"]] if "-e" in last else [])]


def _moved(line: Line) -> str | None:
    if line.text.startswith("-D"):
        return "-D" if line.text == "-D" else None
    return next((option for option in _MOVED if line.text.startswith(option)), None)


def load(lines: Iterable[Line], missing: Iterable[str]) -> Loaded:
    """Load the lines one by one, as `auditctl -R` does onto a kernel without rules.

    `missing` are the paths named by rules that the kernel will not find. A line that is refused ends the
    loading, unless -c or -i came before it.
    """
    loaded, goes_on, absent = Loaded(), False, frozenset(missing)
    waiting = list(lines)
    while waiting:
        line = waiting.pop(0)
        if line.text in ("-c", "-i"):
            goes_on = True
            continue
        problem = _take(loaded, line, absent)
        if problem is None or (goes_on and problem.endswith(_ABSENT)):
            continue
        loaded.refused.append(f"{line} ({problem})")
        if not goes_on:
            loaded.unread = waiting
            break
    return loaded


def _take(loaded: Loaded, line: Line, missing: frozenset[str]) -> str | None:
    option, _, value = line.text.partition(" ")
    if option in SETTINGS:
        loaded.settings[SETTINGS[option]] = Seen(value.strip(), line.where)
        return None
    if option == "-D":
        loaded.rules = [rule for rule in loaded.rules if value and not _has_key(rule, value)]
        return None
    if option in ("-d", "-W"):
        return _delete(loaded, line)
    if option in _OF_NO_MATTER:
        return None
    if loaded.settings.get("enabled") == "2":
        return "the rules are locked before it"
    try:
        rule = parse_rule(line.text, line.where)
    except RuleError as error:
        return str(error)
    if absent := [path for path in rule.paths if path in missing]:
        return f"{absent[0]} {_ABSENT}"
    loaded.rules.insert(0 if rule.first else len(loaded.rules), rule)
    return None


def _has_key(rule: Rule, value: str) -> bool:
    key = value.removeprefix("-k").removeprefix("-F").strip().removeprefix("key=")
    words = rule.text.split()
    return f"key={key}" in words or any(a == "-k" and b == key for a, b in pairwise(words))


def _delete(loaded: Loaded, line: Line) -> str | None:
    option, _, rest = line.text.partition(" ")
    try:
        wanted = parse_rule(f"{'-a' if option == '-d' else '-w'} {rest}")
    except RuleError as error:
        return str(error)
    same = [rule for rule in loaded.rules if _same(rule, wanted)]
    if not same:
        return "there is no such rule"
    loaded.rules.remove(same[0])
    return None


def _same(one: Rule, other: Rule) -> bool:
    def told(rule: Rule) -> tuple[object, ...]:
        asked = frozenset(c for c in rule.conditions if c.field != "key")
        return (rule.kind, rule.action, rule.syscalls, asked, rule.watch)

    return told(one) == told(other)
