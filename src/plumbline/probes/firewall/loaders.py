"""What loads rules by a detour at boot: units through scripts, sockets, hooks, and who starts those."""

from __future__ import annotations

import re
from dataclasses import dataclass

from plumbline.probes.base import Output, Probe
from plumbline.probes.systemd import DIRECTORIES, FILTER_TOOLS, Line, UnitsOnDisk, lines_of, naming, unit_of
from plumbline.probes.tagged import PRINT_END, Rows

_TOOLS = rf"(^|[^A-Za-z0-9_.-])({FILTER_TOOLS})([^A-Za-z0-9_.-]|$)"

# What a line calls is followed to a file that is text and names a tool where it is no comment; through a
# script of one's own one step further. What has no path is looked for where the line goes, in the unit's or
# the script's directory, and in /usr/local. The boot file itself names nft in its first line, and whoever
# calls it loads what is judged anyway.
_COMMAND = rf"""
t='{_TOOLS}'
named() {{
    awk '{{ print substr($0, index($0, "\t") + 1) }}' | sort -u | while read -r f; do
        [ "$f" = /etc/nftables.conf ] || [ ! -f "$f" ] || printf '%s\0' "$f"
    done | xargs -0 -r grep -IHnE "$t" -- /dev/null | grep -vE '^[^:]*:([2-9]|[0-9][0-9]+):[[:space:]]*#' |
        grep -vE '^[^:]*:1:[[:space:]]*#([^!]|$)'
}}
own=$(grep -IlE "$t" /usr/local/sbin/* /usr/local/bin/* /dev/null 2>/dev/null | paste -sd ' ')
calls() {{
    awk -F : -v own="$own" -v places="$places" '
BEGIN {{
    n = split(own, path, " ")
    for (i = n; i >= 1; i--) {{ name = path[i]; sub(/.*\//, "", name); by[name] = path[i] }}
    n = split(places, place, " ")
    for (i = 1; i <= n; i++) {{ split(place[i], part, "="); in_place[part[1]] = part[2] }}
}}
{{
    rest = line = substr($0, length($1) + 1)
    sub(/^:[0-9]*:/, "", rest); sub(/^:[0-9]*:/, "", line)
    unit = $1; sub(/\.d\/[^\/]*$/, "", unit); sub(/.*\//, "", unit)
    at = unit in in_place ? in_place[unit] : ""
    if ($1 ~ /^\/(opt|srv|usr\/local|home|root)\//) {{ at = $1; sub(/\/[^\/]*$/, "", at) }}
    if (match(line, /(^|[^A-Za-z0-9_.-])cd +["]?\/[A-Za-z0-9_.\/+@-]+/)) {{
        at = substr(line, RSTART, RLENGTH); sub(/^[^\/]*/, "", at)
    }}
    while (match(rest, /\/[A-Za-z0-9_.\/+@-]+/)) {{
        print $0 "\t" substr(rest, RSTART, RLENGTH)
        if (at != "") print $0 "\t" at substr(rest, RSTART, RLENGTH)
        rest = substr(rest, RSTART + RLENGTH)
    }}
    n = split(line, word, /[^A-Za-z0-9_.\/+@-]+/)
    for (i = 1; i <= n; i++) {{
        if (word[i] in by) print $0 "\t" by[word[i]]
        if (at != "" && word[i] ~ /^[A-Za-z0-9_]/) print $0 "\t" at "/" word[i]
    }}
}}'
}}
joined() {{
    called=$(calls)
    {{
        printf '%s\n' "$called" | named | sed 's/^/names\t/'
        [ "$1" = names ] || printf '%s\n' "$called" | awk '{{ print substr($0, index($0, "\t") + 1) }}' |
            grep -E '^/(opt|srv|usr/local|home|root)/' | sort -u | while read -r f; do
                [ ! -f "$f" ] || [ "$(wc -c <"$f")" -gt 262144 ] || printf '%s\0' "$f"
            done | xargs -0 -r grep -IHnE '^[[:space:]]*[^[:space:]#]' -- /dev/null | joined names
        printf '%s\n' "$called" | sed 's/^/calls\t/'
    }} |
        awk -F '\t' -v kind="$1" '
$1 == "names" {{ file = $2; sub(/:.*/, "", file); if (!(file in line)) line[file] = $2 }}
$1 == "calls" && $NF in line && !told[$2, $NF]++ {{ print kind "\t" $2 " → " line[$NF] }}'
}}
set --
for d in {" ".join(DIRECTORIES)}; do
    for f in "$d"/*.service "$d"/*.socket "$d"/*.service.d/*.conf "$d"/*.socket.d/*.conf \
        "$d"/service.d/*.conf; do
        [ ! -f "$f" ] || set -- "$@" "$f"
    done
done
lines=$(awk '
{{ text = goes_on ? text " " $0 : $0; if (!goes_on) number = FNR; goes_on = sub(/\\$/, "", text) }}
!goes_on && text ~ /^[ \t]*(Exec(Start|StartPre|StartPost|Condition)|WorkingDirectory)[ \t]*=/ {{
    print FILENAME ":" number ":" text
}}' /dev/null "$@") || exit 9
places=$(printf '%s\n' "$lines" | sed -nE '
    s,^[^:]*/([^/:]*\.service)(\.d/[^:]*)?:[0-9]*:[[:space:]]*WorkingDirectory[^/]*(/[^ ]*)$,\1=\3,p' |
    paste -sd ' ')
lines=$(printf '%s\n' "$lines" | grep -vE '^[^:]*:[0-9]*:[[:space:]]*WorkingDirectory')
units=$(printf '%s\n' "$lines" | grep -E '^[^:]*(\.socket|\.socket\.d/[^:]*|/service\.d/[^:]*):' |
    grep -E "$t" | sed 's/^/unit\t/'; printf '%s\n' "$lines" | joined unit)
[ -z "$units" ] || printf '%s\n' "$units"
loaders=$({{ printf '%s\n' "$units" | cut -f 2; printf '%s\n' "$lines" | grep -E "$t"; }} | sed -nE '
    s,^[^:]*/([^/:]*\.service)(\.d/[^:]*)?:.*,\1,p' | sort -u | grep -vx nftables.service |
    sed 's/@\./@[^.]*./' | paste -sd '|')
set --
for d in {" ".join(DIRECTORIES)}; do
    for f in "$d"/*.*; do
        case $f in *.d) for g in "$f"/*.conf; do [ ! -f "$g" ] || set -- "$@" "$g"; done ;; esac
        [ ! -f "$f" ] || set -- "$@" "$f"
    done
done
keys='Wants|Requires|Requisite|BindsTo|Upholds|OnSuccess|OnFailure|Unit|Service'
[ -z "$loaders" ] || grep -HnE \
    "^[[:space:]]*($keys)[[:space:]]*=(.*[[:space:]])?($loaders)([[:space:]]|\$)" /dev/null "$@" |
    sed 's/^/pull\t/'
set --
for f in /etc/systemd/system-generators/* /usr/local/lib/systemd/system-generators/* \
    /usr/lib/systemd/system-generators/* /usr/lib/systemd/system-sleep/* /etc/udev/rules.d/* \
    /usr/local/lib/udev/rules.d/* /usr/lib/udev/rules.d/* /etc/modprobe.d/* /usr/lib/modprobe.d/* \
    /etc/dhcp/dhclient-*-hooks.d/* /etc/ppp/ip-up.d/* /usr/lib/networkd-dispatcher/*/*; do
    [ ! -f "$f" ] || set -- "$@" "$f"
done
for f in /etc/rc[S2-5].d/S*; do
    name=${{f##*/S[0-9][0-9]}}
    for d in /etc/systemd/system /usr/local/lib/systemd/system /usr/lib/systemd/system; do
        [ ! -e "$d/$name.service" ] || continue 2
    done
    [ ! -f "$f" ] || set -- "$@" "/etc/init.d/$name"
done
grep -IHnE "$t" /dev/null "$@" | sort -u | grep -vE '^[^:]*:[0-9]*:[[:space:]]*#' | sed 's/^/script\t/'
for f in /etc/rc.local /etc/network/interfaces /etc/network/interfaces.d/* /etc/network/if-*.d/* \
    /etc/NetworkManager/dispatcher.d/* /etc/NetworkManager/dispatcher.d/*.d/* /etc/networkd-dispatcher/*/* \
    /etc/crontab /etc/anacrontab /etc/cron.*/* /var/spool/cron/crontabs/*; do
    [ ! -f "$f" ] || set -- "$@" "$f"
done
places=
grep -IHnE '[^[:space:]]' /dev/null "$@" | sort -u | grep -vE '^[^:]*:[0-9]*:[[:space:]]*#' | joined script
{PRINT_END}
"""


@dataclass(frozen=True)
class Detours:
    """Lines of units that load rules, of scripts of the boot that do, and of units that start such units."""

    units: tuple[Line, ...]
    scripts: tuple[Line, ...]
    pulls: tuple[Line, ...]

    def loaders(self, on_disk: UnitsOnDisk, known: set[str]) -> list[Line]:
        """Return the lines by which rules are loaded; `known` are the units that are judged elsewhere."""
        of_units = [
            line for line in self.units if unit_of(line) not in known and self.starts(unit_of(line), on_disk)
        ]
        return naming([*of_units, *self.scripts], FILTER_TOOLS)

    def starts(self, unit: str, on_disk: UnitsOnDisk, asking: frozenset[str] = frozenset()) -> bool:
        """Say whether a unit starts by itself, or because one that starts calls for it."""
        if unit == "service" or unit.endswith("-.service"):
            return True  # a drop-in for all units, or for all whose names begin so (systemd.unit(5))
        kind = unit.rpartition(".")[2]
        if kind == "service" and on_disk.starts(unit):
            return True
        if kind in ("socket", "timer", "path") and on_disk.state(unit) == "enabled":
            return True
        return any(
            self._is_there(puller, on_disk, asking | {unit})
            for puller in (unit_of(line) for line in self.pulls if _names(line, unit))
            if puller not in asking and puller != unit
        )

    def _is_there(self, unit: str, on_disk: UnitsOnDisk, asking: frozenset[str]) -> bool:
        if unit.rpartition(".")[2] in ("service", "socket", "timer", "path"):
            return self.starts(unit, on_disk, asking)
        return True  # a target or a mount; that it is never reached nothing tells


def _names(line: Line, unit: str) -> bool:
    pattern = re.escape(unit).replace("@\\.", "@[^.]*\\.")
    return any(re.fullmatch(pattern, word) for word in line.text.partition("=")[2].split())


def _parse(output: Output) -> Detours:
    rows = Rows(output, {"unit": 1, "script": 1, "pull": 1})
    unit, script, pull = (
        tuple(lines_of(told for (told,) in rows[tag])) for tag in ("unit", "script", "pull")
    )
    return Detours(unit, script, pull)


DETOURS: Probe[Detours] = Probe("firewall.detours", _COMMAND, _parse)
