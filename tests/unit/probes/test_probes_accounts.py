"""What the probes of accounts print is understood rightly, or not at all; no hash leaves a host."""

from __future__ import annotations

import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from recorded_host import recorded

from plumbline.probes.accounts import ELEVATION, KEYS, LOCAL, SOURCES
from plumbline.probes.accounts.keys import fingerprint
from plumbline.probes.base import Output, ParseError, Probe

PROBES: dict[str, Probe[Any]] = {
    "local-debian-12-delivered.txt": LOCAL,
    "local-debian-13-delivered.txt": LOCAL,
    "local-debian-12-wrong.txt": LOCAL,
    "elevation-sudo-1.9.13p3-delivered.txt": ELEVATION,
    "elevation-sudo-1.9.16p2-delivered.txt": ELEVATION,
    "elevation-sudo-1.9.13p3-wrong.txt": ELEVATION,
    "sources-debian-12-delivered.txt": SOURCES,
    "sources-debian-13-delivered.txt": SOURCES,
    "sources-debian-12-wrong.txt": SOURCES,
    "keys-openssh-9.2-delivered.txt": KEYS,
    "keys-openssh-10.0-delivered.txt": KEYS,
    "keys-openssh-9.2-wrong.txt": KEYS,
}


def told(text: str) -> Output:
    return Output(text.encode(), b"", 0)


def printed(name: str) -> Output:
    return told(recorded(f"accounts/{name}"))


def asked(probe: Probe[Any], directory: Path, files: dict[str, str]) -> Output:
    """Run a probe's command with some account files in the place of the machine's own."""
    command = probe.command
    for name, text in files.items():
        (directory / name).write_text(text)
    for name in ("passwd", "shadow", "group", "gshadow"):
        command = command.replace(f"/etc/{name}", f"{directory}/{name}").replace(
            "${file#/etc/}", "${file##*/}"
        )
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=True, env={"LC_ALL": "C"})
    return Output(done.stdout, done.stderr, done.returncode)


HASHES = {
    "$y$j9T$abcdefgh$" + "a" * 43: ("set", "y"),
    "$6$salt$" + "b" * 86: ("set", "6"),
    "$1$salt$" + "c" * 22: ("set", "1"),
    "$7$salt" + "d" * 60: ("set", "7"),
    "_J9..salt" + "e" * 11: ("set", "bsdi"),
    "ab" + "F" * 11: ("set", "des"),
    "ab" + "{not base64}" + "f" * 20: ("set", "?"),
    "": ("empty", ""),
    "!$6$salt$" + "g" * 86: ("locked", ""),
    "!!$y$j9T$" + "h" * 60: ("locked", ""),
    "*": ("none", ""),
    "!": ("none", ""),
    "!!": ("none", ""),
    "!*": ("none", ""),
    "*LK*": ("none", ""),
    "NP": ("none", ""),
    "x": ("none", ""),
}


@pytest.mark.parametrize(("field", "state"), HASHES.items())
def test_a_password_tells_its_state_and_no_more(field: str, state: tuple[str, str], tmp_path: Path) -> None:
    files = {"passwd": "root:x:0:0::/root:/bin/sh\n", "shadow": f"root:{field}:20000:0:99999:7:::\n"}
    output = asked(LOCAL, tmp_path, files)
    (account,) = LOCAL.parse(output).accounts
    assert (account.password.state, account.password.algorithm) == state
    assert account.password.opens is (state[0] in ("set", "empty"))
    assert len(field) < 13 or field not in output.text


@pytest.mark.parametrize(
    "files",
    [
        {"passwd": "root:x:0:0::/root:/bin/sh\nbob:x:$6$salt$secret:0::/:/bin/sh\n"},
        {"passwd": "root:x:0:0::/root:/bin/sh\n$6$salt$secret:x:5:5::/:/bin/sh\n"},
        {"passwd": "root:x:0:0::/root:/bin/sh\nbob:x:5:5:$6$salt$secret:/:/bin/sh\n"},
        {"passwd": "root:x:0:0::/root:/bin/sh\nbob:x:5:5::/:$6$salt$secret\n"},
        {"passwd": "root:x:0:0::/root:/bin/sh\n", "shadow": "$6$salt$secret:x:5:5:::::\n"},
        {"passwd": "root:x:0:0::/root:/bin/sh\n", "gshadow": "sudo:$6$salt$secret::\n"},
        {"passwd": "root:x:0:0::/root:/bin/sh\n", "group": "sudo:$6$salt$secret:27:\n"},
        {"passwd": "root:$6$salt$secret:0:0::/root:/bin/sh\n"},
    ],
)
def test_a_hash_in_any_column_stays_on_the_host(files: dict[str, str], tmp_path: Path) -> None:
    assert "secret" not in asked(LOCAL, tmp_path, files).text


def test_lines_are_taken_as_glibc_takes_them(tmp_path: Path) -> None:
    lines = (
        "root:x:0:0::/root:/bin/bash\n# comment:x:0:0::/:/bin/sh\n\n  spaced:x:+00:007::/:\n"
        "cut:*:4294967296:5\nnone:x::5::/:/bin/sh\nword:x:five:5::/:/bin/sh\n+nis::::::\n"
        "colon:x:8:8::/:/bin/sh:-c\n"
    )
    local = LOCAL.parse(asked(LOCAL, tmp_path, {"passwd": lines}))
    assert [(one.line, one.name, one.uid, one.gid, one.shell) for one in local.accounts] == [
        (1, "root", 0, 0, "/bin/bash"),
        (4, "spaced", 0, 7, "/bin/sh"),
        (5, "cut", 0xFFFFFFFF, 5, "/bin/sh"),
        (9, "colon", 8, 8, "/bin/sh:-c"),
    ]
    assert [line.rpartition("/")[2] for line in local.unread] == ["passwd:6: none", "passwd:7: word"]
    assert [line.rpartition("/")[2] for line in local.compat] == ["passwd:8: +nis::::"]


def test_of_two_lines_of_one_name_the_first_counts(tmp_path: Path) -> None:
    files = {
        "passwd": "root:x:0:0::/root:/bin/sh\nbob:x:5:5::/:/bin/sh\n",
        "shadow": "bob::20000::::::\nbob:*:20000::::::\n",
    }
    local = LOCAL.parse(asked(LOCAL, tmp_path, files))
    assert local.by_name["bob"].password.state == "empty"


def test_an_account_without_a_line_in_shadow_has_no_password(tmp_path: Path) -> None:
    local = LOCAL.parse(asked(LOCAL, tmp_path, {"passwd": "bob:x:5:5::/:/bin/sh\n", "shadow": ""}))
    assert local.by_name["bob"].password.state == "none"


def test_days_are_dates_and_no_day_is_none(tmp_path: Path) -> None:
    files = {
        "passwd": "a:x:1:1::/:\nb:x:2:2::/:\nc:x:3:3::/:\n",
        "shadow": "a:*:20465:0:90:7:14:20500:\nb:*:0::::::\nc:*:::::::\n",
    }
    first, second, third = LOCAL.parse(asked(LOCAL, tmp_path, files)).shadow
    assert (first.changed, first.max_days, first.inactive_days) == (date(2026, 1, 12), 90, 14)
    assert first.expires == date(2026, 2, 16)
    assert (second.must_change, third.must_change) == (True, False)
    assert third.changed is None


def test_members_of_a_group_are_those_of_its_number_too(tmp_path: Path) -> None:
    files = {
        "passwd": "root:x:0:0::/:\nann:x:1:27::/:\n",
        "group": "sudo:x:27:bob, carol,\nhelpers:x:27:dan\n",
        "gshadow": "sudo:!:eve:frank\n",
    }
    local = LOCAL.parse(asked(LOCAL, tmp_path, files))
    assert local.members("sudo") == ["ann", "bob", "carol", "dan", "frank"]
    assert local.gshadow[0].administrators == ("eve",)
    assert local.members("nobody-s") == []


def test_delivered_debian_lets_nobody_in_by_a_password() -> None:
    for release in ("12", "13"):
        local = LOCAL.parse(printed(f"local-debian-{release}-delivered.txt"))
        assert [account for account in local.accounts if account.password.opens] == []
        assert {account.name for account in local.accounts if account.has_shell} == {
            "root",
            "operator",
            "plain",
        }
        assert local.compat == local.unread == ()


def test_fingerprint_is_the_one_ssh_keygen_prints() -> None:
    said, blob = recorded("accounts/fingerprint-openssh-9.2.txt").splitlines()
    assert fingerprint(blob) == said.split()[1]


def test_keys_are_found_with_what_they_may_do() -> None:
    blob = recorded("accounts/fingerprint-openssh-9.2.txt").splitlines()[1]
    rows = f"keys\troot\t/k\nkey\troot\t/k\t3\tssh-rsa {blob}\tcommand=,no-pty,from= \nend\n"
    (key,) = KEYS.parse(told(rows)).keys
    assert str(key) == f"/k:3: opens root: ssh-rsa {fingerprint(blob)}, command, from, no-pty"


def test_a_key_in_everybody_s_file_opens_them_all() -> None:
    text = "status\t0\nkeys\troot,a,b,c,d\t/k\nkey\troot,a,b,c,d\t/k\t1\tssh-rsa AAAA\t\nend\n"
    (key,) = KEYS.parse(told(text)).keys
    assert key.accounts == ["root", "a", "b", "c", "d"]
    assert str(key).startswith("/k:1: opens root, a, b and 2 more: ssh-rsa ")


@pytest.mark.parametrize("options", ["cert-authority ", "no-pty,Cert-Authority,principals= "])
def test_a_key_may_be_an_authority_whatever_its_letters(options: str) -> None:
    text = f"status\t0\nkeys\troot\t/k\nkey\troot\t/k\t1\tssh-rsa AAAA\t{options}\nend\n"
    (key,) = KEYS.parse(told(text)).keys
    assert key.is_authority


def test_a_key_that_is_no_base64_is_told_and_matches_nothing() -> None:
    (key,) = KEYS.parse(told("key\troot\t/k\t1\tssh-rsa AAAA=A\t\nend\n")).keys
    assert key.fingerprint == "(no valid key)"


def test_a_host_without_sshd_says_so() -> None:
    assert KEYS.parse(told("end\n")).status is None


def test_settings_of_match_blocks_count_beside_sshd_s_own() -> None:
    seen = KEYS.parse(printed("keys-openssh-9.2-wrong.txt"))
    assert seen.is_answered
    assert ("/etc/ssh/sshd_config.d/wrong.conf:7", "/etc/ssh/ca.pub") in seen.given("trustedusercakeys")
    assert seen.authorities == [
        "sshd: authorizedkeyscommand /usr/bin/keys",
        "/etc/ssh/sshd_config.d/wrong.conf:4: authorizedkeyscommand /usr/bin/keys",
        "/etc/ssh/sshd_config.d/wrong.conf:7: trustedusercakeys /etc/ssh/ca.pub",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "AuthorizedKeysFile=/k",
        'authorizedkeysfile = "/k"',
        "\tAuthorizedKeysFile\t/k",
        '"AuthorizedKeysFile" /k',
        "AuthorizedKeysFile /k # of all",
    ],
)
def test_an_option_is_read_however_it_is_written(text: str) -> None:
    seen = KEYS.parse(told(f"status\t0\nmatch\t/f\t2\t{text}\nend\n"))
    assert seen.given("authorizedkeysfile") == [("/f:2", "/k")]


@pytest.mark.parametrize("rows", ["status\t255\n", "status\t0\nmatch\t/f\t2\tInclude /more\n"])
def test_what_sshd_does_not_tell_is_not_answered(rows: str) -> None:
    assert not KEYS.parse(told(f"{rows}end\n")).is_answered


def test_stock_debian_asks_files_alone() -> None:
    seen = SOURCES.parse(printed("sources-debian-12-delivered.txt"))
    assert {source.name for source in seen.sources if source.database != "netgroup"} == {"files"}
    assert "nis" not in seen.modules
    assert not seen.has_client


def test_services_in_brackets_are_none() -> None:
    rows = "nss\t1\tpasswd: files [!UNAVAIL=return NOTFOUND=continue] sss\nend\n"
    assert [source.name for source in SOURCES.parse(told(rows)).sources] == ["files", "sss"]


SSSD = "/etc/sssd/sssd.conf"


def sssd(text: str) -> str:
    lines = "".join(f"line\t{SSSD}\t{number}\t{line}\n" for number, line in enumerate(text.splitlines(), 1))
    return f"file\t{SSSD}\n{lines}end\n"


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("[domain/ad.ot.lab.test]\nid_provider = ad", []),
        ("[domain/plant]\nid_provider=AD\nad_domain = AD.OT.lab.test", []),
        ("[sssd]\ndomains = a\n[domain/a]\nad_domain=ad.ot.lab.test\n[domain/b]\nid_provider=ldap", []),
        (
            "[sssd]\ndomains = a\n[domain/a]\nad_domain=ad.ot.lab.test\n"
            "[domain/b]\nenabled=True\nad_domain=x.test",
            [f"{SSSD}:7: [domain/b] ad_domain = x.test"],
        ),
        (
            "[sssd]\ndomains = a, b\n[domain/a]\nad_domain=ad.ot.lab.test\n"
            "[domain/b]\nenabled=false\nid_provider=ldap",
            [],
        ),
        ("[domain/evil.test]\nid_provider = ad", [f"{SSSD}:2: [domain/evil.test] id_provider = ad"]),
        (
            "[domain/ad.ot.lab.test]\nid_provider = ad\nauth_provider = ldap",
            [f"{SSSD}:3: [domain/ad.ot.lab.test] auth_provider = ldap"],
        ),
        (
            "[domain/ad.ot.lab.test]\nid_provider = ad\naccess_provider = permit",
            [f"{SSSD}:3: [domain/ad.ot.lab.test] access_provider = permit"],
        ),
        (
            "[domain/ad.ot.lab.test]\nad_domain = evil.test",
            [f"{SSSD}:2: [domain/ad.ot.lab.test] ad_domain = evil.test"],
        ),
    ],
)
def test_directory_is_the_site_s_or_is_told(text: str, wrong: list[str]) -> None:
    seen = SOURCES.parse(told(sssd(text)))
    assert seen.has_client
    assert seen.other_directories("ad.ot.lab.test") == wrong


def test_winbind_needs_the_realm_and_the_way_of_active_directory() -> None:
    smb = "file\t/etc/samba/smb.conf\nline\t/etc/samba/smb.conf\t2\t[global]\n"
    line = "line\t/etc/samba/smb.conf"
    right = f"{smb}{line}\t3\tsecurity = ADS\n{line}\t4\trealm = AD.X.TEST\n"
    assert SOURCES.parse(told(f"running\twinbindd\n{right}end\n")).other_directories("ad.x.test") == []
    assert SOURCES.parse(told(f"running\twinbindd\n{smb}end\n")).other_directories("ad.x.test") == [
        "/etc/samba/smb.conf: no security = ads",
        "/etc/samba/smb.conf: no realm",
    ]


def test_users_of_systemd_s_own_services_are_no_users() -> None:
    users = ("svc:61200:/usr/sbin/nologin", "eve:60001:/bin/bash", "odd:61201:/bin/sh")
    rows = "".join(f"systemd\t{user}\n" for user in users)
    assert SOURCES.parse(told(f"{rows}end\n")).from_systemd == [
        "eve (uid 60001, /bin/bash, from systemd)",
        "odd (uid 61201, /bin/sh, from systemd)",
    ]


def test_a_strange_program_that_names_users_is_told() -> None:
    rows = "socket\tio.systemd.DynamicUser\nsocket\tcom.example.Users\nend\n"
    assert SOURCES.parse(told(rows)).strange_sockets == ["/run/systemd/userdb/com.example.Users"]


@pytest.mark.parametrize(("name", "probe"), PROBES.items(), ids=PROBES)
def test_cut_output_is_not_understood(name: str, probe: Probe[Any]) -> None:
    text = recorded(f"accounts/{name}")
    for cut in (text[:-1], text[: len(text) // 2], ""):
        with pytest.raises(ParseError):
            probe.parse(told(cut))


@pytest.mark.parametrize("probe", [LOCAL, ELEVATION, SOURCES, KEYS], ids=lambda probe: str(probe.name))
def test_a_row_no_probe_prints_is_not_understood(probe: Probe[Any]) -> None:
    with pytest.raises(ParseError):
        probe.parse(told("surprise\t1\nend\n"))


@pytest.mark.parametrize(
    "rows",
    [
        "line\t/etc/sudoers\t1\troot ALL=ALL\nend\n",
        "file\t/etc/sudoers\nline\t/etc/sudoers\t2\ta\nline\t/etc/sudoers\t2\tb\nend\n",
    ],
)
def test_lines_out_of_order_are_not_understood(rows: str) -> None:
    with pytest.raises(ParseError):
        ELEVATION.parse(told(f"program\tsudo\n{rows}"))


def test_no_accounts_at_all_are_not_understood() -> None:
    with pytest.raises(ParseError, match="no account"):
        LOCAL.parse(told("today\t20000\nabsent\t/etc/passwd\nend\n"))


def test_shadow_that_is_none_is_not_understood() -> None:
    rows = "today\t20000\npasswd\t1\telsewhere\t\troot:0:0:/:/bin/sh\nshadow\t1\tset\t6\troot:?:::\nend\n"
    with pytest.raises(ParseError, match="no numbers"):
        LOCAL.parse(told(rows))
