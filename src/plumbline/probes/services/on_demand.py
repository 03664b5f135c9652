"""What others than systemd and cron start for root, and libraries that every program is made to load.

A service with a name on D-Bus is started, as whomever its file says, by whoever asks for that name
(dbus-daemon(1)); with `SystemdService=` a unit is started, which is judged with the units. The audit daemon
keeps its plugins running (auditd-plugins(5)). What /etc/ld.so.preload, /etc/environment and the manager's
own settings name is loaded into the distribution's services as well (ld.so(8), systemd-system.conf(5)).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from plumbline.probes.tagged import Rows

BROUGHT_ON_DEMAND = (
    r"(/usr(/local)?/share|/usr/lib|/lib|/etc)/dbus-1/system-services/[^/]+|(/usr)?/s?bin/audisp-[^/]+"
)
"""Of what packages bring, the files that are asked for here, as a part of an extended regular expression."""

PRINT_ON_DEMAND = r"""
for f in /run/dbus-1/system-services/*.service /etc/dbus-1/system-services/*.service \
    /usr/local/share/dbus-1/system-services/*.service /usr/share/dbus-1/system-services/*.service \
    /usr/lib/dbus-1/system-services/*.service; do
    [ ! -f "$f" ] || awk -F '[ \t]*=[ \t]*' '{ sub(/\r$/, ""); sub(/^[ \t]+/, "") }
        $1 == "User" { user = $2 }
        $1 == "SystemdService" && $2 != "" { unit = 1 }
        $1 == "Exec" { program = $2; sub(/[ \t].*/, "", program) }
        END {
            if (program != "" && !unit) print "dbus\t" FILENAME "\t" user "\t" substr(program, 1, 120)
        }' "$f"
done
for f in /etc/audit/plugins.d/*.conf /etc/audisp/plugins.d/*.conf; do
    [ ! -f "$f" ] || awk -F '[ \t]*=[ \t]*' '{ sub(/[ \t\r]+$/, ""); sub(/^[ \t]+/, "") }
        tolower($1) == "active" { on = tolower($2) == "yes" }
        tolower($1) == "path" && $2 ~ /^\// { path = $2; line = FNR }
        END { if (on && path != "") print "plugin\t" FILENAME "\t" line "\t" substr(path, 1, 120) }' "$f"
done
[ ! -f /etc/ld.so.preload ] || awk '{ sub(/#.*/, ""); gsub(/[:\r]/, " ")
    for (i = 1; i <= NF; i++) print FNR, $i }' /etc/ld.so.preload | head -n 50 | while read -r n l; do
    grep -qsxF -e "$l" -e "/usr$l" -e "${l#/usr}" -r /var/lib/dpkg/info --include='*.list' ||
        printf 'preload\t/etc/ld.so.preload\t%s\t%s\n' "$n" "$l"
done
set --
for f in /etc/systemd/system.conf /etc/systemd/system.conf.d/*.conf /run/systemd/system.conf.d/*.conf \
    /usr/local/lib/systemd/system.conf.d/*.conf /usr/lib/systemd/system.conf.d/*.conf; do
    [ ! -f "$f" ] || set -- "$@" "$f"
done
grep -HnoE '^[[:space:]]*(Default|Manager)Environment[[:space:]]*=(.*[^A-Za-z0-9_])?LD_[A-Z_]+=' \
    /dev/null "$@" | sed -E 's/^([^:]*):([0-9]+):.*[^A-Z_](LD_[A-Z_]+=)$/preload\t\1\t\2\t\3/'
[ ! -f /etc/environment ] ||
    grep -HnoE '^[[:space:]]*(export[[:space:]]+)?LD_(PRELOAD|AUDIT)=' /etc/environment |
    sed -E 's/^([^:]*):([0-9]+):.*(LD_[A-Z_]+=)$/preload\t\1\t\2\t\3/'
"""

ON_DEMAND_FIELDS = {"dbus": 3, "plugin": 3, "preload": 3}


def started_on_demand(rows: Rows, brought: Mapping[str, str]) -> Iterator[tuple[str, int, str, str]]:
    """Yield what no package has others start: the file, the line or 0, as whom, which program."""
    for file, user, program in rows["dbus"]:
        if file not in brought:
            yield file, 0, user or "root", program
    for file, line, program in rows["plugin"]:
        if not {program, f"/usr{program}", program.removeprefix("/usr")} & set(brought):
            yield file, int(line), "root", program


def loaded_by_all(rows: Rows) -> tuple[str, ...]:
    """Return what makes every program load a library that no package brought."""
    return tuple(f"{file}:{line}: {told}" for file, line, told in rows["preload"])
