"""Certificates a site gives: written into site.yml as PEM, or in a file of the inventory named there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ValidationInfo

_BEGIN = "-----BEGIN CERTIFICATE-----"
_BYTES_MAX = 64 * 1024


def _certificates(value: str, info: ValidationInfo) -> str:
    """Return the PEM text; a file is looked for in the directory of the inventory, where that is known."""
    if "-----BEGIN" in value:
        return _checked(value, "this")
    directory = (info.context or {}).get("directory")
    return value if directory is None else _checked(_read(Path(directory) / value, value), value)


def _read(path: Path, name: str) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_BYTES_MAX + 1)
    except OSError as error:
        raise ValueError(
            f"the file {name} of the inventory cannot be read: {error.strerror}; write its path from the"
            " inventory's directory"
        ) from None
    if len(content) > _BYTES_MAX:
        raise ValueError(
            f"{name} is larger than {_BYTES_MAX // 1024} KiB; give the issuer's certificates alone"
        )
    return content.decode("ascii", errors="replace")


def _checked(text: str, name: str) -> str:
    from cryptography import x509

    if "PRIVATE KEY-----" in text:
        raise ValueError(f"{name} holds a private key; give certificates alone")
    try:
        found = x509.load_pem_x509_certificates(text.encode("ascii", errors="replace"))
    except ValueError:
        found = []
    if not found:
        raise ValueError(f"{name} holds no certificate that can be read; it begins with {_BEGIN}")
    return text if text.endswith("\n") else f"{text}\n"


Certificates = Annotated[str, AfterValidator(_certificates)]
"""One or more certificates as PEM; in site.yml the text itself, or the name of a file beside it."""
