"""Judging hosts: the pytest plugin, the verdicts, and what the suites in tests/compliance use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plumbline.verify.unknown import Unknown, not_applicable

if TYPE_CHECKING:
    import pytest

__all__ = ["Unknown", "control", "mechanism", "not_applicable"]


def control(name: str) -> pytest.MarkDecorator:
    """Mark a test as a check of the control of that name; it runs on the hosts held to that control."""
    import pytest

    return pytest.mark.control(name)


def mechanism(name: str) -> pytest.MarkDecorator:
    """Mark a test as the check of one mechanism; it runs once for each setting of every control.

    The test's `setting` fixture is a `plumbline.verify.cases.Setting`.
    """
    import pytest

    return pytest.mark.mechanism(name)
