"""Which partitions a lab host gets, and how it finds them."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline.lab.partitions import copy, device, fstab, make, of_storage


def test_root_swap_and_drives_are_no_images() -> None:
    storage = [("/", 20.0), ("swap", 2.0), ("D:", 50.0), ("/opt", 10.0), ("/var/log", 5.0)]
    assert of_storage(storage) == {"/opt": 10.0, "/var/log": 5.0}


def test_devices_of_different_mounts_differ() -> None:
    assert len({device(mount) for mount in ("/a/b", "/a-b", "/a/b-c", "/a-b/c")}) == 4
    assert device("/var/log") == "/dev/lab/var-log"


def test_fstab_has_a_line_a_partition_the_outer_one_first() -> None:
    lines = fstab(["/var/log", "/var"]).splitlines()
    assert lines[1:] == [
        "/dev/lab/var /var ext4 defaults 0 2",
        "/dev/lab/var-log /var/log ext4 defaults 0 2",
    ]


def test_image_has_the_size_takes_little_room_and_is_copied_once(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "srv").mkdir(parents=True)
    (root / "srv/file").write_text("there before")
    make(tmp_path / "made", {"/srv": 200.0}, root)
    image = tmp_path / "made/srv.img"
    assert image.stat().st_size == 200 * 1024**3
    assert image.stat().st_blocks * 512 < 64 * 1024**2
    copy(tmp_path / "made", tmp_path / "live")
    assert (tmp_path / "live/srv.img").stat().st_blocks * 512 < 64 * 1024**2
    (tmp_path / "live/srv.img").unlink()
    copy(tmp_path / "made", tmp_path / "live")
    assert list((tmp_path / "live").iterdir()) == []


@pytest.mark.parametrize("partitions", [{}, {"/opt": 1.0}])
def test_host_without_a_directory_to_fill_from(tmp_path: Path, partitions: dict[str, float]) -> None:
    make(tmp_path / "made", partitions, tmp_path / "root")
    assert (tmp_path / "made").exists() == bool(partitions)
