"""systemd-logind's limit on idle sessions (logind.conf(5), StopIdleSessionSec), as it runs and as configured.

logind ends every session with a terminal that was not typed into for that long, whatever program it shows. Of
sessions over SSH it learns the terminal from utmp(5) only: a systemd built without it, as Debian 13's, never
ends those.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.limit import NEVER, Limit
from plumbline.probes.session.timespan import INFINITY, microseconds
from plumbline.probes.tagged import PRINT_END, Rows
from plumbline.probes.unit_files import DIRECTORIES as UNIT_DIRECTORIES
from plumbline.probes.unit_files import UNIT_FILES_FIELDS, unit_files

DIRECTORIES = ("/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd")
"""Where logind.conf and logind.conf.d may stand; of one name the first wins (logind.conf(5))."""

_COMMAND = rf"""
unit=$(systemctl show -p LoadState,UnitFileState,ActiveState systemd-logind.service) || exit 9
printf '%s\n' "$unit" | sed 's/^/unit\t/'
case $unit in
*ActiveState=active*)
    printf 'live\t%s\n' "$(busctl --auto-start=no get-property org.freedesktop.login1 \
        /org/freedesktop/login1 org.freedesktop.login1.Manager StopIdleSessionUSec)" ;;
esac
case $(systemctl --version) in
*+UTMP*) [ ! -e /run/utmp ] || printf 'utmp\t/run/utmp\n' ;;
esac
set --
for directory in {" ".join(DIRECTORIES)}; do
    for file in "$directory"/logind.conf "$directory"/logind.conf.d/*.conf; do
        [ -f "$file" ] || [ "$(readlink "$file")" = /dev/null ] || continue
        printf 'file\t%s\n' "$file"
        [ ! -f "$file" ] || set -- "$@" "$file"
    done
done
[ $# -eq 0 ] || awk '!/^[ \t]*([#;]|$)/ {{ print "line\t" FILENAME "\t" FNR "\t" $0 }}' "$@" || exit 9
set --
for directory in {" ".join(UNIT_DIRECTORIES)}; do
    for file in "$directory"/systemd-logind.service "$directory"/systemd-logind.service.d/*.conf \
        "$directory"/systemd-.service.d/*.conf "$directory"/service.d/*.conf; do
        if [ -L "$file" ]; then printf 'unitlink\t%s\t%s\n' "$file" "$(readlink "$file")"
        elif [ -f "$file" ] && [ ! -s "$file" ]; then printf 'unitlink\t%s\t/dev/null\n' "$file"; fi
        [ ! -f "$file" ] || set -- "$@" "$file"
    done
done
[ $# -eq 0 ] || awk '{{ print "unitline\t" FILENAME "\t" FNR "\t" $0 }}' "$@" || exit 9
{PRINT_END}
"""

_FIELDS = {"unit": 1, "live": 1, "utmp": 1, "file": 1, "line": 3} | UNIT_FILES_FIELDS
_UNIT = "systemd-logind.service"
_PROGRAMS = ("/lib/systemd/systemd-logind", "/usr/lib/systemd/systemd-logind")
_PROPERTY = re.compile(r"t (\d+)")


@dataclass(frozen=True)
class Logind:
    """Seconds an idle session lives: `now` by the running logind, `boot` by the files that last.

    `knows_ssh_terminals`: whether that holds for sessions over SSH too.
    """

    now: Limit
    boot: Limit
    knows_ssh_terminals: bool


def _limit(span: int, seen: str) -> Limit:
    """Round up to whole seconds; 0 is turned into infinity by logind."""
    return Limit(NEVER if span in (0, INFINITY) else -(-span // 1_000_000), seen)


def effective_files(files: list[str]) -> list[str]:
    """Return the files logind reads at boot in its order: one main file, then drop-ins by name."""
    lasting = [file for file in files if not file.startswith("/run/")]
    order = {directory: rank for rank, directory in enumerate(DIRECTORIES)}
    by_name: dict[str, str] = {}
    for file in sorted(lasting, key=lambda file: order[file.split("/logind.conf")[0]]):
        by_name.setdefault(file.split("/systemd/", 1)[1], file)
    main = [by_name.pop("logind.conf")] if "logind.conf" in by_name else []
    return main + [by_name[name] for name in sorted(by_name)]


def assignments(lines: list[tuple[int, str]]) -> list[tuple[int, str, str, str]]:
    """Return line, section, key and value of each assignment of one file (systemd.syntax(7)).

    A line that ends in a backslash goes on in the next; one before any section belongs to none.
    """
    found = []
    section, begun, number = "", "", 0
    for line, text in lines:
        number = number if begun else line
        joined = begun + text.removeprefix("\ufeff").rstrip("\r")
        begun = ""
        if joined.endswith("\\"):
            begun = joined[:-1] + " "
            continue
        stripped = joined.strip()
        if stripped.startswith("[") and stripped.endswith("]"):
            section = stripped[1:-1]
        elif "=" in stripped:
            key, _, value = stripped.partition("=")
            found.append((number, section, key.strip(), value.strip()))
    return found


def _boot(rows: Rows) -> Limit:
    files = [file for (file,) in rows["file"]]
    limit = Limit(NEVER, "StopIdleSessionSec is not set in logind.conf")
    for file in effective_files(files):
        lines = [(int(number), text) for path, number, text in rows["line"] if path == file]
        for number, section, key, value in assignments(lines):
            if (section, key) != ("Login", "StopIdleSessionSec"):
                continue
            try:
                limit = _limit(microseconds(value), f"{file}:{number}: StopIdleSessionSec={value}")
            except ValueError:  # logind ignores the line, and what stood before stays
                continue
    return limit


def _not_started(rows: Rows) -> str | None:
    """Return why the next boot starts no logind, by the unit files there are now; None if it does."""
    units = unit_files(rows)
    if not (units.lines or units.links):
        return None
    commands = units.commands(_UNIT)
    words = commands[-1].value.lstrip("@-:+!").split() if commands else []
    if len(commands) != 1 or words[0] not in _PROGRAMS:
        told = ", ".join(str(command) for command in commands) or "masked, or starts nothing"
        return f"{_UNIT} at the next boot: {told}"
    keys = {
        key.strip()
        for lines in units.lines.values()
        for _, text in lines
        if (key := text.partition("=")[0]).strip().startswith(("Condition", "Assert"))
    }
    asked = [found for key in sorted(keys) for found in units.settings(_UNIT, key, "Unit")]
    added = [
        found
        for found in asked
        if not found.file.startswith("/usr/lib/systemd/system/systemd-logind.service")
    ]
    return f"{_UNIT} may not start: {added[0]}" if added else None


def _logind(output: Output) -> Logind:
    rows = Rows(output, _FIELDS)
    unit = dict(line.split("=", 1) for (line,) in rows["unit"])
    active, masked = unit["ActiveState"] == "active", unit["LoadState"] in ("masked", "not-found")
    live = [_PROPERTY.fullmatch(text) for (text,) in rows["live"]]
    if active and (len(live) != 1 or live[0] is None):
        raise ParseError(f"logind's answer is no time span: {rows['live']}")
    now = Limit(NEVER, "systemd-logind does not run")
    if active and live[0] is not None:
        span = int(live[0][1])
        told = "infinity" if span == INFINITY else f"{span / 1_000_000:g} s"
        now = _limit(span, f"systemd-logind as it runs: StopIdleSessionUSec={told}")
    boot = Limit(NEVER, f"systemd-logind.service is {unit['LoadState']}") if masked else _boot(rows)
    if (why := _not_started(rows)) is not None:
        boot = Limit(NEVER, why)
    return Logind(now, boot, bool(rows["utmp"]))


LOGIND = Probe("session.logind", _COMMAND, _logind)
