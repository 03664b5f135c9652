"""Accounts of the host itself: who has a shell, who has no password, whose startup files touch TMOUT.

Of the password files only names of accounts whose field is empty are printed. Startup files belong to users
and may hold anything: of a line that touches TMOUT only the words around it are printed.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass, field

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.limit import NEVER, Limit
from plumbline.probes.tagged import PRINT_END, Rows

_COMMAND = rf"""
set --
for file in /etc/profile /etc/profile.d/*.sh /etc/bash.bashrc /etc/environment /etc/security/pam_env.conf \
    /etc/zsh/z*; do
    [ ! -f "$file" ] || set -- "$@" "$file"
done
startup_of() {{
    for name in .profile .bash_profile .bash_login .bashrc .bash_aliases .zshenv .zprofile .zshrc .zlogin \
        .kshrc .pam_environment .ssh/environment .ssh/rc; do
        [ ! -f "$1/$name" ] || files="$files
$1/$name"
    done
}}
files='' homes=''
tab=$(printf '\t')
while IFS=: read -r name password uid gid gecos home shell; do
    case $shell in */nologin | */false | */sync | */halt | */shutdown) shell=none ;; esac
    printf 'user\t%s\t%s\t%s\t%s\n' "$name" "$gid" "$home" "${{shell:-/bin/sh}}"
    homes="$homes|${{home%/}}|"
    [ "$shell" = none ] || case $home in /home/* | / | '') ;; *) startup_of "$home" ;; esac
done </etc/passwd
# Homes of the directory's users may lie one deeper, below its name; what lies in a person's home is none.
for home in /home/*; do
    startup_of "$home"
    case $homes in *"|$home|"*) continue ;; esac
    [ -f "$home/.profile" ] || [ -f "$home/.bashrc" ] ||
        for home in "$home"/*; do startup_of "$home"; done
done
IFS='
'
set -f
[ "$#$files" = 0 ] || awk '/TMOUT/ && !/^[ \t]*#/ {{
    text = $0
    sub(/[ \t]#.*/, "", text)
    while (match(text, /[-+A-Za-z_ ${{"]*TMOUT(="?([$][(][(][0-9 *]+|[^ \t;&|)"]*))?/)) {{
        word = substr(text, RSTART, RLENGTH)
        before = match(word, /TMOUT/) - 1
        print "line\t" FILENAME "\t" FNR "\t" substr(word, before > 24 ? before - 23 : 1, 64)
        text = substr(text, index(text, word) + length(word))
    }}
}}' "$@" $files
for file in /etc/passwd /etc/shadow; do
    awk -F: '$2 == "" && $1 !~ /^[+-]/ {{ print "empty\t" FILENAME "\t" $1 }}' "$file" || exit 9
done
awk -F: '{{ print "group\t" $1 "\t" $3 "\t" $4 }}' /etc/group
{PRINT_END}
"""

_FIELDS = {"user": 4, "line": 3, "empty": 2, "group": 3}

_REFERENCE = re.compile(r'\$\{?"?$')
_HARMLESS = re.compile(r"(^|\s)(readonly|export|declare|typeset|local)(\s+-[a-z]*)*\s+$")
_READONLY = re.compile(r"(^|\s)(readonly|(declare|typeset)(\s+-[a-z]+)*\s+-[a-z]*r[a-z]*)\s")
_DROP_INS = "/etc/profile.d"
_VALUE = re.compile(r"""TMOUT=["']?(?:\$\(\(\s*(?P<by>\d+)\s*\*\s*)?(?P<number>[+-]?\d++(?!\s*\*))?""")
_LOOKING = re.compile(r"(^|\s)(echo|printf(?!\s+-v)|grep|logger|test)\s")
"""Commands that only show or look for the word."""
SYSTEM_FILES = "/etc/"


@dataclass(frozen=True)
class TimeoutLine:
    """A line of a startup file that sets or unsets TMOUT: `words` around it, `seconds` or `NEVER`."""

    file: str
    line: int
    words: str
    seconds: int
    readonly: bool = False

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.words}"


@dataclass(frozen=True)
class Accounts:
    """The accounts of /etc/passwd: `shells` by name, None without one; `empty`: who has no password."""

    shells: dict[str, str | None]
    empty: list[str]
    lines: list[TimeoutLine]
    members: dict[str, frozenset[str]]
    fixing: list[tuple[str, int]] = field(default_factory=list)
    """Where lines make TMOUT readonly and leave its value."""
    homes: dict[str, str] = field(default_factory=dict)

    def own_lines(self, except_of: str = "") -> list[TimeoutLine]:
        """Return the lines that stand in users' own startup files, but for those of one of them."""
        home = self.homes.get(except_of, "").rstrip("/")
        return [
            line
            for line in self.lines
            if not line.file.startswith(SYSTEM_FILES) and not (home and line.file.startswith(f"{home}/"))
        ]

    def system_lines(self, accepted: Container[int]) -> list[TimeoutLine]:
        """Return the system's own lines that lift the limit for somebody, whatever they ask before they do.

        Not those after a line that made an accepted limit readonly: in the same file, or in one of
        /etc/profile.d that is read before.
        """
        fixed: dict[str, int] = {}
        for line in self.lines:
            if line.readonly and line.seconds in accepted:
                fixed.setdefault(line.file, line.line)
        for file, number in self.fixing:
            before = [line for line in self.lines if line.file == file and line.line <= number]
            if before and all(line.seconds in accepted for line in before):
                fixed[file] = min(number, fixed.get(file, number))
        return [
            line
            for line in self.lines
            if line.file.startswith(SYSTEM_FILES) and line.seconds not in accepted and not _late(line, fixed)
        ]

    def place(self, value: str | None) -> str:
        """Return where the system's startup files give TMOUT a value, in brackets; empty if nowhere."""
        setting = [line for line in self.lines if line.file.startswith(SYSTEM_FILES)]
        same = [line for line in setting if value is not None and line.seconds == _leading(value)]
        told = ", ".join(f"{line.file}:{line.line}" for line in same or setting)
        return f" ({told})" if told else ""

    def placed(self, limit: Limit, value: str | None) -> Limit:
        """Return a shell's limit with where it was set added to its words."""
        return Limit(int(limit), limit.seen + self.place(value))


def _late(line: TimeoutLine, fixed: Mapping[str, int]) -> bool:
    folder = line.file.rpartition("/")[0]
    earlier = [file for file in fixed if folder == _DROP_INS == file.rpartition("/")[0] and file < line.file]
    return bool(earlier) or fixed.get(line.file, line.line) < line.line


def _leading(value: str) -> int:
    number = re.match(r"[+-]?\d+", value)
    seconds = int(number[0]) if number else 0
    return seconds if seconds > 0 else NEVER


def touching(file: str, line: int, words: str) -> TimeoutLine | None:
    """Return what words around TMOUT do to it; None if they only look at it or protect it."""
    before, _, after = words.partition("TMOUT")
    if _REFERENCE.search(before) or _LOOKING.search(before):
        return None
    value = _VALUE.match(f"TMOUT{after}")
    if after.startswith("=") and value is not None and "env " not in before:
        readonly = bool(_READONLY.search(before))
        seconds = _leading(value["number"] or "")
        if value["by"] and seconds != NEVER:
            seconds = int(value["by"]) * seconds or NEVER
        return TimeoutLine(file, line, words.strip(), seconds, readonly)
    if not after.startswith("=") and _HARMLESS.search(before) and "+" not in before and "-n" not in before:
        return None
    return TimeoutLine(file, line, words.strip(), NEVER)


def _accounts(output: Output) -> Accounts:
    rows = Rows(output, _FIELDS)
    if not rows["user"]:
        raise ParseError("no account was printed")
    names = {gid: name for name, gid, _ in rows["group"]}
    members = {name: set(listed.split(",")) - {""} for name, _, listed in rows["group"]}
    for user, gid, _, _ in rows["user"]:
        if gid in names:
            members[names[gid]].add(user)
    fixing = [
        (file, int(line))
        for file, line, words in rows["line"]
        if _READONLY.search(words.partition("TMOUT")[0]) and "=" not in words
    ]
    lines = [touching(file, int(line), words) for file, line, words in rows["line"]]
    return Accounts(
        shells={name: None if shell == "none" else shell for name, _, _, shell in rows["user"]},
        empty=[f"{name} ({file})" for file, name in rows["empty"]],
        lines=[line for line in lines if line is not None],
        members={name: frozenset(users) for name, users in members.items()},
        fixing=fixing,
        homes={name: home for name, _, home, _ in rows["user"]},
    )


ACCOUNTS = Probe("session.accounts", _COMMAND, _accounts)
