"""Installed packages that stand out: old, from no source, held, broken, not free; and software beside."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.operating_system.apt import ASK_APT, WITHOUT_LOGINS
from plumbline.probes.tagged import PRINT_END, Rows

PRINTED_MAX = 250
"""Packages whose versions are printed; of more, only how many there are."""

_FIELDS = {"installed": 1, "state": 4, "policy": 2, "more": 1, "beside": 2, "base": 1}

# apt-cache prints each package's versions, newest first, `***` before the installed one; below each version
# its sources, of which the list of installed packages itself is none.
_POLICY = rf"""
function told() {{
    if (name == "" || (candidate == installed && first == installed && from_source)) return
    if (++shown > {PRINTED_MAX}) return
    for (i = 1; i <= count; i++) print "policy\t" name "\t" line[i]
}}
/^[^ ]/ {{
    told(); name = $1; sub(/:$/, "", name); count = 0; first = ""; from_source = 0; here = 0; next
}}
{{ line[++count] = $0 }}
/^  Installed: / {{ installed = $2; next }}
/^  Candidate: / {{ candidate = $2; next }}
/^  Version table:/ {{ next }}
/^ \*\*\* / {{ here = 1; if (first == "") first = $2; next }}
/^     [^ ]/ {{ here = 0; if (first == "") first = $1; next }}
/^       / {{ if (here && $2 != "/var/lib/dpkg/status") from_source = 1 }}
END {{ told(); if (shown > {PRINTED_MAX}) print "more\t" shown - {PRINTED_MAX} }}
"""

_COMMAND = rf"""
if ! command -v dpkg-query >/dev/null || ! command -v apt-cache >/dev/null; then {PRINT_END}; exit 0; fi
{ASK_APT}
all=$(dpkg-query -W -f '${{db:Status-Abbrev}}\t${{binary:Package}}\t${{Version}}\t${{Section}}\n') || exit 9
printf '%s\n' "$all" | awk -F '\t' '
    {{ state = substr($1, 2, 1); installed += state == "i" }}
    $2 == "base-files" {{ print "base\t" $3 }}
    $1 ~ /^h/ || state !~ /[nci]/ || substr($1, 3, 1) ~ /[^ ]/ ||
        (state == "i" && $4 ~ /^(contrib|non-free|restricted|multiverse)\//) {{ print "state\t" $0 }}
    END {{ print "installed\t" installed + 0 }}'
names=$(printf '%s\n' "$all" | awk -F '\t' 'substr($1, 2, 1) == "i" {{ print $2 }}')
policy=$(ask_apt apt-cache policy $names) || exit 9
printf '%s\n' "$policy" | awk '{_POLICY}' | {WITHOUT_LOGINS}
for file in /var/lib/snapd/snaps/*.snap; do
    [ ! -f "$file" ] || printf 'beside\tsnap\t%s\n' "$file"
done
for file in /var/lib/flatpak/app/*; do [ ! -d "$file" ] || printf 'beside\tflatpak\t%s\n' "$file"; done
for top in /usr/local /root/.local; do
    for file in $top/lib/python*/*-packages/*.dist-info $top/lib/python*/*-packages/*.egg-info; do
        [ ! -e "$file" ] || printf 'beside\tpip\t%s\n' "$file"
    done
done
for file in /usr/local/lib/node_modules/[!@]* /usr/local/lib/node_modules/@*/*; do
    [ ! -d "$file" ] || printf 'beside\tnpm\t%s\n' "$file"
done
for file in /var/lib/gems/*/gems/*; do [ ! -d "$file" ] || printf 'beside\tgem\t%s\n' "$file"; done
{PRINT_END}
"""

NOT_FREE = frozenset({"contrib", "non-free", "restricted", "multiverse"})
"""Areas of Debian's and Ubuntu's archives whose software is not free, or needs what is not."""

_KERNEL = re.compile(r"linux-(image|headers|modules|modules-extra|kbuild|tools|compiler)-.*\d")
_SNAPS_OF_UBUNTU = re.compile(r"(core\d*|snapd|bare)")


@dataclass(frozen=True)
class Version:
    """A version of a package: what apt makes of it, and the sources that have it, as URI and release.

    `phased`: it is being rolled out and not yet offered to every host.
    """

    version: str
    priority: int
    phased: bool
    sources: tuple[tuple[str, str], ...] = ()


@dataclass
class Package:
    """An installed package that stands out: its versions, newest first."""

    name: str
    installed: str = ""
    candidate: str = ""
    versions: list[Version] = field(default_factory=list)

    def add_source(self, uri: str, release: str) -> None:
        """Note a source of the version noted last."""
        last = self.versions[-1]
        self.versions[-1] = replace(last, sources=(*last.sources, (uri, release)))

    def from_source(self) -> bool:
        """Say whether a source has the installed version, be it, in apt's eyes, another build of it."""
        return any(one.sources for one in self.versions if one.version == self.installed)

    def newer(self) -> list[Version]:
        """Return the versions above the installed one, newest first."""
        position = [one.version for one in self.versions].index(self.installed)
        return self.versions[:position]

    def above_candidate(self) -> list[Version]:
        """Return the versions above both the installed one and the one apt would install."""
        versions = [one.version for one in self.versions]
        if self.candidate not in versions:
            return self.newer()
        return self.versions[: min(versions.index(self.candidate), versions.index(self.installed))]

    def update_to(self, other: Version) -> str:
        """Tell of an update: from which version to which, and of what source."""
        where = ", ".join(f"{uri} {release}" for uri, release in other.sources)
        return f"{self.name} {self.installed} → {other.version} ({where or '/var/lib/dpkg/status'})"

    def told_with_others(self) -> str:
        """Tell the package with the versions that sources have instead."""
        others = [f"{one.version} {one.sources[0][0]}" for one in self.versions if one.sources]
        return f"{self.name} {self.installed}" + (f" ({', '.join(others)})" if others else "")


@dataclass(frozen=True)
class State:
    """A package dpkg says something of: wanted, installed, in error, as in `dpkg -l`; its section."""

    abbreviation: str
    name: str
    version: str
    section: str

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.abbreviation.strip()})"


@dataclass(frozen=True)
class Beside:
    """Software installed beside the packages: by snap, flatpak, pip, npm or gem, and where it lies."""

    kind: str
    name: str
    path: str

    @property
    def declared_as(self) -> str:
        """The name it has in a specification."""
        return f"{self.kind}:{self.name}"

    def __str__(self) -> str:
        return f"{self.declared_as} ({self.path})"


@dataclass(frozen=True)
class Packages:
    """How many packages are installed, and which stand out; `more` others were not printed.

    `base` is the version of base-files, which brings what a release is called; empty where there is none.
    """

    installed: int
    states: list[State]
    packages: list[Package]
    more: int
    beside: list[Beside]
    base: str = ""

    def of_release(self, distribution: str, version: str) -> bool:
        """Say whether the packages can be those of a release; of other distributions nothing tells."""
        if distribution == "ubuntu":
            return "ubuntu" in self.base
        if distribution != "debian" or not version:
            return True
        told = re.search(r"\+deb(\d+)u", self.base) or re.match(r"(\d+)\.", self.base)
        return told is None or told[1] == version

    def broken(self) -> list[State]:
        """Return the packages that are not whole: unpacked, half-configured, or to be put in again."""
        return [
            one for one in self.states if one.abbreviation[1] not in "nci" or one.abbreviation[2:].strip()
        ]

    def held(self) -> list[State]:
        """Return the packages that are kept from being updated (apt-mark(8), hold)."""
        return [one for one in self.states if one.abbreviation[0] == "h" and one.abbreviation[1] == "i"]

    def outside(self, areas: list[str]) -> list[State]:
        """Return the installed packages of areas that hold what is not free, beyond those accepted."""
        return [
            one
            for one in self.states
            if one.abbreviation[1] == "i" and one.section.partition("/")[0] in NOT_FREE.difference(areas)
        ]

    def of_no_source(self) -> list[Package]:
        """Return the packages whose installed version no source has, and that none has a newer one of.

        Kernels and what belongs to them are left out: archives drop old ones, which hosts keep to fall
        back on.
        """
        return [
            one
            for one in self.packages
            if not _KERNEL.fullmatch(one.name.split(":")[0])
            and not any(version.sources for version in one.newer())
            and not one.from_source()
        ]


def _packages(rows: Rows) -> list[Package]:
    found: dict[str, Package] = {}
    for name, line in rows["policy"]:
        package = found.setdefault(name, Package(name))
        words = line.removeprefix(" ***").split()
        if line.startswith("  Installed: "):
            package.installed = words[1]
        elif line.startswith("  Candidate: "):
            package.candidate = words[1]
        elif line.startswith("       "):
            if words[1] != "/var/lib/dpkg/status":
                release = words[2] if words[2].endswith("/") else words[2].rpartition("/")[0]
                package.add_source(words[1], release)
        elif line.startswith((" *** ", "     ")):
            phased = "(phased" in line and "100%" not in line
            package.versions.append(Version(words[0], int(words[1]), phased))
    for package in found.values():
        if package.installed not in [one.version for one in package.versions]:
            raise ParseError(f"the installed version of {package.name} is not among its versions")
    return list(found.values())


def _beside(kind: str, path: str) -> Beside:
    name = path.rstrip("/").rpartition("/")[2]
    if kind == "npm":
        name = path.rpartition("/node_modules/")[2]
    elif kind == "gem":
        name = name.rpartition("-")[0] or name
    if kind == "snap":
        name = name.removesuffix(".snap").rpartition("_")[0]
    elif kind == "pip":
        name = re.sub(r"(-[0-9][^-]*)?(-py[\d.]+)?\.(dist|egg)-info$", "", name)
    return Beside(kind, name, path)


def parse_packages(output: Output) -> Packages:
    """Parse the probe's rows."""
    rows = Rows(output, _FIELDS)
    beside = [_beside(kind, path) for kind, path in rows["beside"]]
    states = [State(*row) for row in rows["state"]]
    if any(len(one.abbreviation) < 2 for one in states):
        raise ParseError("dpkg-query told no state of a package")
    return Packages(
        installed=sum(int(count) for (count,) in rows["installed"]),
        states=states,
        packages=_packages(rows),
        more=sum(int(count) for (count,) in rows["more"]),
        base=next((version for (version,) in rows["base"]), ""),
        beside=[one for one in beside if one.kind != "snap" or not _SNAPS_OF_UBUNTU.fullmatch(one.name)],
    )


PACKAGES: Probe[Packages] = Probe("operating_system.packages", _COMMAND, parse_packages, limit=30)
