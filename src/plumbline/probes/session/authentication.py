"""What asks for a proof before a session opens: the PAM stacks, and SSH's own settings (sshd_config(5))."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.limit import NEVER, Limit
from plumbline.probes.session.pam import (
    SUCCESS,
    Entry,
    Files,
    fits_never,
    opens_without_proof,
    run,
    stack,
)
from plumbline.probes.session.ssh_daemons import (
    COLLECT_CONFIG,
    DAEMON_FIELDS,
    PRINT_DAEMONS,
    Daemon,
    daemons,
    setting,
)
from plumbline.probes.tagged import PRINT_END, Rows
from plumbline.verify.unknown import Unknown

_COMMAND = rf"""
directory=/etc/pam.d
[ -d "$directory" ] || directory=/usr/lib/pam.d
printf 'directory\t%s\n' "$directory"
set --
for file in "$directory"/*; do
    case $file in *.dpkg-* | *~ | *.ucf-*) continue ;; esac
    [ -f "$file" ] || continue
    printf 'service\t%s\n' "$file"
    set -- "$@" "$file"
done
[ $# -eq 0 ] || awk '!/^[ \t]*(#|$)/ {{ print "pam\t" FILENAME "\t" FNR "\t" $0 }}' "$@" || exit 9
for file in /usr/lib/*/security/pam_systemd.so /lib/*/security/pam_systemd.so; do
    [ ! -e "$file" ] || printf 'module\t%s\n' "$file"
done
if command -v sshd >/dev/null; then
    told=$(sshd -T 2>&1)
    printf 'status\t%s\n' $?
    printf '%s\n' "$told" | grep -E '^(usepam|pamservicename|permitemptypasswords|channeltimeout) ' |
        sed 's/^/sshd\t/'
{COLLECT_CONFIG}    [ $# -eq 0 ] || awk -v in_match="$in_match" '
        FNR == 1 {{ match_block = index(in_match, " " FILENAME " ") }}
        tolower($1) ~ /^"?match("|=|$)/ {{ match_block = 1 }}
        match_block && tolower($0) ~ /^[ \t]*"?(permitemptypasswords|channeltimeout)[ \t="]/ {{
            print "match\t" FILENAME "\t" FNR "\t" $0 }}' "$@" || exit 9
fi
{PRINT_DAEMONS}
{PRINT_END}
"""

_FIELDS = {
    "directory": 1,
    "service": 1,
    "pam": 3,
    "module": 1,
    "status": 1,
    "sshd": 1,
    "match": 3,
} | DAEMON_FIELDS

# Services that open or unlock a session of a person; those that only start a display manager's own are not.
OPENING = """
login remote sshd su su-l sudo sudo-i gdm gdm-password gdm-smartcard gdm-fingerprint lightdm sddm
kde kde-fingerprint kde-smartcard lxdm slim xdm wdm xscreensaver gnome-screensaver cinnamon-screensaver
mate-screensaver xfce4-screensaver light-locker swaylock i3lock hyprlock doas vlock physlock
greetd cockpit xrdp-sesman polkit-1 other
"""


@dataclass(frozen=True)
class Authentication:
    """PAM's files, and what sshd says of itself; `sshd` is None where there is no SSH server."""

    directory: str
    files: Files
    services: tuple[str, ...]
    has_pam_systemd: bool
    sshd: Mapping[str, str] | None
    sshd_status: int
    daemons: tuple[Daemon, ...]
    match_lines: tuple[tuple[str, str, str], ...]
    """Settings of Match blocks of sshd's configuration: where it stands, the option, its value."""

    def entries(self, service: str, kind: str) -> tuple[Entry, ...]:
        """Return a service's stack of one kind; `Unknown` if PAM's files cannot be understood."""
        try:
            return stack(self.files, self.directory, service, kind)
        except ValueError as error:
            raise Unknown(
                "the PAM stack of {service} is not understood: {error}", service=service, error=error
            ) from error

    @property
    def opening(self) -> list[str]:
        """The services there are that open or unlock a session; sshd may ask under another name."""
        names = {*OPENING.split(), (self.sshd or {}).get("pamservicename", "sshd")}
        names |= {value for one in self.daemons for value in one.options("pamservicename")}
        return [service for service in self.services if service in names]

    def ways_past(self, members: Mapping[str, frozenset[str]]) -> list[str]:
        """Return the lines of PAM that open a session to somebody who proves nothing."""
        found: dict[str, None] = {}
        unsaid: Unknown | None = None
        for service in self.opening:
            opening, strangers = opens_without_proof(service, self.entries(service, "auth"), members)
            found |= {f"{service}: {entry}": None for entry in opening}
            if strangers:
                unsaid = Unknown(
                    "whether {service} asks for a proof depends on a module nobody here can judge: {entry}",
                    service=service,
                    entry=strangers[0],
                )
        if unsaid is not None and not found:
            raise unsaid
        return list(found)

    def reaches_logind(self, service: str) -> bool:
        """Say whether a service's sessions become logind's: its stack runs pam_systemd, which is there."""
        if not self.has_pam_systemd or service not in self.services:
            return False
        visited = run(
            self.entries(service, "session"),
            lambda entry: "auth_err" if fits_never(entry, service) else SUCCESS,
        ).visited
        return any(entry.module == "pam_systemd" for entry in visited)

    def sshd_says(self, option: str, unsaid: str | None = None) -> str:
        """Return what `sshd -T` says of an option; `unsaid` if it may leave that out.

        `Unknown` if sshd refused its own configuration.
        """
        answered = self.sshd is not None and self.sshd_status == 0
        if answered and unsaid is not None:
            return (self.sshd or {}).get(option, unsaid)
        if self.sshd is None or not answered or option not in self.sshd:
            raise Unknown(
                "sshd -T ended with status {status} and does not tell {option}",
                status=self.sshd_status,
                option=option,
            )
        return self.sshd[option]

    def in_match_blocks(self, option: str) -> list[tuple[str, str]]:
        """Return what sshd's Match blocks give an option, the value after where it stands and its name."""
        return [(f"{at}: {name}", value) for at, name, value in self.match_lines if name.lower() == option]

    @property
    def shell_limit(self) -> Limit:
        """Seconds an SSH session's shell lives without traffic, by sshd's ChannelTimeout.

        ClientAliveInterval is no such limit: it ends connections to peers that are gone, not idle ones.
        """
        limits = [
            _shell_limit(value, f"{daemon}: ChannelTimeout")
            for daemon in self.daemons
            for value in daemon.options("channeltimeout")
        ]
        # For whom a Match block is, its own setting holds in the place of the one for all.
        limits += [_shell_limit(value, given) for given, value in self.in_match_blocks("channeltimeout")]
        limits.append(_shell_limit(self.sshd_says("channeltimeout", "none"), "sshd: ChannelTimeout"))
        return next((limit for limit in limits if limit == NEVER), max(limits, key=int))

    def other_than(self, option: str, value: str) -> list[str]:
        """Return the command lines of sshd that give an option another value; that goes before any file."""
        return [str(d) for d in self.daemons if any(given.lower() != value for given in d.options(option))]

    def all_judged(self) -> None:
        """Raise `Unknown` if an SSH server takes its settings from where nobody here looks."""
        for daemon in self.daemons:
            if daemon.is_other:
                raise Unknown("the settings of this SSH server are not judged: {daemon}", daemon=str(daemon))


def _shell_limit(said: str, seen: str) -> Limit:
    for word in said.split():
        pattern, _, interval = word.partition("=")
        if fnmatchcase("session:shell", pattern):
            return Limit(_seconds(interval) or NEVER, f"{seen} {word}")
    return Limit(NEVER, f"{seen} {said}")


_INTERVAL = re.compile(r"(?:\d+[smhdw]?)+")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def _seconds(interval: str) -> int:
    """Return a time of sshd's in seconds (sshd_config(5), TIME FORMATS)."""
    if not _INTERVAL.fullmatch(interval.lower()):
        raise Unknown("sshd's time {interval} is not understood", interval=interval)
    return sum(int(n) * _UNITS[unit] for n, unit in re.findall(r"(\d+)([smhdw]?)", interval.lower()))


def _authentication(output: Output) -> Authentication:
    rows = Rows(output, _FIELDS)
    ((directory,),) = rows["directory"]
    files: dict[str, list[tuple[int, str]]] = {path: [] for (path,) in rows["service"]}
    if not files:
        raise ParseError(f"there is no PAM configuration in {directory}")
    for path, number, text in rows["pam"]:
        files[path].append((int(number), text))
    status = int(rows["status"][0][0]) if rows["status"] else 0
    sshd = dict(line.split(" ", 1) for (line,) in rows["sshd"]) if rows["status"] else None
    return Authentication(
        directory=directory,
        files=files,
        services=tuple(path.rsplit("/", 1)[-1] for path in files),
        has_pam_systemd=bool(rows["module"]),
        sshd=sshd,
        sshd_status=status,
        daemons=daemons(rows),
        match_lines=tuple((f"{file}:{number}", *setting(text)) for file, number, text in rows["match"]),
    )


AUTHENTICATION = Probe("session.authentication", _COMMAND, _authentication)
