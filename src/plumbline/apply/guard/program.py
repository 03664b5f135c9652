"""The guard's program: its parts, one after the other, as one file for the host."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

PARTS = Path(__file__).with_name("sh")
"""The parts, in the order of their names; each is sh that only defines functions, the last one runs."""


@cache
def program() -> str:
    """Return the program's text."""
    return "".join(part.read_text(encoding="utf-8") for part in sorted(PARTS.glob("*.sh")))


@cache
def digest() -> str:
    """Return the SHA-256 of the program, in hex."""
    return hashlib.sha256(program().encode()).hexdigest()
