"""Reading YAML files that people write: strict, quick, and every error with its file and line.

Texts and numbers are read as YAML 1.2 reads them (`yes` and `2023-09-11` are texts), as editors do. Where
YAML 1.1 and 1.2 read a number differently (`010`, `1:30`, `1_000`, `1e5`) the file is refused, so that no
other program reads another value. Anchors, aliases and tags are refused: what a file says stands where it is.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from plumbline.findings import At, Finding, FindingsError, Step, sentence

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 40
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FRACTION = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\.[0-9]+")
# What either version of YAML takes for a number: octal, hexadecimal, binary, base 60, exponents, infinity.
_LIKE_A_NUMBER = re.compile(
    r"[-+]?(?:0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"
    r"|(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?|\.(?:inf|Inf|INF))|\.(?:nan|NaN|NAN)"
)
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}

M = TypeVar("M", bound=BaseModel)
Lines = dict[Step, tuple[int, "Lines | None"]]
"""The line of each key or list element, and the lines inside it."""


def shown(path: Path) -> str:
    """Return a path as a person wants to read it: relative where it lies below the working directory."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


@dataclass(frozen=True)
class Document:
    """A YAML file: its data, and the line of everything in it."""

    path: Path
    data: dict[str, Any]
    lines: Lines = field(repr=False, compare=False)

    @property
    def file(self) -> str:
        """The path as it is told."""
        return shown(self.path)

    def line(self, at: At = ()) -> int:
        """Return the line, from 1, of the key or list element at a path, or of what is around it."""
        return self.known(at)[1]

    def finding(self, message: str, at: At = ()) -> Finding:
        """Make a finding at a path."""
        return Finding(self.file, self.line(at), message)

    def known(self, at: At) -> tuple[list[Step], int]:
        """Return the steps of a path that the file has, and the line they lead to.

        Other steps are passed over: pydantic puts the names of a union's members into its paths.
        """
        lines: Lines | None = self.lines
        steps: list[Step] = []
        line = 1
        for step in at:
            if lines and step in lines:
                line, lines = lines[step]
                steps.append(step)
        return steps, line

    def told(self, at: At) -> str:
        """Return a path as a person reads it: `hosts[srv-app-01].address`; elements by `id` or `name`."""
        told = ""
        data: Any = self.data
        for step in at:
            data = data[step]
            if isinstance(step, int):
                named = data if isinstance(data, dict) else {}
                told += f"[{named.get('id') or named.get('name') or step}]"
            else:
                told += f".{step}" if told else step
        return told


def read_yaml(path: Path) -> Document:
    """Read a YAML file whose top is a mapping.

    Raises FindingsError (an InputError) with file and line: unreadable, over 4 MiB, not UTF-8, wrong syntax,
    a duplicate key, a number that is read in two ways, an alias, a tag, more than one document.
    """
    reader = _Reader(shown(path), _text_of(path))
    try:
        data, lines = reader.read()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = f"this is not valid YAML: {error.problem or error.context}"
        if mark and reader.indented_by_tab(mark.line):
            message += "; indent with spaces, not with a tab"
        raise FindingsError([Finding(reader.file, mark.line + 1 if mark else 0, message)]) from None
    except yaml.YAMLError as error:
        message = f"this is not valid YAML: {' '.join(str(error).split())}"
        raise FindingsError([Finding(reader.file, 0, message)]) from None
    if reader.findings:
        raise FindingsError(reader.findings)
    return Document(path, data, lines)


def validated(model: type[M], document: Document, at: At = ()) -> M:
    """Make a model from a file, or from what stands at `at` in it.

    Types are strict: a number is no text, `true` is no number. Validators are told the file's `directory`.
    Raises FindingsError with everything that is wrong, each as `file:line: where: what`.
    """
    data: Any = document.data
    for step in at:
        data = data[step]
    try:
        # JSON mode: strict types, and yet an address may be made from a text.
        return model.model_validate_json(
            json.dumps(data), strict=True, context={"directory": document.path.parent}
        )
    except ValidationError as error:
        raise FindingsError(_findings(error, model, document, at)) from None


def _findings(
    error: ValidationError, model: type[BaseModel], document: Document, at: At
) -> Iterator[Finding]:
    places: dict[tuple[Step, ...], list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        steps, _ = document.known((*at, *detail["loc"]))
        if detail["type"] == "missing":
            steps.append(detail["loc"][-1])
        places.setdefault(tuple(steps), []).append(detail)
    for place, details in places.items():
        around = place[:-1] if details[0]["type"] in ("missing", "extra_forbidden") else place
        where = document.told(around)
        what = sentence(details, model, place[len(at) :])
        yield document.finding(f"{where}: {what}" if where else what, place)


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise FindingsError([Finding(shown(path), 0, os.strerror(error.errno or 0))]) from None
    if len(content) > MAX_BYTES:
        raise FindingsError([Finding(shown(path), 0, f"the file is larger than {MAX_BYTES // 1024**2} MiB")])
    try:
        text = content.decode("utf-8-sig")
        bad = content.find(b"\0")
    except UnicodeDecodeError as error:
        text, bad = "", error.start
    if bad >= 0:
        line = content.count(b"\n", 0, bad) + 1
        raise FindingsError([Finding(shown(path), line, "this is not UTF-8 text; save the file as UTF-8")])
    return text


class _Reader:
    """Builds data and lines from the parser's events; what is wrong but readable gathers in `findings`."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.findings: list[Finding] = []
        self._text = text
        self._events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)

    def read(self) -> tuple[dict[str, Any], Lines]:
        next(self._events)  # start of the stream
        if isinstance(next(self._events), yaml.StreamEndEvent):
            raise self._stop(0, "the file is empty")
        top = next(self._events)
        if not isinstance(top, yaml.MappingStartEvent):
            raise self._stop(top.start_mark.line + 1, "expected keys and values at the top of the file")
        self._plainly_written(top)
        read = self._mapping(1)
        next(self._events)  # end of the document
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise self._stop(
                after.start_mark.line + 1, "a second document starts here; one a file is allowed"
            )
        return read

    def indented_by_tab(self, line: int) -> bool:
        """Say whether there is a tab in the indentation of a line, counted from 0."""
        return re.match(r" *\t", "".join(self._text.splitlines()[line : line + 1])) is not None

    def _mapping(self, depth: int) -> tuple[dict[str, Any], Lines]:
        data: dict[str, Any] = {}
        lines: Lines = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            line = event.start_mark.line + 1
            key, _ = self._value(event, depth)
            value, inside = self._value(next(self._events), depth)
            if not isinstance(key, str):
                told = event.value if isinstance(event, yaml.ScalarEvent) else "that is a list or a mapping"
                self._found(line, f"the key {told} is not a text; write it in quotes if it is meant")
            elif key in data:
                self._found(line, f"the key {key} stands here a second time, first on line {lines[key][0]}")
            else:
                data[key] = value
                lines[key] = line, inside
        return data, lines

    def _sequence(self, depth: int) -> tuple[list[Any], Lines]:
        data: list[Any] = []
        lines: Lines = {}
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            value, inside = self._value(event, depth)
            lines[len(data)] = event.start_mark.line + 1, inside
            data.append(value)
        return data, lines

    def _value(self, event: Any, depth: int) -> tuple[Any, Lines | None]:  # noqa: ANN401  (YAML holds anything)
        self._plainly_written(event)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event), None
        if depth == MAX_DEPTH:
            raise self._stop(event.start_mark.line + 1, f"more than {MAX_DEPTH} levels inside each other")
        return (self._mapping if isinstance(event, yaml.MappingStartEvent) else self._sequence)(depth + 1)

    def _plainly_written(self, event: Any) -> None:  # noqa: ANN401  (one of several events)
        """Refuse aliases, which could make a small file expand without end, and tags."""
        if event.anchor is not None:
            raise self._stop(
                event.start_mark.line + 1,
                f"the anchor or alias {event.anchor} is not allowed; write the value out",
            )
        if event.tag is not None:
            raise self._stop(event.start_mark.line + 1, f"the tag {event.tag} is not allowed; leave it out")

    def _scalar(self, event: Any) -> str | int | float | bool | None:  # noqa: ANN401
        text: str = event.value
        if not event.implicit[0]:  # quoted
            return text
        if text in _WORDS:
            return _WORDS[text]
        if text[0] not in "0123456789.+-":
            return text
        if _WHOLE.fullmatch(text) and len(text) < 20:
            return int(text)
        if _FRACTION.fullmatch(text) and len(text) < 20:
            return float(text)
        if _LIKE_A_NUMBER.fullmatch(text):
            self._found(
                event.start_mark.line + 1,
                f"programs read {text} as different values; write a plain number, or quotes around a text",
            )
        return text

    def _found(self, line: int, message: str) -> None:
        self.findings.append(Finding(self.file, line, message))

    def _stop(self, line: int, message: str) -> FindingsError:
        return FindingsError([*self.findings, Finding(self.file, line, message)])
