"""Detached signatures: who vouches for a file, in a form that plain `openssl dgst -verify` accepts.

RSA with SHA-256 and PKCS#1 v1.5 padding (RFC 8017, 8.2) over the bytes of the file; the signature stands
beside it as FILE.sig.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from plumbline.errors import InputError
from plumbline.evidence.atomic import write
from plumbline.evidence.bundle import read_limited, signature_file
from plumbline.evidence.errors import EvidenceError

LEAST_BITS = 2048
"""Bits an RSA key must have."""

_KEY_MAX = 64 * 1024
_SIGNATURE_MAX = 16 * 1024


@dataclass(frozen=True)
class Trusted:
    """A public key that is believed, and whose it is; a certificate's only within its validity."""

    key: rsa.RSAPublicKey
    owner: str
    since: datetime | None = None
    until: datetime | None = None


def load_key(path: Path, passphrase: Callable[[], str]) -> rsa.RSAPrivateKey:
    """Return the private key of a PEM file; `passphrase` is asked only if the key is encrypted.

    Raises InputError if it is none, of another kind, too short, or does not open.
    """
    pem = read_limited(path, _KEY_MAX)
    try:
        try:
            key = serialization.load_pem_private_key(pem, None)
        except TypeError:
            key = serialization.load_pem_private_key(pem, passphrase().encode())
    except (ValueError, TypeError) as error:
        if isinstance(error, TypeError) or b"ENCRYPTED" in pem:
            raise InputError("the passphrase does not open this key", file=path) from error
        raise InputError("it is no private key in PEM", file=path) from error
    except UnsupportedAlgorithm as error:
        raise InputError("it is a key of a kind that is not known", file=path) from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise InputError("it is no RSA key", file=path, hint="signatures are made with RSA")
    _long_enough(key.key_size, path)
    return key


def load_trusted(path: Path) -> Trusted:
    """Return the public key of a PEM file, which is a public key or a certificate; else InputError."""
    pem = read_limited(path, _KEY_MAX)
    owner, since, until = path.name, None, None
    try:
        if b"-----BEGIN CERTIFICATE-----" in pem:
            certificate = x509.load_pem_x509_certificate(pem)
            owner = certificate.subject.rfc4514_string() or path.name
            since, until = certificate.not_valid_before_utc, certificate.not_valid_after_utc
            key = certificate.public_key()
        else:
            key = serialization.load_pem_public_key(pem)  # type: ignore[assignment]  # both are narrowed below
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InputError("it is neither a public key nor a certificate in PEM", file=path) from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise InputError("it is no RSA key", file=path, hint="signatures are made with RSA")
    _long_enough(key.key_size, path)
    return Trusted(key, owner, since, until)


def sign(data: bytes, key: rsa.RSAPrivateKey) -> bytes:
    """Return the signature over some bytes."""
    return key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def sign_file(file: Path, data: bytes, key: rsa.RSAPrivateKey) -> Path:
    """Write the signature of a file's bytes beside it, and return where."""
    target = signature_file(file)
    write(target, sign(data, key))
    return target


def verify(data: bytes, signature: bytes, trusted: Trusted, at: datetime) -> str:
    """Return who signed these bytes; EvidenceError if nobody trusted did.

    `at` is when the bytes were made: a certificate must have been valid then.
    """
    try:
        trusted.key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature as error:
        raise EvidenceError(
            f"it is not what {trusted.owner} signed: it was changed after signing, or another key signed it"
        ) from error
    if trusted.since is not None and trusted.until is not None and not trusted.since <= at <= trusted.until:
        raise EvidenceError(
            f"the certificate of {trusted.owner} was valid from {trusted.since:%Y-%m-%d} to "
            f"{trusted.until:%Y-%m-%d}, and the evidence is of {at:%Y-%m-%d}"
        )
    return trusted.owner


def verify_file(file: Path, data: bytes, trusted: Trusted, at: datetime) -> str:
    """Return who signed a file whose bytes are `data`; EvidenceError naming it if nobody trusted did."""
    signature = signature_file(file)
    if not signature.exists():
        raise EvidenceError("it is not signed", file=file, hint=f"its signature would stand in {signature}")
    try:
        return verify(data, read_limited(signature, _SIGNATURE_MAX), trusted, at)
    except EvidenceError as error:
        raise EvidenceError(error.message, file=error.file or file, hint=error.hint) from error


def _long_enough(bits: int, path: Path) -> None:
    if bits < LEAST_BITS:
        raise InputError(
            f"the RSA key has {bits} bits, and {LEAST_BITS} is the least",
            file=path,
            hint="make one: openssl genpkey -aes256 -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out KEY",
        )
