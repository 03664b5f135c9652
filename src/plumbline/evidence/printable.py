"""Text from a host made safe to show: what a terminal would obey is shown as an escape."""

from __future__ import annotations

import unicodedata

_OBEYED = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Unicode categories of what is not shown as a character: control, formatting, surrogates, separators."""


def printable(text: str) -> str:
    """Return a text that no terminal obeys; lines and tabs stay."""
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return "".join(
        char if char in "\n\t" or unicodedata.category(char) not in _OBEYED else _escaped(char)
        for char in text
    )


def last_line(raw: bytes, limit: int = 200) -> str:
    """Return the last line that says something, safe to show, at most `limit` characters of it."""
    lines = raw.decode("utf-8", "backslashreplace").strip().splitlines()
    return printable(lines[-1].strip())[:limit] if lines else ""


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode()
