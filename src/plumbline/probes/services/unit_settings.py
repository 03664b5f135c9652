"""As whom units run, and what own files start: from the unit files, as the next boot will read them.

Of commands only the program is printed, of variables with a secret's name only the name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from plumbline.probes.base import Output, Probe
from plumbline.probes.systemd import DIRECTORIES, Line, UnitsOnDisk, unit_of
from plumbline.probes.tagged import PRINT_END, Rows
from plumbline.probes.unit_files import UnitFiles

OWN = (
    "/etc/systemd/system.control",
    "/etc/systemd/system",
    "/run/systemd/system",
    "/run/systemd/transient",
    "/usr/local/lib/systemd/system",
)
"""Where a host's own units and drop-ins stand; those of packages stand below /usr/lib."""

PASSING = ("/run/systemd/system/", "/run/systemd/transient/")
"""Where units stand that are gone at the next boot."""

_ALL = " ".join(
    f"{d}/*.service {d}/*.d/*.conf" for d in (*DIRECTORIES, "/run/systemd/system", "/run/systemd/transient")
)
_ACCOUNT = "User|DynamicUser|SupplementaryGroups|Group|AmbientCapabilities|PermissionsStartOnly"
_ROOT = "Root(Directory|Image)|Bind(ReadOnly)?Paths"
_SECRET = r"[A-Za-z0-9_]*(PASS|PASSWD|PASSWORD|SECRET|TOKEN|APIKEY|API_KEY)[A-Za-z0-9_]*"  # noqa: S105  (a pattern of names)

_COMMAND = rf"""
# Assignments of these keys, whole: a line that ends in a backslash goes on in the next (systemd.syntax(7)).
assigned() {{
    keys=$1
    shift
    awk -v keys="^[[:space:]]*($keys)[[:space:]]*=" '
        FNR == 1 {{ begun = "" }}
        {{ sub(/\r$/, "") }}
        begun != "" && /^[ \t]*[#;]/ {{ next }}
        begun == "" {{ number = FNR }}
        {{ text = begun $0 }}
        text ~ /\\$/ {{ begun = substr(text, 1, length(text) - 1) " "; next }}
        {{ begun = "" }}
        text ~ keys {{ print "line\t" FILENAME "\t" number "\t" text }}' "$@"
}}
set --
for f in {_ALL}; do [ ! -f "$f" ] || set -- "$@" "$f"; done
[ $# -eq 0 ] || {{
    assigned '{_ACCOUNT}' "$@"
    grep -HniE '^[[:space:]]*Environment[[:space:]]*=.*{_SECRET}=' "$@" |
        sed -E 's/^([^:]*):([0-9]+):.*[^A-Za-z0-9_]({_SECRET})=.*/secret\t\1\t\2\t\3/I'
    for f; do
        shift
        case $f in /usr/lib/*.d/*.conf) ;; /usr/lib/*|/run/systemd/generator*) continue ;; esac
        set -- "$@" "$f"
    done
    [ $# -eq 0 ] || assigned 'Exec[A-Za-z]+' "$@" |
        sed -E 's/^(line\t[^\t]*\t[0-9]+\t[^=]*=[ \t]*[^ \t]*).*/\1/'
    for f; do shift; case $f in *.conf) set -- "$@" "$f" ;; esac; done
    [ $# -eq 0 ] || assigned 'Listen[A-Z][A-Za-z]*|Unit|Service' "$@" |
        grep -E '^[^:]*\.(socket|timer|path)\.d/'
    [ $# -eq 0 ] || grep -HnoE '^[[:space:]]*({_ROOT})[[:space:]]*=.*|LD_[A-Z_]+=' "$@" |
        sed -E 's/^([^:]*):([0-9]+):(.*)/line\t\1\t\2\t\3/'
}}
{PRINT_END}
"""


@dataclass(frozen=True)
class UnitSettings:
    """Lines of unit files and drop-ins that say as whom a unit runs; of own files also what it starts."""

    lines: tuple[Line, ...]
    secrets: tuple[Line, ...]

    def files(self, on_disk: UnitsOnDisk) -> UnitFiles:
        """Return the unit files as systemd will read them, with the lines that were printed of them."""
        lines: dict[str, list[tuple[int, str]]] = {
            path: [(0, "[Service]")] for path, target in on_disk.files.items() if target is None
        }
        for line in self.lines:
            lines.setdefault(line.file, [(0, "[Service]")]).append((line.number, line.text))
        links = {path: target for path, target in on_disk.files.items() if target is not None}
        return UnitFiles(lines, links)

    def changing(self) -> Iterator[tuple[str, Line]]:
        """Yield the lines of drop-ins with the unit each is for; those of packages are among them."""
        for line in self.lines:
            if line.file.startswith((*OWN, "/usr/lib/systemd/system/")) and line.file.endswith(".conf"):
                yield unit_of(line), line

    def transient(self, unit: str) -> list[Line]:
        """Return the lines of a unit that was made at run time and is gone at boot."""
        return [line for line in self.lines if line.file.startswith("/run/") and unit_of(line) == unit]


def _parse(output: Output) -> UnitSettings:
    rows = Rows(output, {"line": 3, "secret": 3})
    return UnitSettings(
        tuple(Line(file, int(number), text) for file, number, text in rows["line"]),
        tuple(Line(file, int(number), name) for file, number, name in rows["secret"]),
    )


UNIT_SETTINGS: Probe[UnitSettings] = Probe("services.unit_settings", f"{_COMMAND}", _parse)


def program_of(text: str) -> str:
    """Return the program an `Exec…=` line starts, without what stands before its path."""
    return re.sub(r"^[-@:+!|]*", "", text.partition("=")[2].strip()).strip('"')


def is_full_privilege(text: str) -> bool:
    """Say whether a command of a unit runs as root whatever the unit's `User=` says (systemd.service(5))."""
    prefix = re.match(r"[-@:+!|]*", text.partition("=")[2].strip())
    return prefix is not None and ("+" in prefix[0] or "!" in prefix[0])
