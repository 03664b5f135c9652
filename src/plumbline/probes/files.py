"""Configuration files as probes print them: by path and line, none of which a file's content can forge."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from plumbline.probes.tagged import Rows

FIELDS = {"file": 2, "text": 3}
"""Rows of the printed files: `file KIND PATH`, KIND being file, or masked for a link to /dev/null, and
`text PATH LINE CONTENT`."""


def print_files(patterns: Iterable[str], edit: str = "") -> str:
    """Return a shell command that prints every file the patterns match, as rows of `FIELDS`.

    `edit` are awk rules run on each line before it is printed, to empty those that may hold a secret.
    A path with a control character would break the rows, so it ends the command with status 9. A link that
    leads nowhere is as good as no file.
    """
    return (
        f"set --; for f in {' '.join(patterns)}; do "
        '[ -f "$f" ] || [ -L "$f" ] || continue; '
        "case $f in *[[:cntrl:]]*) exit 9;; esac; "
        'if [ -f "$f" ]; then printf "file\\tfile\\t%s\\n" "$f"; [ -s "$f" ] && set -- "$@" "$f"; '
        'elif [ -e "$f" ]; then printf "file\\tmasked\\t%s\\n" "$f"; fi; done; '
        f"[ $# -eq 0 ] || awk '{edit} "
        '{print "text\\t" FILENAME "\\t" FNR "\\t" $0}\' "$@" || exit 8; '
    )


_CLASSES = {"alpha": "a-zA-Z", "lower": "a-z", "upper": "A-Z", "digit": "0-9", "alnum": "a-zA-Z0-9"}


def glob_matches(text: str, pattern: str) -> bool:
    """Match as fnmatch(3) does: beyond Python's, `[^`, backslashes and classes such as `[:digit:]` count."""
    for name, characters in _CLASSES.items():
        pattern = pattern.replace(f"[:{name}:]", characters)
    pattern = re.sub(r"\\([*?\[\]\\])", r"[\1]", pattern)
    return fnmatch.fnmatchcase(text, re.sub(r"\\(.)", r"\1", pattern).replace("[^", "[!"))


@dataclass(frozen=True)
class ConfigFile:
    """One file: its path and its lines, without line ends; masked, by a link to /dev/null, it has none."""

    path: str
    lines: tuple[str, ...] = ()
    masked: bool = False

    @property
    def name(self) -> str:
        """The base name, by which directories hide each other's files."""
        return posixpath.basename(self.path)

    @property
    def directory(self) -> str:
        """The directory the file lies in."""
        return posixpath.dirname(self.path)


def read_files(rows: Rows) -> dict[str, ConfigFile]:
    """Return the printed files by path."""
    lines: dict[str, list[str]] = {path: [] for _, path in rows["file"]}
    for path, number, content in rows["text"]:
        if int(number) != len(lines[path]) + 1:
            raise ValueError(f"line {number} of {path} does not follow the one before")
        lines[path].append(content.removesuffix("\r"))
    masked = {path for kind, path in rows["file"] if kind == "masked"}
    return {path: ConfigFile(path, tuple(found), path in masked) for path, found in lines.items()}


def effective(files: Mapping[str, ConfigFile], directories: Sequence[str], suffix: str) -> list[ConfigFile]:
    """Return the files of drop-in directories that count, in the order they are read.

    Sorted by base name over all `directories`; a name in an earlier directory hides the same name in the
    later ones (sysctl.d(5), modprobe.d(5), systemd.network(5)). Masked ones are among them, as they hide too.
    """
    found: dict[str, ConfigFile] = {}
    for directory in directories:
        for file in files.values():
            if file.directory == directory and file.name.endswith(suffix):
                found.setdefault(file.name, file)
    return [found[name] for name in sorted(found, key=lambda name: name.encode())]
