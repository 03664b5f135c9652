"""The agents themselves: which run, which start at boot, and whether with their own configuration."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from plumbline.probes.base import Output, Probe
from plumbline.probes.systemd import Line, Unit, conditions, lines, show, units
from plumbline.probes.tagged import PRINT_END, Rows

ZABBIX, SNMP = "zabbix-agent2", "snmpv3"
UNIT = {ZABBIX: "zabbix-agent2.service", SNMP: "snmpd.service"}
PROCESS = {ZABBIX: "zabbix_agent2", SNMP: "snmpd"}
PROGRAM = {ZABBIX: "/usr/sbin/zabbix_agent2", SNMP: "/usr/sbin/snmpd"}
ZABBIX_FILE = "/etc/zabbix/zabbix_agent2.conf"
OTHER_AGENTS = ("zabbix_agent2", "zabbix_agentd")
OTHER_UNITS = ("zabbix-agent2.service", "zabbix-agent.service", "zabbix-agentd.service")

_ENVIRONMENT = ("/etc/default/zabbix-agent2", "/etc/default/snmpd", "/etc/sysconfig/zabbix-agent2")
_VARIABLES = "DAEMON_ARGS|CONFFILE|OPTIONS|HOME|MIBS|SNMP[A-Z_]*"
_OWN_CONDITIONS = {"ConditionPathExists=/etc/snmp/snmpd.conf"}

RESOLUTION = 0.02
"""Seconds by which a process may seem older than it is: /proc tells its start in hundredths."""


@dataclass(frozen=True)
class Process:
    """A running agent: its name, unit (`-` for none), when it started (seconds since the epoch), its words.

    `environment` are the variables that change which configuration it reads.
    """

    pid: int
    name: str
    unit: str
    started: float
    words: tuple[str, ...]
    environment: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name} (process {self.pid}, {self.unit})"


def _processes(output: Output) -> tuple[Process, ...]:
    rows = Rows(output, {"now": 3, "process": 5, "environment": 2})
    ((now, uptime, ticks),) = rows["now"]
    booted = float(now) - float(uptime.split()[0])
    variables: dict[str, list[str]] = {}
    for pid, assignment in rows["environment"]:
        variables.setdefault(pid, []).append(assignment)
    return tuple(
        Process(
            int(pid),
            name,
            unit.strip() or "-",
            booted + int(start) / int(ticks),
            tuple(words.split()),
            tuple(variables.get(pid, [])),
        )
        for pid, name, unit, start, words in rows["process"]
    )


PROCESSES = Probe(
    # Words after `--token=` of snmpd's command line may be a secret, as in --rocommunity=.
    "monitoring.processes",
    r"""printf 'now\t%s\t%s\t%s\n' "$(date +%s.%N)" "$(cat /proc/uptime)" "$(getconf CLK_TCK)"
for p in /proc/[0-9]*; do
    read -r n 2>/dev/null <"$p/comm" || continue
    case $n in zabbix_agent2|zabbix_agentd|snmpd) ;; *) continue;; esac
    s=$(sed 's/.*) //' "$p/stat" 2>/dev/null | cut -d ' ' -f 20)
    a=$(tr '\000\n\t' '   ' <"$p/cmdline" | sed -E 's/(--[A-Za-z0-9_]+=)[^ ]*.*/\1…/')
    [ -n "$s" ] && [ -n "$a" ] || continue
    printf 'process\t%s\t%s\t%s\t%s\t%s\n' "${p#/proc/}" "$n" "$(ps -o unit= -p "${p#/proc/}")" "$s" "$a"
    tr '\000\n' '\n ' <"$p/environ" | grep -E '^("""
    + _VARIABLES
    + r""")=' | sed "s|^|environment	${p#/proc/}	|"
done
"""
    + PRINT_END,
    _processes,
)

UNITS = Probe(
    "monitoring.units",
    show(
        UNIT.values(),
        "ActiveState,SubState,NeedDaemonReload,FragmentPath,DropInPaths,Environment,EnvironmentFiles,"
        "ExecCondition,ExecStartPre,ExecStart,RootDirectory,RootImage,BindPaths,BindReadOnlyPaths,"
        "TemporaryFileSystem",
    ),
    units,
)

STARTING = Probe(
    # What a unit's start depends on, and the variables of its environment files.
    "monitoring.starting",
    f"p=$(systemctl show --value -p FragmentPath -p DropInPaths -- {' '.join(UNIT.values())}) || exit 9; "
    "set -f; set -- $p; set +f; "
    f'for f in {" ".join(_ENVIRONMENT)}; do [ ! -f "$f" ] || set -- "$@" "$f"; done; '
    "grep -HnE '^[[:space:]]*((Condition|Assert)[A-Za-z]*|(export[[:space:]]+)?("
    f'{_VARIABLES}))[[:space:]]*=\' /dev/null "$@" || [ $? -eq 1 ]',
    lines,
)


def running(product: str, processes: Sequence[Process], known: dict[str, Unit]) -> list[str]:
    """Return the agent's unit if it runs as that unit's main work, told with its state otherwise."""
    unit = UNIT[product]
    found = known.get(unit)
    state = f"{found['ActiveState']}/{found['SubState']}" if found and found.exists else "not installed"
    there = any(process.unit == unit and process.name == PROCESS[product] for process in processes)
    return [unit] if there and state == "active/running" else [f"{unit} ({state})"]


def second_now(product: str | None, processes: Sequence[Process]) -> list[str]:
    """Return the agents of Zabbix that run beside the site's, or under another unit than its own."""
    return [
        str(process)
        for process in processes
        if process.name in OTHER_AGENTS
        and (product != ZABBIX or process.name != PROCESS[ZABBIX] or process.unit != UNIT[ZABBIX])
    ]


def unusual_now(product: str, processes: Sequence[Process]) -> list[str]:
    """Return what lets a running agent read another configuration than its own."""
    found = []
    for process in processes:
        if process.name != PROCESS[product]:
            continue
        told = list(unusual_words(product, process.words))
        told += [each for each in process.environment if _matters(product, each)]
        found += [f"now: {one} (process {process.pid})" for one in told]
    return found


def unusual_at_boot(product: str, unit: Unit, found: Sequence[Line]) -> list[str]:
    """Return what lets the unit start another program, with another configuration, or not at all."""
    files = [line.split()[0] for line in unit["EnvironmentFiles"].splitlines() if line]
    told = [f"EnvironmentFile={file}" for file in files if file not in _ENVIRONMENT]
    environment = {
        **dict(_assignments(shlex.split(unit["Environment"]))),
        **dict(
            _assignments(line.text.strip().removeprefix("export ") for line in found if line.file in files)
        ),
    }
    told += [f"{name}={value}" for name, value in environment.items() if _matters(product, f"{name}={value}")]
    started = unit.commands("ExecStart")
    if len(started) != 1:
        return [*told, f"ExecStart={'; '.join(map(str, started))}"]
    words = [each for word in started[0].words for each in _expanded(word, environment)]
    told += unusual_words(product, [started[0].path, *words[1:]])
    paths = [unit["FragmentPath"], *unit["DropInPaths"].split()]
    told += [str(line) for line in conditions(found, paths) if line.text.strip() not in _OWN_CONDITIONS]
    for name in ("ExecCondition", "ExecStartPre"):
        told += [f"{name}={command}" for command in unit.commands(name)]
    for name in ("RootDirectory", "RootImage", "BindPaths", "BindReadOnlyPaths", "TemporaryFileSystem"):
        told += [f"{name}={unit[name]}"] if unit[name] else []
    return [f"boot: {one}" for one in told]


def unusual_words(product: str, words: Sequence[str]) -> Iterator[str]:
    """Yield the words of a command that are none of the usual ones of the product's agent."""
    if not words or words[0] != PROGRAM[product]:
        yield words[0] if words else "no command"
    yield from (_unusual_of_zabbix if product == ZABBIX else _unusual_of_snmp)(list(words[1:]))


def _unusual_of_zabbix(words: list[str]) -> Iterator[str]:
    rest = iter(words)
    for word in rest:
        if word in {"-c", "--config", "-config"}:
            file = next(rest, "")
            if file != ZABBIX_FILE:
                yield f"{word} {file}"
        elif word not in {"-f", "-foreground", "--foreground", f"--config={ZABBIX_FILE}"}:
            yield word


def _unusual_of_snmp(words: list[str]) -> Iterator[str]:
    """Yield what is no option for logging, user, group, modules, or the foreground (snmpd(8))."""
    rest, modules = iter(words), False
    for word in rest:
        if modules and re.fullmatch(r"[A-Za-z]\w*", word):
            continue  # a running snmpd has cut its own list of modules at the commas
        modules = word.startswith("-I")
        if word in {"-u", "-g", "-p", "-I", "-Lf", "-LF", "-LS"}:
            next(rest, None)
            if word in {"-LF", "-LS"}:
                next(rest, None)
        elif word not in {"-f", "-q", "-r", "-A"} and not re.fullmatch(r"-(L[eonswNEOS]\S*|[Iug]\S+)", word):
            yield word


def _matters(product: str, assignment: str) -> bool:
    """Say whether a variable makes the agent read elsewhere; what Zabbix' stand for is seen in its words."""
    name, _, _ = assignment.partition("=")
    reads_elsewhere = name == "HOME" or (name.startswith("SNMP") and name not in {"SNMPDOPTS", "SNMPDRUN"})
    return product != ZABBIX and reads_elsewhere


def _assignments(texts: Iterator[str] | list[str]) -> Iterator[tuple[str, str]]:
    for each in texts:
        name, equals, value = each.partition("=")
        if equals and re.fullmatch(r"\w+", name.strip()):
            yield name.strip(), value.strip()


def _expanded(word: str, environment: dict[str, str]) -> list[str]:
    """Return a word of ExecStart= with its variable put in; `$NAME` is split at blanks (systemd.exec(5))."""
    if whole := re.fullmatch(r"\$(\w+)", word):
        return shlex.split(environment.get(whole[1], ""))
    text = re.sub(r"\$\{(\w+)\}", lambda found: environment.get(found[1], ""), word)
    return [text] if text else []
