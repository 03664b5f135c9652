"""Removable media on a booted host: each way a medium is mounted or started by itself is seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import lab_name
from hardened import HOST, deploys_of, harden, sabotaged
from judging import checks, not_passing, observed, verdicts
from lanes import judge_as, tried
from removable_media_lanes import ALONE, DESKTOP, EXPECTED, LANES, XDG, kde, xfce
from removable_media_sabotage import ETC, MOUNT, RULES, RUNS, STARTS, USR, automounter, rule

from plumbline.lab import Lab
from plumbline.verify.results import Verdict


@pytest.fixture(scope="module")
def deploys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deploys_of(tmp_path_factory.mktemp("removable_media"), ["removable_media"])


@pytest.fixture(scope="module")
def lab(deploys: Path) -> Iterator[Lab]:
    with Lab.up(lab_name(), hosts=1, flavour="clean") as up:
        harden(up, deploys)
        yield up


def failing(lab: Lab) -> set[str]:
    """Return the checks that failed; every other one must have passed or not apply."""
    results = verdicts(lab, HOST, "removable_media")
    assert checks(results, Verdict.UNKNOWN) == {}
    return {name.partition(":")[2] for name in checks(results, Verdict.FAIL)}


def test_hardened_host_passes(lab: Lab) -> None:
    assert verdicts(lab, HOST, "removable_media")["autorun-off"].verdict is Verdict.PASS


@pytest.fixture(scope="module")
def seen(lab: Lab) -> dict[str, set[str]]:
    """Which checks do not pass under each sabotage."""
    return tried(lab, LANES, ALONE, ["removable_media"])


@pytest.mark.parametrize("name", EXPECTED)
def test_seen(seen: dict[str, set[str]], name: str) -> None:
    assert seen[name] == EXPECTED[name]


@pytest.mark.parametrize("folder", ["/etc", "/usr/lib"])
def test_what_a_generator_of_this_host_makes_is_not_known(lab: Lab, folder: str) -> None:
    path = f"{folder}/systemd/system-generators/x"
    with sabotaged(lab, f"mkdir -p $(dirname {path}); ln -s /bin/true {path}", f"rm {path}"):
        assert verdicts(lab, HOST, "removable_media")["autorun-off"].verdict is Verdict.UNKNOWN


def test_the_place_is_told(lab: Lab) -> None:
    with sabotaged(lab, *rule(MOUNT)):
        name = "autorun-off:udev_starts_nothing_for_a_medium_now"
        told = observed(verdicts(lab, HOST, "removable_media"), name)
    assert told == [f'{ETC}/90-x.rules:1: RUN+="/usr/bin/systemd-mount --no-block $devnode"']


def test_apply_puts_right_changes_nothing_again_and_outlives_a_reboot(lab: Lab, deploys: Path) -> None:
    packaged = f"{USR}/90-packaged.rules"
    lab.run(HOST, rule(MOUNT)[0])
    lab.run(HOST, rule(MOUNT, packaged)[0])
    lab.run(HOST, automounter("systemctl -q enable --now autofs")[0])
    assert failing(lab) == RULES | RUNS | STARTS
    harden(lab, deploys)
    assert failing(lab) == set()
    assert lab.run(HOST, f"cat /var/lib/plumbline/replaced{ETC}/90-x.rules").stdout == f"{MOUNT}\n"
    assert harden(lab, deploys).changed == []
    lab.reboot(HOST)
    assert failing(lab) == set()


def test_apply_leaves_a_file_that_does_more_than_mount(lab: Lab, deploys: Path) -> None:
    naming = 'SUBSYSTEM=="tty", SYMLINK+="modem"'
    with sabotaged(lab, *rule(f"{naming}\n{MOUNT}")):
        assert harden(lab, deploys).changed == []
        assert failing(lab) == RULES


def test_apply_locks_the_desktops_that_are_installed(lab: Lab, deploys: Path) -> None:
    installed = [kde({}), xfce("", "true")]
    for wrong, _ in installed:
        lab.run(HOST, f"set -e; {wrong}")
    assert failing(lab) == DESKTOP
    harden(lab, deploys)
    assert failing(lab) == set()
    assert harden(lab, deploys).changed == []
    lab.run(HOST, f"set -e; rm {XDG}/kded_device_automounterrc; {'; '.join(right for _, right in installed)}")


def test_usb_storage_is_refused_where_that_is_decided(lab: Lab) -> None:
    refused = {"autorun-off": {"usb_storage": "refused"}}
    line = "install usb-storage /bin/false\\ninstall uas /bin/false\\n"
    (before,) = judge_as(lab, "removable_media", parameters=refused)
    with sabotaged(lab, f"printf '{line}' >/etc/modprobe.d/00-u.conf", "rm /etc/modprobe.d/00-u.conf"):
        (after,) = judge_as(lab, "removable_media", parameters=refused)
    seen = [
        not_passing({one.control: one for one in each.controls if one.subject == "removable_media"})
        for each in (before, after)
    ]
    assert seen == [{"autorun-off:usb_storage_is_kept_out"}, set()]
