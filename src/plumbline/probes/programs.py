"""Programs: which processes run now, and which units start at the next boot, with the program they start."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass

from plumbline.probes.base import Output, Probe
from plumbline.probes.tagged import PRINT_END, Rows
from plumbline.verify.seen import Seen

UNIT_DIRECTORIES = (
    "/etc/systemd/system",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/run/systemd/generator.late",
)
"""Where units that count at boot stand, the first that has a name hides the others (systemd.unit(5)). What
generators wrote is written again at every boot; the rest of /run is gone then."""

_TAGS = {"process": 2, "wanted": 1, "hidden": 1, "masked": 1, "unit": 1, "start": 2}

_WRAPPERS = (
    "(ba|da|k|z)?sh|env|nohup|setsid|nice|ionice|chrt|taskset|timeout|stdbuf|busybox|ip|nsenter|unshare|"
    "chroot|su|sudo|runuser|setpriv|start-stop-daemon|daemon|systemd-run"
)
"""Programs that start another: of these the whole command is told, of others the program alone."""

_DIRECTORIES = " ".join(UNIT_DIRECTORIES)

_COMMAND = rf"""
for p in /proc/[0-9]*; do
    read -r n 2>/dev/null <"$p/comm" || continue
    [ "$n" != busybox ] || n=$(tr '\000' '\n' 2>/dev/null <"$p/cmdline" | sed -n 2p)
    printf 'process\t%s\t%s\n' "${{p#/proc/}}" "$n"
done
set --
for d in {_DIRECTORIES}; do
    for f in "$d"/*.wants/*.service "$d"/*.requires/*.service "$d"/*.upholds/*.service; do
        if [ -c "$f" ]; then printf 'hidden\t%s\n' "$f"
        elif [ -L "$f" ]; then printf 'wanted\t%s\n' "$f"; fi
    done
    for f in "$d"/*.target.d/*.conf "$d"/*.service.d/*.conf; do
        [ ! -f "$f" ] || sed -nE 's/^[ \t]*(Wants|Requires|Upholds|BindsTo)[ \t]*=//p' "$f" |
            tr -s ' \t' '\n\n' | sed -n "s#.*\.service\$#wanted\t$f/&#p"
    done
    for f in "$d"/*.service; do
        if [ -c "$f" ] || {{ [ -f "$f" ] && [ ! -s "$f" ]; }}; then printf 'masked\t%s\n' "$f"
        elif [ -f "$f" ]; then printf 'unit\t%s\n' "$f"; set -- "$@" "$f"; fi
    done
    for f in "$d"/*.service.d/*.conf; do [ ! -f "$f" ] || set -- "$@" "$f"; done
done
[ $# -eq 0 ] || awk 'FNR == 1 {{ begun = "" }}
    begun != "" && /^[ \t]*[#;]/ {{ next }}
    {{ text = begun $0 }}
    text ~ /\\$/ {{ begun = substr(text, 1, length(text) - 1) " "; next }}
    {{ begun = "" }}
    text ~ /^[ \t]*ExecStart[ \t]*=/ {{ print FILENAME ":" text }}' "$@" |
    sed -nE 's/^(.*\.(service|conf)):[ \t]*ExecStart[ \t]*=[ \t]*[-@:+!|]*/start\t\1\t/
        /^start\t[^\t]*\t([^ \t]*\/)?({_WRAPPERS})[ \t]/{{p; d}}
        s/^(start\t[^\t]*\t[^ \t]+).*/\1/p'
"""


@dataclass(frozen=True)
class Programs:
    """`processes`: process id -> name, at most 15 characters of it as the kernel keeps it.

    `wanted`: units (by name) that some other unit pulls in at boot -> the link that says so; `masked`: units
    that cannot be started; `starts`: unit -> the programs it starts, with the file that says so.
    """

    processes: dict[int, str]
    wanted: dict[str, str]
    masked: dict[str, str]
    starts: dict[str, list[Seen]]

    def started_at_boot(self, unit: str) -> bool:
        """Say whether a unit is pulled in at boot and can be started."""
        return unit in self.wanted and unit not in self.masked and unit in self.starts

    def running(self, names: Iterable[str]) -> list[Seen]:
        """Return the processes that run under one of the names."""
        short = {name[:15] for name in names}
        return [Seen(name, f"process {pid}") for pid, name in self.processes.items() if name in short]

    def boot_units(self, names: Iterable[str]) -> list[Seen]:
        """Return the units started at boot that bear one of the names or start a program of that name."""
        wanted = set(names)
        found = []
        for unit in self.wanted:
            if self.started_at_boot(unit) and (
                re.split(r"[.@]", unit)[0] in wanted
                or any(
                    posixpath.basename(word) in wanted
                    for command in self.starts[unit]
                    for word in re.split(r"[\s'\";&|()]+", command.bare)
                )
            ):
                found.append(Seen(unit, self.wanted[unit]))
        return found


def parse_programs(output: Output) -> Programs:
    """Parse the probe's rows."""
    rows = Rows(output, _TAGS)
    masked: dict[str, str] = {}
    units: dict[str, str] = {}
    for tag, found in (("masked", masked), ("unit", units)):
        for (path,) in rows[tag]:
            found.setdefault(posixpath.basename(path), path)
    masked = {
        name: path for name, path in masked.items() if name not in units or _rank(path) < _rank(units[name])
    }
    starts: dict[str, list[Seen]] = {name: [] for name in units}
    for path, program in rows["start"]:
        folder = posixpath.basename(posixpath.dirname(path))
        name = folder.removesuffix(".d") if path.endswith(".conf") else posixpath.basename(path)
        if path.endswith(".conf") or units.get(name) == path:
            starts.setdefault(name, []).append(Seen(program, path))
    wanted: dict[str, str] = {}
    hidden = [tuple(path.rsplit("/", 2)) for (path,) in rows["hidden"]]
    for (path,) in rows["wanted"]:
        place = path.rsplit("/", 2)
        if any(place[1:] == list(link) and _nearer(where, place[0]) for where, *link in hidden):
            continue
        unit = posixpath.basename(path)
        wanted.setdefault(unit, path)
        template = re.sub(r"@.*\.", "@.", unit)
        if template != unit and template in starts:
            starts.setdefault(unit, starts[template])
        if template in masked:
            masked.setdefault(unit, masked[template])
    processes = {int(pid): name for pid, name in rows["process"]}
    return Programs(processes, wanted, masked, starts)


def _nearer(one: str, two: str) -> bool:
    """Say whether what stands in the first unit directory hides what stands in the second."""
    known = one in UNIT_DIRECTORIES and two in UNIT_DIRECTORIES
    return known and UNIT_DIRECTORIES.index(one) < UNIT_DIRECTORIES.index(two)


def _rank(path: str) -> int:
    return UNIT_DIRECTORIES.index(posixpath.dirname(path))


PROGRAMS: Probe[Programs] = Probe("system.programs", f"{_COMMAND}{PRINT_END}", parse_programs)
