"""Certificates: what counts of one, read with a library from the PEM text a probe printed."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from plumbline.probes.base import ParseError

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


@dataclass(frozen=True)
class Certificate:
    """A certificate: whom it names, its key's kind and bits, its signature's hash, and when it is valid.

    `key` is the public key (DER), by which a private key is known to belong to it; `hash_name` is None where
    the signature says none apart (Ed25519). The times are in UTC.
    """

    subject: str
    key: bytes
    kind: str
    bits: int | None
    hash_name: str | None
    begins: datetime
    ends: datetime
    is_authority: bool
    is_self_signed: bool = False

    @property
    def days(self) -> int:
        """For how many days it is valid in all, begun ones included."""
        span = self.ends - self.begins
        return span.days + (1 if span.seconds else 0)

    @property
    def told(self) -> str:
        """Its subject, as the reports name it."""
        return self.subject or "—"


def kind_of(key: object) -> tuple[str, int | None]:
    """Return a public key's kind and its length in bits, as far as it has one."""
    if isinstance(key, rsa.RSAPublicKey):
        return "RSA", key.key_size
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"ECDSA {key.curve.name}", None
    if isinstance(key, dsa.DSAPublicKey):
        return "DSA", key.key_size
    return type(key).__name__.removesuffix("PublicKey").removeprefix("_").upper(), None


def parse_pem(text: str) -> list[Certificate]:
    """Read the certificates of a text, in its order; ParseError for one that is none."""
    found = []
    for part in text.split(_BEGIN)[1:]:
        try:
            der = base64.b64decode("".join(part.partition(_END)[0].split()), validate=True)
            found.append(_certificate(x509.load_der_x509_certificate(der[: _length(der)])))
        except (ValueError, UnsupportedAlgorithm) as error:
            raise ParseError(f"a certificate cannot be read: {error}") from error
    return found


def _length(der: bytes) -> int:
    """Return how long the first element is: openssl-x509(1) writes whom to trust for what after it."""
    if len(der) < 6 or der[1] < 0x80:
        return len(der)
    count = der[1] & 0x7F
    return 2 + count + int.from_bytes(der[2 : 2 + count])


def parse_public_key(der: bytes) -> tuple[str, int | None]:
    """Return kind and bits of a public key in DER; ParseError if it is none."""
    try:
        return kind_of(load_der_public_key(der))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ParseError(f"a public key cannot be read: {error}") from error


def _certificate(read: x509.Certificate) -> Certificate:
    key = read.public_key()
    kind, bits = kind_of(key)
    algorithm = read.signature_hash_algorithm
    try:
        constraints = read.extensions.get_extension_for_class(x509.BasicConstraints).value
        is_authority = constraints.ca
    except x509.ExtensionNotFound:
        is_authority = False
    return Certificate(
        subject=read.subject.rfc4514_string(),
        key=key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        kind=kind,
        bits=bits,
        hash_name=algorithm.name if algorithm is not None else None,
        begins=read.not_valid_before_utc,
        ends=read.not_valid_after_utc,
        is_authority=is_authority,
        is_self_signed=read.issuer == read.subject,
    )
