"""Files on a booted host: each way to let others write, gain rights or leave the partitions is found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from conftest import lab_name
from filesystem_partitions import CASES as PARTITIONS
from filesystem_rights_sabotage import FILES, RIGHT, RIGHTS
from filesystem_sabotage import SYSTEM
from hardened import HOST, deploys_of, harden, sabotaged
from judging import checks, failing, observed, verdicts

from plumbline.lab import Lab
from plumbline.verify.results import ControlResult, Verdict

WRONGS = SYSTEM | RIGHTS | FILES


@pytest.fixture(scope="module")
def deploys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deploys_of(tmp_path_factory.mktemp("filesystem"), ["filesystem"])


@pytest.fixture(scope="module")
def lab(deploys: Path) -> Iterator[Lab]:
    with Lab.up(lab_name(), hosts=1, flavour="delivered") as up:
        harden(up, deploys)
        yield up


@pytest.fixture(scope="module")
def wrong(lab: Lab) -> dict[str, ControlResult]:
    """The verdicts on the host with every sabotage done at once; all are undone."""
    do = "\n".join(one.do for one in WRONGS.values())
    undo = "\n".join(one.undo for one in reversed(WRONGS.values()))
    with sabotaged(lab, do, undo):
        return verdicts(lab, HOST, "filesystem")


def _told(results: dict[str, ControlResult], check: str) -> list[str]:
    found = [name for name in checks(results, Verdict.FAIL) if name.endswith(f":{check}")]
    return list(observed(results, found[0])) if found else []


def test_hardened_host_passes(lab: Lab) -> None:
    results = verdicts(lab, HOST, "filesystem")
    assert failing(results) == []
    assert len(results) == 6


@pytest.mark.parametrize("name", WRONGS)
def test_seen(wrong: dict[str, ControlResult], name: str) -> None:
    told = _told(wrong, WRONGS[name].check)
    assert any(WRONGS[name].found in line for line in told), told


def test_undone_the_host_passes_and_right_things_are_not_told(lab: Lab) -> None:
    with sabotaged(
        lab,
        "\n".join(do for do, _ in RIGHT.values()),
        "\n".join(undo for _, undo in reversed(RIGHT.values())),
    ):
        results = verdicts(lab, HOST, "filesystem")
        assert {name: _told(results, name.partition(":")[2]) for name in failing(results)} == {}


@pytest.mark.parametrize("name", PARTITIONS)
def test_partitions_seen(lab: Lab, name: str) -> None:
    do, undo, expected = PARTITIONS[name]
    with sabotaged(lab, do, undo):
        results = verdicts(lab, HOST, "filesystem")
    for check, found in expected.items():
        told = _told(results, check)
        assert any(found in line for line in told), told
    assert {name.partition(":")[2] for name in failing(results)} == set(expected)


def test_partition_smaller_than_specified(lab: Lab) -> None:
    file = lab.inventory / "systems/heating.yml"
    written = file.read_text()
    system = yaml.safe_load(written)
    for part in system["hosts"][0]["storage"]:
        part["size_gib"] += part["mount"] == "/opt"
    file.write_text(yaml.safe_dump(system))
    try:
        results = verdicts(lab, HOST, "filesystem")
    finally:
        file.write_text(written)
    assert _told(results, "application_partitions_are_large_enough") == [
        "/opt: 10.0 GiB, specified are 11 GiB"
    ]


def test_apply_puts_right_changes_nothing_again_and_outlives_a_reboot(lab: Lab, deploys: Path) -> None:
    mended = [
        "everybody_may_write_a_configuration",
        "person_s_primary_group_may_write",
        "access_list_lets_a_person_write",
        "setuid_copy_of_a_shell",
        "setuid_where_everybody_writes",
        "temporary_directory_is_not_sticky",
        "passwords_are_readable",
        "home_is_open",
    ]
    lab.run(HOST, "set -e\n" + "\n".join(WRONGS[name].do for name in mended))
    lab.run(HOST, "chown plain /usr/bin/tic; rm /etc/profile.d/zz-plumbline-filesystem.sh")
    assert len(failing(verdicts(lab, HOST, "filesystem"))) == 6
    harden(lab, deploys)
    assert failing(verdicts(lab, HOST, "filesystem")) == []
    assert harden(lab, deploys).changed == []
    lab.reboot(HOST)
    assert failing(verdicts(lab, HOST, "filesystem")) == []


def test_debian_13_passes_and_its_wrongs_are_seen(deploys: Path) -> None:
    cases = [
        "everybody_may_write_a_configuration",
        "setuid_copy_of_a_shell",
        "program_changed",
        "home_is_open",
    ]
    with Lab.up(lab_name(), hosts=1, flavour="delivered", release="trixie") as lab:
        harden(lab, deploys)
        assert failing(verdicts(lab, HOST, "filesystem")) == []
        lab.run(HOST, "set -e\n" + "\n".join(WRONGS[name].do for name in cases))
        results = verdicts(lab, HOST, "filesystem")
        for name in cases:
            told = _told(results, WRONGS[name].check)
            assert any(WRONGS[name].found in line for line in told), told
