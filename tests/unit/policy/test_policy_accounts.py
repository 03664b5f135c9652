"""Whom a host may know: distributions as data, and names of groups as sudoers writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline.errors import InputError
from plumbline.policy.accounts import Known, load_distribution
from plumbline.spec.people import LocalAccount, UserRole

ROOT_AND_MORE = {
    "root": LocalAccount(name="root", reason="x"),
    "maint": LocalAccount(name="maint", reason="x", sudo="with-password"),
    "robot": LocalAccount(name="robot", reason="x", sudo="without-password"),
    "panel": LocalAccount(name="panel", reason="x"),
}


def known(*groups: UserRole) -> Known:
    return Known(load_distribution("mhth-ot", "debian"), ROOT_AND_MORE, groups, "ad.plant.test", None)


def write(root: Path, text: str) -> Path:
    (root / "tiny").mkdir()
    (root / "tiny/accounts.yml").write_text(text)
    return root


def test_debian_brings_the_accounts_base_passwd_lists() -> None:
    debian = load_distribution("mhth-ot", "debian")
    assert (debian.accounts["root"].uid, debian.accounts["nobody"].uid) == (0, 65534)
    assert [name for name, one in debian.accounts.items() if one.uid == 0] == ["root"]
    assert {"root", "sudo", "disk", "shadow", "docker"} <= set(debian.root_groups)


def test_ubuntu_has_all_of_debian_and_its_own() -> None:
    debian, ubuntu = (load_distribution("mhth-ot", name) for name in ("debian", "ubuntu"))
    assert debian.accounts.items() < ubuntu.accounts.items()
    assert ubuntu.administrators == ["sudo", "admin"]
    assert ubuntu.root_groups == debian.root_groups


def test_a_distribution_nobody_described_is_told() -> None:
    with pytest.raises(InputError, match="nothing is known of the accounts debain brings") as caught:
        load_distribution("mhth-ot", "debain")
    assert "did you mean debian" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("distributions:\n  a: {extends: b}\n", "a extends b, which is not here"),
        (
            "distributions:\n  a: {extends: b}\n  b: {extends: c}\n  c: {}\n",
            "a extends b, which extends another itself",
        ),
        ("distributions:\n  a: {accounts: {root: {uid: -1}}}\n", "uid"),
    ],
)
def test_a_wrong_file_is_told(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_distribution("tiny", "a", write(tmp_path, text))


@pytest.mark.parametrize(
    ("account", "administrator", "no_password"),
    [
        ("root", True, True),
        ("maint", True, False),
        ("robot", True, True),
        ("panel", False, False),
        ("stranger", False, False),
    ],
)
def test_an_administrator_is_root_or_declared_so(
    account: str, administrator: bool, no_password: bool
) -> None:
    assert known().is_administrator(account) is administrator
    assert known().needs_no_password(account) is no_password


@pytest.mark.parametrize(
    ("group", "known_there"),
    [
        ("OT-Admins", True),
        ("ot-admins", True),
        ("ot-admins@ad.plant.test", True),
        ("OT-Admins@AD.PLANT.TEST", True),
        ("AD\\OT-Admins", True),
        ("ad.plant.test\\ot-admins", True),
        ("OT-Admins@evil.test", False),
        ("EVIL\\OT-Admins", False),
        ("OT-Admin", False),
        ("", False),
    ],
)
def test_a_group_is_the_directory_s_however_it_is_written(group: str, known_there: bool) -> None:
    whom = known(UserRole(group="OT-Admins", role="os-administrator"))
    assert whom.roles(group) == ({"os-administrator"} if known_there else set())


def test_a_group_may_stand_for_two_roles() -> None:
    whom = known(UserRole(group="G", role="os-administrator"), UserRole(group="g", role="application-user"))
    assert whom.roles("g") == {"os-administrator", "application-user"}
