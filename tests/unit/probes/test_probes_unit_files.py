"""Unit files are put together as systemd does at boot."""

from __future__ import annotations

import pytest

from plumbline.probes.unit_files import UnitFiles

ETC, USR = "/etc/systemd/system", "/usr/lib/systemd/system"


def files(*contents: tuple[str, str], **links: str) -> UnitFiles:
    lines = {
        path: list(enumerate(["[Service]", *(f"ExecStart={value}" for value in text.split("|"))], 1))
        for path, text in contents
    }
    return UnitFiles(lines, {key.replace("__", "/"): target for key, target in links.items()})


def values(units: UnitFiles, name: str) -> list[str]:
    return [command.value for command in units.commands(name)]


def test_etc_replaces_usr() -> None:
    assert values(files((f"{ETC}/a.service", "x"), (f"{USR}/a.service", "y")), "a.service") == ["x"]


def test_masked_unit_starts_nothing() -> None:
    units = UnitFiles(
        {f"{USR}/a.service": [(1, "[Service]"), (2, "ExecStart=x")]}, {f"{ETC}/a.service": "/dev/null"}
    )
    assert values(units, "a.service") == []


def test_alias_is_told_under_its_unit_only() -> None:
    units = UnitFiles(
        {f"{USR}/{name}": [(1, "[Service]"), (2, "ExecStart=x")] for name in ("a.service", "b.service")},
        {f"{USR}/b.service": "a.service"},
    )
    assert (values(units, "a.service"), values(units, "b.service")) == (["x"], [])


def test_drop_ins_follow_by_name_and_the_nearest_of_a_name_counts() -> None:
    units = files(
        (f"{USR}/a.service", "x"),
        (f"{USR}/a.service.d/2.conf", "hidden"),
        (f"{ETC}/a.service.d/2.conf", "|y"),
        (f"{USR}/a.service.d/3.conf", "z"),
    )
    assert values(units, "a.service") == ["y", "z"]


@pytest.mark.parametrize("folder", ["g@.service.d", "g@tty1.service.d", "service.d"])
def test_drop_ins_of_template_instance_and_type_reach_the_instance(folder: str) -> None:
    units = files((f"{USR}/g@.service", "x"), (f"{ETC}/{folder}/a.conf", "|y"))
    assert values(units, "g@tty1.service") == ["y"]


def test_drop_ins_of_a_prefix_and_of_an_alias_count() -> None:
    prefix = files((f"{USR}/serial-getty@.service", "x"), (f"{ETC}/serial-.service.d/a.conf", "|y"))
    assert values(prefix, "serial-getty@.service") == ["y"]
    alias = UnitFiles(
        {
            f"{USR}/g@.service": [(1, "[Service]"), (2, "ExecStart=x")],
            f"{ETC}/v@.service.d/a.conf": [(1, "[Service]"), (2, "ExecStart="), (3, "ExecStart=y")],
        },
        {f"{USR}/v@.service": "g@.service"},
    )
    assert values(alias, "g@.service") == ["y"]


def test_lines_of_other_sections_and_continued_lines() -> None:
    units = UnitFiles(
        {
            f"{USR}/a.service": [
                (1, "ExecStart=before"),
                (2, "[Unit]"),
                (3, "ExecStart=unit"),
                (4, "[Service]"),
                (5, "ExecStart=x \\"),
                (6, "  -a root"),
            ]
        },
        {},
    )
    assert [(c.line, c.value.split()) for c in units.commands("a.service")] == [(5, ["x", "-a", "root"])]


def test_instances_with_drop_ins_are_named() -> None:
    units = files((f"{USR}/g@.service", "x"), (f"{ETC}/g@tty7.service.d/a.conf", "y"))
    assert units.names() == ["g@.service", "g@tty7.service"]
