"""Units as systemd tells them and as they lie on disk: enabled, masked, alias, wanted by nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline.probes.base import Output, ParseError
from plumbline.probes.systemd import (
    CONDITIONS,
    ON_DISK,
    Line,
    UnitsOnDisk,
    conditions,
    naming,
    unit_of,
    units,
)

RECORDED = Path(__file__).parents[2] / "recorded" / "systemd"
ETC, LIB = "/etc/systemd/system", "/usr/lib/systemd/system"


def disk(files: dict[str, str | None], *targets: str) -> UnitsOnDisk:
    base: dict[str, str | None] = {f"{LIB}/default.target": "graphical.target"}
    return UnitsOnDisk(base | files, frozenset({"sysinit.target", "multi-user.target", *targets}))


def wanted(target: str, unit: str) -> dict[str, str | None]:
    return {f"{ETC}/{target}.wants/{unit}": f"{LIB}/{unit}", f"{LIB}/{unit}": None}


@pytest.mark.parametrize("version", ["252", "257"])
def test_recorded_host(version: str) -> None:
    found = ON_DISK.parse(Output((RECORDED / f"on-disk-systemd-{version}.txt").read_bytes(), b"", 0))
    names = ("nftables", "chronyd", "clamav-daemon", "systemd-timesyncd", "nothing", "chrony-wait")
    states = {name: found.state(f"{name}.service") for name in names}
    assert states == {
        "nftables": "enabled",
        "chronyd": "enabled",
        "clamav-daemon": "enabled",
        "systemd-timesyncd": "masked",
        "nothing": "no such unit",
        "chrony-wait": "disabled" if "chrony-wait.service" in found.services() else "no such unit",
    }
    assert found.own_name("chronyd.service") == "chrony.service"


def test_wanted_by_what_never_starts() -> None:
    found = disk(wanted("never.target", "a.service"))
    assert found.state("a.service") == "wanted by never.target only, which does not start"
    assert not found.starts("a.service")


def test_wanted_by_two_and_one_of_them_starts() -> None:
    found = disk(wanted("never.target", "a.service") | wanted("multi-user.target", "a.service"))
    assert found.state("a.service") == "enabled"


def test_wanted_by_a_service_that_starts_and_by_itself() -> None:
    chain = wanted("a.service", "b.service") | wanted("multi-user.target", "a.service")
    assert disk(chain).state("b.service") == "enabled"
    assert disk(wanted("a.service", "a.service")).state("a.service").startswith("wanted by a.service only")


def test_another_default_target_is_where_the_next_boot_goes() -> None:
    files = wanted("multi-user.target", "a.service") | {f"{ETC}/default.target": f"{LIB}/rescue.target"}
    assert disk(files).state("a.service") == "wanted by multi-user.target only, which does not start"


@pytest.mark.parametrize("mask", ["/dev/null"])
def test_mask_nearer_than_the_unit(mask: str) -> None:
    files = wanted("multi-user.target", "a.service") | {f"{ETC}/a.service": mask}
    assert disk(files).state("a.service") == "masked"


def test_started_by_a_timer_of_its_name() -> None:
    files = wanted("timers.target", "a.timer") | {f"{LIB}/a.service": None}
    found = disk(files, "timers.target")
    assert found.state("a.service") == "disabled"
    assert found.starts("a.service")


def test_instance_of_a_template() -> None:
    files: dict[str, str | None] = {
        f"{ETC}/multi-user.target.wants/a@x.service": f"{LIB}/a@.service",
        f"{LIB}/a@.service": None,
    }
    assert disk(files).state("a@x.service") == "enabled"
    assert disk(files).state("a@y.service") == "disabled"


def test_aliases_in_a_ring_end() -> None:
    ring: dict[str, str | None] = {f"{ETC}/a.service": "b.service", f"{ETC}/b.service": "a.service"}
    assert disk(ring).state("a.service") == "disabled"


@pytest.mark.parametrize(
    "printed",
    [
        "",
        "file\t/a.service\t1\n",
        "file\t/a.service\nend\n",
        "target\tsysinit.target\nend\n",
        "nonsense\nend\n",
    ],
)
def test_damaged_listing_is_not_one_of_no_units(printed: str) -> None:
    with pytest.raises(ParseError):
        ON_DISK.parse(Output(printed.encode(), b"", 0))


@pytest.mark.parametrize("printed", ["", "\n\n", "LoadState=loaded\n", "Id=a.service\n", "Id\n"])
def test_unit_without_its_name_or_state_is_not_understood(printed: str) -> None:
    with pytest.raises(ParseError):
        units(Output(printed.encode(), b"", 0))


def test_command_that_cannot_be_read_is_not_left_out() -> None:
    printed = (
        "ExecStart={ path=/a ; argv[]=/a -b ; x }\nExecStart={ path=/c\nId=a.service\nLoadState=loaded\n"
    )
    with pytest.raises(ParseError):
        units(Output(printed.encode(), b"", 0))["a.service"].commands("ExecStart")


def test_empty_condition_takes_back_those_before_it() -> None:
    for version in ("252", "257"):
        text = (RECORDED / f"conditions-systemd-{version}.txt").read_bytes()
        found = CONDITIONS.parse(Output(text, b"", 0))
        paths = [line.file for line in found if "chrony.service" in line.file]
        assert [line.text for line in conditions(found, paths[:1])] == ["ConditionCapability=CAP_SYS_TIME"]
        assert conditions(found, paths) == []


def test_words_are_whole() -> None:
    texts = {"/usr/sbin/nft -f x": True, "nft.service": False, "/etc/nftables.conf": False, "a;nft x": True}
    for text, named in texts.items():
        assert bool(naming([Line("/x", 1, text)], "nft")) == named, text


def test_unit_of_a_drop_in() -> None:
    assert unit_of(Line(f"{ETC}/a.service.d/x.conf", 1, "")) == "a.service"
    assert unit_of(Line(f"{ETC}/a.service", 1, "")) == "a.service"
