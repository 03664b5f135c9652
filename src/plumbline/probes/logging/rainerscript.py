"""rsyslog's configuration as statements in the order they count, in each of its languages (rsyslog.conf(5)).

What is read is what `rsyslogd -o` prints: all files in one text, each between marks that name it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from plumbline.probes.base import ParseError

DEFAULT = "RSYSLOG_DefaultRuleset"

_MARK = re.compile(r"##### (BEGIN|END  ) CONFIG: (\S+)(?: \(put on stack\))?")
_OBJECTS = (
    "global|main_queue|module|input|action|ruleset|template|timezone|lookup_table|parser|dyn_stats|percentile_stats"
    "|ratelimit|include|reload_lookup_table"
)
_OBJECT = re.compile(rf"({_OBJECTS})\s*\(", re.IGNORECASE)
_WORD = re.compile(r"(call_indirect|call|stop|continue|set|unset|reset)\b", re.IGNORECASE)
_PARAMETER = re.compile(r"([A-Za-z_][\w.]*)\s*=\s*(\"(?:[^\"\\]|\\.)*\"|\[[^\]]*\]|[\w./-]+)", re.DOTALL)
_PRIORITY = re.compile(r"[a-z*][\w,;.=!*]*\.[\w=!*;,.]+(?=\s)", re.IGNORECASE)


@dataclass(frozen=True)
class Statement:
    """One statement: an object (`action`, `module`, …), a directive (`$name`), or a word such as `stop`.

    `values` are its parameters by name in small letters; `ruleset` and `conditions` say when it is reached:
    each filter around it as written, the outermost first.
    """

    kind: str
    values: Mapping[str, list[str]]
    where: str
    ruleset: str = DEFAULT
    conditions: tuple[str, ...] = ()

    def value(self, name: str) -> str:
        """Return a parameter, in small letters; empty where it is not set."""
        return " ".join(self.values.get(name, [])).lower()

    @property
    def type(self) -> str:
        """The module an action or input is of."""
        return self.value("type")


@dataclass(frozen=True)
class _Text:
    """The whole text without comments, and for each of its lines where it stands."""

    text: str
    places: list[str]

    def where(self, offset: int) -> str:
        return self.places[min(self.text.count("\n", 0, offset), len(self.places) - 1)]


@dataclass
class _File:
    """A file that is being read, and the line it is at."""

    path: str
    line: int = 0


def statements(lines: Iterable[str]) -> list[Statement]:
    """Return all statements in their order; ParseError for what is none that is known."""
    return _Reader(_joined(lines)).read()


def _joined(lines: Iterable[str]) -> _Text:
    kept: list[str] = []
    places: list[str] = []
    stack = [_File("/etc/rsyslog.conf")]
    has_ended = False
    for line in lines:
        mark = _MARK.match(line)
        if mark is None:
            # Marks stand between empty lines that are no file's.
            stack[-1].line += 0 if has_ended and not line else 1
            kept.append(line)
            places.append(f"{stack[-1].path}:{stack[-1].line}")
            has_ended = False
            continue
        if kept and not kept[-1] and stack[-1].line:
            stack[-1].line -= 1
        if mark[1] == "BEGIN":
            stack.append(_File(mark[2]))
        elif len(stack) > 1:
            stack.pop()
        has_ended = mark[1] != "BEGIN"
    return _Text(_without_comments("\n".join(kept)), places or ["/etc/rsyslog.conf"])


def _without_comments(text: str) -> str:
    """Blank comments out; quoted texts keep their number signs."""
    pattern = r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|/\*.*?\*/|(?:(?<=\s)|^)#[^\n]*"

    def blank(found: re.Match[str]) -> str:
        return found[0] if found[0][0] in "\"'" else re.sub(r"[^\n]", " ", found[0])

    return re.sub(pattern, blank, text, flags=re.DOTALL | re.MULTILINE)


@dataclass
class _Reader:
    """Reads the text from its start; `_at` is where."""

    source: _Text
    _at: int = 0
    _found: list[Statement] = field(default_factory=list)
    _pending: dict[str, list[str]] = field(default_factory=dict)
    _ruleset: str = DEFAULT
    _before: tuple[str, ...] = ()

    def read(self) -> list[Statement]:
        while self._skip():
            self._statement(self._ruleset, ())
        return self._found

    def _skip(self) -> bool:
        """Go to the next thing that is no space; False at the end."""
        found = re.compile(r"\s*").match(self.source.text, self._at)
        self._at = found.end() if found else self._at
        return self._at < len(self.source.text)

    def _statement(self, ruleset: str, conditions: tuple[str, ...]) -> None:
        text, at = self.source.text, self._at
        if made := _OBJECT.match(text, at):
            self._object(made, ruleset, conditions)
        elif text[at] == "{":
            self._block(ruleset, conditions)
        elif made := re.compile(r"if\b", re.IGNORECASE).match(text, at):
            self._if(ruleset, conditions)
        elif made := re.compile(r"foreach\b.*?\bdo\b", re.IGNORECASE | re.DOTALL).match(text, at):
            self._at = made.end()
            self._inner(ruleset, (*conditions, made[0]))
        elif made := _WORD.match(text, at):
            self._word(made, ruleset, conditions)
        else:
            self._line(ruleset, conditions)

    def _inner(self, ruleset: str, conditions: tuple[str, ...]) -> None:
        if not self._skip():
            raise ParseError("rsyslog's configuration ends within a statement")
        self._statement(ruleset, conditions)

    def _block(self, ruleset: str, conditions: tuple[str, ...]) -> None:
        self._at += 1
        while self._skip() and self.source.text[self._at] != "}":
            self._statement(ruleset, conditions)
        if self._at >= len(self.source.text):
            raise ParseError("a block of rsyslog's configuration does not end")
        self._at += 1

    def _if(self, ruleset: str, conditions: tuple[str, ...]) -> None:
        condition = re.compile(
            r"if\b((?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[^\"'])*?)\bthen\b", re.IGNORECASE
        ).match(self.source.text, self._at)
        if condition is None:
            raise ParseError(f"an `if` without `then` at {self.source.where(self._at)}")
        self._at = condition.end()
        told = f"if {' '.join(condition[1].split())}"
        self._inner(ruleset, (*conditions, told))
        self._skip()
        if otherwise := re.compile(r"else\b", re.IGNORECASE).match(self.source.text, self._at):
            self._at = otherwise.end()
            self._inner(ruleset, (*conditions, f"else of {told}"))

    def _object(self, made: re.Match[str], ruleset: str, conditions: tuple[str, ...]) -> None:
        kind = made[1].lower()
        end = self._closing(made.end())
        values = _values(self.source.text[made.end() : end])
        self._at = end + 1
        self._add(kind, values, made.start(), ruleset, conditions)
        if kind == "ruleset" and self._skip() and self.source.text[self._at] == "{":
            self._block(" ".join(values.get("name", [])), ())
        elif kind == "template" and self._skip() and self.source.text[self._at] == "{":
            start, self._at = self._at, self.source.text.index("}", self._at) + 1
            values["body"] = [self.source.text[start : self._at]]

    def _closing(self, start: int) -> int:
        """Return where the parenthesis opened before `start` is closed."""
        depth = 1
        for token in re.compile(r"\"(?:[^\"\\]|\\.)*\"|[()]", re.DOTALL).finditer(self.source.text, start):
            depth += {"(": 1, ")": -1}.get(token[0], 0)
            if not depth:
                return token.start()
        raise ParseError(f"a parenthesis is not closed after {self.source.where(start)}")

    def _word(self, made: re.Match[str], ruleset: str, conditions: tuple[str, ...]) -> None:
        word = made[1].lower()
        if word in {"stop", "continue"}:
            self._at = made.end()
            values: dict[str, list[str]] = {}
        elif word == "call":
            name = re.compile(r"\s*([^\s;}]+)").match(self.source.text, made.end())
            self._at = name.end() if name else made.end()
            values = {"name": [name[1].strip('"')]} if name else {}
        else:
            end = re.compile(r"(?:\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^;\"'])*;").match(
                self.source.text, made.end()
            )
            self._at = end.end() if end else len(self.source.text)
            values = {}
        self._add(word, values, made.start(), ruleset, conditions)

    def _line(self, ruleset: str, conditions: tuple[str, ...]) -> None:
        """Read a line of the old languages: a directive, a filter with its action, or an action alone."""
        start = self._at
        end = self.source.text.find("\n", start)
        line = self.source.text[start : end if end >= 0 else len(self.source.text)].strip()
        if line.startswith("$"):
            self._at = start + len(line)
            self._directive(line, start)
            return
        filtered = self._filter(line)
        if filtered is None:
            self._action(line, start, ruleset, conditions)
            return
        told, rest = filtered
        self._before = (told,) if told != "*.*" else ()
        self._at = start + len(line) - len(rest)
        reached = (*conditions, *self._before)
        if rest[:1] == "{" or _OBJECT.match(rest) or _WORD.match(rest):
            self._statement(ruleset, reached)
        else:
            self._action(rest, self._at, ruleset, reached)

    def _filter(self, line: str) -> tuple[str, str] | None:
        if line[0] == "&":
            return (self._before[0] if self._before else "*.*"), line[1:].strip()
        if found := _PRIORITY.match(line):
            return found[0], line[found.end() :].strip()
        if found := re.match(r":[\w!$.-]+\s*,\s*!?\w+\s*,\s*\"(?:[^\"\\]|\\.)*\"", line):
            return found[0], line[found.end() :].strip()
        if line[0] in "!+" or re.match(r"-[\w*]", line):
            raise ParseError(f"a filter by program or host at {self.source.where(self._at)}: {line[:80]}")
        return None

    def _directive(self, line: str, start: int) -> None:
        name, _, value = line[1:].partition(" ") if " " in line else line[1:].partition("\t")
        name, value = name.lower(), value.strip()
        if name == "ruleset":
            self._ruleset = value
        if name.startswith("action"):
            self._pending.setdefault(name, []).append(value)
        self._add(f"${name}", {"value": [value]}, start, self._ruleset, ())

    def _action(self, told: str, start: int, ruleset: str, conditions: tuple[str, ...]) -> None:
        # Within a block on one line, the action ends with the block.
        if conditions and "}" in told and not told.startswith((":", "|")):
            told = told.partition("}")[0]
        self._at = start + len(told)
        pending, self._pending = self._pending, {}
        self._add("action", _old_action(told.strip(), pending), start, ruleset, conditions)

    def _add(
        self, kind: str, values: dict[str, list[str]], start: int, ruleset: str, conditions: tuple[str, ...]
    ) -> None:
        self._found.append(Statement(kind, values, self.source.where(start), ruleset, conditions))


def _values(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in _PARAMETER.findall(text):
        found[name.lower()] = list(_elements(value))
    return found


def _elements(value: str) -> Iterator[str]:
    texts = re.findall(r"\"((?:[^\"\\]|\\.)*)\"", value)
    yield from texts if value[:1] in '"[' else [value]


_OLD_NAMES = {
    "actionresumeretrycount": "action.resumeretrycount",
    "actionresumeinterval": "action.resumeinterval",
    "actionsendstreamdriver": "streamdriver",
    "actionsendstreamdrivermode": "streamdrivermode",
    "actionsendstreamdriverauthmode": "streamdriverauthmode",
    "actionsendstreamdriverpermittedpeer": "streamdriverpermittedpeers",
    "actionname": "name",
}


def _old_action(told: str, pending: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return an action of the old language as the new one has it, with the `$Action…` lines before it."""
    values: dict[str, list[str]] = {}
    for name, given in pending.items():
        queue = re.fullmatch(r"actionqueue(\w+)", name)
        values[_OLD_NAMES.get(name) or (f"queue.{queue[1]}" if queue else name)] = given
    if found := re.match(r"(@@?)(?:\(([^)]*)\))?(\[[^\]]*\]|[^:;\s]+)(?::([^;\s]+))?(?:;(\S+))?", told):
        told_protocol = "tcp" if found[1] == "@@" else "udp"
        return values | {
            "type": ["omfwd"],
            "target": [found[3].strip("[]")],
            "port": [found[4] or "514"],
            "protocol": [told_protocol],
            "template": [found[5] or ""],
        }
    if told == "~":
        return {"type": ["omdiscard"]}
    if found := re.match(r":(om\w+):([^:;\s]*)(?::([^;\s]+))?", told):
        return values | {"type": [found[1].lower()], "target": [found[2]], "port": [found[3] or ""]}
    kinds = {"/": "omfile", "-": "omfile", "?": "omfile", "|": "ompipe", "^": "omprog"}
    return values | {"type": [kinds.get(told[:1], "omusrmsg")], "file": [told]}
