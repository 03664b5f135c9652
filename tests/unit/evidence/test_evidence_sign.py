"""Signatures: plain openssl accepts ours and we accept its; nothing forged, weak or out of date passes."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_evidence import body, closed

from plumbline.errors import InputError
from plumbline.evidence.bundle import signature_file
from plumbline.evidence.errors import EvidenceError
from plumbline.evidence.sign import (
    load_key,
    load_trusted,
    sign,
    sign_file,
    verify,
    verify_file,
)

RAW = closed(body())
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def openssl(*words: str | Path) -> str:
    return subprocess.run(
        ["openssl", *map(str, words)], check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL
    ).stdout


def never() -> NoReturn:
    raise AssertionError("the key is not encrypted")


def rsa_key(directory: Path, bits: int = 2048, *options: str) -> Path:
    key = directory / f"rsa{bits}.pem"
    openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{bits}", *options, "-out", key)
    return key


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Make the supplier's key, its public half, and somebody else's."""
    directory = tmp_path_factory.mktemp("keys")
    supplier = rsa_key(directory)
    other = directory / "other"
    other.mkdir()
    stranger = rsa_key(other)
    public = directory / "supplier.pub.pem"
    openssl("pkey", "-in", supplier, "-pubout", "-out", public)
    return {"supplier": supplier, "public": public, "stranger": stranger}


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    file = tmp_path / "heating-1.evidence.json"
    file.write_bytes(RAW)
    return file


def test_openssl_accepts_our_signature(evidence: Path, keys: dict[str, Path]) -> None:
    signature = sign_file(evidence, RAW, load_key(keys["supplier"], never))
    assert signature == evidence.with_name("heating-1.evidence.json.sig")
    told = openssl("dgst", "-sha256", "-verify", keys["public"], "-signature", signature, evidence)
    assert told == "Verified OK\n"


def test_signature_of_openssl_is_accepted(evidence: Path, keys: dict[str, Path]) -> None:
    openssl("dgst", "-sha256", "-sign", keys["supplier"], "-out", signature_file(evidence), evidence)
    assert verify_file(evidence, RAW, load_trusted(keys["public"]), NOW) == "supplier.pub.pem"


@given(position=st.integers(0, len(RAW) - 1), change=st.integers(1, 255))
def test_any_change_after_signing_is_found(keys: dict[str, Path], position: int, change: int) -> None:
    signature = sign(RAW, load_key(keys["supplier"], never))
    changed = RAW[:position] + bytes([RAW[position] ^ change]) + RAW[position + 1 :]
    with pytest.raises(EvidenceError, match="changed after signing"):
        verify(changed, signature, load_trusted(keys["public"]), NOW)


def test_evidence_closed_anew_by_a_forger_is_found(evidence: Path, keys: dict[str, Path]) -> None:
    sign_file(evidence, RAW, load_key(keys["supplier"], never))
    forged = closed(body(host=body()["host"] | {"hostname": "heating-2"}))
    evidence.write_bytes(forged)
    with pytest.raises(EvidenceError, match="changed after signing, or another key signed it") as caught:
        verify_file(evidence, forged, load_trusted(keys["public"]), NOW)
    assert caught.value.file == str(evidence)


def test_signature_of_a_stranger_is_found(evidence: Path, keys: dict[str, Path]) -> None:
    sign_file(evidence, RAW, load_key(keys["stranger"], never))
    with pytest.raises(EvidenceError, match="another key signed it"):
        verify_file(evidence, RAW, load_trusted(keys["public"]), NOW)


@pytest.mark.parametrize("forged", [b"", b"\0" * 256, b"garbage", b"\xff" * 257])
def test_no_signature_at_all_is_found(forged: bytes, keys: dict[str, Path]) -> None:
    with pytest.raises(EvidenceError, match="is not what"):
        verify(RAW, forged, load_trusted(keys["public"]), NOW)


def test_missing_signature_is_told(evidence: Path, keys: dict[str, Path]) -> None:
    with pytest.raises(EvidenceError, match="it is not signed"):
        verify_file(evidence, RAW, load_trusted(keys["public"]), NOW)


def test_huge_signature_is_refused(evidence: Path, keys: dict[str, Path]) -> None:
    with signature_file(evidence).open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(EvidenceError, match="larger than 16 KiB"):
        verify_file(evidence, RAW, load_trusted(keys["public"]), NOW)


def test_small_key_neither_signs_nor_is_trusted(tmp_path: Path) -> None:
    small = rsa_key(tmp_path, 1024)
    public = tmp_path / "small.pub.pem"
    openssl("pkey", "-in", small, "-pubout", "-out", public)
    with pytest.raises(InputError, match="the RSA key has 1024 bits, and 2048 is the least"):
        load_key(small, never)
    with pytest.raises(InputError, match="the RSA key has 1024 bits, and 2048 is the least"):
        load_trusted(public)


def test_other_kinds_of_key_are_refused(tmp_path: Path) -> None:
    for kind in ("ED25519", "X25519"):
        key, public = tmp_path / f"{kind}.pem", tmp_path / f"{kind}.pub.pem"
        openssl("genpkey", "-algorithm", kind, "-out", key)
        openssl("pkey", "-in", key, "-pubout", "-out", public)
        with pytest.raises(InputError, match="it is no RSA key"):
            load_key(key, never)
        with pytest.raises(InputError, match="it is no RSA key"):
            load_trusted(public)


def test_what_is_no_key_is_refused(tmp_path: Path, keys: dict[str, Path]) -> None:
    notes = tmp_path / "notes.pem"
    notes.write_text("-----BEGIN NOTES-----\n")
    for path in (notes, keys["public"]):
        with pytest.raises(InputError, match="it is no private key in PEM"):
            load_key(path, never)
    for path in (notes, keys["supplier"]):
        with pytest.raises(InputError, match="neither a public key nor a certificate"):
            load_trusted(path)
    with pytest.raises(InputError, match="there is no such file"):
        load_key(tmp_path / "missing", never)


def test_encrypted_key_asks_for_its_passphrase(tmp_path: Path) -> None:
    key = rsa_key(tmp_path, 2048, "-aes256", "-pass", "pass:correct horse")
    assert load_key(key, lambda: "correct horse").key_size == 2048
    with pytest.raises(InputError, match="the passphrase does not open this key"):
        load_key(key, lambda: "wrong")
    with pytest.raises(InputError, match="the passphrase does not open this key"):
        load_key(key, lambda: "")


def test_certificate_is_trusted_for_its_time_only(tmp_path: Path, keys: dict[str, Path]) -> None:
    certificate = tmp_path / "supplier.crt"
    openssl(
        *("req", "-x509", "-key", keys["supplier"], "-subj", "/O=Supplier/CN=Handover"),
        *("-days", "30", "-out", certificate),
    )
    trusted = load_trusted(certificate)
    signature = sign(RAW, load_key(keys["supplier"], never))
    assert trusted.since is not None
    assert verify(RAW, signature, trusted, trusted.since + timedelta(days=1)) == "CN=Handover,O=Supplier"
    for days in (-1, 31):
        with pytest.raises(EvidenceError, match="the certificate of CN=Handover,O=Supplier was valid from"):
            verify(RAW, signature, trusted, trusted.since + timedelta(days=days))
