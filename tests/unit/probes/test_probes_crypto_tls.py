"""TLS of listeners and libraries, and the hashing of passwords, as real programs told them."""

from __future__ import annotations

import pytest
from crypto_host import SUITE, accepts, crypto_host
from recorded_host import recorded

from plumbline.probes.base import Output, ParseError
from plumbline.probes.crypto import LIBRARIES, LISTENERS
from plumbline.probes.crypto.gnutls import Policy
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
