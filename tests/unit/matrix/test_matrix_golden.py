"""The plant's matrix compiles to the recorded files, to the byte: a change of what hosts load is seen."""

from __future__ import annotations

from pathlib import Path

import pytest
from golden import FOLDER, compiled


@pytest.mark.parametrize(
    "name", ["plc-gw.nft", "hist.nft", "plc-gw-many.nft", "desk.firewall.json", "crossing.ios"]
)
def test_compiled_as_recorded(name: str, tmp_path: Path) -> None:
    assert compiled(tmp_path)[name] == (FOLDER / name).read_text(encoding="utf-8")
