"""What gives the system's files other rights later: tmpfiles.d at boot, dpkg's overrides at the next update.

A file is right now, and is not after the next boot (tmpfiles.d(5)) or once its package is unpacked again
(dpkg-statoverride(1)). Of each line its type, mode, owner, group, path and access list are printed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from plumbline.probes.base import Output, Probe
from plumbline.probes.filesystem.walk import SYSTEM
from plumbline.probes.filesystem.writers import Access, Accounts, Entry
from plumbline.probes.tagged import PRINT_END, Rows

_DIRECTORIES = ("/etc/tmpfiles.d", "/run/tmpfiles.d", "/usr/local/lib/tmpfiles.d", "/usr/lib/tmpfiles.d")
_TREES = "|".join(SYSTEM.split()).replace("/", r"\/")

_COMMAND = rf"""
set --
for d in {" ".join(_DIRECTORIES)}; do
    for f in "$d"/*.conf; do
        [ ! -e "$f" ] || printf 'hides\t%s\n' "$f"
        [ ! -f "$f" ] || set -- "$@" "$f"
    done
done
[ $# -eq 0 ] || awk '
    /^[ \t]*(#|$)/ {{ next }}
    {{ gsub(/["\047\r]/, ""); path = $2; gsub(/\/\/+/, "/", path) }}
    $1 ~ /^[fFwdDevqQpcbCzZmaA]/ && (path ~ /^({_TREES})(\/|$)/ || $3 ~ /^[~:]*0?[4-7][0-7][0-7][0-7]$/) {{
        print "line\t" FILENAME "\t" FNR "\t" $1 "\t" $3 "\t" $4 "\t" $5 "\t" \
            ($1 ~ /^[aA]/ ? substr($7, 1, 200) : "") "\t" path
    }}' "$@" | head -n 1500
[ ! -f /var/lib/dpkg/statoverride ] || awk 'NF >= 4 {{
    path = $0; sub(/^[^ ]+ +[^ ]+ +[^ ]+ +/, "", path)
    print "override\t" FNR "\t" $1 "\t" $2 "\t" $3 "\t" path
}}' /var/lib/dpkg/statoverride | head -n 500
{PRINT_END}
"""


@dataclass(frozen=True)
class Given:
    """The rights a line gives a path: None for what it leaves as it is; `access` of its access list."""

    where: str
    path: str
    mode: int | None
    owner: str
    group: str
    access: tuple[Access, ...] = ()
    is_directory: bool = False

    def entry(self, accounts: Accounts) -> Entry:
        """Return the path as it will be; whom nobody knows gets nothing, for the line then fails."""
        gids = {name: gid for gid, name in accounts.groups.items()}
        uid = int(self.owner) if self.owner.isdigit() else accounts.uids.get(self.owner, 0)
        gid = int(self.group) if self.group.isdigit() else gids.get(self.group, 0)
        return Entry("f", self.mode or 0, uid, gid, self.path)


def _mode(text: str, kind: str) -> int | None:
    told = text.lstrip("~:")
    if told.isdigit() and set(told) <= set("01234567"):
        return int(told, 8)
    return None if kind in "zZmaA" else 0o755 if kind in "dDevqQ" else 0o644


def _name(text: str) -> str:
    return text.lstrip(":") if text not in ("", "-") else "root"


def _access(text: str) -> tuple[Access, ...]:
    """Read the short form of an access list: `u:anna:rw,d:g:plant:rX` (setfacl(1))."""
    found = []
    kinds = {"u": "user", "g": "group", "m": "mask", "o": "other"}
    for one in text.split(","):
        words = re.sub(r"^d(efault)?:", "", one.strip()).split(":")
        if len(words) == 2 and words[0][:1] in ("m", "o"):
            words.insert(1, "")
        if len(words) == 3 and words[0][:1] in kinds:
            rights = sum(bit for letter, bit in zip("rwx", (4, 2, 1), strict=True) if letter in words[2])
            found.append(Access(kinds[words[0][:1]], words[1], rights))
    return tuple(found)


def _given(output: Output) -> tuple[Given, ...]:
    return tuple(_read(Rows(output, {"hides": 1, "line": 8, "override": 5})))


def _read(rows: Rows) -> Iterator[Given]:
    nearest: dict[str, str] = {}
    for (file,) in sorted(rows["hides"], key=lambda row: _DIRECTORIES.index(row[0].rpartition("/")[0])):
        nearest.setdefault(file.rpartition("/")[2], file)
    told: set[tuple[str, str]] = set()
    for file, line, kind, mode, owner, group, access, path in sorted(
        rows["line"], key=lambda row: (row[0].rpartition("/")[2], int(row[1]))
    ):
        letter = kind[0]
        if nearest.get(file.rpartition("/")[2]) != file or ((letter, path) in told and letter not in "aA"):
            continue  # another file of that name is read, or an earlier line counts
        told.add((letter, path))
        if letter in "aA":
            yield Given(f"{file}:{line}", path, 0, "root", "root", _access(access))
        else:
            made = letter in "dDevqQ"
            given = _mode(mode, letter)
            yield Given(f"{file}:{line}", path, given, _name(owner), _name(group), is_directory=made)
    for number, owner, group, mode, path in rows["override"]:
        bits = int(mode, 8) if mode and set(mode) <= set("01234567") else None
        yield Given(f"/var/lib/dpkg/statoverride:{number}", path, bits, owner.lstrip("#"), group.lstrip("#"))


GIVEN: Probe[tuple[Given, ...]] = Probe("filesystem.given", _COMMAND, _given)
