"""What GnuTLS offers by itself, by its configuration (gnutls manual, "System-wide configuration")."""

from __future__ import annotations

import re
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
    """The configuration's overrides, as GnuTLS 3.7 reads them.

    In a list of what is allowed, what is not named is off. A line is one value: commas divide nothing. One
    that stands in after another goes on with its value. Of a file with a line that is neither section,
    comment nor setting GnuTLS takes nothing.
    """

    def __init__(self, lines: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        self.where = ""
        self.broken = ""
        section = name = ""
        for where, text in lines:
            self.where = where.rsplit(":", 1)[0]
            stripped = text.strip()
            if not stripped or stripped.startswith(("#", ";")):
                continue
            key, *value = re.split("[=:]", stripped, maxsplit=1)
            if name and text[:1].isspace():
                self._values[name].append(stripped)
            elif stripped.startswith("[") and "]" in stripped:
                section, name = stripped[1 : stripped.index("]")].strip().lower(), ""
            elif value and not stripped.startswith("["):
                name = f"{section}.{key.strip().lower()}"
                self._values.setdefault(name, []).append(value[0].strip())
            else:
                self.broken = self.broken or where
        if self.broken:
            self._values = {}

    @property
    def default_priority(self) -> str | None:
        """What stands for the priority of applications that name none, if it is not the library's own."""
        return self._values.get("overrides.default-priority-string", [None])[-1]

    def _named(self, key: str) -> set[str]:
        return {value.lower().split()[0] for value in self._values.get(f"overrides.{key}", []) if value}

    @property
    def _is_allowlist(self) -> bool:
        return self._values.get("global.override-mode", [""])[-1].lower() == "allowlist"

    def _offered(self, known: Iterable[str], disabling: str, enabling: str) -> list[Seen]:
        where = self.where or "no /etc/gnutls/config"
        if self.broken:
            where = f"{self.broken}: for this line nothing of the file is taken"
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
