"""The user's page names every rule of lint and every kind of finding there is, and no other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from plumbline.matrix import lint
from plumbline.matrix.readback.compare import Kind

PAGE = (Path(__file__).parents[3] / "docs/matrix.md").read_text(encoding="utf-8")
FOLDER = Path(lint.__file__).parent


def listed(title: str) -> set[str]:
    """Return what the first column of a chapter's table names."""
    chapter = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return {
        name for line in re.findall(r"^\| (`.+?) \|", chapter, re.M) for name in re.findall(r"`(.+?)`", line)
    }


def test_every_rule_of_lint_is_listed() -> None:
    code = "".join(path.read_text() for path in (*FOLDER.glob("*.py"), FOLDER.parent / "force.py"))
    assert listed("Lint") == set(re.findall(r'(?:found|Finding|Objection)\(\s*"([a-z-]+)"', code))


def test_every_kind_of_finding_is_listed() -> None:
    beside = {"rewrites", "unread", "loading", "unknown", "listening", "unserved", "talking"}
    assert listed("Verify") == {*get_args(Kind), *beside}
