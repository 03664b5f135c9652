"""pg_hba.conf as PostgreSQL reads it: fields, lists, includes, order, and whose word each rule takes."""

from __future__ import annotations

import pytest

from plumbline.probes.database.access import Surroundings, pam_without_directory, past_the_directory
from plumbline.probes.database.hba import Rule, UnreadableError, rules
from plumbline.probes.database.postgresql import Role
from plumbline.probes.files import ConfigFile
from plumbline.spec.site import ActiveDirectory
from plumbline.verify.unknown import Unknown

HBA = "/etc/postgresql/17/main/pg_hba.conf"
AROUND = Surroundings(
    ActiveDirectory(domain="ad.ot.lab.test", controllers=["dc1.ad.ot.lab.test"]),
    frozenset({"root", "postgres", "operator"}),
    {"postgresql": ["auth required pam_sss.so"], "other": ["auth required pam_unix.so"]},
)


def read(text: str, **others: str) -> list[Rule]:
    files = {HBA: text} | {f"/etc/postgresql/17/main/{name}": body for name, body in others.items()}
    return rules({path: ConfigFile(path, tuple(body.splitlines())) for path, body in files.items()}, HBA)


def wrong(text: str, around: Surroundings = AROUND) -> list[str]:
    return past_the_directory(read(text), around)


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("local all all peer", Rule("", "local", ("all",), ("all",), "", "peer")),
        (
            'host "my db",x all 10.0.0.1 255.255.0.0 md5 # no',
            Rule("", "host", ("my db", "x"), ("all",), "10.0.0.0/16", "md5"),
        ),
        (
            'hostssl  all\t"o\'neil" ::1/128 ldap ldaptls=1 ldapprefix="cn=a b"',
            Rule(
                "",
                "hostssl",
                ("all",),
                ("o'neil",),
                "::1/128",
                "ldap",
                {"ldaptls": "1", "ldapprefix": "cn=a b"},
            ),
        ),
        ("host all all .ot.example gss", Rule("", "host", ("all",), ("all",), ".ot.example", "gss")),
        ("host all a, b samenet md5", Rule("", "host", ("all",), ("a", "b"), "samenet", "md5")),
        ('host all "all" all md5', Rule("", "host", ("all",), ('"all"',), "all", "md5")),
    ],
)
def test_fields(line: str, rule: Rule) -> None:
    (found,) = read(line)
    assert found == Rule(f"{HBA}:1", *[getattr(rule, name) for name in list(Rule.__dataclass_fields__)[1:]])


def test_line_goes_on_and_keeps_its_number() -> None:
    found = read("# a\\\nlocal all all trust\n\nlocal \\\n  all all \\\n peer\nlocal all x trust")
    assert [(rule.method, rule.where) for rule in found] == [("peer", f"{HBA}:4"), ("trust", f"{HBA}:7")]


def test_lists_and_includes_are_followed() -> None:
    text = "host all @who all md5\ninclude more.conf\ninclude_if_exists gone.conf\ninclude_dir d\n"
    more = {
        "who": "a b,c\n# d\n",
        "more.conf": "local all all peer",
        "d/1.conf": "local all x md5",
        "d/2": "bad",
    }
    found = read(text, **more)
    assert [rule.users for rule in found] == [("a", "b", "c"), ("all",), ("x",)]
    assert found[2].where == "/etc/postgresql/17/main/d/1.conf:1"


@pytest.mark.parametrize(
    "text",
    [
        "host all @gone all md5",
        "include gone.conf",
        "local all",
        "host all all 10.0.0.0/8",
        "include pg_hba.conf",
    ],
)
def test_what_the_server_would_refuse_is_not_read(text: str) -> None:
    with pytest.raises(UnreadableError):
        read(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("local all postgres peer", 0),
        ("local all postgres trust", 1),
        ("host all postgres 10.0.0.0/8 scram-sha-256", 0),
        ("host all postgres,x 10.0.0.0/8 scram-sha-256", 1),
        ("host all all all reject\nhost all all all trust", 0),
        ("hostssl all all all reject\nhost all all all md5", 1),
        ("host all all all reject\nhostnossl all all 10.0.0.0/8 md5", 0),
        ("host all all all reject\nlocal all x md5", 1),
        ("host all all all reject\nhost replication x all md5", 1),
        ("host all all 10.0.0.0/8 gss\nhost all all 10.1.0.0/16 md5", 0),
        ("host all all 10.1.0.0/16 gss\nhost all all 10.0.0.0/8 md5", 1),
        ("host x all all gss\nhost all all all md5", 1),
        ("host all x all gss\nhost all x,y all md5", 1),
        ("host all all 0.0.0.0/0 gss\nhost all all ::/0 md5", 1),
        ("host all all samenet gss\nhost all all 10.0.0.0/8 md5", 1),
        ("host all all 10.0.0.0/8 gss krb_realm=ad.ot.lab.test", 0),
        ("host all all 10.0.0.0/8 ldap ldapserver=DC1.ad.ot.lab.test ldaptls=0", 1),
        ("host all all 10.0.0.0/8 ldap ldapserver=dc1.ad.ot.lab.test ldapscheme=ldaps", 0),
        ('host all all 10.0.0.0/8 ldap ldapserver="dc1.ad.ot.lab.test x.test" ldaptls=1', 1),
        ("host all all 10.0.0.0/8 ldap ldaptls=1", 1),
        ("host all all 10.0.0.0/8 pam", 0),
        ("host all all 10.0.0.0/8 pam pamservice=x", 1),
        ("local all operator peer", 1),
        ("local all someone peer", 0),
        ("local all all peer", 0),
        ("host all all 10.0.0.0/8 bsd", 1),
    ],
)
def test_whose_word_is_taken(text: str, found: int) -> None:
    assert len(wrong(text)) == found, wrong(text)


def test_roles_tell_whom_peer_lets_in() -> None:
    roles = [Role("postgres", True, False), Role("operator", False, False), Role("domainuser", False, False)]
    around = Surroundings(AROUND.directory, AROUND.local, AROUND.pam, roles, [])
    assert wrong("local all all peer", around) == [
        f"local all all peer ({HBA}:1): operator is an account of this host, not of the directory"
    ]
    assert wrong("local all +staff,/^op peer", around) != []
    assert wrong("local all /^dom peer", around) == []


def test_renamed_installation_s_role_is_built_in() -> None:
    around = Surroundings(AROUND.directory, AROUND.local, AROUND.pam, [Role("operator", True, True)], [])
    assert wrong("local all operator peer", around) == []


def test_radius_is_unknown() -> None:
    with pytest.raises(Unknown, match="RADIUS"):
        wrong("host all all 10.0.0.0/8 radius radiusservers=x")


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["auth required pam_sss.so"], ""),
        (["-auth sufficient pam_krb5.so minimum_uid=1000", "auth required pam_deny.so"], ""),
        (["auth [success=1 default=ignore] pam_sss.so use_first_pass", "auth requisite pam_deny.so"], ""),
        (["@include common"], "PAM's service x asks pam_unix.so, pam_permit.so too"),
        (["auth substack common"], "PAM's service x asks pam_unix.so, pam_permit.so too"),
        (["auth required pam_unix.so"], "PAM's service x does not ask the directory"),
        (["@include x"], "PAM's service x does not ask the directory"),
    ],
)
def test_stacks_of_pam(lines: list[str], told: str) -> None:
    common = [
        "auth [success=2 default=ignore] pam_unix.so",
        "auth sufficient pam_sss.so",
        "auth required pam_permit.so",
    ]
    assert pam_without_directory("x", {"x": lines, "common": common}) == told
