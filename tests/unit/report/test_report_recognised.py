"""Errors of a host are told in Slovak too, each sentence and hint that the evidence room has."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from plumbline.errors import NotReachedError
from plumbline.model import Text
from plumbline.report.recognised import problem_text, recognised

EVIDENCE = Path(importlib.util.find_spec("plumbline.evidence").origin or "").parent  # type: ignore[union-attr]
ERRORS = {"NotReachedError", "EvidenceError", "InputError"}


def sentences(path: Path) -> Iterator[str]:
    """Yield what the errors of a module say, their places filled; those told elsewhere are left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and (target.id == "hint" or target.id.isupper())
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS:
            hints = [keyword.value for keyword in node.keywords if keyword.arg == "hint"]
            for said in (*node.args[:1], *hints):
                yield from filled(named.get(said.id, said) if isinstance(said, ast.Name) else said)


def filled(said: ast.expr) -> Iterator[str]:
    if isinstance(said, ast.Constant) and isinstance(said.value, str):
        yield said.value
    elif isinstance(said, ast.JoinedStr):
        if all(isinstance(part, ast.FormattedValue) for part in said.values if ast.unparse(part) != "': '"):
            return
        yield "".join(part.value if isinstance(part, ast.Constant) else fill(part) for part in said.values)  # type: ignore[misc]


def fill(part: ast.expr) -> str:
    """Return what a place may hold; a choice between two sentences is filled with its first."""
    value = part.value if isinstance(part, ast.FormattedValue) else part
    if isinstance(value, ast.IfExp) and isinstance(value.body, ast.Constant):
        return str(value.body.value)
    if isinstance(value, ast.Name) and value.id == "offered":
        return "the key /k"
    return "7"


@pytest.mark.parametrize("path", sorted(EVIDENCE.glob("*.py")), ids=lambda path: path.name)
def test_every_error_is_told_in_slovak(path: Path) -> None:
    untold = [said for said in sentences(path) if recognised(said).sk == said]
    assert untold == []


def test_names_before_the_sentence_stay() -> None:
    said = "root@srv-app-01 (10.89.0.11): it refuses connections at port 22: no SSH server listens there"
    assert recognised(said) == Text(
        en=said,
        sk="root@srv-app-01 (10.89.0.11): odmieta spojenia na porte 22: nepočúva tam server SSH",
    )


def test_a_sentence_inside_a_sentence_is_told_too() -> None:
    assert (
        recognised("srv: the evidence came damaged: it is empty").sk
        == "srv: dôkaz prišiel poškodený: je prázdny"
    )


def test_the_hint_stands_in_brackets() -> None:
    error = NotReachedError("srv: it has no sudo", hint="connect as root, or install sudo on it")
    assert problem_text(error) == Text(
        en="srv: it has no sudo (connect as root, or install sudo on it)",
        sk="srv: nemá sudo (pripojte sa ako root alebo na ňom nainštalujte sudo)",
    )


def test_what_nobody_translated_stays_english() -> None:
    assert recognised("a: b: c: d: nobody said {this}").sk == "a: b: c: d: nobody said {this}"


def test_what_a_host_says_is_kept_as_it_is() -> None:
    said = "srv: sudo does not run the collector: sudo: {0} unknown\nuser"
    assert recognised(said).sk == "srv: sudo nespustilo zberač: sudo: {0} unknown\nuser"
