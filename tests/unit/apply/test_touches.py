"""Every operation says what it touches, so that a host can be put back; what it says is kept by operation."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from plumbline.apply.guard import Scope
from plumbline.rooms import DEPLOYS

TELLS = {"tell_touches", "write"}
"""`write` of the mechanism `files` tells for the operations that call it."""


def _operations() -> Iterator[tuple[str, ast.FunctionDef]]:
    for file in sorted(DEPLOYS.rglob("*.py")):
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.FunctionDef) and any(_is_operation(one) for one in node.decorator_list):
                yield f"{file.relative_to(DEPLOYS)}:{node.name}", node


def _is_operation(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Name) and called.id == "operation"


def _calls(function: ast.FunctionDef) -> set[str]:
    return {
        node.func.id
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }


OPERATIONS = dict(_operations())


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_says_what_it_touches(name: str) -> None:
    assert _calls(OPERATIONS[name]) & TELLS, f"{name} changes hosts and tells nobody what: call tell_touches"


def test_no_operation_of_pyinfra_s_own_is_used_which_tells_nothing() -> None:
    """What pyinfra ships knows nothing of the guard, so a deploy that used it could not be undone wholly."""
    used = [
        f"{file.relative_to(DEPLOYS)}:{node.lineno}"
        for file in sorted(DEPLOYS.rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("pyinfra.operations")
        and node.module != "pyinfra.operations.util"
    ]
    assert used == []


def test_scopes_of_operations_add_up() -> None:
    one = Scope(paths=frozenset({"/opt/a"}), units=frozenset({"a.service"}))
    other = Scope(paths=frozenset({"/opt/b"}), packages=frozenset({"chrony"}))
    both = one | other
    assert list(both.lines()) == ["paths /opt/a", "paths /opt/b", "units a.service", "packages chrony"]


def test_there_are_operations_to_look_at() -> None:
    assert Path(DEPLOYS).is_dir()
    assert len(OPERATIONS) > 30
