"""Programs that keep sessions open: terminal multiplexers (tmux(1), screen(1)) and xrdp (sesman.ini(5)).

A multiplexer redraws its status line, so its terminal is not still although nobody types: what ends still
connections does not end it. Of configuration files only the words that set a limit are printed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.limit import NEVER, Limit
from plumbline.probes.tagged import PRINT_END, Rows

_COMMAND = r"""
for program in tmux screen zellij xrdp-sesman; do
    ! command -v "$program" >/dev/null || printf 'program\t%s\n' "$program"
done
for file in /usr/lib/xorg/modules/libxorgxrdp.so /usr/lib/*/xorg/modules/libxorgxrdp.so; do
    [ ! -e "$file" ] || printf 'program\txorgxrdp\n'
done
set --
for file in /etc/tmux.conf /etc/screenrc /root/.tmux.conf /root/.config/tmux/tmux.conf /root/.screenrc \
    /home/*/.tmux.conf /home/*/.config/tmux/tmux.conf /home/*/.screenrc; do
    [ ! -f "$file" ] || set -- "$@" "$file"
done
[ $# -eq 0 ] || awk '/^[ \t]*#/ {next}
    match($0, /lock-after-time["\047]?[ \t]+["\047]?[0-9]+/) ||
    match($0, /lock-command["\047]?[ \t]+["\047]?[A-Za-z0-9_\/-]+/) ||
    match($0, /^[ \t]*idle[ \t]+[a-z0-9]+([ \t]+[a-z]+)?/) {
        print "line\t" FILENAME "\t" FNR "\t" substr($0, RSTART, RLENGTH) }' "$@" || exit 9
for file in /etc/xrdp/sesman.ini; do
    [ ! -f "$file" ] || awk '/^[ \t]*\[/ {section = tolower($0)}
        section ~ /^[ \t]*\[sessions\]/ && tolower($0) ~ /^[ \t]*idletimelimit[ \t]*=/ {
            print "xrdp\t" FILENAME "\t" FNR "\t" $0 }' "$file" || exit 9
done
"""

_LOCKING = {"vlock", "physlock"}
"""Programs that ask for the user's password (vlock(1), physlock(1)); lock(1) is not in Debian."""

_WORDS = re.compile(r"(lock-after-time|lock-command|idle)[\"']?\s+[\"']?(\S+)(?:\s+(\w+))?")


@dataclass(frozen=True)
class Line:
    """A line that sets a limit: `words` are what was set and to what."""

    file: str
    line: int
    words: tuple[str, str, str]

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {' '.join(word for word in self.words if word)}"


@dataclass(frozen=True)
class Keepers:
    """Which of them are installed, and what their files say."""

    programs: frozenset[str]
    lines: list[Line]
    xrdp: list[tuple[str, int, str]]

    @property
    def multiplexers(self) -> list[str]:
        """The terminal multiplexers installed."""
        return sorted(self.programs - {"xrdp-sesman", "xorgxrdp"})

    def own_limit(self) -> Limit:
        """Return the time after which every multiplexer installed asks for the password, whoever uses it."""
        limits = [self._limit(program) for program in self.multiplexers]
        never = [limit for limit in limits if limit == NEVER]
        return never[0] if never else max(limits, key=int)

    def _limit(self, program: str) -> Limit:
        file = {"tmux": "tmux.conf", "screen": "screenrc"}.get(program)
        if file is None:
            return Limit(NEVER, f"{program} locks nothing by itself")
        lines = [line for line in self.lines if line.file.endswith(file)]
        system = [line for line in lines if line.file.startswith("/etc/")]
        own = [line for line in lines if line not in system]
        limit = _of_tmux(system) if program == "tmux" else _of_screen(system)
        if limit == NEVER:
            return limit
        for line in own:
            said = Limit(_seconds(line.words[1]), str(line))
            if line.words[0] == "lock-command" or said == NEVER or said > limit:
                return Limit(NEVER, str(line))
        return limit

    def xrdp_limit(self) -> Limit:
        """Return the time after which xrdp ends the connection to an idle session; the last line counts."""
        if "xorgxrdp" not in self.programs:
            return Limit(NEVER, "xrdp: IdleTimeLimit does nothing without xorgxrdp")
        if not self.xrdp:
            return Limit(NEVER, "xrdp: IdleTimeLimit is not set in /etc/xrdp/sesman.ini")
        file, number, text = self.xrdp[-1]
        return Limit(_seconds(text.partition("=")[2].strip()), f"{file}:{number}: {text.strip()}")


def _seconds(text: str) -> int:
    return int(text) if text.isdigit() and int(text) > 0 else NEVER


def _of_tmux(lines: list[Line]) -> Limit:
    after = [line for line in lines if line.words[0] == "lock-after-time"]
    command = [line for line in lines if line.words[0] == "lock-command"]
    if not after:
        return Limit(NEVER, "tmux: lock-after-time is not set in /etc/tmux.conf")
    if not command or command[-1].words[1].rpartition("/")[2] not in _LOCKING:
        return Limit(
            NEVER, f"tmux: {command[-1] if command else 'lock-command is not set in /etc/tmux.conf'}"
        )
    return Limit(_seconds(after[-1].words[1]), str(after[-1]))


def _of_screen(lines: list[Line]) -> Limit:
    idle = [line for line in lines if line.words[0] == "idle"]
    if not idle or idle[-1].words[2] != "lockscreen":
        return Limit(NEVER, f"screen: {idle[-1] if idle else 'idle is not set in /etc/screenrc'}")
    return Limit(_seconds(idle[-1].words[1]), str(idle[-1]))


def _keepers(output: Output) -> Keepers:
    rows = Rows(output, {"program": 1, "line": 3, "xrdp": 3})
    lines = []
    for file, number, text in rows["line"]:
        words = _WORDS.search(text)
        if words is None:
            raise ParseError(f"{file}:{number} sets no limit: {text[:80]!r}")
        lines.append(Line(file, int(number), (words[1], words[2].strip("\"'"), words[3] or "")))
    programs = frozenset(program for (program,) in rows["program"])
    return Keepers(programs, lines, [(file, int(number), text) for file, number, text in rows["xrdp"]])


KEEPERS: Probe[Keepers] = Probe("session.keepers", f"{_COMMAND}{PRINT_END}", _keepers)
