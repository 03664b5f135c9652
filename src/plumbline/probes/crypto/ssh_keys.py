"""SSH keys as probes print them: kind and length of a public key (RFC 4253, 6.6; RFC 5656; RFC 8709)."""

from __future__ import annotations

import base64
import binascii
import re
import struct
from dataclasses import dataclass

KINDS = {
    "ssh-rsa": "RSA",
    "ssh-dss": "DSA",
    "ssh-ed25519": "ED25519",
    "ecdsa-sha2-nistp256": "ECDSA",
    "ecdsa-sha2-nistp384": "ECDSA",
    "ecdsa-sha2-nistp521": "ECDSA",
    "sk-ssh-ed25519@openssh.com": "ED25519-SK",
    "sk-ecdsa-sha2-nistp256@openssh.com": "ECDSA-SK",
}
"""Key type in a public key -> the kind of key, in ssh-keygen's words."""

PEM_KINDS = {"RSA": "RSA", "DSA": "DSA", "EC": "ECDSA"}
"""What stands before PRIVATE KEY in a file's first line -> the kind of key, where that alone tells it."""

_BITS = {
    "ssh-ed25519": 256,
    "sk-ssh-ed25519@openssh.com": 256,
    "sk-ecdsa-sha2-nistp256@openssh.com": 256,
    "ecdsa-sha2-nistp256": 256,
    "ecdsa-sha2-nistp384": 384,
    "ecdsa-sha2-nistp521": 521,
}
_LISTED = re.compile(r"(\d+) (?:SHA256|MD5):\S+ .*\(([A-Z0-9-]+)\)")


@dataclass(frozen=True)
class Key:
    """A key and where it lies; `kind` is empty and `bits` None where that cannot be told.

    `made` is in seconds since the epoch.
    """

    where: str
    kind: str
    bits: int | None
    made: float | None = None

    @property
    def told(self) -> str:
        """Its kind and length."""
        kind = self.kind or "—"
        return kind if self.bits is None else f"{kind} {self.bits}"

    def __str__(self) -> str:
        return f"{self.told} ({self.where})"


def parse_public(text: str, where: str, made: float | None = None) -> Key:
    """Read `TYPE BASE64`, as in a .pub file, or a line of `ssh-keygen -l`; ValueError if it is neither."""
    if listed := _LISTED.fullmatch(text.strip()):
        return Key(where, listed[2].removesuffix("-CERT"), int(listed[1]), made)
    kind, _, encoded = text.strip().partition(" ")
    try:
        blob = base64.b64decode(encoded.split(" ")[0], validate=True)
    except binascii.Error as error:
        raise ValueError(f"{where} holds no public key: {text[:40]!r}") from error
    fields = list(_strings(blob))
    inside = fields[0].decode("ascii", "replace")
    certified = inside.removesuffix("-cert-v01@openssh.com")
    if inside != certified:
        # The certificate's first string is a nonce; the key's own numbers follow (PROTOCOL.certkeys).
        inside, fields = certified if "@" not in certified else inside, [fields[0], *fields[2:]]
    if inside == "ssh-rsa":
        return Key(where, "RSA", int.from_bytes(fields[2]).bit_length(), made)
    if inside == "ssh-dss":
        return Key(where, "DSA", int.from_bytes(fields[1]).bit_length(), made)
    return Key(where, KINDS.get(inside, kind), _BITS.get(inside), made)


def _strings(blob: bytes) -> list[bytes]:
    found: list[bytes] = []
    at = 0
    while at + 4 <= len(blob) and len(found) < 4:
        (length,) = struct.unpack_from(">I", blob, at)
        if at + 4 + length > len(blob):
            raise ValueError("a public key ends before its end")
        found.append(blob[at + 4 : at + 4 + length])
        at += 4 + length
    if not found:
        raise ValueError("a public key is empty")
    return found
