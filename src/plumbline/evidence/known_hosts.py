"""Which host keys are known: OpenSSH's known_hosts files (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)."""

from __future__ import annotations

import base64
import binascii
import fnmatch
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from plumbline.errors import NotReachedError


@dataclass(frozen=True)
class KnownKey:
    """A host key that a file holds for a host, and where; `revoked` keys are never accepted."""

    kind: str
    blob: bytes
    revoked: bool
    file: Path
    line: int


@dataclass(frozen=True)
class _Line:
    number: int
    marker: str
    patterns: str
    kind: str
    blob: bytes


def known_keys(files: Iterable[Path], names: Sequence[str], port: int) -> list[KnownKey]:
    """Return the keys that the files hold for the first of the host's names that they know at all.

    Files that are not there are as good as empty; NotReachedError for one that cannot be read. Certificate
    authorities are not used.
    """
    lines = [(file, line) for file in files for line in _lines(file)]
    for name in names:
        wanted = name.lower() if port == 22 else f"[{name.lower()}]:{port}"
        found = [
            KnownKey(line.kind, line.blob, line.marker == "@revoked", file, line.number)
            for file, line in lines
            if line.marker != "@cert-authority" and _matches(line.patterns, wanted)
        ]
        if found:
            return found
    return []


def _lines(file: Path) -> tuple[_Line, ...]:
    try:
        return _parsed(file, file.stat().st_mtime_ns)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise NotReachedError(f"the known hosts cannot be read: {error.strerror}", file=file) from error


@lru_cache(maxsize=8)
def _parsed(file: Path, changed: int) -> tuple[_Line, ...]:  # noqa: ARG001  (a changed file is read again)
    found = []
    for number, text in enumerate(file.read_text("utf-8", "replace").splitlines(), 1):
        words = text.split()
        marker = words.pop(0) if words and words[0].startswith("@") else ""
        if len(words) < 3 or words[0].startswith("#"):
            continue
        try:
            blob = base64.b64decode(words[2], validate=True)
        except (binascii.Error, ValueError):
            continue  # OpenSSH passes over such a line as well: it makes no host known
        found.append(_Line(number, marker, words[0], words[1], blob))
    return tuple(found)


def _matches(patterns: str, name: str) -> bool:
    if patterns.startswith("|1|"):
        return _matches_hashed(patterns, name)
    matched = False
    for pattern in patterns.lower().split(","):
        # Brackets are literal here, `[host]:port`; fnmatch would take them for a set of characters.
        literal = pattern.removeprefix("!").replace("[", "[[]")
        if fnmatch.fnmatchcase(name, literal):
            if pattern.startswith("!"):
                return False
            matched = True
    return matched


def _matches_hashed(pattern: str, name: str) -> bool:
    try:
        _, _, salt, hashed = pattern.split("|")
        expected = base64.b64decode(hashed, validate=True)
        key = base64.b64decode(salt, validate=True)
    except (binascii.Error, ValueError):
        return False
    # SHA-1 is the file's format; it hides names and decides nothing about trust.
    return hmac.compare_digest(hmac.new(key, name.encode(), hashlib.sha1).digest(), expected)
