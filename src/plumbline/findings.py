"""What is wrong in a person's file, each finding with file and line, and pydantic's errors as sentences."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from plumbline.annotations import keys
from plumbline.errors import InputError

Step = str | int
At = Sequence[Step]


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is wrong; `line` counts from 1, 0 where no line can be named."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}" if self.line else f"{self.file}: {self.message}"


class FindingsError(InputError):
    """Everything that was found wrong, told at once; `findings` has them one by one."""

    def __init__(self, findings: Iterable[Finding], *, hint: str | None = None) -> None:
        self.findings = tuple(sorted(set(findings)))
        if len(self.findings) == 1:
            only = self.findings[0]
            super().__init__(only.message, file=only.file, line=only.line or None, hint=hint)
        else:
            told = "".join(f"\n  {finding}" for finding in self.findings)
            super().__init__(f"{len(self.findings)} things are wrong:{told}", hint=hint)


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ` (did you mean …?)` with the names most like `word`, or nothing when none is like it."""
    close = difflib.get_close_matches(word, list(known), n=3, cutoff=0.6)
    likeness = [difflib.SequenceMatcher(None, name, word).ratio() for name in close]
    close = [name for name, alike in zip(close, likeness, strict=True) if alike >= likeness[0] - 0.1]
    return f" (did you mean {' or '.join(close)}?)" if close else ""


_EXPECTED = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
    "none_required": "nothing",
}


def _told(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case int() | float():
            return f"the number {value}"
    text = repr(value)
    return text if len(text) <= 60 else text[:56] + "…" + text[-1]


def sentence(errors: Sequence[ErrorDetails], model: type[BaseModel], at: At) -> str:
    """Say in one sentence what pydantic's errors at one place `at` (from the model's root) mean."""
    expected = [_EXPECTED[error["type"]] for error in errors if error["type"] in _EXPECTED]
    if expected:
        alternatives = list(dict.fromkeys(expected))
        return f"expected {' or '.join(alternatives)}, found {_told(errors[0]['input'])}"
    return "; ".join(dict.fromkeys(_sentence(error, model, at) for error in errors))


def _sentence(error: ErrorDetails, model: type[BaseModel], at: At) -> str:
    context = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return f"the key {at[-1]} is missing"
        case "extra_forbidden":
            return f"unknown key {at[-1]}{nearest(str(at[-1]), keys(model, at[:-1]))}"
        case "literal_error":
            known = str(context["expected"]).replace("'", "").replace(" or ", ", ").split(", ")
            return f"{_told(error['input'])} is not one of {', '.join(known)}" + (
                nearest(str(error["input"]), known)
            )
        case "string_pattern_mismatch" if context["pattern"] == r"\S":
            return "the text is empty"
        case "string_pattern_mismatch":
            return f"{_told(error['input'])} does not have the form {context['pattern']}"
        case "too_short":
            return f"at least {context['min_length']} element is needed, found {context['actual_length']}"
        case "value_error":
            return str(context["error"])
    message = error["msg"]
    return f"{message[:1].lower()}{message[1:]}, found {_told(error['input'])}"
