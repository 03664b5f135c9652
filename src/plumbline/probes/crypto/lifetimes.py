"""How long keys live: a certificate's validity, a key file's age; and whether that has ended."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from plumbline.probes.crypto.x509 import Certificate
from plumbline.verify.unknown import Unknown

_DAY = 86_400
_MADE_NOW = timedelta(minutes=10)
"""Some services make their certificate when they are greeted, after the host told the time."""


@dataclass(frozen=True)
class Dated:
    """A key's life: `days` it is valid in all, or has lain there; `ended` says why it is over, if it is."""

    what: str
    days: int
    where: str
    ended: str | None = None

    def __str__(self) -> str:
        return f"{self.what}: {self.ended or f'{self.days} days'} ({self.where})"


def of_file(what: str, file: str, made: float | None, now: float) -> Dated:
    """Return how long a key file has lain there, begun days counted; `Unknown` if it claims the future."""
    if made is None or made > now + _DAY:
        raise Unknown("when the key {file} was made cannot be told", file=file)
    return Dated(what, max(1, math.ceil((now - made) / _DAY)), file)


def of_certificate(where: str, certificate: Certificate, now: float) -> Dated:
    """Return how long a certificate is valid, and whether that was over when the evidence was collected."""
    at = datetime.fromtimestamp(now, UTC)
    ended = None
    if at > certificate.ends:
        ended = f"ended {certificate.ends:%Y-%m-%d}"
    elif at + _MADE_NOW < certificate.begins:
        ended = f"begins {certificate.begins:%Y-%m-%d}"
    return Dated(f"certificate {certificate.told}", certificate.days, where, ended)
