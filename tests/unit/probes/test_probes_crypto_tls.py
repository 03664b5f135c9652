"""TLS of listeners and libraries, and the hashing of passwords, as real programs told them."""

from __future__ import annotations

import pytest
from crypto_host import SUITE, accepts, crypto_host
from recorded_host import recorded

from plumbline.probes.base import Output, ParseError
from plumbline.probes.crypto import LIBRARIES, LISTENERS
from plumbline.probes.crypto.gnutls import Policy
from plumbline.probes.crypto.hello import offered
from plumbline.probes.host import DeliveredHost
from plumbline.verify.unknown import Unknown

OF = accepts("tls-strong")
HARDENED = recorded("crypto/libraries-openssl-3.0-gnutls-3.7-hardened.txt")
WEAK_LISTENERS = recorded("crypto/listeners-openssl-3.0-weak.txt")


def libraries(text: str) -> DeliveredHost:
    return crypto_host("hardened", {LIBRARIES: text})


@pytest.mark.parametrize("recording", ["3.0-gnutls-3.7-hardened", "3.5-hardened"])
def test_hardened_libraries_offer_what_is_accepted(recording: str) -> None:
    found = libraries(recorded(f"crypto/libraries-openssl-{recording}.txt")).crypto
    assert found.openssl_old == []
    assert found.openssl_suites(OF("suites")) == []


@pytest.mark.parametrize("recording", ["3.0-gnutls-3.7-delivered", "3.5-delivered"])
def test_without_the_program_openssl_is_unknown(recording: str) -> None:
    found = libraries(recorded(f"crypto/libraries-openssl-{recording}.txt")).crypto
    with pytest.raises(Unknown, match="install it"):
        found.openssl_suites(OF("suites"))


def test_configuration_openssl_refuses_is_unknown() -> None:
    text = HARDENED.replace("openssl\tsystem\t0\t", "openssl\tsystem\t1\t")
    with pytest.raises(Unknown, match="does not take its configuration"):
        _ = libraries(text).crypto.openssl_old


def test_policy_of_one_service_is_told_with_its_place() -> None:
    told = [str(seen) for seen in crypto_host("weak").crypto.openssl_suites(OF("suites"))]
    assert "AES128-SHA (/etc/ssl/plc.cnf, /etc/systemd/system/plc.service:2)" in told


def test_another_policy_of_gnutls_is_unknown() -> None:
    line = "own\tGNUTLS_SYSTEM_PRIORITY_FILE\t/etc/systemd/system/x.service:3\t/dev/null\n"
    with pytest.raises(Unknown, match=r"x\.service:3"):
        _ = libraries(line + HARDENED).crypto.gnutls


def policy(text: str) -> Policy:
    return Policy((f"/etc/gnutls/config:{number}", line) for number, line in enumerate(text.splitlines(), 1))


@pytest.mark.parametrize(
    ("text", "versions"),
    [
        ("", ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]),
        ("[overrides]\ndisabled-version = tls1.0\n", ["TLSv1.1", "TLSv1.2", "TLSv1.3"]),
        (
            "[overrides]\n# disabled-version = tls1.0\ndisabled-version = TLS1.1\n",
            ["TLSv1", "TLSv1.2", "TLSv1.3"],
        ),
        ("[priorities]\ndisabled-version = tls1.0\n", ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]),
        ("[global]\noverride-mode = allowlist\n[overrides]\nenabled-version = tls1.3\n", ["TLSv1.3"]),
        ("[global]\noverride-mode = allowlist\n", []),
    ],
)
def test_versions_of_gnutls(text: str, versions: list[str]) -> None:
    assert [seen.bare for seen in policy(text).versions] == versions


def test_listeners_are_told_with_what_they_agreed_to() -> None:
    host = crypto_host("hardened", {LISTENERS: WEAK_LISTENERS})
    (listener,) = host.crypto.listeners
    assert ("TLSv1.1", "ECDHE-RSA-AES256-SHA") in listener.offers
    assert ("TLSv1.3", "TLS_CHACHA20_POLY1305_SHA256") in listener.offers
    with pytest.raises(AssertionError):
        SUITE["test_listeners_speak_accepted_versions"](host, OF)
    with pytest.raises(AssertionError):
        SUITE["test_listeners_agree_to_accepted_suites"](host, OF)


def test_listener_that_wants_a_certificate_is_judged_all_the_same() -> None:
    text = (
        "listener\t127.0.0.1:443\tnginx\ngreeting\t127.0.0.1:443\tany\tagreed\t(NONE)\n"
        "greeting\t127.0.0.1:443\tTLSv1\tagreed\t(NONE)\n"
        "greeting\t127.0.0.1:443\tTLSv1.2 AES128\trefused\t(NONE)\n"
        "program\topenssl\nend\n"
    )
    (listener,) = crypto_host("hardened", {LISTENERS: text}).crypto.listeners
    assert listener.offers == [("TLSv1", "TLSv1")]


def test_silence_counts_only_at_ports_of_tls() -> None:
    text = "".join(
        f"listener\t127.0.0.1:{port}\tx\ngreeting\t127.0.0.1:{port}\tany\tsilent\t\n" for port in (8443, 9000)
    )
    host = crypto_host("hardened", {LISTENERS: f"{text}program\topenssl\nend\n"})
    assert list(map(str, host.crypto.silent_listeners)) == ["no TLS (127.0.0.1:8443 (x))"]
    assert host.crypto.listeners == []


def test_listeners_nobody_could_greet_are_unknown() -> None:
    host = crypto_host("hardened", {LISTENERS: "listener\t127.0.0.1:443\tnginx\nend\n"})
    with pytest.raises(Unknown, match=r"127\.0\.0\.1:443"):
        _ = host.crypto.listeners


def test_more_listeners_than_are_greeted_is_no_answer() -> None:
    text = "".join(f"listener\t127.0.0.1:{port}\tx\n" for port in range(9000, 9021))
    with pytest.raises(ParseError):
        LISTENERS.parse(Output(f"{text}program\topenssl\nend\n".encode(), b"", 0))


@pytest.mark.parametrize("cut", [3, 200, len(WEAK_LISTENERS) - 4])
def test_output_that_was_cut_off_is_no_answer(cut: int) -> None:
    with pytest.raises(ParseError):
        LISTENERS.parse(Output(WEAK_LISTENERS[:cut].encode(), b"", 0))


METHODS = accepts("password-hashing")("methods")


@pytest.mark.parametrize(
    ("rows", "methods"),
    [
        ("defs\t/etc/login.defs\t1\tENCRYPT_METHOD SHA512\n", ["sha512"]),
        ("defs\t/etc/login.defs\t1\tENCRYPT_METHOD DES\n", ["des"]),
        ("defs\t/etc/login.defs\t1\tMD5_CRYPT_ENAB yes\n", ["md5"]),
        ("", ["des"]),
        ("pam\t/etc/pam.d/x\t3\tpassword required pam_unix.so md5 sha512\n", ["des", "sha512"]),
        ("pam\t/etc/pam.d/x\t3\tpassword required pam_unix.so obscure\n", ["des"]),
        ("pam\t/etc/pam.d/x\t3\tpassword required pam_unix.so blowfish\n", ["des", "bcrypt"]),
    ],
)
def test_method_for_new_passwords(rows: str, methods: list[str]) -> None:
    assert [found.method for found in libraries(f"{rows}end\n").crypto.set_hashing] == methods


@pytest.mark.parametrize(
    ("told", "accepted"),
    [
        ("y", True),
        ("7", True),
        ("6", True),
        ("5", True),
        ("1", False),
        ("des", False),
        ("2b", False),
        ("zz", False),
    ],
)
def test_method_of_a_password(told: str, accepted: bool) -> None:
    (found,) = libraries(f"hash\troot\t{told}\nend\n").crypto.used_hashing
    assert (found.method in METHODS) is accepted


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("[overrides]\ntls-disabled-cipher = aes-128-gcm,aes-128-cbc\n", True),
        ("[overrides]\ntls-disabled-cipher = chacha20-poly1305\n  tls-disabled-cipher = aes-128-gcm\n", True),
        ("[overrides]\nrubbish\ntls-disabled-cipher = aes-128-gcm\n", True),
        ("[overrides]\n;tls-disabled-cipher = aes-128-gcm\n", True),
        ("[overrides]\nrubbish = 1\ntls-disabled-cipher: AES-128-GCM # old\n", False),
        (" [Overrides]\n  TLS-Disabled-Cipher = aes-128-gcm\n", False),
    ],
)
def test_gnutls_reads_its_file_so(text: str, offered: bool) -> None:
    """What gnutls-cli 3.7.9 lists with each of these files."""
    assert ("AES-128-GCM" in [seen.bare for seen in policy(text).ciphers]) is offered


def test_another_default_priority_of_gnutls_is_unknown() -> None:
    line = "gnutls\t/etc/gnutls/config\t99\tdefault-priority-string = NORMAL:+3DES-CBC\n"
    with pytest.raises(Unknown, match=r"NORMAL:\+3DES-CBC"):
        _ = libraries(
            HARDENED.replace("java\t", f"{line}java\t").replace("\nend\n", f"\n{line}end\n")
        ).crypto.gnutls


TRIPLE_DES = (
    "16030300510200004d03038ca65fc0788041b6f0df613557abe40a7194e5113c75a8b462af4efdd3cef5212060fd520b"
    "c61d35f9cbf1faa964847f7da4781ff476ea91e23b529298955de77d000a0000"
)
"""What gnutls-serv 3.7.9 answered that has 3DES only (the first 80 bytes)."""


@pytest.mark.parametrize(
    ("answer", "agreed"),
    [
        (TRIPLE_DES, [("TLSv1.2", "DES-CBC3-SHA")]),
        (TRIPLE_DES[:120], [("TLSv1.2", "weak")]),
        (TRIPLE_DES.replace("4d0303", "4d0300"), [("SSLv3", "DES-CBC3-SHA")]),
        ("15030300020228", []),
        ("", []),
    ],
)
def test_greeting_that_openssl_cannot_send(answer: str, agreed: list[tuple[str, str]]) -> None:
    assert offered("weak", answer) == agreed


def test_listener_that_agrees_to_nothing_is_unknown() -> None:
    text = (
        "listener\t127.0.0.1:8883\tmosquitto\ngreeting\t127.0.0.1:8883\tany\trefused\t(NONE)\n"
        "program\topenssl\nend\n"
    )
    for check in ("test_listeners_speak_accepted_versions", "test_listeners_agree_to_accepted_suites"):
        with pytest.raises(Unknown, match="agreed to nothing"):
            SUITE[check](crypto_host("hardened", {LISTENERS: text}), OF)


def test_names_of_a_web_server_are_no_further_listeners() -> None:
    named = "".join(f"listener\t127.0.0.1:443/{number}.test\tnginx\n" for number in range(30))
    text = f"listener\t127.0.0.1:443\tnginx\n{named}program\topenssl\nend\n"
    assert len(LISTENERS.parse(Output(text.encode(), b"", 0))) == 31
