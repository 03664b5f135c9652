"""Detours around the directory's files: other keytabs, servers moved by /etc/hosts, others asked."""

from __future__ import annotations

import pytest
from directory_host import DOMAIN, MEMBER, directory, told, with_sss

from plumbline.probes.directory import MEMBERSHIP, PINNED, SOURCES
from plumbline.probes.directory.detours import HostsFacts, moved
from plumbline.probes.directory.enforced import refusal_ignored
from plumbline.probes.session.authentication import AUTHENTICATION
from plumbline.verify.unknown import Unknown

DC = "dc1.ad.ot.lab.test"
REALM = f"told\t{DOMAIN}\t0\t10.89.1.250 \n"


def hosts(
    line: str, answer: str = f"told\t{DC}\t0\t10.89.1.250 fd00::1 \n", realm: str = REALM
) -> HostsFacts:
    return PINNED.parse(told(f"{realm}{answer}file\t/etc/hosts\nline\t/etc/hosts\t6\t{line}\nend\n"))


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        (f"10.89.1.250 {DC} dc1", False),
        (f"FD00:0::1 {DC}", False),
        ("192.0.2.9 dc2.ad.ot.lab.test", False),
        (f"# 192.0.2.9 {DC}", False),
        (f"192.0.2.9 x # {DC}", False),
        (f"192.0.2.9 {DC}", True),
        (f"192.0.2.9\tx\t{DC.upper()}.", True),
        (f"127.0.0.1 {DC}", True),
    ],
)
def test_a_server_that_the_hosts_file_moves_is_told(line: str, wrong: bool) -> None:
    assert [f"/etc/hosts:6: {line.split()[0]}" in one for one in moved(hosts(line), [DC], "srv")] == [
        True
    ] * wrong


def test_the_host_s_own_name_is_its_own() -> None:
    assert moved(hosts(f"127.0.1.1 {DC}"), [DC], "dc1") == []


def test_a_name_the_name_servers_do_not_know_is_taken_from_here() -> None:
    assert moved(hosts(f"10.1.1.9 {DC}", f"told\t{DC}\t2\t\n"), [DC], "srv") == []


@pytest.mark.parametrize(
    ("answer", "realm"),
    [("", f"told\t{DOMAIN}\t124\t\n"), (f"told\t{DC}\t2\t\n", f"told\t{DOMAIN}\t2\t\n")],
)
def test_where_no_name_server_answers_it_is_unknown(answer: str, realm: str) -> None:
    with pytest.raises(Unknown):
        moved(hosts(f"10.1.1.9 {DC}", answer, realm), [DC], "srv")


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("krb5_keytab = /srv/x.keytab", True),
        ("ldap_krb5_keytab = FILE:/srv/x.keytab", True),
        ("krb5_keytab = /etc/krb5.keytab", False),
        ("krb5_keytab = FILE:/etc/krb5.keytab", False),
    ],
)
def test_a_keytab_of_sssd_s_own_is_told(line: str, wrong: bool) -> None:
    found = directory({}, f"[domain/{DOMAIN}]", line).other_keytabs(DOMAIN)
    assert [line in one for one in found] == [True] * wrong


def test_a_keytab_of_kerberos_own_is_told() -> None:
    lines = [line for line in MEMBER.splitlines() if line.startswith("line\t/etc/krb5.conf\t")]
    last = int(lines[-1].split("\t")[2])
    more = "".join(
        f"line\t/etc/krb5.conf\t{last + number}\t{text}\n"
        for number, text in enumerate(("[libdefaults]", "default_keytab_name = /srv/x.keytab"), 1)
    )
    answers = MEMBER.replace(f"{lines[-1]}\n", f"{lines[-1]}\n{more}")
    assert directory({MEMBERSHIP: answers}).other_keytabs(DOMAIN) == [
        f"/etc/krb5.conf:{last + 2}: default_keytab_name = /srv/x.keytab"
    ]


@pytest.mark.parametrize(
    ("arguments", "heeded"),
    [
        ("", True),
        (f" domains={DOMAIN}", True),
        (f" [domains=other.test, {DOMAIN.upper()}] quiet", True),
        (" domains=other.test quiet", False),
    ],
)
def test_sssd_that_is_asked_of_another_domain_refuses_nobody(arguments: str, heeded: bool) -> None:
    rows = with_sss().replace(
        "user_unknown=ignore]\tpam_sss.so", f"user_unknown=ignore]\tpam_sss.so{arguments}"
    )
    assert (refusal_ignored(AUTHENTICATION.parse(told(rows)), DOMAIN) == []) is heeded


@pytest.mark.parametrize(
    ("line", "missing"),
    [("", []), ("initgroups: files", ["initgroups"]), ("initgroups: files [SUCCESS=continue] sss", [])],
)
def test_groups_of_somebody_are_asked_of_the_directory(line: str, missing: list[str]) -> None:
    rows = ["module\tsss", "nss\t1\tpasswd: files sss", "nss\t2\tgroup: files sss"]
    rows += [f"nss\t3\t{line}"] if line else []
    text = "".join(f"{row}\n" for row in rows) + "end\n"
    assert directory({SOURCES: text}).not_asked_for_names == missing
