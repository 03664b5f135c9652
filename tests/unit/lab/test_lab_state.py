"""What is recorded of a lab, and the names derived from where it lives."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from plumbline.errors import PlumblineError, UsageError
from plumbline.lab.state import HostState, LabPlace, LabState, names

STATE = LabState(
    release="bookworm",
    flavour="clean",
    image=Path("/images/bookworm"),
    network=IPv4Network("10.89.0.0/24"),
    gateway=IPv4Address("10.89.0.1"),
    hosts=[HostState(name="a", address=IPv4Address("10.89.0.11"), machine="pl012345-01")],
)


@pytest.fixture(autouse=True)
def labs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLUMBLINE_LAB_DIR", str(tmp_path / "labs"))
    return tmp_path / "labs"


def test_state_comes_back_as_it_was_saved(labs: Path) -> None:
    place = LabPlace("one")
    place.directory.mkdir(parents=True)
    place.save(STATE)
    assert place.load() == STATE
    assert [path.name for path in (labs / "one").iterdir()] == ["lab.json"]


@pytest.mark.parametrize("text", ["", "{", '{"release": "bookworm"}', "\x00\xff"])
def test_damaged_record_is_no_record(text: str) -> None:
    place = LabPlace("one")
    place.directory.mkdir(parents=True)
    (place.directory / "lab.json").write_text(text)
    assert place.load() is None
    assert place.exists


def test_names_fit_the_kernel_and_differ_between_labs() -> None:
    first, second = LabPlace("a" * 63), LabPlace("b")
    for place in (first, second):
        assert len(place.bridge) <= 15
        assert len(f"vb-{place.machine_prefix}99") <= 15
        assert len(f"{place.machine_prefix}99-1") <= 15
    assert first.bridge != second.bridge


def test_same_name_elsewhere_is_another_lab(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    here = LabPlace("lab").bridge
    monkeypatch.setenv("PLUMBLINE_LAB_DIR", str(tmp_path / "elsewhere"))
    assert LabPlace("lab").bridge != here


@pytest.mark.parametrize("name", ["", "../lab", "Lab", "a b", "a/b", ".hidden", "a" * 64])
def test_name_that_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be called"):
        LabPlace(name)


def test_directory_an_overlay_cannot_carry_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_LAB_DIR", "/var/lib/a:b")
    with pytest.raises(PlumblineError, match="overlay's options"):
        LabPlace("lab")


def test_names_of_labs(labs: Path) -> None:
    assert names() == []
    for name in ("two", "one"):
        (labs / name).mkdir(parents=True)
    assert names() == ["one", "two"]
