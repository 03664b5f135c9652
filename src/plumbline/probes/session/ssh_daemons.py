"""How SSH servers are started: command lines that run, and those of units, which go before sshd_config(5)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from plumbline.probes.tagged import Rows
from plumbline.probes.unit_files import EVERYWHERE

PRINT_DAEMONS = rf"""
for comm in $(grep -lxsE 'sshd|dropbear|tinysshd' /proc/[0-9]*/comm); do
    words=$(tr '\0\n\t' '   ' 2>/dev/null <"${{comm%comm}}cmdline") || continue
    printf 'running\t%s\n' "$words"
done 2>/dev/null
set --
for file in /etc/default/ssh /etc/default/sshd /etc/sysconfig/sshd; do
    [ ! -f "$file" ] || set -- "$@" "$file"
done
for directory in {EVERYWHERE}; do
    for file in "$directory"/*ssh*.service.d/*.conf $(
        grep -lsE '^[[:space:]]*ExecStart[[:space:]]*=.*sshd' "$directory"/*.service
    ); do
        [ ! -f "$file" ] || set -- "$@" "$file"
    done
done
[ $# -eq 0 ] || awk '/^[ \t]*(export[ \t]+)?(SSHD_OPTS|OPTIONS|ExecStart|Environment)[ \t]*=/ {{
    print "started\t" FILENAME "\t" FNR "\t" $0 }}' "$@" || exit 9
"""

DAEMON_FIELDS = {"running": 1, "started": 3}

_FLAGS = "46DdeGiqTt"
_LISTENER = re.compile(r"sshd: (.*?) \[listener\]")
_FILE = re.compile(rf"(?:^|\s|=)-[{_FLAGS}]*f\s*(\S+)")
_OPTION = re.compile(rf"(?:^|\s|=)-[{_FLAGS}]*o\s*(\w+)\s*[=\s]\s*(.*?)(?=\s-\w|$)")
_COMMAND = re.compile(r"\s*ExecStart")
_SERVER = re.compile(r"(^|[\s=/@+!:-])sshd(\s|$)")
_STANDARD = "/etc/ssh/sshd_config"


@dataclass(frozen=True)
class Daemon:
    """A command line of an SSH server, and where it is: running, or in a file."""

    place: str
    words: str

    @property
    def is_other(self) -> bool:
        """Whether this is no OpenSSH server, or one with a configuration file of its own."""
        server = self.words.split()[:1]
        if self.place == "running" and server and not server[0].endswith("sshd"):
            return True
        files = _FILE.findall(self._plain)
        return any(file != _STANDARD for file in files)

    @property
    def _plain(self) -> str:
        return re.sub(r"[\"']", " ", re.sub(r"^\s*(export\s+)?\w+\s*=", "", self.words))

    def options(self, name: str) -> list[str]:
        """Return what `-o` gives an option."""
        return [value.strip() for given, value in _OPTION.findall(self._plain) if given.lower() == name]

    def __str__(self) -> str:
        return f"{self.place}: {self.words.strip()}"


def daemons(rows: Rows) -> tuple[Daemon, ...]:
    """Read what `PRINT_DAEMONS` printed; processes of one session and other programs are left out."""
    found: dict[Daemon, None] = {}
    for (words,) in rows["running"]:
        listener = _LISTENER.match(words)
        if listener is None and words.startswith("sshd: "):
            continue
        found[Daemon("running", listener[1] if listener else words.strip())] = None
    for file, number, text in rows["started"]:
        if not _COMMAND.match(text) or _SERVER.search(text):
            found[Daemon(f"{file}:{number}", text)] = None
    return tuple(found)
