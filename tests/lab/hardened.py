"""A booted host hardened by some of the shipped deploys alone, and sabotages of it that are undone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from plumbline.apply import HostResult, apply_hosts
from plumbline.lab import Lab
from plumbline.rooms import DEPLOYS

HOST = "srv-app-01"


def deploys_of(directory: Path, subjects: Sequence[str]) -> Path:
    """Make a package like `deploys/` in `directory` that applies these subjects only."""
    package = directory / "deploys"
    package.mkdir()
    (package / "mechanisms").symlink_to(DEPLOYS / "mechanisms")
    for subject in subjects:
        (package / f"{subject}.py").symlink_to(DEPLOYS / f"{subject}.py")
    calls = "".join(f"    deploy(name='{name}')(lambda: {name}.apply(desired))()\n" for name in subjects)
    (package / "__init__.py").write_text(
        f"from pyinfra.api.deploy import deploy\nfrom deploys import {', '.join(subjects)}\n\n\n"
        f"def apply(desired):\n{calls}"
    )
    return package


def harden(lab: Lab, deploys: Path) -> HostResult:
    """Apply the deploys to the host; AssertionError with what went wrong if it fails."""
    result = apply_hosts(lab.inventory, [HOST], deploys=deploys).host(HOST)
    assert result.outcome in ("applied", "unchanged"), result
    return result


@contextmanager
def sabotaged(lab: Lab, wrong: str, right: str) -> Iterator[None]:
    """Run a shell command that makes the host wrong, and afterwards, in any case, the one that undoes it."""
    try:
        lab.run(HOST, f"set -e; {wrong}")
        yield
    finally:
        lab.run(HOST, f"set -e; {right}")
