"""Writing a report: whole or not at all, and a sentence when it cannot be."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sample import sample

from plumbline.errors import PlumblineError
from plumbline.report import WRITERS, write
from plumbline.report.writing import write_whole


@pytest.mark.parametrize("kind", sorted(WRITERS))
def test_every_kind_is_written(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "report"
    write(kind, sample(), path, "sk")
    assert path.read_text(encoding="utf-8") == WRITERS[kind](sample(), "sk")
    assert os.listdir(tmp_path) == ["report"]  # noqa: PTH208  (names, hidden ones too)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlumblineError, match=r"there is no folder .*absent"):
        write("json", sample(), tmp_path / "absent" / "report.json")


def test_a_folder_is_not_overwritten(tmp_path: Path) -> None:
    with pytest.raises(PlumblineError, match="this is a folder"):
        write("json", sample(), tmp_path)


def test_a_full_disk_leaves_the_old_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "report.json"
    write_whole(path, "old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PlumblineError, match=r"report\.json: the report cannot be written: No space left"):
        write_whole(path, "new")
    assert path.read_text(encoding="utf-8") == "old"
    assert os.listdir(tmp_path) == ["report.json"]  # noqa: PTH208  (names, hidden ones too)


def test_a_report_keeps_the_mode_of_the_one_it_replaces(tmp_path: Path) -> None:
    path = tmp_path / "report.txt"
    write_whole(path, "old")
    path.chmod(0o640)
    write_whole(path, "new")
    assert (path.read_text(encoding="utf-8"), path.stat().st_mode & 0o777) == ("new", 0o640)


def test_a_new_report_has_the_mode_the_person_wants(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "report.txt", "new")
    finally:
        os.umask(before)
    assert (tmp_path / "report.txt").stat().st_mode & 0o777 == 0o640


def test_writers_are_listed_without_their_libraries() -> None:
    asked = "import sys, plumbline.report; print(sorted({'jinja2', 'babel', 'rich'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
