"""What polkit's files give without asking: rules, .pkla files, actions (polkit(8), pklocalauthority(8)).

What a package brought is its distribution's decision; files in /etc are an administrator's, whoever put them.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from plumbline.probes.accounts.lines import Lines

_RULES = tuple(
    f"{top}/polkit-1/rules.d" for top in ("/etc", "/run", "/usr/local/share", "/usr/share", "/usr/lib")
)
_ACTIONS = tuple(
    f"{top}/polkit-1/actions/*.policy" for top in ("/etc", "/run", "/usr/local/share", "/usr/share")
)
_PKLA = ("/etc/polkit-1/localauthority*/*", "/var/lib/polkit-1/localauthority/*")

PATTERNS = (
    *(f"{directory}/*.rules" for directory in _RULES),
    *(f"{directory}/*.pkla" for directory in _PKLA),
    "/etc/polkit-1/localauthority.conf.d/*.conf",
)
"""The files whose lines are printed with the others'."""

PRINT_POLKIT = rf"""
set --
for file in {" ".join((*PATTERNS[1:], *_ACTIONS))}; do
    case $file in *[[:cntrl:]]*) exit 9 ;; esac
    [ ! -f "$file" ] || set -- "$@" "$file"
done
if [ $# -gt 0 ]; then
    packaged=$(grep -hxsF "$(printf '%s\n' "$@")" /var/lib/dpkg/info/*.list)
    [ -z "$packaged" ] || printf '%s\n' "$packaged" | sort -u | sed 's/^/packaged\t/'
    for file in "$@"; do
        case $file in *.policy) ;; *) continue ;; esac
        case "
$packaged
" in *"
$file
"*) continue ;; esac
        awk -v file="$file" 'BEGIN {{ RS = "<" }} /^allow_(any|inactive|active)>[ \t\n]*(yes|auth_self)/ {{
            gsub(/[ \t\n]+/, ""); sub(/>/, ": "); print "action\t" file ": " $0 }}' "$file" || exit 9
    done
fi
"""
"""A piece of shell: prints which of polkit's files packages brought, and what other actions give."""

POLKIT_FIELDS = {"packaged": 1, "action": 1}

_GIVES = re.compile(r"Result\s*(\.\s*(YES|AUTH_SELF)|\[)|['\"](yes|auth_self\w*)['\"]|polkit\s*\.\s*spawn")


@dataclass(frozen=True)
class PolkitName:
    """Somebody a polkit rule calls an administrator: `unix-group:NAME` or `unix-user:NAME`."""

    place: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.place}: {self.kind}:{self.name}"


def administrators(files: Lines) -> Iterator[PolkitName]:
    """Yield whom polkit's rules call administrators, in packaged rules too."""
    for path in files:
        if _is_rule(path):
            for place, text in _lines(files, path):
                for kind, name in re.findall(r"(unix-(?:group|user|netgroup)):([^\"';,\s]+)", text):
                    yield PolkitName(place, kind, name)


def given(files: Lines, packaged: Iterable[str], actions: Iterable[str]) -> list[str]:
    """Return what rules, .pkla files and actions give without asking, or on the word of a program."""
    found = []
    brought = {path for path in packaged if not path.startswith("/etc/")}
    for path in files:
        gives = _GIVES.search if _is_rule(path) else re.compile(r"Result\w*\s*=\s*(yes|auth_self)").match
        if path not in brought and (_is_rule(path) or path.endswith(".pkla")):
            found += [f"{place}: {text}" for place, text in _lines(files, path) if gives(text)]
    return found + list(actions)


def _is_rule(path: str) -> bool:
    inside = posixpath.dirname(path) in _RULES and path.endswith(".rules")
    return inside or "/localauthority.conf.d/" in path


def _lines(files: Lines, path: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(files[path], 1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield f"{path}:{number}", line.strip()
