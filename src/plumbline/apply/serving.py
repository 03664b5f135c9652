"""Which controls an operation serves: a deploy tells; where it does not, all of its subject."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from pyinfra.context import host

_KEY = "plumbline_serves"


@contextmanager
def serving(*controls: str) -> Iterator[None]:
    """Say which controls the operations that are declared inside serve; the innermost counts.

    For deploys: `with serving("idle-session-lock"): …`. It is shown in the plan.
    """
    before = len(host.op_hash_order)
    yield
    serves = _serves(host.connector_data)
    for operation in host.op_hash_order[before:]:
        serves.setdefault(operation, controls)


def served_by(data: dict[str, object], operation: str, otherwise: Iterable[str]) -> list[str]:
    """Return the controls that an operation was said to serve, `otherwise` if nothing was said."""
    return list(_serves(data).get(operation, otherwise))


def _serves(data: dict[str, object]) -> dict[str, tuple[str, ...]]:
    serves = data.setdefault(_KEY, {})
    if not isinstance(serves, dict):
        raise TypeError(f"connector_data[{_KEY!r}] is not ours")
    return serves
