"""Keys and certificates as a host's own programs printed them."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from crypto_host import SUITE, accepts, crypto_host
from recorded_host import recorded

from plumbline.probes.crypto import CERTIFICATES, LISTENERS
from plumbline.probes.crypto.lifetimes import of_certificate, of_file
from plumbline.probes.crypto.x509 import Certificate, parse_pem
from plumbline.verify.unknown import Unknown

WEAK = recorded("crypto/certificates-openssl-3.0-weak.txt")
OF = accepts("keys-strong")
DAY = 86_400


def with_certificates(text: str) -> object:
    return crypto_host("hardened", {CERTIFICATES: text}).crypto


def test_host_without_keys_has_nothing_to_judge() -> None:
    found = crypto_host("hardened").crypto
    assert (found.certificates(), found.private_keys, found.open_private_keys) == ([], [], [])


def test_own_certificates_are_those_whose_private_key_lies_here() -> None:
    files = {where.split(",")[0] for where, _ in crypto_host("weak").crypto.certificates()}
    assert files >= {"/etc/short/x.crt", "/srv/tls/x.crt", "/var/lib/plc/deep/er/and/deeper/x.pem"}


def test_certificate_without_its_private_key_is_another_s() -> None:
    text = "".join(line for line in WEAK.splitlines(keepends=True) if not line.startswith("private"))
    host = crypto_host("hardened", {CERTIFICATES: text})
    assert host.crypto.certificates() == []


def test_certificate_beside_an_encrypted_key_is_the_host_s_own() -> None:
    lines = [line for line in WEAK.splitlines(keepends=True) if not line.startswith("private")]
    encrypted = "private\t/srv/tls/x.key\t600 root:root\t1795348818\tENCRYPTED \t\n"
    host = crypto_host("hardened", {CERTIFICATES: "".join([*lines[:-1], encrypted, lines[-1]])})
    assert [where for where, _ in host.crypto.certificates()] == ["/srv/tls/x.crt, named by no configuration"]
    assert host.crypto.private_keys == []


def test_encrypted_key_alone_is_not_told() -> None:
    text = "now\t17\nprogram\topenssl\nprivate\t/etc/x.key\t600 root:root\t17\tENCRYPTED \t\nend\n"
    host = crypto_host("hardened", {CERTIFICATES: text})
    with pytest.raises(Unknown, match=r"/etc/x\.key"):
        SUITE["test_private_keys_on_disk_are_strong"](host, OF)


def test_store_of_keys_is_not_told() -> None:
    host = crypto_host("hardened", {CERTIFICATES: "now\t1\nprogram\topenssl\nstore\t/opt/x.p12\nend\n"})
    with pytest.raises(Unknown, match=r"/opt/x\.p12"):
        SUITE["test_private_keys_on_disk_are_strong"](host, OF)


def test_place_that_was_not_searched_is_unknown() -> None:
    host = crypto_host("hardened", {CERTIFICATES: "now\t1\nprogram\topenssl\ncut\t/opt\nend\n"})
    with pytest.raises(Unknown, match="/opt"):
        host.crypto.certificates()


def test_keys_without_a_program_to_read_them_are_unknown() -> None:
    text = "".join(line for line in WEAK.splitlines(keepends=True) if not line.startswith("program"))
    with pytest.raises(Unknown, match="openssl"):
        _ = crypto_host("hardened", {CERTIFICATES: text}).crypto.private_keys


def test_presented_certificates_are_the_host_s_own() -> None:
    found = crypto_host("hardened", {LISTENERS: recorded("crypto/listeners-openssl-3.0-weak.txt")})
    ((where, certificate),) = found.crypto.certificates()
    assert (where, certificate.kind, certificate.bits) == (
        "presented at 127.0.0.1:9443 (openssl)",
        "RSA",
        2048,
    )
    assert (certificate.days, certificate.hash_name) == (3650, "sha256")


def test_certificate_that_cannot_be_read_is_named_and_hides_no_other() -> None:
    text = "certificate\t/x\t-----BEGIN CERTIFICATE-----~MIIB~-----END CERTIFICATE-----~\n"
    host = crypto_host("weak", {CERTIFICATES: text + recorded("crypto/certificates-openssl-3.0-weak.txt")})
    assert host.crypto.unreadable == ["/x"]
    assert host.crypto.certificates() == crypto_host("weak").crypto.certificates()


def test_text_without_certificates_has_none() -> None:
    assert parse_pem("nothing") == []


@pytest.mark.parametrize(
    ("age", "days"), [(0, 1), (1, 1), (DAY, 1), (365 * DAY, 365), (366 * DAY, 366), (366 * DAY + 1, 367)]
)
def test_begun_days_of_a_key_count(age: int, days: int) -> None:
    assert of_file("key", "/k", 2_000_000_000 - age, 2_000_000_000).days == days


def test_key_of_the_future_is_unknown() -> None:
    with pytest.raises(Unknown, match="/k"):
        of_file("key", "/k", 2_000_000_000, 1_900_000_000)


@pytest.mark.parametrize("check", [name for name in SUITE if name.startswith("test_certificates")])
def test_weak_host_fails(check: str) -> None:
    if check == "test_certificates_are_signed_with_strong_hashes":
        SUITE[check](crypto_host("weak"), OF)
        return
    with pytest.raises(AssertionError):
        SUITE[check](crypto_host("weak"), OF)


def test_certificate_made_while_it_was_asked_for_has_begun() -> None:
    begins = datetime(2026, 1, 1, 12, 0, 5, tzinfo=UTC)
    certificate = Certificate("CN=x", b"", "RSA", 2048, "sha256", begins, begins + timedelta(days=300), False)
    told = [
        of_certificate("x", certificate, (begins - timedelta(seconds=early)).timestamp()).ended is None
        for early in (5, 3600)
    ]
    assert told == [True, False]


def test_trusted_certificate_is_read_without_whom_it_is_trusted_for() -> None:
    (certificate,) = [
        found for where, found in crypto_host("weak").crypto.certificates() if "/srv/" in where
    ][:1]
    pem = next(
        line.split("\t")[2] for line in WEAK.splitlines() if line.startswith("certificate\t/srv/tls/x.crt")
    )
    body = "".join(part for part in pem.split("~") if part and not part.startswith("-"))
    longer = base64.b64encode(base64.b64decode(body) + bytes.fromhex("300c300a06082b06010505070301")).decode()
    (read,) = parse_pem(f"-----BEGIN CERTIFICATE-----\n{longer}\n-----END CERTIFICATE-----\n")
    assert read == certificate
