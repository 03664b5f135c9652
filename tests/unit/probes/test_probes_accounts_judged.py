"""Accounts, keys and rights held against whom a host may know: nobody too many, nobody too few."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from recorded_host import host_printing, recorded

from plumbline.policy.accounts import Known, load_distribution
from plumbline.probes.accounts import ANONYMOUS, AUTHENTICATION, ELEVATION, KEYS, LOCAL, SOURCES, Accounts
from plumbline.probes.accounts.at_boot import made_at_boot
from plumbline.probes.base import Probe
from plumbline.spec.people import Handover, LocalAccount, UserRole
from plumbline.verify.unknown import Unknown

LAB_KEY = recorded("accounts/fingerprint-openssh-9.2.txt").split()[1]
GROUPS = (
    UserRole(group="OT-Admins", role="os-administrator"),
    UserRole(group="OT-Engineers", role="application-administrator"),
    UserRole(group="OT-Operators", role="application-user"),
)
DELIVERED = {
    LOCAL: "accounts/local-debian-12-delivered.txt",
    ELEVATION: "accounts/elevation-sudo-1.9.13p3-delivered.txt",
    SOURCES: "accounts/sources-debian-12-delivered.txt",
    KEYS: "accounts/keys-openssh-9.2-delivered.txt",
    AUTHENTICATION: "session/authentication-pam-1.5-openssh-9.2-delivered.txt",
}


def accounts(changed: Mapping[Probe[Any], str] | None = None) -> Accounts:
    """Return the delivered host's accounts, or with what some probes print changed."""
    answers = {probe: recorded(path) for probe, path in DELIVERED.items()}
    return host_printing({**answers, ANONYMOUS: "end\n", **(changed or {})}).accounts


def known(*, keys: bool = True, handover: Handover | None = None, **sudo: str) -> Known:
    declared = {
        name: LocalAccount.model_validate(
            {
                "name": name,
                "reason": "x",
                "keys": [LAB_KEY] if keys else [],
                "sudo": sudo.get(name, "without-password" if name == "operator" else "none"),
            }
        )
        for name in ("root", "operator", "plain")
    }
    return Known(load_distribution("mhth-ot", "debian"), declared, GROUPS, "ad.plant.test", handover)


NOBODY = Known(load_distribution("mhth-ot", "debian"), {}, (), "ad.plant.test", None)


def local(passwd: str = "", group: str = "", gshadow: str = "", shadow: str = "") -> Accounts:
    """Return a host with these rows of `accounts.local` beside root."""
    text = "today\t20500\npasswd\t1\tnone\t\troot:0:0:/root:/bin/bash\n"
    for tag, rows in (("passwd", passwd), ("group", group), ("gshadow", gshadow), ("shadow", shadow)):
        text += "".join(f"{tag}\t{row}\n" for row in rows.splitlines())
    return accounts({LOCAL: f"{text}end\n"})


def sudoers(*lines: str, before: str = "") -> Accounts:
    rows = "".join(f"line\t/etc/sudoers\t{number}\t{line}\n" for number, line in enumerate(lines, 1))
    return accounts({ELEVATION: f"program\tsudo\n{before}file\t/etc/sudoers\n{rows}end\n"})


def test_delivered_host_is_right_when_its_users_are_declared() -> None:
    seen, whom = accounts(), known()
    rights = seen.rights(whom)
    judged = [
        seen.strangers(whom),
        seen.system_shells(whom),
        seen.gives_root(whom),
        seen.moved(whom),
        seen.repeated,
        seen.undeclared_keys(whom),
        rights.to_root,
        rights.to_others,
        rights.without_password,
        rights.open_environment,
        seen.other_authenticators("ad.plant.test"),
    ]
    assert judged == [[]] * len(judged)


def test_the_same_host_is_wrong_when_nobody_is_declared() -> None:
    seen = accounts()
    assert [one.name for one in seen.strangers(NOBODY)] == ["operator", "plain"]
    assert len(seen.undeclared_keys(NOBODY)) == 3
    assert seen.rights(NOBODY).to_root == [
        "/etc/sudoers.d/lab-operator:1: operator may run (ALL:ALL) NOPASSWD: ALL"
    ]


def test_a_declared_account_without_its_key_or_its_rights_is_told() -> None:
    seen = accounts()
    assert len(seen.undeclared_keys(known(keys=False))) == 3
    assert len(seen.rights(known(operator="none")).to_root) == 1
    assert seen.rights(known(operator="with-password")).to_root == []
    assert len(seen.rights(known(operator="with-password")).without_password) == 1


@pytest.mark.parametrize(
    ("passwd", "name"),
    [
        ("2\tnone\t\tbob:1001:100:/:/bin/bash", "bob"),
        ("2\tset\ty\tbob:1001:100:/:/usr/sbin/nologin", "bob"),
        ("2\tempty\t\tbob:999:100:/:/usr/sbin/nologin", "bob"),
        ("2\tnone\t\tbob:999:100:/:/usr/local/bin/menu", "bob"),
        ("2\tnone\t\tbob:999:100:/:", "bob"),
    ],
)
def test_an_account_one_can_log_on_with_is_a_stranger(passwd: str, name: str) -> None:
    assert [one.name for one in local(passwd).strangers(NOBODY)] == [name]


@pytest.mark.parametrize(
    "passwd",
    [
        "2\tnone\t\tsvc:999:999:/:/usr/sbin/nologin",
        "2\tlocked\t\tsvc:999:999:/:/bin/false",
        "2\tnone\t\tpostgres:112:120:/var/lib/postgresql:/bin/bash",
    ],
)
def test_an_account_of_a_service_is_none(passwd: str) -> None:
    seen = local(passwd)
    assert (seen.strangers(NOBODY), seen.system_shells(NOBODY)) == ([], [])


def test_group_passwords_count_only_where_there_is_one() -> None:
    gshadow = "1\tempty\t\tstaff::\n2\tnone\t\tsrc::\n3\tlocked\t\tadm::\n4\tset\t6\tsudo:root,operator:"
    assert local(group="1\telsewhere\t\tsudo:27:", gshadow=gshadow).open_groups(known()) == [
        "/etc/gshadow:4: sudo: password set (6)"
    ]


def held(**days: date) -> Known:
    return known(handover=Handover(delivered=date(2026, 1, 12), passwords_held_since=days))


DAY = date(1970, 1, 1).toordinal()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (date(2026, 1, 20), None),
        (date(2026, 2, 1), None),
        (date(2026, 1, 19), "changed 2026-01-19, before 2026-01-20"),
        (date(2027, 1, 1), "changed 2027-01-01, after today"),
        (date(1970, 1, 1), "to be changed at the next login"),
        (None, "no date of its change"),
    ],
)
def test_a_password_is_as_old_as_its_record_says(changed: date | None, told: str | None) -> None:
    days = "" if changed is None else str(changed.toordinal() - DAY)
    seen = local("2\telsewhere\t\tplain:1001:100:/:/bin/bash", shadow=f"1\tset\ty\tplain:{days}:::")
    assert seen.not_held(held(plain=date(2026, 1, 20))) == []
    expected = (
        [] if told is None else [f"/etc/passwd:2: plain (uid 1001, /bin/bash, password set (y)): {told}"]
    )
    assert seen.not_changed(held(plain=date(2026, 1, 20))) == expected


def test_a_password_in_passwd_itself_has_no_date() -> None:
    seen = local("2\tset\t6\tplain:1001:100:/:/bin/bash")
    assert seen.not_changed(held())[0].endswith("no date of its change")


def test_a_password_nobody_recorded_is_unknown_without_a_handover_and_told_with_one() -> None:
    seen = local("2\tset\t6\tplain:1001:100:/:/bin/bash")
    with pytest.raises(Unknown, match="who holds these passwords is not recorded"):
        seen.not_held(known())
    assert [one.name for one in seen.not_held(held())] == ["plain"]
    assert accounts().not_held(known()) == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("%OT-Admins ALL=(ALL) ALL", False),
        ("%ad\\\\ot-admins ALL=(ALL) ALL", False),
        ("%ot-admins@ad.plant.test ALL=(ALL:ALL) ALL", False),
        ("%:OT-Admins ALL=ALL", False),
        ("%sudo ALL=ALL", False),
        ("operator ALL=ALL", False),
        ("#1000 ALL=ALL", False),
        ("root ALL=(ALL:ALL) ALL", False),
        ("ALL, !ALL ALL=!ALL", False),
        ("plain ALL=ALL", True),
        ("#1001 ALL=ALL", True),
        ("#4242 ALL=ALL", True),
        ("%users ALL=ALL", True),
        ("%#100 ALL=ALL", True),
        ("%OT-Engineers ALL=/bin/systemctl restart opcua", True),
        ("%OT-Admins@evil.test ALL=ALL", True),
        ("%nobody-knows ALL=ALL", True),
        ("%:sudo ALL=ALL", True),
        ("+operators ALL=ALL", True),
        ("ALL ALL=(ALL) /bin/true", True),
    ],
)
def test_root_is_for_administrators(line: str, told: bool) -> None:
    assert bool(sudoers(line).rights(known()).to_root) is told


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("%OT-Engineers ALL=(svc) /opt/app/restart", False),
        ("%OT-Engineers ALL=(svc) ALL", True),
        ("%OT-Operators ALL=(svc) /opt/app/restart", True),
        ("plain ALL=(svc) /opt/app/restart", True),
        ("%OT-Admins ALL=(svc) ALL", False),
    ],
)
def test_other_rights_are_single_commands_of_a_role(line: str, told: bool) -> None:
    assert bool(sudoers(line).rights(known()).to_others) is told


def test_what_was_found_is_told_though_another_line_is_not_understood() -> None:
    seen = sudoers("plain ALL=ALL", "surprise")
    assert len(seen.rights(known()).to_root) == 1
    with pytest.raises(Unknown, match="not understood: /etc/sudoers:2: surprise"):
        assert seen.rights(known()).to_others


def test_no_sudo_gives_nothing_whatever_its_files_say() -> None:
    rows = "file\t/etc/sudoers\nline\t/etc/sudoers\t1\tplain ALL=ALL\nend\n"
    assert accounts({ELEVATION: rows}).rights(known()).to_root == []


PAM = recorded("session/authentication-pam-1.5-openssh-9.2-delivered.txt")


def pam(line: str, before: str = "pam\t/etc/pam.d/login\t") -> Accounts:
    """Return the delivered host with a line at the start of login's stack."""
    text = PAM.replace(before, f"pam\t/etc/pam.d/login\t1\t{line}\n{before}", 1)
    return accounts({AUTHENTICATION: text})


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("auth sufficient pam_ldap.so", True),
        ("auth sufficient pam_radius_auth.so", True),
        ("auth [success=done default=ignore] pam_userdb.so db=/x", True),
        ("auth sufficient /opt/vendor/pam_own.so", True),
        ("auth sufficient pam_krb5.so", True),
        ("auth sufficient pam_systemd_home.so", True),
        ("auth required pam_google_authenticator.so", False),
        ("auth sufficient pam_sss.so", False),
        ("auth sufficient pam_winbind.so", False),
        ("auth required pam_faillock.so preauth", False),
        ("auth optional pam_ldap.so", False),
        ("session required pam_ldap.so", False),
    ],
)
def test_another_place_that_says_who_gets_in_is_told(line: str, told: bool) -> None:
    assert bool(pam(line).other_authenticators("ad.plant.test")) is told


def test_kerberos_of_the_site_is_the_directory() -> None:
    krb5 = "file\t/etc/krb5.conf\nline\t/etc/krb5.conf\t2\tdefault_realm = AD.PLANT.TEST\nend\n"
    text = PAM.replace(
        "pam\t/etc/pam.d/login\t", "pam\t/etc/pam.d/login\t1\tauth sufficient pam_krb5.so\n", 1
    )
    text = text.replace("pam_krb5.so\n", "pam_krb5.so\npam\t/etc/pam.d/login\t", 1)
    seen = accounts({AUTHENTICATION: text, SOURCES: krb5})
    assert seen.other_authenticators("ad.plant.test") == []
    assert seen.other_authenticators("ad.other.test") != []


def test_netgroups_of_a_module_that_is_not_there_ask_nobody() -> None:
    rows = "nss\t1\tnetgroup: nis\nend\n"
    assert accounts({SOURCES: rows}).name_sources == []
    assert len(accounts({SOURCES: f"module\tnis\n{rows}"}).name_sources) == 1


def strangers(rows: str) -> list[str]:
    return accounts({ANONYMOUS: f"{rows}end\n"}).open_to_strangers


def config(program: str, path: str, *lines: str) -> str:
    rows = "".join(f"line\t{path}\t{number}\t{line}\n" for number, line in enumerate(lines, 1))
    return f"program\t{program}\nfile\t{path}\n{rows}"


SMB, EXPORTS, RSYNC = "/etc/samba/smb.conf", "/etc/exports", "/etc/rsyncd.conf"
MOSQUITTO, REDIS = "/etc/mosquitto/mosquitto.conf", "/etc/redis/redis.conf"


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (config("smbd", SMB, "[global]", "map to guest = Never", "[a]", "guest ok = no"), []),
        (config("smbd", SMB, "[a]", "PUBLIC=Yes"), [f"{SMB}:2: [a] public = Yes"]),
        (config("exportfs", SMB, "[a]", "public=yes"), []),
        (config("exportfs", EXPORTS, "/a -sec=krb5p x(rw) y(sec=krb5:krb5i)"), []),
        (config("exportfs", EXPORTS, "/a x(sec=krb5p) y"), [f"{EXPORTS}:1: /a y: sec=sys"]),
        (config("exportfs", EXPORTS, '"/a b" (ro)'), [f'{EXPORTS}:1: "/a b" *: sec=sys']),
        (config("rsync", RSYNC, "auth users = a", "[x]", "path = /"), []),
        (config("rsync", RSYNC, "[x]", "path = /"), [f"{RSYNC}:1: [x] no auth users"]),
        (config("vsftpd", "/etc/vsftpd.conf", "anonymous_enable=NO"), []),
        (config("vsftpd", "/etc/vsftpd.conf"), ["/etc/vsftpd.conf: anonymous_enable=YES"]),
        (config("mosquitto", MOSQUITTO, "allow_anonymous false"), []),
        (config("mosquitto", MOSQUITTO, "allow_anonymous true"), [f"{MOSQUITTO}:1: allow_anonymous true"]),
        (config("redis-server", REDIS, "protected-mode no", "requirepass"), []),
        (
            config("redis-server", REDIS, "protected-mode no"),
            [f"{REDIS}:1: protected-mode no, no requirepass"],
        ),
        (
            f"included\t/etc/samba/\t/opt/a.conf\n{config('smbd', '/opt/a.conf', '[a]', 'public=1')}",
            ["/opt/a.conf:2: [a] public = 1"],
        ),
        (config("mosquitto", "/opt/other.conf", "allow_anonymous true"), []),
        (
            config("rsync", RSYNC, "auth users = a")
            + f"included\t/etc/rsyncd\t/opt/a.inc\n{config('rsync', '/opt/a.inc', '[x]', 'path = /')}",
            [],
        ),
        (config("memcached", "/etc/memcached.conf", "-l 127.0.0.1,::1"), []),
        (
            config("memcached", "/etc/memcached.conf"),
            ["/etc/memcached.conf: listens on every address, asks nobody"],
        ),
        ("program\tin.tftpd\n", ["in.tftpd asks nobody who he is"]),
        ("screen\tXtigervnc :1 -SecurityTypes VncAuth,TLSVnc\n", []),
        ("screen\tXtigervnc :1 -SecurityTypes TLSVnc,None\n", ["Xtigervnc :1 -SecurityTypes TLSVnc,None"]),
        ("screen\tx11vnc -nopw -forever\n", ["x11vnc -nopw -forever"]),
        ("screen\tXorg :0 -auth /run/x\n", []),
        ("screen\tXorg :0 -ac\n", ["Xorg :0 -ac"]),
    ],
)
def test_a_server_that_knows_nobody_is_told(rows: str, told: list[str]) -> None:
    assert strangers(rows) == told


@pytest.mark.parametrize(
    ("line", "asks"),
    [
        ("requirepass secret", True),
        ('requirepass ""', False),
        ("requirepass ''", False),
        ("user default on >secret ~* +@all", True),
        ("user default off", True),
        ("user default on nopass ~* +@all", False),
        ("user alice on >secret ~* +@all", False),
        ("aclfile /etc/redis/users.acl", True),
    ],
)
def test_an_empty_password_of_redis_is_none(tmp_path: Path, line: str, asks: bool) -> None:
    (tmp_path / "redis.conf").write_text(f"protected-mode no\n{line}\n")
    command = ANONYMOUS.command.replace("/etc/redis/*.conf", f"{tmp_path}/redis.conf")
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=True, text=True)
    assert "secret" not in done.stdout
    rows = done.stdout.removesuffix("end\n").replace(f"{tmp_path}/", "/etc/redis/")
    assert any("protected-mode no" in found for found in strangers(f"program\tredis-server\n{rows}")) != asks


PLAIN = "2\tnone\t\tplain:1001:1001:/home/plain:/bin/bash\n"


@pytest.mark.parametrize(
    "line",
    [
        'u eve - "A person" /home/eve /bin/bash',
        "u! eve - - / /bin/sh",
        "u eve 0 - /root",
        "u eve 00:100",
        "m plain shadow",
    ],
)
def test_what_the_next_boot_would_make_is_told(line: str) -> None:
    seen = made_at_boot([("/etc/sysusers.d/x.conf:3", line)], local(PLAIN).local)
    assert list(seen) == [f"/etc/sysusers.d/x.conf:3: {line}"]


@pytest.mark.parametrize(
    "line",
    [
        'u svc 412 "A service"',
        "u svc - - /var/lib/svc /usr/sbin/nologin",
        "u svc - - - -",
        'u root 0 "Super User" /root /bin/bash',
        "m plain audio",
        "m nobody-there shadow",
        "u",
    ],
)
def test_what_the_next_boot_makes_of_services_and_what_is_there_is_not_told(line: str) -> None:
    group = "1\tnone\t\taudio:29:plain\n"
    assert list(made_at_boot([("/usr/lib/sysusers.d/x.conf:1", line)], local(PLAIN, group).local)) == []
