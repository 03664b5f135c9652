"""Greetings of TLS that openssl(1) can no longer send: suites it has not, and SSL 3.0 (RFC 5246, 7.4.1.2)."""

from __future__ import annotations

import struct

_SUITES = {
    0x0001: "NULL-MD5",
    0x0002: "NULL-SHA",
    0x0003: "EXP-RC4-MD5",
    0x0004: "RC4-MD5",
    0x0005: "RC4-SHA",
    0x0007: "IDEA-CBC-SHA",
    0x0008: "EXP-DES-CBC-SHA",
    0x0009: "DES-CBC-SHA",
    0x000A: "DES-CBC3-SHA",
    0x0014: "EXP-EDH-RSA-DES-CBC-SHA",
    0x0015: "EDH-RSA-DES-CBC-SHA",
    0x0016: "EDH-RSA-DES-CBC3-SHA",
    0x0018: "ADH-RC4-MD5",
    0x001B: "ADH-DES-CBC3-SHA",
    0x003B: "NULL-SHA256",
    0x0096: "SEED-SHA",
    0xC007: "ECDHE-ECDSA-RC4-SHA",
    0xC008: "ECDHE-ECDSA-DES-CBC3-SHA",
    0xC011: "ECDHE-RSA-RC4-SHA",
    0xC012: "ECDHE-RSA-DES-CBC3-SHA",
    0xC017: "AECDH-DES-CBC3-SHA",
}
"""Cipher suites by number (IANA), in OpenSSL's names."""

_SSL3_SUITES = {0x002F: "AES128-SHA", 0x0033: "DHE-RSA-AES128-SHA", 0x0035: "AES256-SHA"} | _SUITES
_SSL3_SUITES |= {0x0039: "DHE-RSA-AES256-SHA"}

_VERSIONS = {0x0300: "SSLv3", 0x0301: "TLSv1", 0x0302: "TLSv1.1", 0x0303: "TLSv1.2"}

# Groups x25519, secp256r1, secp384r1; uncompressed points; signatures with RSA, ECDSA and PSS.
_EXTENSIONS = bytes.fromhex(
    "000a00080006001d00170018000b00020100000d000e000c040104030501050308040201ff01000100"
)
_HANDSHAKE, _SERVER_HELLO = 0x16, 0x02


def _hello(version: int, suites: dict[int, str], extensions: bytes) -> str:
    """Return a ClientHello as printf(1) takes it with `%b`."""
    listed = b"".join(struct.pack(">H", number) for number in suites)
    body = struct.pack(">H", version) + bytes(range(32)) + b"\0" + struct.pack(">H", len(listed)) + listed
    body += b"\1\0" + (struct.pack(">H", len(extensions)) + extensions if extensions else b"")
    message = b"\1" + len(body).to_bytes(3) + body
    record = struct.pack(">BHH", _HANDSHAKE, min(version, 0x0301), len(message)) + message
    return "".join(f"\\x{byte:02x}" for byte in record)


WEAK_HELLO = _hello(0x0303, _SUITES, _EXTENSIONS)
SSL3_HELLO = _hello(0x0300, _SSL3_SUITES, b"")


def offered(name: str, text: str) -> list[tuple[str, str]]:
    """Return version and suite that an answer (in hexadecimal) agrees to, if it does."""
    answer = bytes.fromhex(text)
    if len(answer) < 44 or answer[0] != _HANDSHAKE or answer[5] != _SERVER_HELLO:
        return []
    (version,) = struct.unpack_from(">H", answer, 9)
    at = 44 + answer[43]
    if len(answer) < at + 2:
        return [(_VERSIONS.get(version, f"{version:#06x}"), name)]
    (suite,) = struct.unpack_from(">H", answer, at)
    return [(_VERSIONS.get(version, f"{version:#06x}"), _SSL3_SUITES.get(suite, f"{suite:#06x}"))]
