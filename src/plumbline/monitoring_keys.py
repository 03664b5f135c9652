"""Keys of the central monitoring that are good for one host, made from the site's secrets."""

from __future__ import annotations

import hashlib
import hmac

from plumbline.errors import UsageError

PSK_SECRET = "monitoring.psk"  # noqa: S105  (the name of the secret)
AUTH_SECRET, PRIV_SECRET = "monitoring.snmp.auth", "monitoring.snmp.priv"

LEAST_LENGTH = 16
"""Characters a site's secret must have; RFC 3414 (11.2) asks for 8, and a machine makes any number."""

HASHES = {"SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
KEY_BYTES = {"AES-128": 16, "AES-256": 32}
AUTH_OIDS = {
    "MD5": ".1.3.6.1.6.3.10.1.1.2",
    "SHA-1": ".1.3.6.1.6.3.10.1.1.3",
    "SHA-224": ".1.3.6.1.6.3.10.1.1.4",
    "SHA-256": ".1.3.6.1.6.3.10.1.1.5",
    "SHA-384": ".1.3.6.1.6.3.10.1.1.6",
    "SHA-512": ".1.3.6.1.6.3.10.1.1.7",
}
"""Authentication protocols of SNMPv3 (RFC 3414, RFC 7860)."""
PRIV_OIDS = {
    "DES": ".1.3.6.1.6.3.10.1.2.2",
    "AES-128": ".1.3.6.1.6.3.10.1.2.4",
    "AES-192": ".1.3.6.1.4.1.14832.1.3",
    "AES-256": ".1.3.6.1.4.1.14832.1.4",
    "AES-192-C": ".1.3.6.1.4.1.9.12.6.1.1",
    "AES-256-C": ".1.3.6.1.4.1.9.12.6.1.2",
}
"""Privacy protocols (RFC 3414, RFC 3826; AES-192 and AES-256 as Net-SNMP and Cisco number them)."""

_MEBIBYTE = 1024 * 1024


def host_psk(secret: str, identity: str) -> str:
    """Return the 256-bit key of one identity, 64 hexadecimal digits: HMAC-SHA-256 of it under the secret."""
    _long_enough(secret, PSK_SECRET)
    return hmac.new(secret.encode(), identity.encode(), hashlib.sha256).hexdigest()


def engine_id(host: str) -> str:
    """Return a host's SNMP engine id as `0x…`: Net-SNMP's number, format 4, the name (RFC 3411, 5).

    It is fixed by the host's name, so that keys can be made before the host's agent first runs. A name longer
    than 27 bytes, the most that fits, gives way to its digest (format 5).
    """
    name = host.encode()
    rest = b"\x04" + name if len(name) <= 27 else b"\x05" + hashlib.sha256(name).digest()[:27]
    return "0x" + (b"\x80\x00\x1f\x88" + rest).hex()


def usm_user(host: str, user: str, authentication: str, privacy: str, secrets: tuple[str, str]) -> str:
    """Return the line by which Net-SNMP keeps a user, with the passphrases made into the host's own keys.

    `secrets` are the passphrases for authentication and for privacy; they cannot be had back from the line.
    """
    for secret, name in zip(secrets, (AUTH_SECRET, PRIV_SECRET), strict=True):
        _long_enough(secret, name)
    kind, engine = HASHES[authentication], bytes.fromhex(engine_id(host)[2:])
    auth = _localised(secrets[0], engine, kind)
    priv = _localised(secrets[1], engine, kind)[: KEY_BYTES[privacy]]
    return (
        f'usmUser 1 3 {engine_id(host)} "{user}" "{user}" NULL '
        f'{AUTH_OIDS[authentication]} 0x{auth.hex()} {PRIV_OIDS[privacy]} 0x{priv.hex()} ""'
    )


def _localised(passphrase: str, engine: bytes, kind: str) -> bytes:
    """Return a passphrase's key at one engine (RFC 3414, A.2; RFC 7860, 9.3)."""
    word = passphrase.encode()
    stretched = (word * (_MEBIBYTE // len(word) + 1))[:_MEBIBYTE]
    key = hashlib.new(kind, stretched).digest()
    return hashlib.new(kind, key + engine + key).digest()


def _long_enough(secret: str, name: str) -> None:
    if len(secret) < LEAST_LENGTH:
        raise UsageError(f"The secret {name} is too short: give at least {LEAST_LENGTH} characters.")
