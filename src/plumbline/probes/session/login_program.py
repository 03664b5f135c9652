"""Which commands open a session without asking, and which programs on a terminal ask (agetty(8))."""

from __future__ import annotations

import re
from dataclasses import dataclass

# agetty's options that take a value (agetty(8)); what follows the letter is its value.
_WITH_VALUE = "aCdEfHIlortwW"
_LOGINS = ("/bin/login", "/usr/bin/login")
_SYSTEMD = ("/lib/systemd", "/usr/lib/systemd")
_FOLDERS = ("", "/bin", "/sbin", "/usr/bin", "/usr/sbin", *_SYSTEMD)
_GETTYS = ("agetty", "getty", "mingetty", "mgetty")
_SHELLS = ("sh", "bash", "dash", "ash", "ksh", "zsh", "busybox")
_WRAPPERS = (
    "exec",
    "env",
    "nohup",
    "setsid",
    "nice",
    "ionice",
    "chrt",
    "command",
    "do",
    "then",
    "else",
    "if",
    "while",
)
# Programs that read a terminal, or only write to it, and give nobody a shell without asking.
_ASKING = """
sulogin systemd-sulogin-shell systemd-tty-ask-password-agent systemd-ask-password systemd-firstboot
systemd-homed-firstboot homectl systemd-bsod systemctl journalctl plymouth plymouthd true false echo
gdm3 gdm lightdm sddm lxdm greetd
"""
# Programs that open a graphical session for whoever sits at the screen, when a service starts them.
_GRAPHICAL = """
startx xinit startxfce4 xfce4-session gnome-session startplasma-x11 startplasma-wayland mate-session
cinnamon-session startlxde lxsession startlxqt cage weston sway labwc wayfire kwin_wayland gamescope
matchbox-session openbox-session
"""
GRAPHICAL = tuple(_GRAPHICAL.split())
_GETTY_UNIT = re.compile(r"(getty|autovt|rescue|emergency)")


@dataclass(frozen=True)
class Login:
    """Something that opens a session without asking: for which account, empty if that cannot be told."""

    told: str
    user: str

    def __str__(self) -> str:
        return self.told


def user_of(command: str, unit_user: str) -> str:
    """Return the account that a command logs in; that of its unit, root by default, if it names none.

    Empty where that cannot be told.
    """
    plain = re.sub(r"[\"']", " ", command)
    named = {
        found[1]
        for pattern in (
            r"\s--a[a-z]*[=\s]+(\S+)",
            r"getty\S*(?:\s.*?)?\s-\w*?a\s*(\S+)",
            r"login\s.*?-\w*f\s*(\S+)",
            r"\s-o\s+.*?-f\s*(\S+)",
            r"\bsu\s+(?:-\S*\s+)*(\w\S*)",
            r"\brunuser\s.*?-u\s*(\S+)",
        )
        for found in [re.search(pattern, plain)]
        if found is not None
    }
    if len(named) == 1:
        return named.pop()
    names_somebody = re.search(r"getty|\b(login|su|sudo|runuser|setpriv|machinectl)\b", plain)
    return "" if named or names_somebody else (unit_user or "root")


def is_terminal(unit: str, standard_input: str, path: str) -> bool:
    """Say whether a unit speaks with whoever sits at a terminal: by its name, its input or its terminal.

    A pseudo-terminal belongs to the program that opened it, as `systemd-run --pty` does.
    """
    if _GETTY_UNIT.match(unit.rpartition("/")[2]) or "-getty" in unit:
        return True
    return (standard_input.startswith("tty") or bool(path)) and not path.startswith("/dev/pts/")


def needs_no_password(variables: str) -> bool:
    """Say whether a unit's environment lets sulogin open a shell without a password."""
    return bool(re.search(r"SYSTEMD_SULOGIN_FORCE=[\"']?(1|y|yes|t|true|on)\b", variables, re.IGNORECASE))


def logs_in_by_itself(command: str, on_terminal: bool = False) -> bool:
    """Say whether a command opens a session without asking.

    That is `--autologin` in any spelling getopt accepts, a login told not to ask (`-f`), another program than
    login behind a getty, and on a terminal every program that is not known to ask.
    """
    words = command.replace('"', " ").replace("'", " ").lstrip("@-:+!|({ ").split()
    while words and re.fullmatch(r"\w+=.*", words[0]):
        words = words[1:]
    if not words:
        return False
    folder, _, program = words[0].rpartition("/")
    known_place = folder in _FOLDERS
    if program in _WRAPPERS:
        rest = [word for word in words[1:] if not re.match(r"-|\w+=|\d+$", word)]
        return logs_in_by_itself(" ".join(words[words.index(rest[0], 1) :] if rest else []), on_terminal)
    if program in _SHELLS:
        return _in_shell(words[1:], on_terminal)
    if program in GRAPHICAL:
        return True
    if program == "login":
        forced = any(re.fullmatch(r"-[a-z]*f.*", word) for word in words[1:])
        return forced or (on_terminal and not known_place)
    if program in _GETTYS and known_place:
        return _getty(command, words[1:])
    if program == "sulogin" and any(re.match(r"-[a-z]*e|--force", word) for word in words[1:]):
        return True
    if on_terminal:
        part_of_systemd = folder in _SYSTEMD and program.startswith("systemd-")
        return not part_of_systemd and (program not in _ASKING.split() or not known_place)
    return ("getty" in program and _getty(command, words[1:])) or any(
        w.startswith("--auto") for w in words[1:]
    )


def _in_shell(words: list[str], on_terminal: bool) -> bool:
    """Judge what a shell is told to run; on a terminal a shell told nothing is open."""
    told = next((place for place, word in enumerate(words) if re.fullmatch(r"-\w*c\w*", word)), None)
    if told is None:
        return on_terminal
    parts = [part.strip() for part in re.split(r"[;&|\n]+|\$\(|`", " ".join(words[told + 1 :]))]
    return any(logs_in_by_itself(part, on_terminal) for part in parts if part)


def _getty(command: str, options: list[str]) -> bool:
    for index, word in enumerate(options):
        following = options[index + 1] if index + 1 < len(options) else ""
        if re.match(r"--a[a-z]*(=|$)", word):
            return True
        if re.match(r"--login-?pr[a-z]*(=|$)", word):
            return (word.partition("=")[2] or following) not in _LOGINS
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
            return (word[place:] or following) not in _LOGINS
        if letter in _WITH_VALUE:
            return False
    return False
