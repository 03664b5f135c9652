"""What GnuTLS offers by itself, by its configuration (gnutls manual, "System-wide configuration")."""

from __future__ import annotations

from collections.abc import Iterable

from plumbline.verify.seen import Seen

VERSIONS = {"tls1.0": "TLSv1", "tls1.1": "TLSv1.1", "tls1.2": "TLSv1.2", "tls1.3": "TLSv1.3"}
"""GnuTLS's names of versions -> OpenSSL's, in which the controls name them."""

# What the priority NORMAL has, which applications take by default (gnutls-cli --list --priority NORMAL, 3.7).
_CIPHERS = (
    "AES-256-GCM",
    "CHACHA20-POLY1305",
    "AES-256-CCM",
    "AES-256-CBC",
    "AES-128-GCM",
    "AES-128-CCM",
    "AES-128-CBC",
)
_MACS = ("AEAD", "SHA1")


class Policy:
    """The configuration's overrides; in a list of what is allowed, what is not named is off."""

    def __init__(self, lines: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        self._where: dict[str, str] = {}
        self.where = ""
        section = ""
        for where, text in lines:
            self.where = where.rsplit(":", 1)[0]
            stripped = text.strip()
            if not stripped or stripped.startswith("#"):
                continue
            if stripped.startswith("["):
                section = stripped.strip("[]").strip().lower()
                continue
            key, _, value = stripped.partition("=")
            name = f"{section}.{key.strip().lower()}"
            self._values.setdefault(name, []).append(value.strip())
            self._where[name] = where

    def _named(self, key: str) -> set[str]:
        return {
            word.strip().lower()
            for value in self._values.get(f"overrides.{key}", [])
            for word in value.split(",")
        }

    @property
    def _is_allowlist(self) -> bool:
        return self._values.get("global.override-mode", [""])[-1].lower() == "allowlist"

    def _offered(self, known: Iterable[str], disabling: str, enabling: str) -> list[Seen]:
        where = self.where or "no /etc/gnutls/config"
        if self._is_allowlist:
            named = self._named(enabling)
            return [Seen(name, where) for name in known if name.lower() in named]
        named = self._named(disabling)
        return [Seen(name, where) for name in known if name.lower() not in named]

    @property
    def versions(self) -> list[Seen]:
        """Versions of TLS it offers, in OpenSSL's names."""
        offered = self._offered(VERSIONS, "disabled-version", "enabled-version")
        return [Seen(VERSIONS[name.bare], name.where) for name in offered]

    @property
    def ciphers(self) -> list[Seen]:
        """Ciphers it offers."""
        return self._offered(_CIPHERS, "tls-disabled-cipher", "tls-enabled-cipher")

    @property
    def macs(self) -> list[Seen]:
        """Message authentication it offers; AEAD is part of the cipher."""
        return self._offered(_MACS, "tls-disabled-mac", "tls-enabled-mac")
