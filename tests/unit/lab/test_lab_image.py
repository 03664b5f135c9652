"""The root image's recipe, package index and signatures."""

from __future__ import annotations

import gzip
import hashlib
import io
import subprocess
import sys
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from plumbline.errors import UsageError
from plumbline.lab import recipe
from plumbline.lab.hostfiles import tail, write
from plumbline.lab.image import index_packages
from plumbline.lab.layers import make_directory
from plumbline.lab.signatures import daily_database


def test_digest_changes_with_the_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    before = recipe.digest("bookworm")
    assert before == recipe.digest("bookworm")
    assert before != recipe.digest("trixie")
    monkeypatch.setattr(recipe, "PACKAGES", (*recipe.PACKAGES, "vim"))
    assert before != recipe.digest("bookworm")


def test_unknown_release_is_refused() -> None:
    with pytest.raises(UsageError, match="bookworm and trixie"):
        recipe.check_release("sid")


def test_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_CACHE", "/srv/cache")
    assert recipe.cache() == Path("/srv/cache/lab")
    monkeypatch.setenv("PLUMBLINE_CACHE", "")
    assert recipe.cache() == Path("/var/cache/plumbline/lab")


def test_index_names_each_package_with_its_size_and_digest(tmp_path: Path) -> None:
    control = tmp_path / "build/DEBIAN/control"
    control.parent.mkdir(parents=True)
    control.write_text(
        "Package: example\nVersion: 1:2.0\nArchitecture: all\nMaintainer: Nobody <nobody@lab.test>\n"
        "Description: nothing\n more of it\n"
    )
    for name in ("a_1.deb", "b_1.deb"):
        command = ["dpkg-deb", "--root-owner-group", "--build", str(tmp_path / "build"), str(tmp_path / name)]
        subprocess.run(command, check=True, capture_output=True)
    index_packages(tmp_path)
    first, second = (tmp_path / "Packages").read_text().split("\n\n")
    content = (tmp_path / "a_1.deb").read_bytes()
    assert first.startswith("Package: example\nVersion: 1:2.0\n")
    assert f"\n more of it\nFilename: ./a_1.deb\nSize: {len(content)}\n" in first
    assert first.endswith(f"SHA256: {hashlib.sha256(content).hexdigest()}")
    assert "Filename: ./b_1.deb" in second


def test_files_of_a_host_have_their_modes_whatever_the_umask(tmp_path: Path) -> None:
    script = (
        "import os; os.umask(0o077); from pathlib import Path; from plumbline.lab.hostfiles import write; "
    )
    script += f"write(Path({str(tmp_path)!r}), '/etc/deep/file', 'text', mode=0o440)"
    subprocess.run([sys.executable, "-c", script], check=True)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}
    assert modes == {"etc": 0o755, "deep": 0o755, "file": 0o440}


def test_writing_replaces_a_link_and_not_what_it_points_at(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("kept")
    make_directory(tmp_path / "etc")
    (tmp_path / "etc/resolv.conf").symlink_to("../target")
    write(tmp_path, "/etc/resolv.conf", "new")
    assert (tmp_path / "target").read_text() == "kept"
    assert (tmp_path / "etc/resolv.conf").read_text() == "new"


def test_tail_of_a_log_that_is_not_there(tmp_path: Path) -> None:
    assert tail(tmp_path / "none") == "    (nothing was logged)"
    (tmp_path / "log").write_bytes(b"one\n\xff\ntwo\n")
    assert tail(tmp_path / "log", lines=1) == "    two"


def test_signatures_carry_the_time_they_were_made() -> None:
    database = daily_database(datetime(2025, 3, 4, 5, 6, tzinfo=UTC))
    header, packed = database[:512].decode(), database[512:]
    assert header.startswith("ClamAV-VDB:04 Mar 2025 05-06 +0000:1:1:")
    assert header.rstrip().endswith(":1741064760")
    assert header.split(":")[5] == hashlib.md5(packed, usedforsecurity=False).hexdigest()
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(packed))) as tar:
        assert tar.getnames() == ["COPYING", "daily.info", "daily.hdb"]
