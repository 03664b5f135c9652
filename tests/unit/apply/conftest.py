"""Makes `deploys` importable, as the process that talks to the hosts does, and reads recorded answers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from plumbline.rooms import DEPLOYS

sys.path.insert(0, str(DEPLOYS.parent))

RECORDED = Path(__file__).parents[2] / "recorded" / "apply"


@pytest.fixture
def recorded() -> Callable[[str], list[str]]:
    """Return what a real host answered, as pyinfra hands it to a fact: lines without their ends."""
    return lambda name: (RECORDED / name).read_text().splitlines()
