"""The logical lines of sudoers and of what it includes, each with where it stands (sudoers(5))."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

_DEPTH_MAX = 128
_INCLUDE = re.compile(r'[@#](include|includedir)[ \t]+("[^"]+"|(?:\\.|[^\s\\])+)[ \t]*(?:#.*)?')
_COMMENT = re.compile(r"\#(?!-?\d)")

Files = Mapping[str, Sequence[str]]
"""Lines by path, without line ends."""


@dataclass
class Reading:
    """Sudoers being read: `files` are all that there are, `missing` those that are known not to be there.

    `unread` fills with includes nobody looked into.
    """

    files: Files
    missing: Sequence[str]
    unread: list[str] = field(default_factory=list)

    def lines(self, path: str, above: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
        """Yield the logical lines of a file and of what it includes, each with where it stands.

        In a directory, names with a dot or a final ~ are left out, the rest is read in their order.
        """
        if path not in self.files:
            if path not in self.missing:
                self.unread.append(path)
            return
        for number, text in _joined(self.files[path]):
            place = f"{path}:{number}"
            include = _INCLUDE.fullmatch(text)
            if include is None:
                if text.startswith(("#include", "@include")):
                    self.unread.append(f"{place}: {text}")
                else:
                    yield place, text
                continue
            target = re.sub(r"\\(.)", r"\1", include[2].strip('"'))
            target = posixpath.join(posixpath.dirname(path), target)
            inside = self._included(include[1], target)
            if inside is None or "%" in target or len(above) > _DEPTH_MAX or target in above:
                self.unread.append(f"{place}: {text}")
                continue
            for one in inside:
                yield from self.lines(one, (*above, path))

    def _included(self, kind: str, target: str) -> list[str] | None:
        """Return the files an include means; None for a directory nobody looked into."""
        if kind == "include":
            return [target]
        prefix = target.rstrip("/") + "/"
        there = sorted(one for one in self.files if posixpath.dirname(one) + "/" == prefix)
        if not there and target not in self.missing:
            return None
        return [one for one in there if "." not in posixpath.basename(one) and not one.endswith("~")]


def _joined(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield lines with their number, continued ones joined, comments and empty ones left out."""
    begun, first = "", 0
    for number, line in enumerate(lines, 1):
        if not begun:
            first = number
            if _is_comment(line.lstrip()):
                continue
        text = begun + line
        if text.endswith("\\") and not text.endswith("\\\\"):
            begun = text[:-1] + " "
            continue
        begun = ""
        text = _without_comment(text.strip())
        if text:
            yield first, text
    if begun.strip():
        yield first, begun.strip()


def _is_comment(text: str) -> bool:
    return text.startswith("#") and not re.match(r"#(include(dir)?[ \t]|-?\d)", text)


def _without_comment(text: str) -> str:
    """Cut off a comment that ends a line; in quotes, escaped, or before a number a # starts none."""
    if _INCLUDE.fullmatch(text):
        return text
    quoted, position = False, 0
    while position < len(text):
        if text[position] == "\\":
            position += 1
        elif text[position] == '"':
            quoted = not quoted
        elif not quoted and position and _COMMENT.match(text, position):
            return text[:position].rstrip()
        position += 1
    return text
