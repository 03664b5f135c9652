"""The reference: every control has its page in both languages, and the published pages are current."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_standard import SmallStandard

from plumbline.policy.load import load_standard
from plumbline.policy.reference import checks_of, pages, write_reference
from plumbline.policy.standard import Standard

PUBLISHED = Path(__file__).resolve().parents[3] / "docs/reference"


@pytest.fixture(scope="module")
def standard() -> Standard:
    return load_standard()


def test_published_pages_are_current(standard: Standard) -> None:
    """After a change of a control or a check: `plumb policy reference --write docs/reference`."""
    there = {str(path.relative_to(PUBLISHED)): path.read_text("utf-8") for path in PUBLISHED.rglob("*.md")}
    assert there == pages(standard)


def test_every_control_is_seen_by_a_check(standard: Standard) -> None:
    checks = checks_of()
    by_data = {name for name, control in standard.controls.items() if control.linux.sysctl}
    by_data |= {name for name, control in standard.controls.items() if control.linux.modules_disabled}
    assert set(standard.controls) - set(checks.controls) - by_data == set()
    assert set(checks.controls) - set(standard.controls) == set()


def test_every_control_says_how_it_is_set(standard: Standard) -> None:
    assert [name for name, control in standard.controls.items() if control.applied is None] == []


def test_a_page_tells_the_limit_and_the_remedy(small: SmallStandard) -> None:
    page = pages(small.load())["sk/idle-session-lock.md"]
    assert "| `idle_seconds` | 600 | 1..600 s |" in page
    assert page.endswith("Zamknite ich\n")


def test_pages_of_controls_that_are_gone_go_too(small: SmallStandard, tmp_path: Path) -> None:
    folder = tmp_path / "reference"
    (folder / "en").mkdir(parents=True)
    (folder / "en/old-control.md").write_text("old", encoding="utf-8")
    assert folder / "en/old-control.md" in write_reference(small.load(), folder)
    assert not (folder / "en/old-control.md").exists()
    assert write_reference(small.load(), folder) == []
