"""Unit files as systemd will read them at the next boot (systemd.unit(5)): precedence, masks, drop-ins."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from plumbline.probes.tagged import Rows

DIRECTORIES = (
    "/etc/systemd/system.control",
    "/etc/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
)
"""Of two files with one name the first counts. What stands below /run is gone at boot."""

_NOW = (*DIRECTORIES, "/run/systemd/system", "/run/systemd/transient", "/run/systemd/generator*")
EVERYWHERE = " ".join(_NOW)
"""Where a unit may stand now, for a shell to expand."""

UNIT_FILES_FIELDS = {"unitline": 3, "unitlink": 2}


def print_unit_files(pattern: str, names: str, keys: str = "ExecStart") -> str:
    """Return a command that prints service units with their drop-ins: those that match, in whole or by name.

    `pattern` is searched in the lines of `keys`, `names` in paths; all are extended regular expressions
    whose slashes are escaped. A unit that matches in one file is printed with all
    of them. Symbolic links are printed with their target, empty files as links to /dev/null.
    """
    return rf"""set --
for directory in {" ".join(DIRECTORIES)}; do [ ! -d "$directory" ] || set -- "$@" "$directory"; done
find "$@" -maxdepth 2 ! -path '*.wants/*' ! -path '*.requires/*' \( -name '*.service' -o -name '*.conf' \) \
    \( -type l -printf 'unitlink\t%p\t%l\n' -o -type f -empty -printf 'unitlink\t%p\t/dev/null\n' \) || exit 9
for directory; do
    shift
    for file in "$directory"/*.service "$directory"/*.service.d/*.conf "$directory"/service.d/*.conf; do
        [ ! -f "$file" ] || set -- "$@" "$file"
    done
done
awk 'FNR == 1 {{
        goes_on = 0
        sub(/^\357\273\277/, "")
        unit = FILENAME
        sub(/\.d\/[^\/]*$/, "", unit)
        sub(/.*\//, "", unit)
        sub(/@.*\.service$/, "@.service", unit)
        unit_of[FILENAME] = unit
        if (unit == "service" || FILENAME ~ /({names})[^\/]*(\.d\/[^\/]*)?$/) wanted[unit] = 1
    }}
    goes_on || /^[ \t]*(\[|({keys})[ \t]*=)/ {{
        kept[FILENAME] = kept[FILENAME] "unitline\t" FILENAME "\t" FNR "\t" $0 "\n"
        goes_on = /\\$/
        if ($0 ~ /{pattern}/) wanted[unit_of[FILENAME]] = 1
    }}
    END {{ for (file in kept) if (unit_of[file] in wanted) printf "%s", kept[file] }}' "$@" || exit 9"""


def starting(pattern: str, lines: str = "") -> str:
    """Return a shell expression for the names of services, wherever they stand now, that start what matches.

    Or that have one of `lines`, each from its beginning. Both are extended regular expressions. Templates
    are left out: they start nothing themselves.
    """
    files = " ".join(f"{directory}/*.service {directory}/*.service.d/*.conf" for directory in _NOW)
    more = f"|({lines})" if lines else ""
    return (
        rf"$(grep -lsE '^[[:space:]]*(ExecStart[[:space:]]*=.*({pattern}){more})' {files} | "
        r"sed 's|/[^/]*\.conf$||; s|\.d$||; s|.*/||; /@\./d' | sort -u)"
    )


@dataclass(frozen=True)
class Command:
    """An `ExecStart=` with where it stands."""

    file: str
    line: int
    value: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.value}"


@dataclass(frozen=True)
class UnitFiles:
    """Unit files and drop-ins by path: their numbered lines, and what links among them point to."""

    lines: dict[str, list[tuple[int, str]]]
    links: dict[str, str]

    @cached_property
    def _paths(self) -> list[str]:
        return [*self.lines, *(path for path in self.links if path not in self.lines)]

    @cached_property
    def _fragments(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for directory in DIRECTORIES:
            for path in self._paths:
                folder, _, name = path.rpartition("/")
                if folder == directory:
                    found.setdefault(name, path)
        return found

    def names(self) -> list[str]:
        """Return the names of units, with those instances that have drop-ins of their own."""
        instances = {
            path.split("/")[-2].removesuffix(".d")
            for path in self._paths
            if re.search(r"@[^/]+\.service\.d/[^/]+$", path)
        }
        return sorted({*self._fragments, *instances})

    def commands(self, name: str) -> list[Command]:
        """Return what a unit will start; nothing if it is masked or only another name of a unit."""
        return self.settings(name, "ExecStart")

    def settings(self, name: str, wanted: str, section: str = "Service") -> list[Command]:
        """Return the assignments of one key of a unit; an empty one takes back all before it."""
        template = re.sub(r"@[^@]*\.service$", "@.service", name)
        fragment = self._fragments.get(name) or self._fragments.get(template)
        if fragment is not None and self._is_off_or_alias(fragment):
            return []
        found: list[Command] = []
        for path in [*([fragment] if fragment else []), *self._drop_ins(name, template)]:
            found = _applied(found, path, self.lines.get(path, []), wanted, section)
        return found

    def _is_off_or_alias(self, fragment: str) -> bool:
        target = self.links.get(fragment, "")
        same_name = target.rsplit("/", 1)[-1] == fragment.rsplit("/", 1)[-1]
        return target == "/dev/null" or (bool(target) and not same_name)

    def _drop_ins(self, name: str, template: str) -> list[str]:
        """Return a unit's drop-ins in the order they are read; of those with one name the nearest counts."""
        folders = [f"{name}.d", f"{template}.d"]
        stem = template.removesuffix(".service").removesuffix("@")
        while "-" in stem:
            stem = stem.rpartition("-")[0]
            folders.append(f"{stem}-.service.d")
        folders.append("service.d")
        nearest: dict[str, str] = {}
        for folder in [*folders, *self._of_aliases(template)]:
            for directory in DIRECTORIES:
                for path in self._paths:
                    if path.rpartition("/")[0] == f"{directory}/{folder}":
                        nearest.setdefault(path.rsplit("/", 1)[-1], path)
        return [nearest[base] for base in sorted(nearest)]

    def _of_aliases(self, template: str) -> list[str]:
        return [
            f"{alias}.d"
            for alias, path in self._fragments.items()
            if alias != template and self.links.get(path, "").rsplit("/", 1)[-1] == template
        ]


def _applied(
    commands: list[Command], path: str, lines: Iterable[tuple[int, str]], wanted: str, wanted_section: str
) -> list[Command]:
    """Return the assignments after one more file: an empty assignment takes back all before it."""
    section, begun, number = "", "", 0
    for line, text in lines:
        number = number if begun else line
        joined = begun + text.removeprefix("\ufeff").rstrip()
        begun = joined[:-1] + " " if joined.endswith("\\") else ""
        if begun:
            continue
        stripped = joined.strip()
        if stripped.startswith("["):
            section = stripped.strip("[]")
            continue
        key, _, value = stripped.partition("=")
        if section == wanted_section and key.strip() == wanted:
            commands = [*commands, Command(path, number, value.strip())] if value.strip() else []
    return commands


def unit_files(rows: Rows) -> UnitFiles:
    """Read what `print_unit_files` printed."""
    lines: dict[str, list[tuple[int, str]]] = {}
    for path, number, text in rows["unitline"]:
        lines.setdefault(path, []).append((int(number), text))
    return UnitFiles(lines, dict(rows["unitlink"]))  # type: ignore[arg-type]  # rows of this tag have two fields
