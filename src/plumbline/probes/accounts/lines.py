"""Lines of configuration files as this subject's probes print them: where, and without comments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from plumbline.probes.base import ParseError
from plumbline.probes.tagged import Rows

FIELDS = {"file": 1, "line": 3}
"""Rows of the printed files: `file PATH`, and `line PATH NUMBER CONTENT` of each line that says something."""

Lines = Mapping[str, Sequence[str]]
"""Lines by path, in their places: what was not printed is empty."""


def print_lines(patterns: Iterable[str], keep: str = "!/^[ \\t]*(#|;|$)/") -> str:
    """Return a shell command that prints the lines of every file the patterns match, as rows of `FIELDS`.

    `keep` is the awk condition of the lines printed; comments, which may hold anything, should not be. A
    path with a control character would break the rows, so it ends the command with status 9.
    """
    return (
        f"set --; seen=''; for f in {' '.join(patterns)}; do "
        '[ -f "$f" ] || continue; '
        'case "$seen" in *"|$f|"*) continue;; esac; seen="$seen|$f|"; '
        "case $f in *[[:cntrl:]]*) exit 9;; esac; "
        'printf "file\\t%s\\n" "$f"; set -- "$@" "$f"; done; '
        f"[ $# -eq 0 ] || awk '{keep} "
        '{ sub(/\\r$/, ""); print "line\\t" FILENAME "\\t" FNR "\\t" $0 }\' "$@" || exit 8; '
    )


def read_lines(rows: Rows) -> Lines:
    """Return the printed files by path; ParseError for a line of a file not named, or out of order."""
    lines: dict[str, list[str]] = {path: [] for (path,) in rows["file"]}
    for path, number, content in rows["line"]:
        if path not in lines or int(number) <= len(lines[path]):
            raise ParseError(f"line {number} of {path} is out of order")
        lines[path] += [""] * (int(number) - 1 - len(lines[path])) + [content]
    return lines
