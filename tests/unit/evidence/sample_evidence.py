"""Probes to ask, and evidence as the collector writes it, made here so that every byte of it is known."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from plumbline.probes.base import Probe, text

LINKS = Probe("sample.links", "ip -json link", text)
END = 84
"""Bytes of the closing line, the digest."""
MAYBE = Probe("sample.maybe", "grep -r needle /etc/haystack", text, exits=frozenset({0, 1}))


def answer(
    probe: Probe[Any], printed: bytes = b"", complained: bytes = b"", **changes: object
) -> dict[str, Any]:
    """Return what the document says of one probe."""
    said: dict[str, Any] = {
        "asked": probe.digest,
        "state": "done",
        "exit": 0,
        "ms": 10,
        "cut": False,
        "out": base64.b64encode(printed).decode(),
        "err": base64.b64encode(complained).decode(),
    }
    return said | changes


def body(probes: dict[str, dict[str, Any]] | None = None, **changes: object) -> dict[str, Any]:
    """Return a document without its digest; `changes` replace its parts."""
    said: dict[str, Any] = {
        "plumbline_evidence": 1,
        "collector": {"system": "linux", "version": "0.1.0", "digest": "c0" * 32},
        "host": {"hostname": "heating-1", "machine": "0123456789abcdef", "kernel": "6.1.0-18-amd64"},
        "probes": {LINKS.name: answer(LINKS, b"[]\n")} if probes is None else probes,
        "collected": {
            "start": "2026-01-01T00:00:00Z",
            "end": "2026-01-01T00:00:02Z",
            "user": "root",
            "uid": 0,
        },
    }
    return said | changes


def closed(said: dict[str, Any] | str) -> bytes:
    """Return a document, or the text of one without its end, closed by the digest that belongs to it."""
    text_ = said if isinstance(said, str) else json.dumps(said, separators=(",", ":"))[:-1] + ",\n"
    raw = text_.encode()
    return raw + f'"digest":"sha256:{hashlib.sha256(raw).hexdigest()}"}}\n'.encode()
