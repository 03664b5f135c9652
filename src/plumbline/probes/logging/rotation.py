"""What gives log files their rights again: logrotate's `create`, tmpfiles.d, rsyslog's FileCreateMode."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from plumbline.probes.files import ConfigFile

_TMPFILES = "/etc/tmpfiles.d /run/tmpfiles.d /usr/local/lib/tmpfiles.d /usr/lib/tmpfiles.d"

PRINT_ROTATION = rf"""for d in {_TMPFILES}; do
    [ ! -d "$d" ] || grep -HnE '^[^#]*[[:space:]]/var/log/' "$d"/*.conf 2>/dev/null
done | sed 's/^/tmpfiles\t/'"""
"""Prints the lines of tmpfiles.d that name something in /var/log, the nearest directory first."""


@dataclass(frozen=True)
class Given:
    """The rights something gives a log file: its path or pattern, the mode, and the place that says so."""

    path: str
    mode: int
    where: str

    def __str__(self) -> str:
        return f"{self.path} {self.mode:04o} ({self.where})"

    @property
    def to_read(self) -> bool:
        """Whether everybody may read the file; a directory, which others may enter, shows names alone."""
        return bool(self.mode & 0o004) and not self.mode & 0o001

    @property
    def to_change(self) -> bool:
        """Whether everybody may write."""
        return bool(self.mode & 0o002) and not self.mode & 0o1000


def of_logrotate(files: Iterable[ConfigFile]) -> Iterator[Given]:
    """Yield the modes in which logrotate makes files anew (logrotate(8), `create`)."""
    for file in files:
        paths: list[str] = []
        inside = script = False
        for number, raw in enumerate(file.lines, 1):
            line = raw.partition("#")[0].strip() if not script else raw.strip()
            if script:
                script = line != "endscript"
                continue
            if line in ("prerotate", "postrotate", "firstaction", "lastaction", "preremove"):
                script = True
                continue
            if not inside:
                paths += [word.strip("\"'") for word in line.split() if word.startswith(("/", '"/', "'/"))]
            block = inside or "{" in line
            inside = block and "}" not in line
            found = re.search(r"(?:^|[{\s])create\s+(0?[0-7]{3,4})\b", line)
            if found:
                for path in paths if block else [""]:
                    yield Given(path or "every log", int(found[1], 8), f"{file.path}:{number}")
            if not inside and "}" in line:
                paths = []


def of_tmpfiles(lines: Iterable[str]) -> Iterator[Given]:
    """Yield the modes that systemd-tmpfiles gives files at boot; of lines on one path the first counts."""
    told: dict[str, tuple[str, Given | None]] = {}
    for line in lines:
        found = re.fullmatch(r"(/[^:]*):(\d+):(.*)", line)
        words = found[3].split() if found else []
        if found is None or len(words) < 3 or words[0][0] not in "fFwzZC":
            continue
        mode = words[2].lstrip("~:")
        given = Given(words[1], int(mode, 8), f"{found[1]}:{found[2]}") if mode.isdecimal() else None
        name = found[1].rpartition("/")[2]
        if words[1] not in told or name < told[words[1]][0]:
            told[words[1]] = (name, given)
    yield from (given for _, given in told.values() if given is not None)


def of_rsyslog(lines: Iterable[str]) -> Iterator[Given]:
    """Yield the modes in which rsyslog makes its files."""
    for line in lines:
        found = re.fullmatch(r"(/[^:]*):(\d+):(.*)", line)
        if found is None:
            continue
        for mode in re.findall(r"(?i)FileCreateMode[\s=\"']*(0?[0-7]{3,4})", found[3]):
            yield Given("files of rsyslog", int(mode, 8), f"{found[1]}:{found[2]}")
