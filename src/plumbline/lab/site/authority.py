"""The lab's certificate authority: a key and a certificate a lab, which issues its servers' certificates."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from plumbline.errors import PlumblineError

BITS = 3072
DAYS = 365
_CLOCK_MAY_DIFFER = timedelta(hours=1)


@dataclass(frozen=True)
class Certificate:
    """A server's certificate and its private key, both as PEM."""

    certificate: str
    key: str


@dataclass(frozen=True)
class Authority:
    """The authority of one lab, kept below `directory`: `ca.pem`, and `ca.key` for its owner only."""

    directory: Path

    @property
    def pem(self) -> str:
        """The authority's own certificate; whoever trusts the site trusts this."""
        return (self.directory / "ca.pem").read_text()

    def issue(
        self, name: str, also: Sequence[str] = (), addresses: Sequence[IPv4Address] = ()
    ) -> Certificate:
        """Issue a certificate for a name, further names and addresses, good for a server and for a client.

        RSA, SHA-256, a year at most. Each call makes a new key.
        """
        issuer = x509.load_pem_x509_certificate(self.pem.encode())
        signer = self._key()
        key = rsa.generate_private_key(65537, BITS)
        names: list[x509.GeneralName] = [x509.DNSName(each) for each in dict.fromkeys((name, *also))]
        names += [x509.IPAddress(ipaddress.IPv4Address(each)) for each in addresses]
        usage = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        certificate = (
            _begun(name, issuer.subject, key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usage), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
            )
            .sign(signer, hashes.SHA256())
        )
        return Certificate(_pem(certificate), _private(key))

    def _key(self) -> rsa.RSAPrivateKey:
        file = self.directory / "ca.key"
        key = serialization.load_pem_private_key(file.read_bytes(), None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise PlumblineError("The key of the lab's authority is no RSA key.", file=file)
        return key

    def make(self) -> None:
        """Make the authority: a new key, and a certificate of its own."""
        key = rsa.generate_private_key(65537, BITS)
        name = "Lab site authority"
        certificate = (
            _begun(name, _subject(name), key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        write_private(self.directory / "ca.key", _private(key))
        (self.directory / "ca.pem").write_text(_pem(certificate))


def write_private(path: Path, text: str) -> None:
    """Write a file only its owner may read, whole or not at all; it is never there with more rights."""
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        handle.write(text)
    partial.replace(path)


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _begun(name: str, issuer: x509.Name, key: rsa.RSAPublicKey) -> x509.CertificateBuilder:
    begins = datetime.now(UTC) - _CLOCK_MAY_DIFFER
    return (
        x509.CertificateBuilder()
        .subject_name(_subject(name))
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=DAYS))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _key_usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_encipherment=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _private(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
