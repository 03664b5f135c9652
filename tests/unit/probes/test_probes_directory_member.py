"""Whether a host is a member, who answers for it, and what PAM and SSH make of that."""

from __future__ import annotations

import pytest
from directory_host import ANSWERS, DOMAIN, GROUPS, MEMBER, MORE, SSH, directory, told, with_sss
from recorded_host import recorded

from plumbline.probes.base import ParseError
from plumbline.probes.directory import AUTHENTICATION, MEMBERSHIP, SSH_LOGON, TRUST
from plumbline.probes.directory.enforced import password_not_asked, refusal_ignored
from plumbline.verify.unknown import Unknown

RESOLVED = "/run/systemd/resolve/resolv.conf"
SECTION = f"[domain/{DOMAIN}]"


@pytest.mark.parametrize("name", ["membership-krb5-1.20.1-joined.txt", "membership-krb5-1.21.3-joined.txt"])
def test_a_member_is_read(name: str) -> None:
    seen = directory({MEMBERSHIP: recorded(f"directory/{name}")})
    assert seen.foreign_keys(DOMAIN) == []
    assert {key.kind for key in seen.keys} == {"aes256-cts-hmac-sha1-96"}
    assert seen.password_age(DOMAIN) == 0
    assert seen.other_controllers(DOMAIN, ["dc1.ad.ot.lab.test"]) == []
    assert [one.address[-4:] for one in seen.resolvers] == [".250"]
    assert seen.keytab_open_to_others == []


def test_age_is_that_of_the_newest_key_of_the_computer() -> None:
    day = 86400
    later = MEMBER.replace("now\t1795360093", f"now\t{1795360093 + 46 * day}")
    assert directory({MEMBERSHIP: later}).password_age(DOMAIN) == 46
    renewed = later.replace(
        "key\t   2 11/22/26 15:08:00 host/SRV-APP-01@", "key\t   3 01/07/27 10:00:00 SRV-APP-01$@"
    )
    assert directory({MEMBERSHIP: renewed}).password_age(DOMAIN) == 0
    service = later.replace(
        "key\t   2 11/22/26 15:08:00 host/SRV-APP-01@", "key\t   3 01/07/27 10:00:00 http/x@"
    )
    assert directory({MEMBERSHIP: service}).password_age(DOMAIN) == 46


def test_no_keytab_is_no_membership() -> None:
    without = "\n".join(line for line in MEMBER.splitlines() if line[:3] not in ("key", "sta")) + "\n"
    seen = directory({MEMBERSHIP: without})
    assert seen.foreign_keys(DOMAIN) == ["/etc/krb5.keytab is not there"]
    assert seen.not_honoured(DOMAIN) == ["/etc/krb5.keytab is not there"]
    assert seen.password_age(DOMAIN) is None


def test_a_keytab_of_another_realm_is_none_of_ours() -> None:
    seen = directory({MEMBERSHIP: MEMBER.replace("AD.OT.LAB.TEST (", "OTHER.TEST (")})
    assert seen.foreign_keys(DOMAIN) == [
        "SRV-APP-01$@OTHER.TEST",
        "/etc/krb5.keytab has no key of a computer of AD.OT.LAB.TEST",
    ]


def test_a_keytab_nobody_can_read_is_unknown() -> None:
    without = "\n".join(line for line in MEMBER.splitlines() if line[:4] not in ("key\t", "stat")) + "\n"
    with pytest.raises(Unknown, match="no program klist"):
        directory({MEMBERSHIP: without}).foreign_keys(DOMAIN)


def test_what_klist_never_printed_is_refused() -> None:
    for wrong in ("key\twhatever", "key\t   2 22.11.2026 15:08:00 SRV$@X (aes256-cts-hmac-sha1-96)"):
        with pytest.raises(ParseError):
            MEMBERSHIP.parse(told(MEMBER.replace("file\t/etc/krb5.conf", f"{wrong}\nfile\t/etc/krb5.conf")))


@pytest.mark.parametrize("case", ["disabled", "reset", "deleted"])
def test_a_refusal_of_the_domain_is_told_as_it_said_it(case: str) -> None:
    seen = directory({TRUST: f"asked\tSRV-APP-01$@AD.OT.LAB.TEST\t{ANSWERS[case]}\nend\n"})
    (found,) = seen.not_honoured(DOMAIN)
    assert found.startswith("SRV-APP-01$@AD.OT.LAB.TEST: ")
    assert not found.endswith("credentials") or case == "disabled"


@pytest.mark.parametrize("case", ["silent", "busy", "away"])
def test_a_domain_that_says_nothing_is_unknown(case: str) -> None:
    seen = directory({TRUST: f"asked\tSRV-APP-01$@AD.OT.LAB.TEST\t{ANSWERS[case]}\nend\n"})
    with pytest.raises(Unknown, match="no domain controller said whether"):
        seen.not_honoured(DOMAIN)


def test_a_ticket_of_another_domain_is_worth_nothing() -> None:
    seen = directory({TRUST: "asked\tX$@OTHER.TEST\t0\t\nend\n"})
    with pytest.raises(Unknown, match="did not ask the domain"):
        seen.not_honoured(DOMAIN)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("default_realm = AD.OT.LAB.TEST", "default_realm = OTHER.TEST", "default_realm = OTHER.TEST"),
        ("    default_realm = AD.OT.LAB.TEST", "    x = y", "no default_realm"),
        ("kdc = dc1.ad.ot.lab.test", "kdc = 192.0.2.1", "kdc = 192.0.2.1"),
        ("kdc = dc1.ad.ot.lab.test", "kpasswd_server = tcp/x.test:464", "kpasswd_server"),
    ],
)
def test_other_controllers_are_told(before: str, after: str, says: str) -> None:
    (found,) = directory({MEMBERSHIP: MEMBER.replace(before, after)}).other_controllers(
        DOMAIN, ["dc1.ad.ot.lab.test"]
    )
    assert says in found


def test_a_controller_of_sssd_s_own_is_told() -> None:
    seen = directory(None, SECTION, "ad_server = dc1.ad.ot.lab.test, evil.test")
    assert seen.other_controllers(DOMAIN, ["DC1.ad.ot.lab.test."]) == [
        f"{MORE}:2: [domain/ad.ot.lab.test] ad_server = dc1.ad.ot.lab.test, evil.test"
    ]


def test_of_a_stub_resolver_those_it_asks_count() -> None:
    stub = MEMBER.replace("nameserver 10.89.0.250", "nameserver 127.0.0.53").replace(
        "end\n",
        f"file\t{RESOLVED}\nline\t{RESOLVED}\t1\tnameserver 192.0.2.1\nend\n",
    )
    assert [one.address for one in directory({MEMBERSHIP: stub}).resolvers] == ["192.0.2.1"]


# PAM and SSH


def test_pam_as_debian_sets_it_up_heeds_the_directory() -> None:
    seen = AUTHENTICATION.parse(told(with_sss()))
    assert refusal_ignored(seen) == []
    assert password_not_asked(seen) == []


def test_pam_without_the_directory_lets_anybody_of_it_in_who_is_known() -> None:
    seen = AUTHENTICATION.parse(told(with_sss("common-account")))
    assert [one.partition(":")[0] for one in refusal_ignored(seen)] == [
        service
        for service in ("login", "other", "sshd", "su", "su-l", "sudo", "sudo-i")
        if service in seen.services
    ]
    assert password_not_asked(AUTHENTICATION.parse(told(with_sss("common-auth")))) == [
        "sshd",
        "login",
        "sudo",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "account sufficient pam_permit.so",
        "account sufficient pam_unix.so",
        "account sufficient pam_succeed_if.so user != root",
        "account [success=done default=ignore] pam_stranger.so",
    ],
)
def test_a_line_that_passes_the_directory_by_is_told(line: str) -> None:
    first = "pam\t/etc/pam.d/sshd\t"
    text = with_sss()
    at = text.index(first)
    seen = AUTHENTICATION.parse(told(f"{text[:at]}{first}1\t{line}\n{text[at:]}"))
    (found,) = refusal_ignored(seen)
    assert found.startswith("sshd: /etc/pam.d/sshd:1: ")


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        ("sshd\tpasswordauthentication yes", True),
        ("sshd\tkbdinteractiveauthentication yes", True),
        ("match\t/etc/ssh/x\t2\tMatch Address 10.0.0.0/8\tPasswordAuthentication yes", True),
        ("match\t/etc/ssh/x\t2\tMatch User bob\tPasswordAuthentication=yes", True),
        ("match\t/etc/ssh/x\t2\tMatch User *\tPasswordAuthentication yes", True),
        ("match\t/etc/ssh/x\t2\tMatch Group ot-heating-admins,others\tPasswordAuthentication yes", True),
        ("match\t/etc/ssh/x\t2\tMatch User bob\tPasswordAuthentication no", False),
        ("match\t/etc/ssh/x\t2\tMatch User declared\tPasswordAuthentication yes", False),
        (
            'match\t/etc/ssh/x\t2\tMatch group "OT-Heating-Files" address 10.*\tPasswordAuthentication yes',
            False,
        ),
    ],
)
def test_passwords_of_others_are_told(row: str, wrong: bool) -> None:
    seen = directory({SSH_LOGON: SSH.replace("status\t0\n", f"status\t0\n{row}\n")})
    assert bool(seen.passwords_of_others(GROUPS, ["declared"])) is wrong


def test_an_include_inside_a_match_block_is_unknown() -> None:
    row = "match\t/etc/ssh/x\t2\tMatch User bob\tInclude /etc/more"
    with pytest.raises(Unknown, match="not judged"):
        directory({SSH_LOGON: SSH.replace("status\t0\n", f"status\t0\n{row}\n")}).passwords_of_others(
            GROUPS, []
        )


def test_sshd_that_refuses_its_settings_is_unknown() -> None:
    with pytest.raises(Unknown):
        directory({SSH_LOGON: "status\t255\nend\n"}).passwords_of_others(GROUPS, [])


def test_a_host_without_ssh_takes_no_passwords() -> None:
    assert directory({SSH_LOGON: "end\n"}).passwords_of_others(GROUPS, []) == []
