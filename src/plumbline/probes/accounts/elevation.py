"""Ways to become root beside logging on as root: sudo, doas, polkit (sudoers(5), doas.conf(5), polkit(8))."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from plumbline.probes.accounts.lines import FIELDS, Lines, print_lines, read_lines
from plumbline.probes.accounts.sudoers import Default, Sudoers, read_sudoers
from plumbline.probes.base import Output, Probe
from plumbline.probes.tagged import PRINT_END, Rows

_POLKIT = ("/etc/polkit-1/rules.d", "/run/polkit-1/rules.d", "/usr/local/share/polkit-1/rules.d")
_POLKIT_PACKAGED = ("/usr/share/polkit-1/rules.d", "/usr/lib/polkit-1/rules.d")
_PKLA = ("/etc/polkit-1/localauthority*/*", "/var/lib/polkit-1/localauthority/*")

# Comments may hold anything; only those that sudo reads (#include, a user's number) are printed.
_NO_COMMENTS = r"!/^[ \t]*(#|\/\/|$)/ || /^[ \t]*#(include|-?[0-9])/"

_COMMAND = rf"""
for file in /usr/bin/sudo /usr/local/bin/sudo /usr/bin/doas /usr/local/bin/doas; do
    [ ! -x "$file" ] || printf 'program\t%s\n' "${{file##*/}}"
done
for file in /usr/lib/polkit-1/polkitd /usr/libexec/polkitd; do
    [ ! -x "$file" ] || printf 'program\tpolkitd\n'
done
more=''
files='/etc/sudoers'
for depth in 1 2 3 4; do
    found=''
    for file in $files; do
        [ -f "$file" ] || {{ printf 'missing\t%s\n' "$file"; continue; }}
        directory=${{file%/*}}
        set -f
        for target in $(sed -n 's/^[ \t]*[@#]include\(dir\)*[ \t][ \t]*"*\([^" \t]*\).*/\2/p' "$file"); do
            case $target in /*) ;; *) target=$directory/$target ;; esac
            set +f
            if [ -d "$target" ]; then
                some=''
                for inside in "${{target%/}}"/*; do
                    [ -f "$inside" ] || continue
                    some=yes
                    case $inside in *[[:space:]]*) printf 'odd\t%s\n' "$target"; continue ;; esac
                    found="$found $inside"
                done
                [ "$some" ] || printf 'missing\t%s\n' "$target"
            else
                found="$found $target"
            fi
            set -f
        done
        set +f
    done
    more="$more $found"
    files=$found
done
[ -z "$files" ] || printf 'odd\t%s\n' "$files"
{
    print_lines(
        [
            "/etc/sudoers",
            "$more",
            "/etc/sudo.conf",
            "/etc/doas.conf",
            "/etc/doas.d/*.conf",
            *(f"{directory}/*.rules" for directory in (*_POLKIT, *_POLKIT_PACKAGED)),
            *(f"{directory}/*.pkla" for directory in _PKLA),
            "/etc/polkit-1/localauthority.conf.d/*.conf",
        ],
        _NO_COMMENTS,
    )
}
{PRINT_END}
"""

_FIELDS = {"program": 1, "missing": 1, "odd": 1} | FIELDS

# Variables by which a program run as root can be made to do something else; sudo takes these away itself
# unless told to keep them (`sudo -V` as root lists them).
_DANGEROUS = re.compile(
    r"\*|_?RLD_.*|LD_.*|LDR_.*|LIBPATH|SHLIB_PATH|DYLD_.*|BASH_ENV|ENV|BASHOPTS|SHELLOPTS|PS4|IFS|CDPATH"
    r"|GLOBIGNORE|BASH_FUNC_.*|FPATH|ZDOTDIR|NULLCMD|READNULLCMD|PERL.*|PYTHON.*|RUBY.*|NODE_.*|JAVA_TOOL_OPTIONS"
    r"|GCONV_PATH|LOCPATH|NLSPATH|HOSTALIASES|LOCALDOMAIN|RES_OPTIONS|KRB5.*|KRBCONFDIR|KRBTKFILE|PATH|TMPPREFIX"
)
# Options with which sudo asks for no password, or for another one than the user's own.
_NO_PASSWORD_FLAGS = {"authenticate": True, "rootpw": False, "targetpw": False, "runaspw": False}
_OTHER_PROOF = (
    "exempt_group",
    "pam_service",
    "pam_login_service",
    "pam_askpass_service",
    "group_plugin",
)
_OPEN_ENVIRONMENT = {"env_reset": True, "setenv": False}


@dataclass(frozen=True)
class DoasRule:
    """A `permit` line of doas.conf: to whom (`:group` for a group), as whom, and how it asks."""

    place: str
    who: str
    target: str
    options: tuple[str, ...]

    @property
    def without_password(self) -> bool:
        """Whether doas asks for no password."""
        return "nopass" in self.options

    def __str__(self) -> str:
        told = " ".join(("permit", *self.options, self.who))
        return f"{self.place}: {told} as {self.target or 'anybody'}"


@dataclass(frozen=True)
class PolkitName:
    """Somebody a polkit rule calls an administrator: `unix-group:NAME` or `unix-user:NAME`."""

    place: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.place}: {self.kind}:{self.name}"


@dataclass(frozen=True)
class Elevation:
    """What there is to become root with; the files of a program that is absent say nothing."""

    programs: frozenset[str]
    sudoers: Sudoers
    files: Lines

    @property
    def has_sudo(self) -> bool:
        """Whether sudo is installed."""
        return "sudo" in self.programs

    @property
    def unread(self) -> list[str]:
        """Lines of sudoers that are not understood; what they give is not known."""
        return self.sudoers.unread

    @property
    def without_proof(self) -> list[Default]:
        """Options of sudo that ask for no password, or for another one than the user's own."""
        return [option for option in self.sudoers.defaults if _asks_nothing(option)]

    @property
    def open_environment(self) -> list[Default]:
        """Options of sudo that let a user's environment steer what runs as root."""
        return [option for option in self.sudoers.defaults if _opens_environment(option)]

    @property
    def plugins(self) -> list[str]:
        """Lines of sudo.conf by which another program, or another file, decides what sudo allows."""
        if not self.has_sudo:
            return []
        return [
            f"{place}: {text}"
            for place, text in self._lines("/etc/sudo.conf")
            if text.startswith("Plugin") and not re.fullmatch(r"Plugin\s+sudoers_\w+\s+sudoers\.so", text)
        ]

    def doas(self) -> Iterator[DoasRule]:
        """Yield what doas permits; a `deny` line gives nothing and is left out."""
        if "doas" not in self.programs:
            return
        for path in self.files:
            if not path.startswith("/etc/doas"):
                continue
            for place, text in self._lines(path):
                words = text.replace("{", " { ").replace("}", " } ").split("#", 1)[0].split()
                if words[:1] == ["permit"]:
                    yield _doas_rule(place, words[1:])

    def polkit_administrators(self) -> Iterator[PolkitName]:
        """Yield whom polkit's rules call administrators, in packaged rules too."""
        for place, text in self._polkit_lines((*_POLKIT, *_POLKIT_PACKAGED)):
            for kind, name in re.findall(r"(unix-(?:group|user|netgroup)):([^\"';,\s]+)", text):
                yield PolkitName(place, kind, name)

    @property
    def polkit_grants(self) -> list[str]:
        """Lines of polkit's rules and .pkla files, not of packages, that grant something without asking."""
        found = [
            f"{place}: {text}"
            for place, text in self._polkit_lines(_POLKIT)
            if re.search(r"Result\.(YES|AUTH_SELF)|['\"](yes|auth_self\w*)['\"]", text)
        ]
        if "polkitd" in self.programs:
            for path in self.files:
                if path.endswith(".pkla"):
                    found += [
                        f"{place}: {text}"
                        for place, text in self._lines(path)
                        if re.match(r"Result\w*\s*=\s*(yes|auth_self)", text)
                    ]
        return found

    def _polkit_lines(self, directories: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        if "polkitd" not in self.programs:
            return
        for path in self.files:
            inside = posixpath.dirname(path) in directories and path.endswith(".rules")
            if inside or "/localauthority.conf.d/" in path:
                yield from self._lines(path)

    def _lines(self, path: str) -> Iterator[tuple[str, str]]:
        for number, line in enumerate(self.files.get(path, ()), 1):
            if line.strip() and not line.lstrip().startswith("#"):
                yield f"{path}:{number}", line.strip()


def _asks_nothing(option: Default) -> bool:
    if option.name in _NO_PASSWORD_FLAGS:
        return option.negated is _NO_PASSWORD_FLAGS[option.name]
    if option.negated:
        return False
    # A negative timeout: once it has asked, sudo never asks again.
    never_again = option.name == "timestamp_timeout" and (option.value or "").startswith("-")
    return never_again or option.name in _OTHER_PROOF


def _opens_environment(option: Default) -> bool:
    if option.name in _OPEN_ENVIRONMENT:
        return option.negated is _OPEN_ENVIRONMENT[option.name]
    keeps = option.name in ("env_keep", "env_check") and option.operator in ("=", "+=")
    return keeps and any(_is_dangerous(word) for word in (option.value or "").split())


def _is_dangerous(word: str) -> bool:
    name = word.partition("=")[0]
    return name.startswith("*") or _DANGEROUS.fullmatch(name.rstrip("*")) is not None or name in ("LD*", "L*")


def _doas_rule(place: str, words: list[str]) -> DoasRule:
    options: list[str] = []
    rest = list(words)
    while rest and rest[0] in ("nopass", "nolog", "persist", "keepenv", "setenv"):
        options.append(rest.pop(0))
        if options[-1] == "setenv" and rest[:1] == ["{"]:
            del rest[: rest.index("}") + 1 if "}" in rest else len(rest)]
    who = rest[0] if rest else "?"
    target = rest[rest.index("as") + 1] if "as" in rest[:-1] else ""
    return DoasRule(place, who, target, tuple(options))


def _elevation(output: Output) -> Elevation:
    rows = Rows(output, _FIELDS)
    files = read_lines(rows)
    programs = frozenset(name for (name,) in rows["program"])
    if "sudo" not in programs:
        return Elevation(programs, Sudoers(), files)
    sudoers = read_sudoers(files, [path for (path,) in rows["missing"]])
    sudoers.unread += [f"{path} (a name with a blank, or too many includes)" for (path,) in rows["odd"]]
    return Elevation(programs, sudoers, files)


ELEVATION = Probe("accounts.elevation", _COMMAND, _elevation)
