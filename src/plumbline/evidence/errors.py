"""What is wrong with a piece of evidence, as one sentence."""

from __future__ import annotations

from plumbline.errors import InputError


class EvidenceError(InputError):
    """The evidence cannot be read, or not be believed; nothing of it is used."""
