"""Hosts that stand badly are not changed: what was seen on real hosts, and the sentence it leads to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from plumbline.apply.ground import Ground, RefusedError
from plumbline.apply.refusals import HowItStands, Standing, refuse_change
from plumbline.apply.refusals.about import About
from plumbline.apply.refusals.standing import Disk, Holder

Recorded = Callable[[str], list[str]]

ROOT = About(Ground(client="10.89.4.1", server="10.89.4.11", port="22"), "root")
MIB = 1024 * 1024


def standing(recorded: Recorded, name: str = "standing-debian-12.txt") -> Standing:
    return HowItStands().process(recorded(name))


def reason(there: Standing, about: About = ROOT) -> str:
    with pytest.raises(RefusedError) as refused:
        refuse_change(there, about)
    return str(refused.value)


def test_a_host_that_stands_well_is_read_and_not_refused(recorded: Recorded) -> None:
    there = standing(recorded)
    assert (there.groups, there.kept, there.unpacked) == (["root"], 1652 * 1024, 503_000)
    assert there.sshd["permitrootlogin"] == ["without-password"]
    assert {disk.path for disk in there.disks} >= {"/", "/etc", "/var"}
    refuse_change(there, ROOT)


def test_a_host_that_answered_nothing_is_not_refused_for_it() -> None:
    refuse_change(HowItStands().process([]), ROOT)


def test_an_sshd_that_does_not_take_its_configuration_is_told_in_its_own_words(recorded: Recorded) -> None:
    said = reason(standing(recorded, "standing-debian-12-sshd-broken.txt"))
    assert "/etc/ssh/sshd_config.d/50-x.conf: line 1: Bad configuration option: PermitRootLogn" in said


def test_root_is_refused_by_an_sshd_that_would_not_let_root_in(recorded: Recorded) -> None:
    said = reason(standing(recorded, "standing-debian-12-sshd-shut.txt"))
    assert "it would not let root in: PermitRootLogin no" in said


def test_a_group_without_our_user_shuts_him_out(recorded: Recorded) -> None:
    there = standing(recorded, "standing-debian-12-sshd-shut-operator.txt")
    said = reason(there, replace(ROOT, login="operator"))
    assert "AllowGroups operators-of-nobody, and operator is in operator" in said


@pytest.mark.parametrize(
    ("settings", "shut"),
    [
        ({"allowusers": ["root"]}, False),
        ({"allowusers": ["jana", "roo?"]}, False),
        ({"allowusers": ["root@10.89.4.0/24"]}, False),
        ({"allowusers": ["root@10.89.4.*"]}, False),
        ({"allowusers": ["root@192.0.2.1"]}, True),
        ({"allowusers": ["jana"]}, True),
        ({"denyusers": ["ro*"]}, True),
        ({"denyusers": ["root@192.0.2.0/24"]}, False),
        ({"allowgroups": ["wheel", "roo*"]}, False),
        ({"allowgroups": ["wheel"]}, True),
        ({"allowgroups": ["*", "!root"]}, True),
        ({"denygroups": ["root"]}, True),
        ({"denygroups": ["wheel"]}, False),
        ({"permitrootlogin": ["forced-commands-only"]}, True),
        ({"permitrootlogin": ["prohibit-password"]}, False),
        ({"pubkeyauthentication": ["no"]}, True),
    ],
    ids=str,
)
def test_sshd_settings_that_shut_root_out(settings: dict[str, list[str]], shut: bool) -> None:
    there = Standing(sshd=settings, groups=["root"])
    if shut:
        assert "would not let root in" in reason(there)
    else:
        refuse_change(there, ROOT)


def test_each_trouble_is_told_by_its_name(recorded: Recorded) -> None:
    there = standing(recorded, "standing-debian-12-trouble.txt")
    assert "nothing can be written to /etc there" in reason(there)
    there = replace(there, readonly=[])
    said = reason(there)
    assert "/usr/bin/python3 -c import fcntl" in said
    assert "(process 372) holds /var/lib/dpkg/lock-frontend" in said
    there = replace(there, holders=[])
    assert "half installed: nftables half-configured" in reason(there)
    there = replace(there, halfway=[])
    assert "owes a reboot from before, for dbus linux-image-6.1.0-41-amd64" in reason(there)
    refuse_change(there, replace(ROOT, despite_owed_reboot=True))


def test_a_newer_kernel_than_the_running_one_owes_a_reboot() -> None:
    assert "for the kernel 6.1.0-50-amd64" in reason(HowItStands().process(["kernel 6.1.0-50-amd64"]))


def test_a_lock_whose_holder_has_no_name_is_refused_too() -> None:
    there = HowItStands().process(["locked /var/lib/dpkg/lock 12 "])
    assert there.holders == [Holder("/var/lib/dpkg/lock", 12, "")]
    assert "a process (process 12)" in reason(there)


@pytest.mark.parametrize(
    ("free", "refused"), [(80, True), (83, True), (84, True), (86, False)], ids=lambda value: str(value)
)
def test_room_for_what_is_kept_and_a_margin_is_needed(free: int, refused: bool) -> None:
    """What is kept of 1.6 MiB in /etc takes 21 MiB at most, and 64 MiB stay free."""
    there = Standing(disks=[Disk("/", free * MIB, "/"), Disk("/etc", free * MIB, "/")], kept=1652 * 1024)
    if refused:
        assert f"{free} MiB are free in / there, and changing it takes 85 MiB" in reason(there)
    else:
        refuse_change(there, ROOT)


def test_packages_need_room_where_they_are_unpacked() -> None:
    disks = [
        Disk("/", 10_000 * MIB, "/"),
        Disk("/usr", 500 * MIB, "/usr"),
        Disk("/var", 10_000 * MIB, "/var"),
    ]
    refuse_change(Standing(disks=disks, unpacked=400 * MIB), ROOT)
    assert "500 MiB are free in /usr" in reason(Standing(disks=disks, unpacked=450 * MIB))
    small = [Disk("/", 10_000 * MIB, "/"), Disk("/var", 200 * MIB, "/var")]
    assert "200 MiB are free in /var" in reason(Standing(disks=small, download=150 * MIB))


DIRECTORY = replace(ROOT, subjects=frozenset({"directory", "network"}))


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["controller dc1.test silent", "controller dc2.test answers"], None),
        (["controller dc1.test silent"], "none of its controllers answers it at port 88 (dc1.test)"),
        (["controller dc1.test unknown", "resolver 10.0.0.9 answers"], None),
        (
            ["controller dc1.test unknown", "resolver 10.0.0.9 silent"],
            "none of the site's resolvers answers it (10.0.0.9)",
        ),
        ([], None),
    ],
    ids=["one_answers", "all_silent", "known_by_site", "resolvers_silent", "not_asked"],
)
def test_a_directory_that_cannot_be_had_is_not_made_the_way_in(lines: list[str], said: str | None) -> None:
    there = HowItStands().process(lines)
    refuse_change(there, ROOT)
    if said is None:
        refuse_change(there, DIRECTORY)
    else:
        assert said in reason(there, DIRECTORY)


def test_words_from_the_inventory_stay_words_on_the_host() -> None:
    line = HowItStands().command(login="a'; reboot; '", packages=["x$(reboot)"])
    assert "login='a'\"'\"'; reboot; '\"'\"''; " in line
    assert "packages='x$(reboot)'; " in line
