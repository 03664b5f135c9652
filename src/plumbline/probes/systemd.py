"""systemd units, for every subject: as the manager has them, and as it will find them at the next boot."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.tagged import PRINT_END, Rows, blocks

DIRECTORIES = (
    "/etc/systemd/system.control",
    "/run/systemd/generator.early",
    "/etc/systemd/system",
    "/etc/systemd/system.attached",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/run/systemd/generator.late",
)
"""Where units are found at boot, the nearest first (systemd.unit(5)); generators run anew at each boot."""

_SET_DIRECTORIES = f'set --; for d in {" ".join(DIRECTORIES)}; do [ ! -d "$d" ] || set -- "$@" "$d"; done; '


@dataclass(frozen=True)
class Started:
    """A command of a unit: the program, and its words as the unit has them, the program's own name first."""

    path: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(self.words) if self.words[:1] == (self.path,) else f"{self.path} ({self.words})"


@dataclass(frozen=True)
class Unit:
    """What `systemctl show` tells of a unit; a property that comes again has a line for each time."""

    properties: dict[str, str]

    def __getitem__(self, name: str) -> str:
        return self.properties.get(name, "")

    @property
    def exists(self) -> bool:
        """Whether there is such a unit; one that is masked is there."""
        return self["LoadState"] not in {"not-found", ""}

    def commands(self, name: str) -> list[Started]:
        """Return the commands of a property such as `ExecStart`."""
        pattern = r"\{ path=(.*?) ; argv\[\]=(.*?) ; "
        found = re.findall(pattern, self[name])
        if len(found) != self[name].count("{ path="):
            raise ParseError(f"{name} cannot be read: {self[name][:80]!r}")
        return [Started(path, tuple(words.split())) for path, words in found]


def show(names: Iterable[str], properties: str) -> str:
    """Return a command that tells these properties of units; their names come with them."""
    return f"systemctl show -p Id,LoadState,{properties} -- {' '.join(names)}"


def units(output: Output) -> dict[str, Unit]:
    """Read what `show` printed: units by their names; ParseError for one without a name."""
    found: dict[str, Unit] = {}
    for block in blocks(iter(output.text.split("\n"))):
        properties: dict[str, str] = {}
        for name, value in block:
            properties[name] = f"{properties[name]}\n{value}" if name in properties else value
        if not properties.get("Id") or "LoadState" not in properties:
            raise ParseError("systemctl show printed a unit without its name")
        found[properties["Id"]] = Unit(properties)
    if not found:
        raise ParseError("systemctl show printed no unit")
    return found


@dataclass(frozen=True)
class UnitsOnDisk:
    """Unit files and the links between them, as the next boot finds them.

    `files` are paths with what a link points to (None for a file); `targets` are the targets active now.
    """

    files: dict[str, str | None]
    targets: frozenset[str]
    _named: dict[str, str] = field(default_factory=dict, compare=False)
    _wanted: dict[str, list[str]] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        for directory in DIRECTORIES:
            for path, target in self.files.items():
                folder, _, name = path.rpartition("/")
                if folder == directory:
                    self._named.setdefault(name, path)
                wanting = re.fullmatch(rf"{re.escape(directory)}/([^/]+)\.(?:wants|requires|upholds)", folder)
                if wanting and target != "/dev/null":
                    self._wanted.setdefault(name, []).append(wanting[1])

    def own_name(self, unit: str) -> str:
        """Return the name a unit has itself, if this one is an alias."""
        for _ in range(8):
            target = self.files.get(self._named.get(unit, ""))
            name = (target or "").rpartition("/")[2]
            if not name or name == unit or target == "/dev/null" or "@." in unit:
                break
            unit = name
        return unit

    def file(self, unit: str) -> str | None:
        """Return the path of the file a unit is read from, that of its template for an instance."""
        return self._named.get(unit) or self._named.get(re.sub(r"@[^@]*(\.\w+)$", r"@\1", unit))

    def state(self, unit: str) -> str:
        """Say whether a unit starts at boot: `enabled` if so, else why not."""
        return self._state(self.own_name(unit), frozenset())

    def starts(self, service: str) -> bool:
        """Say whether a service starts at boot, or when its timer, socket or path says so."""
        if service.endswith("@.service"):
            stem = service.removesuffix(".service")
            return any(self.starts(name) for name in self._wanted if name.startswith(stem))
        stem = self.own_name(service).removesuffix(".service")
        kinds = ("service", "timer", "socket", "path")
        if self._is_masked(f"{stem}.service"):
            return False
        return any(self.state(f"{stem}.{kind}") == "enabled" for kind in kinds)

    def services(self) -> list[str]:
        """Return the names of all services that have a file of their own."""
        return sorted(
            name for name in self._named if name.endswith(".service") and name == self.own_name(name)
        )

    def _is_masked(self, unit: str) -> bool:
        return self.files.get(self.file(unit) or "") == "/dev/null"

    def _state(self, unit: str, asking: frozenset[str]) -> str:
        if self.file(unit) is None:
            return "no such unit"
        if self._is_masked(unit):
            return "masked"
        names = [name for name in self._wanted if self.own_name(name) == unit]
        wanting = [by for name in names for by in self._wanted[name]]
        if not wanting:
            return "disabled"
        if any(self._is_reached(by, asking | {unit}) for by in wanting):
            return "enabled"
        return f"wanted by {', '.join(sorted(set(wanting)))} only, which does not start"

    def _is_reached(self, unit: str, asking: frozenset[str]) -> bool:
        if unit.endswith(".target"):
            return unit in self.targets and self._boots_as_now
        return unit not in asking and self._state(self.own_name(unit), asking) == "enabled"

    @property
    def _boots_as_now(self) -> bool:
        """Whether the next boot goes where this one went: to the default target, or one it takes along."""
        default = self.own_name("default.target")
        return default in self.targets or default in {"graphical.target", "multi-user.target"}


def _on_disk(output: Output) -> UnitsOnDisk:
    rows = Rows(output, {"file": 2, "link": 2, "target": 1})
    files: dict[str, str | None] = {p: (None if int(size) else "/dev/null") for p, size in rows["file"]}
    files |= dict(rows["link"])  # type: ignore[arg-type]  # rows of this tag have two fields
    targets = frozenset(line.split()[0] for (line,) in rows["target"])
    if "sysinit.target" not in targets or not any(path.endswith("/default.target") for path in files):
        raise ParseError("there is no default target, or the system has not booted")
    return UnitsOnDisk(files, targets)


ON_DISK = Probe(
    # Not `systemctl list-unit-files`, which takes half a second, nor UnitFileState, which is remembered.
    "systemd.on_disk",
    _SET_DIRECTORIES
    + r"""find "$@" -maxdepth 2 \
    \( -name '*.service' -o -name '*.timer' -o -name '*.socket' -o -name '*.path' -o -name default.target \) \
    \( -type l -printf 'link\t%p\t%l\n' -o -type f -printf 'file\t%p\t%s\n' \) || exit 9
t=$(systemctl list-units --type=target --state=active --no-legend --plain --full) || exit 9
printf '%s\n' "$t" | sed 's/^/target\t/'
"""
    + PRINT_END,
    _on_disk,
)


@dataclass(frozen=True)
class Line:
    """A line of a file, and where it stands."""

    file: str
    number: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.number}: {self.text.strip()}"


def _grep_units(words: str) -> str:
    return (
        _SET_DIRECTORIES
        + 'for d; do shift; for f in "$d"/*.service "$d"/*.service.d/*.conf; do '
        + '[ ! -f "$f" ] || set -- "$@" "$f"; done; done; '
        + f"l=$(grep -HnE '{_between(words)}' \"$@\" /dev/null) || [ $? -eq 1 ] || exit 9; "
        + "printf '%s\\n' \"$l\" | grep -vE '^[^:]*:[0-9]*:[[:space:]]*([#;]|Description|Documentation)'"
        + " || [ $? -eq 1 ]"
    )


def _grep_scripts(words: str) -> str:
    return (
        "set --; "
        "for f in /etc/rc.local /etc/network/interfaces /etc/network/interfaces.d/* /etc/network/if-*.d/* "
        "/etc/NetworkManager/dispatcher.d/* /etc/NetworkManager/dispatcher.d/*.d/* "
        "/etc/networkd-dispatcher/*/* /etc/crontab /etc/anacrontab /etc/cron.*/* "
        "/var/spool/cron/crontabs/*; do "
        '[ ! -f "$f" ] || set -- "$@" "$f"; done; '
        f"l=$(grep -IHnE '{_between(words)}' /dev/null \"$@\") || [ $? -eq 1 ] || exit 9; "
        "printf '%s\\n' \"$l\" | grep -vE '^[^:]*:[0-9]*:[[:space:]]*#' || [ $? -eq 1 ]"
    )


def _grep_conditions(names: Iterable[str]) -> str:
    return (
        f"p=$(systemctl show --value -p FragmentPath -p DropInPaths -- {' '.join(names)}) || exit 9; set -f; "
        "grep -HnE '^[[:space:]]*(Condition|Assert)' /dev/null $p || [ $? -eq 1 ]"
    )


def _between(words: str) -> str:
    """Return a regular expression for words of a command: not parts of longer ones, but ends of a path."""
    return rf"(^|[^A-Za-z0-9_.-])({words})([^A-Za-z0-9_.-]|$)"


def lines(output: Output) -> list[Line]:
    """Read what `grep -Hn` printed."""
    return list(lines_of(filter(None, output.text.split("\n"))))


def lines_of(printed: Iterable[str]) -> Iterator[Line]:
    """Yield the places and texts of lines as `grep -Hn` prints them; ParseError for another line."""
    for line in printed:
        found = re.fullmatch(r"(/[^:]*):(\d+):(.*)", line)
        if found is None:
            raise ParseError(f"grep printed {line[:80]!r}")
        yield Line(found[1], int(found[2]), found[3])


_FILTER_STOPS = (
    "(systemctl|deb-systemd-invoke)[^;&|]*[^A-Za-z0-9_.;&|-](stop|disable|mask|kill)"
    "[^;&|]*[^A-Za-z0-9_.;&|-]nftables([.]service)?|nftables[^A-Za-z0-9_.;&|-]+(stop|disable|remove)"
)
"""Stopping nftables.service flushes all rules; `service` and update-rc.d name it first."""
FILTER_TOOLS = (
    "nft|ip6?tables(-legacy|-nft)?(-restore|-apply)?|ipset|ufw|firewall-cmd|netfilter-persistent|"
    + _FILTER_STOPS
)
TIME_KEEPERS = "chronyd|systemd-timesyn|ntpd|ntp-daemon|ptp4l|phc2sys|ts2phc|timemaster|htpdate"
CLOCK_SETTERS = f"{TIME_KEEPERS}|systemd-timesyncd|ntpdate|ntpdig|sntp|rdate"
"""Names of programs, as extended regular expressions."""

UNIT_LINES = Probe(
    # Lines of services and their drop-ins that name such a program, but for those that only describe a unit.
    "systemd.unit_lines",
    _grep_units(f"{FILTER_TOOLS}|{CLOCK_SETTERS}"),
    lines,
)

SCRIPT_LINES = Probe(
    # Such lines of scripts that run at boot, with the network, or from cron.
    "systemd.script_lines",
    _grep_scripts(f"{FILTER_TOOLS}|{CLOCK_SETTERS}"),
    lines,
)

CONDITIONS = Probe(
    # The conditions in the files systemd has read for the services whose start is judged.
    "systemd.conditions",
    _grep_conditions(["nftables.service", "chrony.service", "systemd-timesyncd.service"]),
    lines,
)

_ASKS_ONLY = re.compile(r"\s*(\[ -[a-z] \S+ \]|test -[a-z] \S+)\s*(\|\||&&)\s*exit( 0)?;?\s*")


def naming(found: Iterable[Line], words: str) -> list[Line]:
    """Return the lines with one of the words, but those that end a script where it is not installed."""
    pattern = re.compile(_between(words))
    return [line for line in found if pattern.search(line.text) and not _ASKS_ONLY.fullmatch(line.text)]


def unit_of(line: Line) -> str:
    """Return the unit whose file, or whose drop-in, a line stands in."""
    parent, _, name = line.file.rpartition("/")
    return parent.rpartition("/")[2].removesuffix(".d") if parent.endswith(".d") else name


def conditions(found: Iterable[Line], paths: Iterable[str]) -> list[Line]:
    """Return what a unit's files make its start depend on; an empty condition takes back all before it."""
    kept: list[Line] = []
    for path in paths:
        for line in found:
            if line.file == path and re.match(r"\s*(Condition|Assert)\w+\s*=", line.text):
                kept = [*kept, line] if line.text.partition("=")[2].strip() else []
    return kept
