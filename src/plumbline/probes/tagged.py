"""Output of tab-separated lines, each starting with a tag: how probes that look at many files print."""

from __future__ import annotations

from collections.abc import Iterator

from plumbline.probes.base import Output, ParseError

END = "end"
"""The last line of such output; without it something was cut off."""

PRINT_END = f"echo {END}"
"""The command that closes such output."""


class Rows:
    """Rows by tag, in the order printed; every row of a tag has the same number of fields.

    A tag stands at the start of each line, content lines included, so that what a file says cannot be taken
    for a row of another tag. The last field of a row may hold tabs.
    """

    def __init__(self, output: Output, fields: dict[str, int]) -> None:
        self._rows: dict[str, list[tuple[str, ...]]] = {tag: [] for tag in fields}
        lines = output.text.split("\n")
        if lines[-2:] != [END, ""]:
            raise ParseError("the output ends before its end mark")
        for number, line in enumerate(lines[:-2], 1):
            tag, _, rest = line.partition("\t")
            if tag not in fields:
                raise ParseError(f"line {number} is no row this probe prints: {line[:80]!r}")
            row = tuple(rest.split("\t", fields[tag] - 1))
            if len(row) != fields[tag]:
                raise ParseError(f"line {number} has {len(row)} fields, not {fields[tag]}: {line[:80]!r}")
            self._rows[tag].append(row)

    def __getitem__(self, tag: str) -> list[tuple[str, ...]]:
        return self._rows[tag]


def blocks(lines: Iterator[str]) -> Iterator[list[tuple[str, str]]]:
    """Yield what `systemctl show` prints of each unit: property and value, a property may come again."""
    block: list[tuple[str, str]] = []
    for line in lines:
        if line:
            name, equals, value = line.partition("=")
            if not equals:
                raise ParseError(f"systemctl show printed no property: {line[:80]!r}")
            block.append((name, value))
        elif block:
            yield block
            block = []
    if block:
        yield block
