"""Whole files, written on this machine by the commands a host gets."""

from __future__ import annotations

import grp
import os
import pwd
import resource
from pathlib import Path

import pytest
from local_host import LocalHost
from pyinfra.api.exceptions import OperationError
from pyinfra.api.operation import OperationMeta

from deploys.mechanisms.files import no_file, whole_file

OWNER = pwd.getpwuid(os.getuid()).pw_name
GROUP = grp.getgrgid(os.getgid()).gr_name


def planned(
    path: Path, content: str, mode: str = "0644", check: str | None = None
) -> tuple[LocalHost, OperationMeta]:
    host = LocalHost()
    return host, host.plan(
        lambda: whole_file(str(path), content, mode=mode, owner=OWNER, group=GROUP, check=check)
    )


def test_planning_touches_nothing(tmp_path: Path) -> None:
    _, operation = planned(tmp_path / "new" / "file", "x\n")
    assert operation.will_change
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content", ["a\n", "", "no end", "žltý kôň\n", "$HOME `id` 'x' \"y\" \\\n", "x" * 300_000]
)
def test_the_content_arrives_byte_for_byte_and_a_second_time_is_nothing(tmp_path: Path, content: str) -> None:
    path = tmp_path / "d" / "a file"
    host, operation = planned(path, content)
    assert operation.will_change
    assert host.run()
    assert path.read_text() == content
    _, again = planned(path, content)
    assert not again.will_change
    assert [entry.name for entry in path.parent.iterdir()] == ["a file"]


def test_the_plan_shows_the_difference_to_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("one\ntwo\n")
    path.chmod(0o600)
    host, _ = planned(path, "one\nthree\n")
    told = host.told()
    assert told.details == ["mode: 0600 → 0644"]
    assert told.diff is not None
    assert told.diff.splitlines()[2:] == ["@@ -1,2 +1,2 @@", " one", "-two", "+three"]


def test_only_the_mode_differs(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("x\n")
    path.chmod(0o4755)
    host, operation = planned(path, "x\n", mode="0755")
    assert operation.will_change
    assert host.told().diff is None
    host.run()
    assert path.stat().st_mode & 0o7777 == 0o755


def test_the_file_is_replaced_by_a_rename_so_nobody_reads_half_of_it(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("old\n")
    with path.open() as reader:
        host, _ = planned(path, "new\n")
        host.run()
        assert reader.read() == "old\n"
    assert path.read_text() == "new\n"


def test_a_check_that_refuses_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("old\n")
    host, _ = planned(path, "new\n", check="grep -q old {}")
    assert not host.run()
    assert path.read_text() == "old\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["f"]


def test_a_file_that_cannot_be_written_whole_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("old\n")
    host, _ = planned(path, "x" * 8192)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        assert not host.run()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert host.log.take(host.host) == ["File size limit exceeded"]
    assert path.read_text() == "old\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["f"]


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("theirs\n")
    path = tmp_path / "f"
    path.symlink_to(elsewhere)
    host, _ = planned(path, "ours\n")
    assert host.told().details == [f"{path} is a link to {elsewhere}; it becomes a file"]
    host.run()
    assert (path.is_symlink(), path.read_text(), elsewhere.read_text()) == (False, "ours\n", "theirs\n")


def test_a_directory_in_the_way_is_refused_while_planning(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="is a directory on the host"):
        planned(tmp_path, "x\n")


def test_what_is_not_text_is_told_by_its_size(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"\xff\xfe\x00")
    host, _ = planned(path, "x\n")
    assert host.told().diff == f"{path}: not text, 3 bytes → 2 bytes\n"


def test_an_absent_file_needs_no_removing(tmp_path: Path) -> None:
    host = LocalHost()
    assert not host.plan(lambda: no_file(str(tmp_path / "none"))).will_change


def test_a_broken_link_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.symlink_to(tmp_path / "nowhere")
    host = LocalHost()
    assert host.plan(lambda: no_file(str(path))).will_change
    assert host.run()
    assert not path.is_symlink()


def test_a_file_that_an_earlier_operation_will_bring_is_planned_to_go(tmp_path: Path) -> None:
    host = LocalHost()
    brings = host.plan(lambda: whole_file(str(tmp_path / "f"), "x\n", owner=OWNER, group=GROUP))
    assert host.plan(lambda: no_file(str(tmp_path / "f"), brought_by=brings)).will_change
