"""The operator's session now: what runs in it, what shows its windows, which services run as whom.

Of command lines only those of programs that show windows are printed, which hold no secret; of others the
program's path and, of interpreters, the paths among their first words.
"""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.hmi.accounts import FIELDS, PRINT_ACCOUNTS, Account, accounts
from plumbline.probes.hmi.service import SHOWN_PROPERTIES, KioskService, services_at_boot, services_now
from plumbline.probes.tagged import PRINT_END, Rows
from plumbline.probes.unit_files import UNIT_FILES_FIELDS, print_unit_files, starting

SERVERS = (
    "X Xorg Xvfb Xvnc Xtigervnc Xephyr Xnest cage weston sway labwc wayfire river gnome-kiosk gnome-shell "
    "kwin_wayland kwin_x11 miriway ubuntu-frame mutter"
)
"""Programs that show windows and read the keyboard, as the kernel names their processes."""

_KEYS = "ExecStart|User|Restart[A-Za-z]*|StartLimit[A-Za-z]*|Condition[A-Za-z]*|Assert[A-Za-z]*"
_UNITS = print_unit_files(r"(^|[^A-Za-z])User[ \t]*=|xinit|startx", "kiosk|hmi", _KEYS)
_STARTING = starting("xinit|startx", r"User[[:space:]]*=")

_PRINT_SERVICES = rf"""
shown=$(systemctl show -p {SHOWN_PROPERTIES} '*@*.service' {_STARTING}) || exit 9
printf '%s\n' "$shown" | sed 's/^/show\t/'
{_UNITS}
"""

_PRINT_PROCESSES = rf"""
{{ grep -sE '^(Name|State|PPid|Uid):' /proc/[0-9]*/status || :; }} |
awk -F'[:\t ]+' -v uids="$uids" -v servers=' {SERVERS} ' '
    {{ split($1, path, "/"); pid = path[3] }}
    $2 == "Name" {{ name = $0; sub(/^[^\t]*\t/, "", name); gsub(/\t/, " ", name) }}
    $2 == "State" {{ state = $3 }}
    $2 == "PPid" {{ parent = $3 }}
    $2 == "Uid" && state != "Z" && (index(uids, " " $3 " ") || index(servers, " " name " ")) {{
        print pid "\t" parent "\t" $3 "\t" (index(servers, " " name " ") ? "server" : "-") }}' |
while IFS='	' read -r pid parent uid kind; do
    exe=$(readlink "/proc/$pid/exe") || continue
    scripts=''
    case ${{exe##*/}} in
    sh | dash | bash | ash | ksh* | zsh* | busybox | python* | perl* | ruby* | node | java | php* | tclsh* | \
        wish* | mono* | wine*)
        scripts=$(tr '\000' '\n' 2>/dev/null <"/proc/$pid/cmdline" | tail -n +2 | head -n 8 | grep '^/' |
            head -n 2 | tr '\n\t' '  ') ;;
    esac
    printf 'process\t%s\t%s\t%s\t%s\t%s\n' "$pid" "$parent" "$uid" "$exe" "$scripts"
    [ "$kind" = server ] || continue
    printf 'server\t%s\t%s\n' "$pid" "$(tr '\000\n\t' '   ' 2>/dev/null <"/proc/$pid/cmdline")"
    for f in $(find "/proc/$pid/fd" -lname '*.log' 2>/dev/null); do
        printf 'logged\t%s\n' "$pid"
        grep -aE '^\[[^]]*\] \((\*\*|\+\+|==)\) Option "(Dont|No|Zap|VTSwitch)' "$f" 2>/dev/null |
            head -n 20 | tr '\t' ' ' | sed "s/^\[[^]]*\] /log\t$pid\t/"
    done
done
"""

_FIELDS = {"show": 1, "process": 5, "server": 2, "log": 2, "logged": 1} | FIELDS | UNIT_FILES_FIELDS


@dataclass(frozen=True)
class Process:
    """A process: its program's path, and of an interpreter the paths among its first words."""

    pid: str
    parent: str
    uid: str
    program: str
    scripts: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join((self.program, *self.scripts)) + f" (process {self.pid})"


@dataclass(frozen=True)
class Server:
    """A program that shows windows: its command line, and what its log says of options; None without one."""

    process: Process
    words: str
    log: tuple[str, ...] | None

    @property
    def name(self) -> str:
        """The program's name."""
        return self.process.program.removesuffix(" (deleted)").rsplit("/", 1)[-1]


@dataclass(frozen=True)
class SessionFacts:
    """Accounts by name (`cut` if not all), processes by id, what shows windows, services of accounts."""

    accounts: dict[str, Account]
    processes: dict[str, Process]
    servers: list[Server]
    now: list[KioskService]
    boot: list[KioskService]
    cut: bool


def _session(output: Output) -> SessionFacts:
    rows = Rows(output, _FIELDS)
    if not rows["unitline"]:
        raise ParseError("no unit file was printed")
    processes = {
        row[0]: Process(row[0], row[1], row[2], row[3], tuple(row[4].split())) for row in rows["process"]
    }
    logged = {pid for (pid,) in rows["logged"]}
    servers = [
        Server(
            processes[pid],
            words.strip(),
            tuple(line for of, line in rows["log"] if of == pid) if pid in logged else None,
        )
        for pid, words in rows["server"]
    ]
    return SessionFacts(
        accounts=accounts(rows),
        processes=processes,
        servers=servers,
        now=services_now(line for (line,) in rows["show"]),
        boot=services_at_boot(rows),
        cut=bool(rows["cut"]),
    )


SESSION = Probe("hmi.session", _PRINT_SERVICES + PRINT_ACCOUNTS + _PRINT_PROCESSES + PRINT_END, _session)
