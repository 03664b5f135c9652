"""Scripts of this host's own that mount a medium, and what starts them: services, timers, cron, rc.local.

A script counts if it mounts a device that is a medium by its name, or what a variable of such a name holds;
or if it starts an automounter. Of each only the first such line is printed. Scripts are followed one step.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from plumbline.probes.base import Output, Probe
from plumbline.probes.removable_media.units import AUTOMOUNTER_NAMES, MEDIA
from plumbline.probes.systemd import DIRECTORIES, Line, UnitsOnDisk, lines_of, unit_of
from plumbline.probes.tagged import PRINT_END, Rows

_UNITS = " ".join(f"{d}/*.service {d}/*.service.d/*.conf" for d in DIRECTORIES if "/usr/lib/" not in d)
_TABLES = "/etc/rc.local /etc/crontab /etc/anacrontab /etc/cron.d/* /var/spool/cron/crontabs/*"
_PERIODIC = " ".join(f"/etc/cron.{often}/*" for often in ("hourly", "daily", "weekly", "monthly"))
_WORD = "[^A-Za-z0-9_.-]"
_NAME = "[A-Za-z0-9@_./+-]"
_BEGINS = r"(^|[;&|(`]|(then|do|else|exec|nohup|sudo|setsid)[ \t])[ \t]*([^ \t]*\/)?"
"""What stands before the name of a program that a script runs."""

_COMMAND = rf"""
set --
for file in {_UNITS} {_TABLES}; do [ ! -f "$file" ] || set -- "$@" "$file"; done
named=$(grep -IhoE '/(usr/local|opt|srv|root|home|etc|var/lib)/{_NAME}+' "$@" /dev/null |
    sort -u | head -n 200)
scripts=''
for file in $(grep -lIsE '(mount|{AUTOMOUNTER_NAMES})' $named {_PERIODIC} /dev/null); do
    case $file in /etc/systemd/* | /etc/cron.d/* | /etc/crontab | /etc/fstab | /etc/mtab | /etc/default/*) ;;
    *)
        line=$(awk '/^[ \t]*#/ {{ next }}
            match($0, /[A-Za-z_][A-Za-z_0-9]*(=| +in +)["\047]?{MEDIA}/) {{
                name = substr($0, RSTART, RLENGTH); sub(/[= ].*/, "", name); media[name] = 1 }}
            /{_BEGINS}({AUTOMOUNTER_NAMES}|systemd-mount)([ \t;&]|$)/ {{ found = 1 }}
            match($0, /(^|{_WORD})mount[ \t][^|;&]*/) {{
                mount = substr($0, RSTART, RLENGTH)
                if (mount ~ /{MEDIA}|\/dev\/[$]/) found = 1
                for (name in media) if (index(mount, "$" name) || index(mount, "${{" name)) found = 1 }}
            found {{ print FILENAME ":" FNR ":" substr($0, 1, 200); exit }}' "$file")
        [ -z "$line" ] || {{ printf 'mounts\t%s\n' "$line"; scripts="$scripts
$file"; }} ;;
    esac
done
[ -z "$scripts" ] || [ $# -eq 0 ] ||
    grep -HnIsF "${{scripts#?}}" "$@" | grep -vE '^[^:]*:[0-9]+:[[:space:]]*[#;]' | sed 's/^/starts\t/'
{PRINT_END}
"""


@dataclass(frozen=True)
class Scripts:
    """The line by which each script mounts a medium, and the lines of other files that name such a script."""

    mounting: dict[str, Line]
    naming: tuple[Line, ...]

    def started(self, on_disk: UnitsOnDisk) -> list[str]:
        """Return what starts such a script by itself, each with where, and the line that mounts."""
        by_cron = [line for line in self.mounting.values() if line.file.startswith("/etc/cron.")]
        found = [str(line) for line in by_cron]
        for line in self.naming:
            for script, mounting in self.mounting.items():
                named = re.search(rf"(?<!{_NAME}){re.escape(script)}(?!{_NAME})", line.text)
                if named and script != line.file and _runs(line, on_disk):
                    found.append(f"{line} ({mounting})")
        return found


def _runs(line: Line, on_disk: UnitsOnDisk) -> bool:
    """Say whether a line is run by itself: not one of a unit that nothing starts."""
    if not line.file.startswith(DIRECTORIES):
        return True
    return re.match(r"\s*[^=#;\[]*$|\s*Exec(Start|StartPre|StartPost)\s*=", line.text) is not None and (
        on_disk.starts(unit_of(line))
    )


def _scripts(output: Output) -> Scripts:
    rows = Rows(output, {"mounts": 1, "starts": 1})
    mounting = {line.file: line for line in lines_of(told for (told,) in rows["mounts"])}
    return Scripts(mounting, tuple(lines_of(told for (told,) in rows["starts"])))


SCRIPTS = Probe("removable_media.scripts", _COMMAND, _scripts)
