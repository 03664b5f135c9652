"""SSH as its programs told it: offered live and at a boot, by the server and by the client."""

from __future__ import annotations

import pytest
from crypto_host import accepts, crypto_host
from recorded_host import recorded

from plumbline.probes.base import Output, ParseError
from plumbline.probes.crypto import SSH_SERVER, SSH_USERS
from plumbline.probes.crypto.ssh_algorithms import is_accepted, named
from plumbline.probes.crypto.ssh_keys import parse_public
from plumbline.verify.unknown import Unknown

OF = accepts("ssh-algorithms")
LISTS = {
    "ciphers": (OF("ciphers"),),
    "macs": (OF("macs"),),
    "key_exchange": (OF("key_exchange"), OF("curves")),
    "signatures": (OF("signatures"),),
}
HARDENED = recorded("crypto/ssh-server-openssh-9.2-hardened.txt")


def server(text: str) -> object:
    return SSH_SERVER.parse(Output(text.encode(), b"", 0))


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("release", ["9.2", "10.0"])
def test_hardened_server_offers_what_is_accepted(kind: str, release: str) -> None:
    host = crypto_host(
        "hardened", {SSH_SERVER: recorded(f"crypto/ssh-server-openssh-{release}-hardened.txt")}
    )
    assert host.crypto.ssh_now(kind, *LISTS[kind]) == []
    assert host.crypto.ssh_at_boot(kind, *LISTS[kind]) == []


@pytest.mark.parametrize("kind", LISTS)
def test_hardened_client_proposes_what_is_accepted(kind: str) -> None:
    assert crypto_host("hardened").crypto.ssh_client(kind, *LISTS[kind]) == []


@pytest.mark.parametrize(
    ("release", "kind", "refused"),
    [
        (
            "9.2",
            "ciphers",
            {"chacha20-poly1305@openssh.com", "aes128-ctr", "aes192-ctr", "aes128-gcm@openssh.com"},
        ),
        (
            "10.0",
            "ciphers",
            {"chacha20-poly1305@openssh.com", "aes128-ctr", "aes192-ctr", "aes128-gcm@openssh.com"},
        ),
        ("9.2", "signatures", {"ecdsa-sha2-nistp256", "ssh-ed25519"}),
        ("9.2", "key_exchange", set()),
    ],
)
def test_delivered_server_offers_more(release: str, kind: str, refused: set[str]) -> None:
    host = crypto_host(
        "hardened", {SSH_SERVER: recorded(f"crypto/ssh-server-openssh-{release}-delivered.txt")}
    )
    assert {seen.bare for seen in host.crypto.ssh_now(kind, *LISTS[kind])} == refused


def test_running_server_and_files_differ() -> None:
    text = HARDENED.replace("ciphers ctos: aes256-gcm@openssh.com,", "ciphers ctos: aes128-ctr,")
    host = crypto_host("hardened", {SSH_SERVER: text})
    assert list(map(str, host.crypto.ssh_now("ciphers", *LISTS["ciphers"]))) == [
        "aes128-ctr (sshd at 127.0.0.1:22)"
    ]
    assert host.crypto.ssh_at_boot("ciphers", *LISTS["ciphers"]) == []


def test_server_that_does_not_say_is_unknown() -> None:
    text = "".join(line for line in HARDENED.splitlines(keepends=True) if not line.startswith("offer"))
    with pytest.raises(Unknown, match="did not say what it offers"):
        crypto_host("hardened", {SSH_SERVER: text}).crypto.ssh_now("ciphers", *LISTS["ciphers"])


def test_refused_configuration_is_unknown() -> None:
    text = HARDENED.replace(
        "config\t/etc/ssh/sshd_config\t0\t", "config\t/etc/ssh/sshd_config\t255\tline 3: bad"
    )
    with pytest.raises(Unknown, match="sshd does not take its configuration"):
        crypto_host("hardened", {SSH_SERVER: text}).crypto.ssh_at_boot("ciphers", *LISTS["ciphers"])


def test_unit_that_always_gives_the_option_wins_over_the_file() -> None:
    lines = HARDENED.replace(
        "option\t/etc/ssh/sshd_config\tciphers ", "option\t/etc/ssh/sshd_config\tciphers 3des-cbc,"
    )
    assert crypto_host("hardened", {SSH_SERVER: lines}).crypto.ssh_at_boot("ciphers", *LISTS["ciphers"])
    given = lines.replace("ExecStart=/usr/sbin/sshd -D", "ExecStart=/usr/sbin/sshd -D -o Ciphers=aes256-ctr")
    assert crypto_host("hardened", {SSH_SERVER: given}).crypto.ssh_at_boot("ciphers", *LISTS["ciphers"]) == []


def test_other_server_than_openssh_is_unknown_for_a_boot() -> None:
    text = HARDENED.replace(
        "running\tsshd: /usr/sbin/sshd -D [listener]", "running\t/usr/sbin/dropbear -F [listener]"
    )
    with pytest.raises(Unknown, match="dropbear"):
        crypto_host("hardened", {SSH_SERVER: text}).crypto.ssh_at_boot("macs", *LISTS["macs"])


def test_host_keys_offered_are_those_sshd_may_sign_with() -> None:
    assert [key.told for key in crypto_host("hardened").crypto.host_keys] == ["RSA 3072"]
    delivered = crypto_host("hardened", {SSH_SERVER: recorded("crypto/ssh-server-openssh-9.2-delivered.txt")})
    assert [key.told for key in delivered.crypto.host_keys] == ["RSA 3072", "ECDSA 256", "ED25519 256"]


def test_more_listeners_than_are_greeted_is_no_answer() -> None:
    more = "".join(f"listen\t127.0.0.1:{port}\tsshd\n" for port in range(2001, 2006))
    with pytest.raises(ParseError):
        server(more + HARDENED)


@pytest.mark.parametrize("cut", [10, 500, len(HARDENED) - 4])
def test_output_that_was_cut_off_is_no_answer(cut: int) -> None:
    with pytest.raises(ParseError):
        server(HARDENED[:cut])


def test_too_many_files_of_users_are_unknown() -> None:
    text = recorded("crypto/ssh-users-openssh-9.2-hardened.txt")
    host = crypto_host("hardened", {SSH_USERS: f"cut\t/home/x/.ssh/y\n{text}"})
    with pytest.raises(Unknown, match=r"/home/x/\.ssh/y"):
        _ = host.crypto.authorized_keys


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("aes256-ctr,aes128-ctr", ["aes256-ctr", "aes128-ctr"]),
        ("+aes128-ctr", ["aes128-ctr"]),
        ("^aes128-ctr", ["aes128-ctr"]),
        ("-aes128-ctr", []),
        ("", []),
    ],
)
def test_minus_brings_nothing_in(value: str, names: list[str]) -> None:
    assert named(value) == names


@pytest.mark.parametrize(
    ("name", "accepted"),
    [
        ("kex-strict-s-v00@openssh.com", True),
        ("ext-info-s", True),
        ("gss-group14-sha256-toWM5Slw5Ew8Mqkay+al2g==", True),
        ("gss-gex-sha1-toWM5Slw5Ew8Mqkay+al2g==", False),
        ("diffie-hellman-group14-sha1", False),
        ("curve25519-sha256", True),
    ],
)
def test_accepted_key_exchange(name: str, accepted: bool) -> None:
    assert is_accepted(name, LISTS["key_exchange"]) is accepted


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("256 SHA256:eC9T1bHO8HqnVTx2OUYHbWnqBZRdMbNbtbpzZp1r/hs root@srv (x) (ECDSA)", "ECDSA 256"),
        ("1024 SHA256:eC9T1bHO8HqnVTx2OUYHbWnqBZRdMbNbtbpzZp1r/hs no comment (RSA)", "RSA 1024"),
        (
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP+tyORD+FPCmFXWIrHH0cQX5CUshtrOnqGydiKBLbMO me",
            "ED25519 256",
        ),
    ],
)
def test_public_key_is_told(text: str, told: str) -> None:
    assert parse_public(text, "f").told == told


@pytest.mark.parametrize(
    "text", ["", "ssh-rsa", "ssh-rsa %%%", "ssh-rsa AAAA", "ssh-rsa AAAAB3NzaC1yc2E=", "x y z"]
)
def test_what_is_no_public_key_is_no_answer(text: str) -> None:
    with pytest.raises((ValueError, IndexError)):
        parse_public(text, "f")


def users(*rows: str) -> object:
    text = recorded("crypto/ssh-users-openssh-9.2-hardened.txt")
    return crypto_host("hardened", {SSH_USERS: "".join(f"{row}\n" for row in rows) + text}).crypto


@pytest.mark.parametrize(
    ("kind", "command", "refused"),
    [
        ("ciphers", "-c aes128-ctr -W", ["aes128-ctr"]),
        ("ciphers", ' -o "Ciphers aes128-ctr', ["aes128-ctr"]),
        ("ciphers", " -o Ciphers=aes256-ctr", []),
        ("ciphers", " -a -c data", []),
        ("macs", " -m hmac-sha1", ["hmac-sha1"]),
        ("macs", " -m -c", []),
    ],
)
def test_command_lines_of_ssh(kind: str, command: str, refused: list[str]) -> None:
    crypto = users(f"command\t/etc/systemd/system/x.service\t2\t{command}")
    assert [seen.bare for seen in crypto.ssh_client(kind, *LISTS[kind])] == refused  # type: ignore[attr-defined]  # the suites' own kind


def test_key_that_is_broken_hides_no_other() -> None:
    crypto = users(
        "authorized\t/root/.ssh/authorized_keys\t1\tssh-rsa AAAAB3NzaC1yc2EAA",
        "own\t/root/.ssh/x.ppk\t1\tPuTTY\tssh-ed25519 ",
    )
    told = {key.told for key in [*crypto.authorized_keys, *crypto.user_keys]}  # type: ignore[attr-defined]  # the suites' own kind
    assert {"RSA", "ED25519"} <= told


def test_daemon_with_a_configuration_nobody_can_tell_is_unknown() -> None:
    line = "started\t/etc/systemd/system/x.service\t3\tExecStart=/usr/sbin/sshd -D -f $CONFIG\n"
    with pytest.raises(Unknown, match="cannot be told"):
        crypto_host("hardened", {SSH_SERVER: line + HARDENED}).crypto.ssh_at_boot("macs", *LISTS["macs"])
