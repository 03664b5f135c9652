"""Ways to become root beside logging on as root: sudo, doas, polkit (sudoers(5), doas.conf(5), polkit(8))."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from plumbline.probes.accounts.lines import FIELDS, Lines, print_lines, read_lines
from plumbline.probes.accounts.polkit import (
    PATTERNS,
    POLKIT_FIELDS,
    PRINT_POLKIT,
    PolkitName,
    administrators,
    given,
)
from plumbline.probes.accounts.sudoers import Default, Sudoers, read_sudoers
from plumbline.probes.base import Output, Probe
from plumbline.probes.tagged import PRINT_END, Rows

# Comments may hold anything; only those that sudo reads (#include, a user's number) are printed.
_NO_COMMENTS = r"!/^[ \t]*(#|\/\/|$)/ || /^[ \t]*#(include|-?[0-9])/"

_COMMAND = rf"""
for file in /usr/bin/sudo /usr/local/bin/sudo /usr/bin/sudo-rs /usr/lib/cargo/bin/sudo /usr/bin/doas \
    /usr/local/bin/doas; do
    [ ! -x "$file" ] || printf 'program\t%s\n' "${{file##*/}}"
done
for file in /usr/lib/polkit-1/polkitd /usr/libexec/polkitd; do
    [ ! -x "$file" ] || printf 'program\tpolkitd\n'
done
[ ! -e /etc/sudoers-rs ] || printf 'odd\t/etc/sudoers-rs\n'
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
            *PATTERNS,
        ],
        _NO_COMMENTS,
    )
}
{PRINT_POLKIT}
{PRINT_END}
"""

_FIELDS = {"program": 1, "missing": 1, "odd": 1} | POLKIT_FIELDS | FIELDS

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
    "timestampowner",
)
_NEVER_MINUTES = 24 * 60
"""With a timestamp_timeout as long as this, sudo asks once and in effect never again."""
_SUDO = frozenset({"sudo", "sudo-rs"})
# sudo.conf(5) takes its keywords in any letters.
_OTHER_PLUGIN = re.compile(r"(?i)Plugin\b|Path\s+plugin_dir\b")
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
class Elevation:
    """What there is to become root with; the files of a program that is absent say nothing."""

    programs: frozenset[str]
    sudoers: Sudoers
    files: Lines
    packaged: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()

    @property
    def has_sudo(self) -> bool:
        """Whether sudo is installed."""
        return not self.programs.isdisjoint(_SUDO)

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
            if _OTHER_PLUGIN.match(text)
            and not re.fullmatch(r"(?i:Plugin)\s+sudoers_\w+\s+sudoers\.so", text)
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
        return administrators(self.files) if "polkitd" in self.programs else iter(())

    @property
    def polkit_grants(self) -> list[str]:
        """What polkit's files, but those of packages, give without asking."""
        return given(self.files, self.packaged, self.actions) if "polkitd" in self.programs else []

    def _lines(self, path: str) -> Iterator[tuple[str, str]]:
        for number, line in enumerate(self.files.get(path, ()), 1):
            if line.strip() and not line.lstrip().startswith("#"):
                yield f"{path}:{number}", line.strip()


def _asks_nothing(option: Default) -> bool:
    if option.name in _NO_PASSWORD_FLAGS:
        return option.negated is _NO_PASSWORD_FLAGS[option.name]
    if option.negated:
        return False
    # A negative or endless timeout: once it has asked, sudo never asks again.
    return (
        option.name == "timestamp_timeout" and _never_again(option.value or "")
    ) or option.name in _OTHER_PROOF


def _never_again(minutes: str) -> bool:
    try:
        return not 0 <= float(minutes) < _NEVER_MINUTES
    except ValueError:
        return True


def _opens_environment(option: Default) -> bool:
    if option.name in _OPEN_ENVIRONMENT:
        return option.negated is _OPEN_ENVIRONMENT[option.name]
    if option.name == "secure_path":
        return option.negated or any(map(_is_open, (option.value or "").split(":")))
    if option.name in ("env_file", "restricted_env_file"):
        return not option.negated and not (option.value or "").startswith(("/etc/", "/usr/"))
    keeps = option.name in ("env_keep", "env_check") and option.operator in ("=", "+=")
    return keeps and any(_is_dangerous(word) for word in (option.value or "").split())


def _is_open(directory: str) -> bool:
    """Say whether a directory of a path is a user's, everybody's, or the one he happens to be in."""
    # Named to be refused; nothing is written there.
    users = ("/home/", "/tmp/", "/var/tmp/", "/dev/shm/")  # noqa: S108
    return not directory.startswith("/") or f"{directory}/".startswith(users)


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
    packaged = tuple(path for (path,) in rows["packaged"])
    actions = tuple(told for (told,) in rows["action"])
    if programs.isdisjoint(_SUDO):
        return Elevation(programs, Sudoers(), files, packaged, actions)
    sudoers = read_sudoers(files, [path for (path,) in rows["missing"]])
    odd = "a name with a blank, too many includes, or the rights of sudo-rs alone"
    sudoers.unread += [f"{path} ({odd})" for (path,) in rows["odd"]]
    return Elevation(programs, sudoers, files, packaged, actions)


ELEVATION = Probe("accounts.elevation", _COMMAND, _elevation)
