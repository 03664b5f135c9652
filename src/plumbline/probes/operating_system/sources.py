"""The package sources apt has: where each is written, of which release it is, and how old its lists are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.operating_system.apt import ASK_APT, WITHOUT_LOGINS
from plumbline.probes.tagged import PRINT_END, Rows

_FIELDS = {"now": 1, "apt": 1, "target": 5, "file": 3, "release": 1, "pin": 1}

# apt writes $(NAME) of what it does not know; a target is a list of packages, one an architecture.
_COMMAND = rf"""
printf 'now\t%s\n' "$(date +%s)"
if ! command -v apt-get >/dev/null; then printf 'apt\tno\n'; {PRINT_END}; exit 0; fi
printf 'apt\tyes\n'
{ASK_APT}
form='target\t$(SOURCESENTRY)\t$(REPO_URI)\t$(RELEASE)\t$(COMPONENT)\t$(FILENAME)'
found=$(ask_apt apt-get indextargets --no-release-info --format "$(printf "$form")" 'Created-By: Packages') ||
    exit 9
lists=/var/lib/apt/lists
if [ -n "$found" ]; then
    printf '%s\n' "$found" | {WITHOUT_LOGINS}
    lists=${{found##*"$(printf '\t')"}}
    lists=${{lists%/*}}
fi
set --
for file in "$lists"/*Release; do [ ! -f "$file" ] || set -- "$@" "$file"; done
[ $# -eq 0 ] || grep -Hm 12 -E '^(Origin|Label|Suite|Codename|Date|Valid-Until): ' "$@" | sed 's/^/release\t/'
for file in "$lists"/*_Packages* /var/lib/apt/periodic/update-success-stamp; do
    [ ! -e "$file" ] || set -- "$@" "$file"
done
[ $# -eq 0 ] || stat --printf 'file\t%Y\t%Z\t%n\n' "$@" || exit 9
set --
for file in /etc/apt/preferences /etc/apt/preferences.d/* /etc/apt/apt.conf /etc/apt/apt.conf.d/*; do
    [ ! -f "$file" ] || set -- "$@" "$file"
done
[ $# -eq 0 ] || grep -HnE '^[[:space:]]*Pin-Priority[[:space:]]*:|Default-Release' "$@" | sed 's/^/pin\t/'
{PRINT_END}
"""

_STAMP = "/update-success-stamp"
_RELEASE_LINE = re.compile(r"(.*Release):([A-Za-z-]+): (.*)")


@dataclass(frozen=True)
class Source:
    """One source: a release and component of an archive, or a directory of packages.

    `entry` is file and line, `said` what its signed Release file says of it (Origin, Codename, Date, …),
    empty where there is none; `listed` is whether its list of packages is there, `changed` when that list was
    put in place, in seconds since the epoch. `architectures` are those it is taken for, as far as told.
    """

    entry: str
    uri: str
    release: str
    component: str
    listed: bool
    changed: float | None = None
    said: dict[str, str] = field(default_factory=dict)
    architectures: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.uri} {' '.join(filter(None, (self.release, self.component)))} ({self.entry})"

    @property
    def names(self) -> tuple[str, ...]:
        """What its release is called: in the archive, by kind (`stable`), and where it is written."""
        told = (self.said.get("Codename", ""), self.said.get("Suite", ""), self.release)
        return tuple(name for name in told if name)

    @property
    def is_security(self) -> bool:
        """Whether it brings security updates."""
        return any(name.endswith(("-security", "/updates")) for name in self.names)

    @property
    def is_renewed(self) -> bool:
        """Whether its archive signs it anew every day, so that its date tells how old the lists are."""
        return "Date" in self.said and (self.is_security or "Valid-Until" in self.said)

    def suite_of(self, codename: str) -> str | None:
        """Return what follows the release's codename in its suite; None if it is of another release.

        Debian has that (`-security`) in the codename, Ubuntu in the suite.
        """
        if not codename or not re.fullmatch(rf"{re.escape(codename)}([-/].*)?", self.names[0]):
            return None
        own = [name[len(codename) :] for name in self.names if name.startswith(codename)]
        found = max(own, key=len)
        return "-security" if found == "/updates" else found

    def lies_below(self, approved: Iterable[str]) -> bool:
        """Say whether its URI is one of the approved, or lies below one."""
        uri = f"{self.uri.rstrip('/')}/"
        return "/../" not in uri and any(uri.startswith(f"{one.rstrip('/')}/") for one in approved)

    def moment(self, key: str) -> float | None:
        """Return a time its Release file tells, in seconds since the epoch; None where it does not."""
        told = self.said.get(key)
        if told is None:
            return None
        made = parsedate_to_datetime(told)
        return (made if made.tzinfo else made.replace(tzinfo=UTC)).timestamp()


def has_security(archives: Sequence[Source], codename: str) -> bool:
    """Say whether archives of a release bring its security updates.

    Those of the main component, for an architecture the release itself is taken for, where that is told.
    """
    own = [one for one in archives if one.suite_of(codename) is not None]
    main = [one for one in own if not one.is_security and one.component == "main"]
    wanted = {architecture for one in main for architecture in one.architectures}
    return any(
        (not main or one.component in ("main", ""))
        and (not wanted or not one.architectures or not wanted.isdisjoint(one.architectures))
        for one in own
        if one.is_security
    )


@dataclass(frozen=True)
class Sources:
    """All sources at the time `now`.

    `stamp` is when apt marked that sources had answered, if it is told to. `pins` are the lines, with file,
    that make apt prefer something.
    """

    now: float
    has_apt: bool
    sources: list[Source]
    stamp: float | None
    pins: list[str]

    @property
    def day(self) -> datetime:
        """The time of asking, in UTC."""
        return datetime.fromtimestamp(self.now, UTC)


def _plain(told: str) -> str:
    return "" if told.startswith("$(") else told


def _said(rows: Rows) -> dict[str, dict[str, str]]:
    said: dict[str, dict[str, str]] = {}
    for (line,) in rows["release"]:
        match = _RELEASE_LINE.fullmatch(line)
        if match is None:
            raise ParseError(f"no line of a Release file: {line[:80]!r}")
        said.setdefault(match[1], {}).setdefault(match[2], match[3].strip())
    return said


def parse_sources(output: Output) -> Sources:
    """Parse the probe's rows."""
    rows = Rows(output, _FIELDS)
    said = _said(rows)
    stems = {re.sub(r"(In)?Release$", "", path): told for path, told in said.items()}
    # A list keeps the server's time of modification; its time of change is when it was put in place.
    times = {path: (float(modified), float(changed)) for modified, changed, path in rows["file"]}
    found: dict[tuple[str, ...], Source] = {}
    architectures: dict[tuple[str, ...], set[str]] = {}
    for entry, uri, release, component, path in rows["target"]:
        key = (entry, uri, release, component)
        if (named := re.search(r"_binary-([a-z0-9-]+)_Packages", path)) and named[1] != "all":
            architectures.setdefault(key, set()).add(named[1])
        changed = [
            moment for other, (_, moment) in times.items() if other == path or other.startswith(f"{path}.")
        ]
        if key in found and not changed:
            continue  # a list of another architecture, which the archive need not have
        stem = max((stem for stem in stems if path.startswith(stem)), key=len, default=None)
        found[key] = Source(
            entry,
            uri,
            release,
            _plain(component),
            bool(changed or stem),  # apt keeps no list of an archive that says it is empty
            max(changed, default=None),
            stems[stem] if stem is not None else {},
        )
    found = {
        key: replace(source, architectures=frozenset(architectures.get(key, ())))
        for key, source in found.items()
    }
    stamps = [modified for path, (modified, _) in times.items() if path.endswith(_STAMP)]
    ((now,),) = rows["now"]
    ((has_apt,),) = rows["apt"]
    pins = [line for (line,) in rows["pin"] if not re.search(r":\d+:\s*(//|#)", line)]
    return Sources(float(now), has_apt == "yes", list(found.values()), max(stamps, default=None), pins)


SOURCES: Probe[Sources] = Probe("operating_system.sources", _COMMAND, parse_sources)
