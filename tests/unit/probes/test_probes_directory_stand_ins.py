"""Who stands in for another of the directory, by sssd, Kerberos, PAM or the order of names, is told."""

from __future__ import annotations

import pytest
from directory_host import DOMAIN, JOINED, MEMBER, directory, sssd, told, with_sss

from plumbline.probes.accounts import SOURCES
from plumbline.probes.directory import AUTHENTICATION, MEMBERSHIP, SSSD
from plumbline.probes.directory.enforced import refusal_ignored
from plumbline.verify.unknown import Unknown

SECTION = f"[domain/{DOMAIN}]"
CONTROLLERS = ["dc1.ad.ot.lab.test"]


def kerberos(*lines: str, after: str = "    AD.OT.LAB.TEST = {") -> str:
    """Return the joined host's membership with lines put into krb5.conf behind one of its lines."""
    made, number, path = [], 0, "line\t/etc/krb5.conf\t"
    for row in MEMBER.splitlines():
        if not row.startswith(path):
            made.append(row)
            continue
        text = row.split("\t", 3)[3]
        for one in [text, *(lines if text == after else ())]:
            number += 1
            made.append(f"{path}{number}\t{one}")
    return "\n".join(made) + "\n"


def overridden(rows: str) -> str:
    return JOINED.replace("end\n", f"{rows}end\n")


def test_a_joined_host_has_nobody_standing_in() -> None:
    assert directory().stand_ins(DOMAIN) == []
    assert directory().weak_types == []


@pytest.mark.parametrize(
    "lines",
    [
        [SECTION, "krb5_map_user = admin1:nobody1"],
        [SECTION, "override_gid = 965001113"],
        [SECTION, "cached_auth_timeout = 86400"],
        [SECTION, "ldap_group_name = description"],
        ["[pam]", "pam_cert_auth = True", f"[certmap/{DOMAIN}/x]", "maprule = (sAMAccountName=admin1)"],
    ],
)
def test_a_setting_that_maps_somebody_is_told(lines: list[str]) -> None:
    (found,) = directory(None, *lines).stand_ins(DOMAIN)
    assert lines[-1] in found


@pytest.mark.parametrize(
    "lines",
    [
        [SECTION, "ldap_user_name = sAMAccountName"],
        [SECTION, "cached_auth_timeout = 0"],
        [f"[certmap/{DOMAIN}/x]", "maprule = (sAMAccountName=admin1)"],
    ],
)
def test_a_setting_that_maps_nobody_is_not(lines: list[str]) -> None:
    assert directory(None, *lines).stand_ins(DOMAIN) == []


def test_an_override_of_this_host_s_own_is_told() -> None:
    """What sss_override 2.8.2 printed for a user given the administrators' group."""
    rows = "overrides\t0\noverride\tuser1@ad.ot.lab.test:::965001113::::\noverrides\t0\n"
    assert directory({SSSD: overridden(rows)}).stand_ins(DOMAIN) == [
        "sss_override: user1@ad.ot.lab.test:::965001113::::"
    ]
    assert directory({SSSD: overridden("overrides\t0\noverrides\t0\n")}).stand_ins(DOMAIN) == []


def test_overrides_nobody_tells_are_unknown() -> None:
    with pytest.raises(Unknown, match="install sssd-tools"):
        directory({SSSD: overridden("overrides\t127\noverrides\t127\n")}).stand_ins(DOMAIN)


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        (["auth_to_local = RULE:[1:root]"], True),
        (["auth_to_local = RULE:[1:$1@$0](.*@AD.OT.LAB.TEST)s/.*/admin1/"], True),
        (["auth_to_local_names = {", "nobody1 = root", "}"], True),
        (["auth_to_local = DEFAULT"], False),
        (["auth_to_local = RULE:[1:$1@$0](^.*@AD.OT.LAB.TEST$)s/@.*//"], False),
    ],
)
def test_a_ticket_that_opens_another_account_is_told(lines: list[str], wrong: bool) -> None:
    assert bool(directory({MEMBERSHIP: kerberos(*lines)}).stand_ins(DOMAIN)) is wrong


@pytest.mark.parametrize(
    ("module", "wrong"),
    [
        ("sssd:/usr/lib/x86_64-linux-gnu/sssd/modules/sssd_krb5_localauth_plugin.so", False),
        ("other:/srv/x.so", True),
    ],
)
def test_a_plugin_for_local_names_is_sssd_s(module: str, wrong: bool) -> None:
    lines = ["[plugins]", "localauth = {", f"module = {module}", "}"]
    seen = directory({MEMBERSHIP: kerberos(*lines, after="    rdns = false")})
    assert bool(seen.stand_ins(DOMAIN)) is wrong


def test_a_controller_behind_a_nested_block_is_told() -> None:
    lines = ["v4_names = {", "x = y", "}", "kdc = kdc.other.test"]
    (found,) = directory({MEMBERSHIP: kerberos(*lines)}).other_controllers(DOMAIN, CONTROLLERS)
    assert found.endswith("kdc = kdc.other.test")


def test_the_domain_s_hosts_of_another_realm_are_told() -> None:
    text = MEMBER.replace("    .ad.ot.lab.test = AD.OT", "    .ad.ot.lab.test = OTHER.OT")
    (found,) = directory({MEMBERSHIP: text}).other_controllers(DOMAIN, CONTROLLERS)
    assert found.endswith(".ad.ot.lab.test = OTHER.OT.LAB.TEST")


@pytest.mark.parametrize(
    ("before", "after", "wrong"),
    [
        ("allow_weak_crypto = false", "allow_weak_crypto = true", True),
        ("hmac-sha1-96", "hmac-sha1-96 rc4-hmac", True),
        ("hmac-sha1-96", "hmac-sha1-96, arcfour-hmac", True),
        ("hmac-sha1-96", "hmac-sha1-96 aes256-sha2", False),
    ],
)
def test_weak_keys_taken_again_are_told(before: str, after: str, wrong: bool) -> None:
    text = "".join(
        line.replace(before, after) if line.startswith("line\t") else line
        for line in MEMBER.splitlines(keepends=True)
    )
    assert bool(directory({MEMBERSHIP: text}).weak_types) is wrong


@pytest.mark.parametrize(
    ("name", "wrong"), [("srv-app-01", False), ("SRV-APP-01", False), ("srv-app-02", True), ("srv-app", True)]
)
def test_another_host_s_keys_are_none_of_ours(name: str, wrong: bool) -> None:
    """As a host made of another's disk has them, whose key the domain honours."""
    found = directory().foreign_keys(DOMAIN, name)
    assert found == (["SRV-APP-01$@AD.OT.LAB.TEST"] if wrong else [])


def test_a_name_is_cut_where_the_directory_cuts_it() -> None:
    long = MEMBER.replace("SRV-APP-01$@", "SRV-HISTORIAN-A$@")
    assert directory({MEMBERSHIP: long}).foreign_keys(DOMAIN, "srv-historian-archive") == []


@pytest.mark.parametrize(
    "line",
    [
        "Environment=KRB5_CONFIG=/srv/krb5.conf",
        "EnvironmentFile=/srv/x (ignore_errors=no)",
        "BindReadOnlyPaths=/srv/sssd.conf:/etc/sssd/sssd.conf:rbind",
    ],
)
def test_other_files_by_the_unit_are_told(line: str) -> None:
    line = line.replace("EnvironmentFile=", "EnvironmentFiles=")
    (found,) = sssd(main={"unit\tId=": f"unit\t{line}\nunit\tId="}).started_otherwise
    assert found.startswith("boot: ")


def test_variables_that_change_nothing_are_not() -> None:
    for line in (
        "Environment=DEBUG_LOGGER=--logger=files",
        "EnvironmentFiles=/etc/default/sssd (ignore_errors=yes)",
    ):
        assert sssd(main={"unit\tId=": f"unit\t{line}\nunit\tId="}).started_otherwise == []


@pytest.mark.parametrize(
    ("services", "missing"),
    [
        ("files systemd sss", []),
        ("sss files", []),
        ("files [SUCCESS=merge] sss", []),
        ("files [NOTFOUND=return] sss", ["passwd"]),
        ("files [!UNAVAIL=return] sss", ["passwd"]),
        ("files [notfound = return] systemd sss", ["passwd"]),
        ("files [!SUCCESS=return NOTFOUND=continue] sss", []),
        ("sss [NOTFOUND=return] files", []),
    ],
)
def test_a_directory_whose_turn_never_comes_gives_no_names(services: str, missing: list[str]) -> None:
    text = f"module\tsss\nnss\t1\tpasswd: {services}\nnss\t2\tgroup: files sss\nend\n"
    assert directory({SOURCES: text}).not_asked_for_names == missing


def at_the_head_of_sshd(*lines: str) -> str:
    text, first = with_sss(), "pam\t/etc/pam.d/sshd\t"
    at = text.index(first)
    rows = "".join(f"{first}{number}\t{line}\n" for number, line in enumerate(lines, 1))
    return text[:at] + rows + text[at:]


def test_a_way_past_that_some_conditions_open_and_others_shut_is_told() -> None:
    lines = (
        "account requisite pam_succeed_if.so uid >= 1000",
        "account [success=1 default=ignore] pam_succeed_if.so user ingroup kept-out",
        "account sufficient pam_permit.so",
    )
    (found,) = refusal_ignored(AUTHENTICATION.parse(told(at_the_head_of_sshd(*lines))))
    assert found.startswith("sshd: /etc/pam.d/sshd:3: pam_permit")


@pytest.mark.parametrize(
    "where", ["sshd\tpamservicename quiet", "running\t/usr/sbin/sshd -D -oPAMServiceName=quiet"]
)
def test_ssh_that_asks_pam_under_another_name_is_judged_by_that(where: str) -> None:
    """OpenSSH 9.8 and later may; the name's stack is the one that counts."""
    rows = "service\t/etc/pam.d/quiet\npam\t/etc/pam.d/quiet\t1\taccount required pam_permit.so\n"
    text = with_sss().replace("end\n", f"{rows}{where}\nend\n")
    assert refusal_ignored(AUTHENTICATION.parse(told(with_sss().replace("end\n", f"{rows}end\n")))) == []
    (found,) = refusal_ignored(AUTHENTICATION.parse(told(text)))
    assert found.startswith("quiet: ")
