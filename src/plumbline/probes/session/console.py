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
from plumbline.probes.tagged import PRINT_END, Rows, blocks
from plumbline.probes.unit_files import UNIT_FILES_FIELDS, UnitFiles, print_unit_files, starting, unit_files

_UNITS = print_unit_files(r"getty|\/login([ \t]|$)|autologin", "getty|autovt")
_STARTING = starting(r"getty|/login([[:space:]]|$)|autologin")

_COMMAND = rf"""
systemctl show -p Id,LoadState,UnitFileState,ActiveState,ExecStart '*getty*.service' debug-shell.service \
    {_STARTING} | sed 's/^/show\t/' || exit 9
case " $(cat /proc/cmdline) " in *' systemd.debug'[-_]'shell'*) echo 'cmdline	systemd.debug_shell' ;; esac
for directory in /etc/credstore /etc/credstore.encrypted /usr/lib/credstore /usr/lib/credstore.encrypted; do
    for name in agetty.autologin login.noauth; do
        [ ! -e "$directory/$name" ] || printf 'credential\t%s\n' "$directory/$name"
    done
done
{_UNITS}
for program in gdm3 gdm lightdm sddm lxdm slim nodm greetd; do
    ! command -v "$program" >/dev/null || printf 'program\t%s\n' "$program"
done
set --
for file in {DISPLAY_MANAGER_FILES}; do [ ! -f "$file" ] || set -- "$@" "$file"; done
[ $# -eq 0 ] || awk '/^[ \t]*\[|[Aa]uto_?-?[Ll]ogin|[Tt]imed[Ll]ogin|^[ \t]*(User|NODM_ENABLED)[ \t]*=/ {{
    print "setting\t" FILENAME "\t" FNR "\t" $0 }}' "$@" || exit 9
{PRINT_END}
"""

_FIELDS = {
    "show": 1,
    "cmdline": 1,
    "credential": 1,
    "program": 1,
    "setting": 3,
} | UNIT_FILES_FIELDS

_ARGV = re.compile(r"argv\[\]=(.*?) ; ignore_errors=")
# agetty's options that take a value (agetty(8)); what follows the letter is its value.
_WITH_VALUE = "aCdEfHIlortwW"


@dataclass(frozen=True)
class Console:
    """What opens a session by itself: now, after a reboot, and by the display manager."""

    now: list[str]
    boot: list[str]
    display_manager: list[str]


def logs_in_by_itself(command: str) -> bool:
    """Say whether a getty's or login's command opens a session without asking.

    That is `--autologin` in any spelling getopt accepts, a login told not to ask (`-f`), or another program
    than login.
    """
    words = command.replace('"', " ").replace("'", " ").lstrip("@-:+!").split()
    if not words:
        return False
    program = words[0].rsplit("/", 1)[-1]
    if program == "login":
        return any(re.fullmatch(r"-[a-z]*f.*", word) for word in words[1:])
    if "getty" not in program:
        return any(word.startswith("--auto") for word in words[1:])
    options = words[1:]
    for index, word in enumerate(options):
        following = options[index + 1] if index + 1 < len(options) else ""
        if re.match(r"--a[a-z]*(=|$)", word):
            return True
        if re.match(r"--login-p[a-z]*(=|$)", word):
            return not (word.partition("=")[2] or following).endswith("/login")
        if re.match(r"-[^-]", word) and _short(word, following):
            return True
    return bool(
        re.search(r"(--login-o\S*[= ]+|\s-o\s+)(-\S+\s+)*-f\b", command.replace('"', " ").replace("'", " "))
    )


def _short(word: str, following: str) -> bool:
    """Say whether a cluster of agetty's short options has -a, or -l with another program than login."""
    for place, letter in enumerate(word[1:], 2):
        if letter == "a":
            return True
        if letter == "l":
            return not (word[place:] or following).endswith("/login")
        if letter in _WITH_VALUE:
            return False
    return False


def _now(rows: Rows) -> list[str]:
    found: dict[str, None] = {}
    for block in blocks(line for (line,) in rows["show"]):
        unit = dict(block)
        commands = [argv[1] for name, value in block if name == "ExecStart" for argv in _ARGV.finditer(value)]
        if unit["LoadState"] == "masked":
            continue
        if unit["Id"] == "debug-shell.service":
            if unit["ActiveState"] in ("active", "activating"):
                found["debug-shell.service is active: a shell of root that asks for nothing"] = None
            continue
        found |= {f"{unit['Id']}: {c}": None for c in commands if logs_in_by_itself(c)}
    return list(found)


def _boot(rows: Rows, units: UnitFiles) -> list[str]:
    found: dict[str, None] = {}
    for name in units.names():
        for command in units.commands(name):
            if logs_in_by_itself(command.value):
                found[f"{name}: {command}"] = None
    for block in blocks(line for (line,) in rows["show"]):
        unit = dict(block)
        if unit["Id"] == "debug-shell.service" and unit["UnitFileState"] in ("enabled", "linked"):
            found["debug-shell.service is enabled: a shell of root that asks for nothing"] = None
    found |= {f"kernel command line: {word}": None for (word,) in rows["cmdline"]}
    found |= {file: None for (file,) in rows["credential"]}
    return list(found)


def _console(output: Output) -> Console:
    rows = Rows(output, _FIELDS)
    settings = [Setting(file, int(number), text.strip()) for file, number, text in rows["setting"]]
    programs = {program for (program,) in rows["program"]}
    return Console(_now(rows), _boot(rows, unit_files(rows)), automatic_logins(programs, settings))


CONSOLE = Probe("session.console", _COMMAND, _console)
