"""Sessions that open by themselves: gettys and display managers that log somebody in (agetty(8)).

What runs now is asked of systemd. What will run after a reboot is read from the unit files and their drop-ins
below /etc and /usr, as systemd would read them: those below /run are gone by then.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from plumbline.probes.base import Output, Probe
from plumbline.probes.session.display_manager import FILES as DISPLAY_MANAGER_FILES
from plumbline.probes.session.display_manager import Setting, automatic_logins
from plumbline.probes.session.login_program import (
    GRAPHICAL,
    Login,
    is_terminal,
    logs_in_by_itself,
    needs_no_password,
    user_of,
)
from plumbline.probes.tagged import PRINT_END, Rows, blocks
from plumbline.probes.unit_files import (
    DIRECTORIES,
    UNIT_FILES_FIELDS,
    Command,
    UnitFiles,
    print_unit_files,
    starting,
    unit_files,
)

_TERMINAL = "StandardInput[[:space:]]*=[[:space:]]*tty|TTYPath[[:space:]]*="
_SESSIONS = "|".join(GRAPHICAL)
_UNITS = print_unit_files(
    rf"getty|\/login([ \t]|$)|autologin|sulogin|SYSTEMD_SULOGIN|{_TERMINAL}"
    rf"|(^|[^A-Za-z0-9_.-])({_SESSIONS})([ \t]|$)",
    "getty|autovt|rescue|emergency",
    "ExecStart|StandardInput|TTYPath|Environment|User",
)
_STARTING = starting(
    rf"getty|/login([[:space:]]|$)|autologin|sulogin|[^A-Za-z0-9_.-]({_SESSIONS})([[:space:]]|$)", _TERMINAL
)
_NO_PULL = "[#;]|(Before|After|Conflicts|Description|Documentation|PartOf)[[:space:]]*="
_DEBUG_SHELL = "debug-shell.service"
_DIRECTORIES = " ".join(DIRECTORIES)

_COMMAND = rf"""
systemctl show -p Id,LoadState,UnitFileState,ActiveState,ExecStart,StandardInput,TTYPath,Environment,User \
    '*getty*.service' '*@*.service' rescue.service emergency.service {_DEBUG_SHELL} \
    {_STARTING} | sed 's/^/show\t/' || exit 9
case " $(cat /proc/cmdline) " in *' systemd.debug'[-_]'shell'*) echo 'cmdline	systemd.debug_shell' ;; esac
for directory in /etc/credstore /etc/credstore.encrypted /usr/lib/credstore /usr/lib/credstore.encrypted; do
    for name in agetty.autologin login.noauth; do
        [ ! -e "$directory/$name" ] || printf 'credential\t%s\n' "$directory/$name"
    done
done
{_UNITS}
set --
for directory in {_DIRECTORIES}; do [ ! -d "$directory" ] || set -- "$@" "$directory"; done
find "$@" -maxdepth 2 -type l \( -name {_DEBUG_SHELL} -o -lname '*{_DEBUG_SHELL}' \) \
    -printf 'debuglink\t%p\t%l\n' || exit 9
for directory; do
    shift
    set -- "$@" "$directory"/*.* "$directory"/*.d/*.conf
done
grep -HnsE -d skip debug-shell "$@" | grep -vE '^[^:]*/debug-shell\.service:' |
    grep -vE '^[^:]*:[0-9]+:[[:space:]]*({_NO_PULL})' | sed 's/^/debugline\t/'
for program in gdm3 gdm lightdm sddm lxdm slim nodm greetd; do
    ! command -v "$program" >/dev/null || printf 'program\t%s\n' "$program"
done
set --
for file in {DISPLAY_MANAGER_FILES}; do [ ! -f "$file" ] || set -- "$@" "$file"; done
[ $# -eq 0 ] || awk '/^[ \t]*\[|[Aa]uto(matic)?_?-?[Ll]ogin|[Tt]imed[Ll]ogin/ ||
    /^[ \t]*(default_)?[Uu]ser[ \t=]|^[ \t]*(NODM_ENABLED|NODM_USER|command)[ \t]*=/ {{
    print "setting\t" FILENAME "\t" FNR "\t" $0 }}' "$@" || exit 9
{PRINT_END}
"""

_FIELDS = {
    "show": 1,
    "cmdline": 1,
    "credential": 1,
    "debuglink": 2,
    "debugline": 1,
    "program": 1,
    "setting": 3,
} | UNIT_FILES_FIELDS

_ARGV = re.compile(r"argv\[\]=(.*?) ; ignore_errors=")


@dataclass(frozen=True)
class Console:
    """What opens a session by itself: now, after a reboot, and by the display manager."""

    now: list[Login]
    boot: list[Login]
    display_manager: list[Login]


def _last(settings: list[Command]) -> str:
    return settings[-1].value if settings else ""


def _debug_shell(rows: Rows) -> list[Login]:
    """Return what pulls the debug shell in at boot: links and lines that name it, unless it is masked."""
    own = [f"{directory}/{_DEBUG_SHELL}" for directory in DIRECTORIES]
    links: dict[str, str] = dict(rows["debuglink"])  # type: ignore[arg-type]  # rows of this tag have two fields
    if any(links.get(path) == "/dev/null" for path in own):
        return []
    pulling = [f"{path} -> {target}" for path, target in rows["debuglink"] if path not in own]
    pulling += [line for (line,) in rows["debugline"]]
    return [Login(f"a shell of root that asks for nothing: {why}", "root") for why in pulling]


def _now(rows: Rows) -> list[Login]:
    found: dict[Login, None] = {}
    for block in blocks(line for (line,) in rows["show"]):
        unit = dict(block)
        commands = [argv[1] for name, value in block if name == "ExecStart" for argv in _ARGV.finditer(value)]
        if unit["LoadState"] == "masked":
            continue
        if unit["Id"] == "debug-shell.service":
            if unit["ActiveState"] in ("active", "activating"):
                told = "debug-shell.service is active: a shell of root that asks for nothing"
                found[Login(told, "root")] = None
            continue
        on_terminal = is_terminal(unit["Id"], unit.get("StandardInput", ""), unit.get("TTYPath", ""))
        for command in commands:
            if logs_in_by_itself(command, on_terminal):
                found[Login(f"{unit['Id']}: {command}", user_of(command, unit.get("User", "")))] = None
        if needs_no_password(unit.get("Environment", "")):
            found[Login(f"{unit['Id']}: Environment={unit['Environment']}", "root")] = None
    return list(found)


def _boot(rows: Rows, units: UnitFiles) -> list[Login]:
    found: dict[Login, None] = {}
    for name in units.names():
        if name == _DEBUG_SHELL:
            continue
        reads, path = units.settings(name, "StandardInput"), units.settings(name, "TTYPath")
        on_terminal = is_terminal(name, _last(reads), _last(path))
        owner = _last(units.settings(name, "User"))
        for command in units.commands(name):
            if logs_in_by_itself(command.value, on_terminal):
                found[Login(f"{name}: {command}", user_of(command.value, owner))] = None
        for variables in units.settings(name, "Environment"):
            if needs_no_password(variables.value):
                found[Login(f"{name}: {variables}", "root")] = None
    found |= dict.fromkeys(_debug_shell(rows))
    found |= {Login(f"kernel command line: {word}", "root"): None for (word,) in rows["cmdline"]}
    found |= {Login(file, ""): None for (file,) in rows["credential"]}
    return list(found)


def _console(output: Output) -> Console:
    rows = Rows(output, _FIELDS)
    settings = [Setting(file, int(number), text.strip()) for file, number, text in rows["setting"]]
    programs = {program for (program,) in rows["program"]}
    return Console(_now(rows), _boot(rows, unit_files(rows)), automatic_logins(programs, settings))


CONSOLE = Probe("session.console", _COMMAND, _console)
