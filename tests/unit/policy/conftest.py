"""What these tests share: a small standard on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_standard import FILES, SmallStandard


@pytest.fixture
def small(tmp_path: Path) -> SmallStandard:
    standard = SmallStandard(tmp_path / "small")
    for name, text in FILES.items():
        standard.write(name, text)
    return standard
