"""The plant of the matrix's tests, written once a test."""

from __future__ import annotations

from pathlib import Path

import pytest
from plant import plant

from plumbline.spec.load import Inventory


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    return plant(tmp_path / "plant")
