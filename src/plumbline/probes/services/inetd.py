"""Services that a super-server starts for each connection: inetd.conf(5) and xinetd.conf(5)."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from plumbline.probes.tagged import Rows

PRINT_INETD = r"""
set --
for f in /etc/inetd.conf /etc/inetd.d/*; do [ ! -f "$f" ] || set -- "$@" "$f"; done
[ $# -eq 0 ] || awk '!/^[ \t]*(#|$)/ && NF >= 6 {
    print "inetd\t" FILENAME "\t" FNR "\t" $1 " " $3 " " $5 " " $6 " " ($6 ~ /tcpd$/ ? $7 : "")
}' "$@" || exit 9
set --
for f in /etc/xinetd.conf /etc/xinetd.d/*; do [ ! -f "$f" ] || set -- "$@" "$f"; done
[ $# -eq 0 ] || awk '{ sub(/#.*/, "") }
    /^[ \t]*(service[ \t]|\}|(disable|protocol|port|user|server|type)[ \t]*[+]?=)/ {
    print "xinetd\t" FILENAME "\t" FNR "\t" substr($0, 1, 120) }' "$@" || exit 9
"""

INETD_FIELDS = {"inetd": 3, "xinetd": 3}


@dataclass(frozen=True)
class InetdEntry:
    """An entry that is switched on: which service or port, as whom, which program."""

    place: str
    service: str
    protocol: str
    user: str
    program: str

    @property
    def file(self) -> str:
        """The file it stands in."""
        return self.place.rpartition(":")[0]

    @property
    def name(self) -> str:
        """The program's name."""
        return posixpath.basename(self.program)

    def __str__(self) -> str:
        return f"{self.place}: {self.service}/{self.protocol} {self.program} as {self.user}"


def inetd_entries(rows: Rows) -> tuple[InetdEntry, ...]:
    """Read the rows of both kinds of files."""
    found = [_inetd(*row) for row in rows["inetd"]]
    entry: dict[str, str] = {}
    place = ""
    for file, line, text in rows["xinetd"]:
        words = text.replace("{", " ").split()
        if words and words[0] == "service":
            entry, place = {"service": words[1] if len(words) > 1 else "?"}, f"{file}:{line}"
        elif words and words[0] == "}":
            if entry and entry.get("disable", "no") != "yes":
                found.append(_xinetd(place, entry))
            entry = {}
        elif entry:
            key, _, value = text.partition("=")
            entry[key.strip(" \t+")] = value.strip()
    return tuple(found)


def _inetd(file: str, line: str, text: str) -> InetdEntry:
    service, protocol, user, program, *wrapped = text.split()
    return InetdEntry(
        f"{file}:{line}", service, protocol, user.partition(".")[0], wrapped[0] if wrapped else program
    )


def _xinetd(place: str, entry: dict[str, str]) -> InetdEntry:
    service = entry.get("port", entry["service"])
    program = entry.get("server", "").split()[:1] or [entry.get("type", "internal")]
    return InetdEntry(place, service, entry.get("protocol", "tcp"), entry.get("user", "root"), program[0])
