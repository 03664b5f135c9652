"""Lines that carry a mark and a colon before them, so that no file's line is taken for another's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from plumbline.probes.base import Output, ParseError

Marked = list[tuple[str, str]]


def marked(output: Output) -> Marked:
    """Read such lines; ParseError for one without a mark."""
    found = []
    for line in output.text.splitlines():
        mark, colon, rest = line.partition(":")
        if not colon or not mark.isalpha():
            raise ParseError(f"a line without its mark: {line[:80]!r}")
        found.append((mark, rest))
    return found


def assignments(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield name and value of `NAME=value` lines; comments are left out."""
    for line in lines:
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith(("#", ";")):
            yield name.strip(), value.strip()
