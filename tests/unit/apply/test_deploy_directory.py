"""What the directory's deploy writes, and when it joins."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from pyinfra.api.exceptions import OperationError

from deploys.directory import krb5_conf, ssh_conf, sssd_conf
from deploys.mechanisms.domain import Domain, Membership, MembershipOnHost, computer_name, why_join
from deploys.mechanisms.name_sources import with_source
from plumbline.policy.load import load_standard
from plumbline.policy.resolve import resolve
from plumbline.policy.standard import DesiredState
from plumbline.rooms import LAB_INVENTORY
from plumbline.spec.load import load_inventory
from plumbline.spec.people import UserRole

DOMAIN = Domain(
    name="ad.ot.lab.test",
    controllers=["dc1.ad.ot.lab.test", "dc2.ad.ot.lab.test"],
    computer="SRV-APP-01",
    unit="OU=Servers,DC=ad",
    account="svc-join",
    key_types=["aes256-cts-hmac-sha1-96"],
)
OURS = (1, "SRV-APP-01$@AD.OT.LAB.TEST", "aes256-cts-hmac-sha1-96")


def desired(users: list[UserRole]) -> DesiredState:
    inventory = load_inventory(LAB_INVENTORY)
    system, host = inventory.hosts()["srv-app-01"]
    return resolve(load_standard("mhth-ot"), inventory.site, system, host.model_copy(update={"users": users}))


def settings(text: str) -> dict[str, str]:
    return dict(line.split(" = ", 1) for line in text.splitlines() if " = " in line)


def test_groups_of_roles_that_may_log_on_are_let_in() -> None:
    users = [
        UserRole(group="Admins", role="os-administrator"),
        UserRole(group="Files", role="os-user"),
        UserRole(group="Engineers", role="application-administrator"),
        UserRole(group="Services", role="system-user"),
    ]
    told = settings(sssd_conf(desired(users), DOMAIN))
    assert told["access_provider"] == "simple"
    assert told["simple_allow_groups"] == "Admins, Files"
    assert told["simple_deny_groups"] == "Services"
    assert told["offline_credentials_expiration"] == "1"


def test_without_such_a_group_nobody_is() -> None:
    told = settings(sssd_conf(desired([UserRole(group="X", role="application-user")]), DOMAIN))
    assert told["access_provider"] == "deny"
    assert "simple_allow_groups" not in told


def test_a_group_of_service_accounts_that_may_log_on_is_refused() -> None:
    users = [UserRole(group="X", role="os-administrator"), UserRole(group="X", role="system-user")]
    with pytest.raises(OperationError, match="a group of their own"):
        sssd_conf(desired(users), DOMAIN)


def test_kerberos_has_strong_keys_and_the_site_s_controllers_alone() -> None:
    text = krb5_conf(DOMAIN)
    assert "permitted_enctypes = aes256-cts-hmac-sha1-96\n" in text
    assert text.count(" kdc = ") == 2
    assert "dns_lookup_kdc = false" in text


def test_ssh_takes_passwords_of_groups_and_of_accounts_without_a_key() -> None:
    lines = ssh_conf(["Domain Admins"], ["console"]).splitlines()
    assert lines.index("PasswordAuthentication no") < lines.index("Match User console")
    assert "Match Group domain?admins,Domain?Admins" in lines
    assert not [line for line in ssh_conf([], []).splitlines() if line.startswith("Match")]


@pytest.mark.parametrize(
    ("there", "says"),
    [
        (Membership(keytab=False, tools=True), "no keytab"),
        (Membership(keytab=True, tools=False), "not tried yet"),
        (
            Membership(True, True, ((1, "SRV-APP-01$@OTHER.TEST", "aes256-cts-hmac-sha1-96"),), 1),
            "no key of SRV-APP-01$@AD.OT.LAB.TEST",
        ),
        (Membership(True, True, ((1, OURS[1], "arcfour-hmac"),), 0), "arcfour-hmac only"),
        (
            Membership(
                True, True, (OURS,), 1, "kinit: Preauthentication failed while getting initial credentials"
            ),
            "Preauthentication failed",
        ),
        (
            Membership(True, True, (OURS,), 1, "kinit: Client 'X' not found in Kerberos database while …"),
            "not found in Kerberos database",
        ),
    ],
)
def test_a_host_the_domain_does_not_know_is_joined(there: Membership, says: str) -> None:
    assert says in (why_join(there, DOMAIN) or "")


@pytest.mark.parametrize(
    "there",
    [
        Membership(True, True, (OURS,), 0),
        Membership(True, True, (OURS,), 124),
        Membership(
            True, True, (OURS,), 1, "kinit: Cannot contact any KDC for realm 'AD.OT.LAB.TEST' while …"
        ),
        Membership(True, True, (OURS,), 1, "kinit: Client's credentials have been revoked while …"),
    ],
    ids=["honoured", "silent", "away", "disabled"],
)
def test_a_host_it_knows_is_not_and_neither_is_one_nobody_can_tell_of(there: Membership) -> None:
    assert why_join(there, DOMAIN) is None


def test_what_a_host_answers_is_read() -> None:
    found = MembershipOnHost().process(
        [
            "keytab",
            "tools",
            "key    2 SRV-APP-01$@AD.OT.LAB.TEST (aes256-cts-hmac-sha1-96) ",
            "key    2 host/x@AD.OT.LAB.TEST (DEPRECATED:arcfour-hmac) ",
            "status 1",
            "said kinit: Preauthentication failed",
        ]
    )
    assert found.keys == (OURS, (2, "host/x@AD.OT.LAB.TEST", "DEPRECATED:arcfour-hmac"))
    assert (found.status, found.said) == (1, "kinit: Preauthentication failed")


def test_the_password_is_no_word_of_any_program(tmp_path: Path) -> None:
    """The join is run with an adcli that writes down its words and environment, and its standard input."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "adcli").write_text(
        f'#!/bin/sh\necho "$@" >>{tmp_path}/words; env >>{tmp_path}/words\n'
        f'[ "$1" != join ] || cat >{tmp_path}/given\n'
        'for word; do case $word in --host-keytab=*) echo key >"${word#*=}";; esac; done\n'
    )
    (tools / "adcli").chmod(0o755)
    from deploys.mechanisms import domain

    command = domain._join(DOMAIN, keep=False).replace("/etc/", f"{tmp_path}/")
    subprocess.run(
        ["sh", "-c", command],
        check=True,
        input="p4ss $HOME `x` 'q'\n",
        text=True,
        env={"PATH": f"{tools}:/usr/bin:/bin"},
    )
    assert (tmp_path / "given").read_text() == "p4ss $HOME `x` 'q'"
    assert "p4ss" not in (tmp_path / "words").read_text()
    assert (tmp_path / "krb5.keytab").read_text() == "key\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["given", "krb5.keytab", "tools", "words"]


def test_a_name_the_directory_would_cut_short_is_refused() -> None:
    assert computer_name("srv-app-01") == "SRV-APP-01"
    with pytest.raises(OperationError, match="more than 15 letters"):
        computer_name("srv-application1")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("passwd: files systemd\n", "passwd: files systemd sss\n"),
        ("passwd:\tfiles sss # x\n", "passwd:\tfiles sss # x\n"),
        ("passwd: files [NOTFOUND=return sss]\n", "passwd: files [NOTFOUND=return sss] sss\n"),
        ("hosts: files\n", "hosts: files\npasswd: files sss\n"),
        ("", "passwd: files sss\n"),
    ],
)
def test_a_source_is_added_once(before: str, after: str) -> None:
    assert with_source(before, "sss", ["passwd"]) == after
    assert with_source(after, "sss", ["passwd"]) == after
