"""Access lists and capabilities of files: what their modes do not tell (acl(5), capabilities(7)).

GNU tar, which every Debian has, marks files with such attributes in its listing without reading them, and
puts them into the first header of an archive, which alone is printed. getfacl and getcap need not be there.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.filesystem.walk import PRUNED, SET_SYSTEM, TEMPORARY
from plumbline.probes.filesystem.writers import Access, access_list, capabilities
from plumbline.probes.tagged import PRINT_END, Rows

MOST = 80
"""Files with attributes that are printed; more are counted."""

_TAR = (
    "tar --create --no-recursion --absolute-names --numeric-owner --acls --xattrs "
    "--xattrs-include=security.capability --quoting-style=escape"
)
_COMMAND = rf"""
{SET_SYSTEM}
attributes() {{
    {_TAR} -f - -- "$1" 2>/dev/null | {{
        header=$(dd bs=512 count=1 iflag=fullblock 2>/dev/null | tr '\0' ' ')
        case $(printf %.157s "$header") in *x) ;; *) return ;; esac
        size=$(printf %.135s "$header" | tail -c 11)
        head -c $((0$size)) | base64 -w0
    }}
}}
tar --version 2>/dev/null | grep -q 'GNU tar' || {{ echo 'tar	none'; {PRINT_END}; exit 0; }}
{_TAR} -f /dev/null /dev/null 2>&1 | grep -i 'not available' | sed 's/^/tar\t/'
marked=$({{
    timeout 10 find "$@" -xdev \( \
        -type f \( -perm /131 -o -perm /040 ! -perm /004 \) -o \
        -type d \( -perm /020 -o ! -path '/usr/share/*' \) \) -print0
    [ $? -ne 124 ] || printf 'cut\t/\n' >&3
    set -f
    timeout 10 find / $able -xdev {PRUNED} -o -type f -perm /111 -print0
    [ $? -ne 124 ] || printf 'cut\t/\n' >&3
    find {TEMPORARY} -xdev -maxdepth 3 -type f -perm /111 -print0
    set +f
}} 2>/dev/null | timeout 20 {_TAR} -vv -f /dev/null --null -T - 2>/dev/null |
    sed -n 's/^.\{{10\}}[*+] [0-9]*\/[0-9]* *[0-9]* [0-9-]* [0-9:]* //p') 3>&1
case $marked in *'cut	/'*) printf 'cut\t/\n' ;; esac
count=0
printf '%s\n' "$marked" | while IFS= read -r file; do
    case $file in '' | 'cut	'*) continue ;; esac
    count=$((count + 1))
    if [ $count -le {MOST} ]; then
        # tar wrote a byte that does not print as \ooo, which printf reads as \0ooo.
        named=$(printf '%s' "$file" | sed 's/\\\([0-7][0-7][0-7]\)/\\0\1/g')
        named=$(printf '%b.' "$named")
        told=$(printf '%s' "${{named%.}}" | tr '\n\t' '??')
        printf 'file\t%s\t%s\n' "$(attributes "${{named%.}}")" "$told"
    else
        printf 'more\t%s\n' "$file"
    fi
done
{PRINT_END}
"""

_RECORD = re.compile(rb"\d+ (SCHILY\.(?:xattr\.security\.capability|acl\.access|acl\.default))=")


@dataclass(frozen=True)
class Attributes:
    """What one file has beside its mode: an access list, one for what is made in it later, capabilities."""

    path: str
    access: tuple[Access, ...] = ()
    default: tuple[Access, ...] = ()
    capabilities: frozenset[str] = frozenset()


@dataclass(frozen=True)
class AllAttributes:
    """Files that have attributes, by path; `lacking` says why there is no telling, `more` were not read."""

    files: dict[str, Attributes]
    lacking: str
    more: tuple[str, ...]
    cut: bool


def _attributes(path: str, encoded: str) -> Attributes:
    try:
        values = dict(_records(base64.b64decode(encoded, validate=True)))
    except binascii.Error as error:
        raise ParseError(f"the attributes of {path} cannot be read: {error}") from error
    lists = {
        kind: access_list(values.get(f"SCHILY.acl.{kind}".encode(), b"").decode("utf-8", "replace"))
        for kind in ("access", "default")
    }
    raw = values.get(b"SCHILY.xattr.security.capability")
    return Attributes(
        path.rstrip("/") or "/", **lists, capabilities=capabilities(raw) if raw else frozenset()
    )


def _records(header: bytes) -> list[tuple[bytes, bytes]]:
    """Return the attributes in a pax header, whose records begin with their own length (pax(1))."""
    found = []
    for match in _RECORD.finditer(header):
        length = int(header[match.start() : match.start(1) - 1])
        record = header[match.start() : match.start() + length]
        if len(record) != length or not record.endswith(b"\n"):
            raise ParseError("an archive's header ends too early")
        found.append((match[1], record[match.end() - match.start() : -1]))
    return found


def _parse(output: Output) -> AllAttributes:
    rows = Rows(output, {"file": 2, "more": 1, "cut": 1, "tar": 1})
    found = [_attributes(path, encoded) for encoded, path in rows["file"]]
    return AllAttributes(
        files={one.path: one for one in found},
        lacking="; ".join(told for (told,) in rows["tar"]),
        more=tuple(path for (path,) in rows["more"]),
        cut=bool(rows["cut"]),
    )


ATTRIBUTES = Probe("filesystem.attributes", _COMMAND, _parse, limit=45)
