"""chrony: the sources it asks, those it is configured with, and how it is started."""

from __future__ import annotations

import re
import shlex

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.systemd import Unit
from plumbline.probes.time.marked import Marked, assignments, marked
from plumbline.probes.time.services import Processes

SERVICE = "chrony.service"
_PROGRAM = "/usr/sbin/chronyd"


def _sources(output: Output) -> list[str] | None:
    """Read `chronyc -c -N sources -a`: mode, state and name of each source; None where no chronyd answers."""
    if output.text.strip() == "no chronyd":
        return None
    sources = []
    for line in output.text.splitlines():
        fields = line.split(",")
        if len(fields) != 10 or fields[0] not in {"^", "=", "#"} or not fields[2]:
            raise ParseError(f"chronyc printed {line[:80]!r}")
        kind = {"^": "", "=": "peer ", "#": "refclock "}[fields[0]]
        sources.append(f"{kind}{_plain(fields[2])}")
    return sources


CHRONY_NOW = Probe(
    # Asked at its socket only: without one, chronyc would ask port 323 of whoever listens there.
    "time.chrony_now",
    "if [ -S /run/chrony/chronyd.sock ] && pidof chronyd >/dev/null; then "
    "chronyc -h /run/chrony/chronyd.sock -c -N sources -a; else echo 'no chronyd'; fi",
    _sources,
)

_ALGORITHMS = "MD5|SHA1|SHA256|SHA384|SHA512|SHA3-[0-9]*|TIGER|WHIRLPOOL|AES128|AES256"

CHRONY_BOOT = Probe(
    # `chronyd -p` prints the whole configuration with its includes, but not the files of its sourcedirs.
    "time.chrony_boot",
    f"[ -x {_PROGRAM} ] || exit 0; "
    "[ ! -f /etc/default/chrony ] || sed 's/^/default:/' /etc/default/chrony || exit 9; "
    f"if ! c=$({_PROGRAM} -p 2>&1); then printf '%s\\n' \"$c\" | sed 's/^/refused:/'; exit 0; fi; "
    "printf '%s\\n' \"$c\" | sed 's/^/configuration:/'; "
    "for d in $(printf '%s\\n' \"$c\" | sed -n 's/^[[:space:]]*sourcedir[[:space:]]//Ip'); do "
    'for f in "$d"/*.sources; do [ ! -f "$f" ] || sed \'s/^/configuration:/\' "$f" || exit 9; done; done; '
    # Of the file of keys numbers and algorithms alone; without an algorithm it is MD5 (chrony.conf(5)).
    "k=$(printf '%s\\n' \"$c\" | sed -n 's/^[[:space:]]*keyfile[[:space:]]*//Ip' | tail -n 1); "
    '[ ! -f "$k" ] || awk \'$1 ~ /^[0-9]+$/ && NF > 1 { '
    f't = NF < 3 ? "MD5" : $2 ~ /^({_ALGORITHMS})$/ ? $2 : "?"; print "key:" $1 " " t }}\' "$k" || exit 9',
    marked,
)

_SOURCE = re.compile(r"\s*(server|pool|peer|refclock|initstepslew)\s+(\S+)(.*)", re.IGNORECASE)


def configured(printed: Marked) -> list[str]:
    """Return the sources of the configuration; the refusal of one that chronyd does not take is no source."""
    refused = [line for mark, line in printed if mark == "refused"]
    if refused:
        return [f"none: {refused[-1].strip()}"]
    found = []
    for line in (line for mark, line in printed if mark == "configuration"):
        if (source := _SOURCE.match(line)) is None:
            continue
        kind, name = source[1].lower(), _plain(source[2])
        if kind == "initstepslew":
            found += [_plain(word) for word in source[3].split()]
        else:
            found.append(name if kind in {"server", "pool"} else f"{kind} {name}")
    return found


def unusual_now(processes: Processes) -> list[str]:
    """Return the options with which a running chronyd reads something else than its configuration."""
    found: list[str] = []
    for process in processes.found:
        if process.name == "chronyd":
            told = [process.words[0]] if process.words[0] != _PROGRAM else []
            told += _unusual(list(process.words[1:]), container=processes.container)
            found += [option for option in told if option not in found]
    return found


def unusual_at_boot(unit: Unit, printed: Marked, processes: Processes) -> list[str]:
    """Return what chrony.service starts differently: another program, or options that matter."""
    files = [line.split()[0] for line in unit["EnvironmentFiles"].splitlines() if line]
    found = [f"EnvironmentFile={file}" for file in files if file != "/etc/default/chrony"]
    started = unit.commands("ExecStart")
    if len(started) != 1:
        return [*found, f"ExecStart={'; '.join(map(str, started))}"]
    if started[0].path != _PROGRAM:
        found.append(f"ExecStart={started[0]}")
    options = _environment(unit, printed if "/etc/default/chrony" in files else [])
    words: list[str] = []
    for word in started[0].words[1:]:
        words += options if word in {"$DAEMON_OPTS", "${DAEMON_OPTS}"} else [word]
    return [*found, *_unusual(words, container=processes.container)]


def _environment(unit: Unit, printed: Marked) -> list[str]:
    """Return the words of DAEMON_OPTS; the file overrides the unit's own setting (systemd.exec(5))."""
    value = ""
    for assignment in shlex.split(unit["Environment"]):
        name, _, told = assignment.partition("=")
        value = told if name == "DAEMON_OPTS" else value
    for name, told in assignments(line for mark, line in printed if mark == "default"):
        value = " ".join(shlex.split(told)) if name == "DAEMON_OPTS" else value
    return value.split()


_FLAGS = {"-s", "-r", "-R", "-4", "-d", "-n"}
_WITH_VALUE = ("-F", "-u", "-L", "-P", "-l")


def _unusual(options: list[str], *, container: bool) -> list[str]:
    """Return the options that are none of the common ones: another file, once only, or directives themselves.

    With `-x` chronyd leaves the clock as it is, which is right only where there is none to set.
    """
    found, rest = [], iter(options)
    for option in rest:
        if option in _WITH_VALUE:
            next(rest, None)
        elif (
            option not in _FLAGS and not option.startswith(_WITH_VALUE) and not (option == "-x" and container)
        ):
            found.append(option)
    return found


def _plain(name: str) -> str:
    return name.lower().rstrip(".")
