"""Sessions on Linux: idle shells end, idle sessions end, screens lock, and nothing logs in by itself.

A shell's TMOUT ends it at its prompt; logind, and over SSH sshd, end a session whatever program was left open
in it. Restarting logind and reloading sshd keep the sessions there are.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyinfra.context import host

from deploys.mechanisms.aside import moved_aside, paths
from deploys.mechanisms.dconf import locked_settings
from deploys.mechanisms.files import WholeFile, whole_file
from deploys.mechanisms.packages import packages
from deploys.mechanisms.units import daemon_reloaded, unit_restarted
from plumbline.policy.standard import DesiredState, Resolved

# First in its directory: what is readonly cannot be changed by the files after it.
PROFILE = "/etc/profile.d/00-plumbline-session.sh"
ZPROFILE = "/etc/zsh/zprofile"
LOGIND = "/etc/systemd/logind.conf.d/zz-plumbline-session.conf"
# First too: of an option given twice sshd takes the first.
SSHD = "/etc/ssh/sshd_config.d/00-plumbline-session.conf"

HEAD = "# Written by Plumbline; the whole file is replaced when it differs.\n"


def apply(desired: DesiredState) -> None:
    """Set the idle limits, and take away what logs in by itself."""
    held = desired.subject("session")
    if "idle-session-lock" in held:
        seconds = held["idle-session-lock"].values["idle_seconds"]
        if not isinstance(seconds, int):
            raise TypeError("idle_seconds is a number")
        _end_idle_shells(seconds)
        _end_idle_sessions(seconds)
        _lock_screens(seconds)
    if "unlock-needs-authentication" in held:
        _no_automatic_login()
    _ssh(held)


def _end_idle_shells(seconds: int) -> None:
    """Give login shells their limit; exported, so that a shell started from one keeps it."""
    whole_file(
        PROFILE,
        HEAD
        + "# Where TMOUT is readonly already, nothing is to be done, and nothing is said about it.\n"
        + "if (TMOUT=1) 2>/dev/null; then\n"
        + f"    TMOUT={seconds}\n    export TMOUT\n    readonly TMOUT\nfi\n",
    )
    if paths("command -v zsh"):
        there = host.get_fact(WholeFile, path=ZPROFILE)
        says = [line for line in there.content.decode(errors="replace").splitlines() if line.strip()]
        # Debian's holds comments only; one that says more is its owner's, and stays.
        if all(line.startswith("#") or line == f". {PROFILE}" for line in says):
            whole_file(ZPROFILE, f"{HEAD}. {PROFILE}\n")


def _end_idle_sessions(seconds: int) -> None:
    installed = packages(["libpam-systemd"])
    written = whole_file(LOGIND, f"{HEAD}[Login]\nStopIdleSessionSec={seconds}\n")
    others = [
        moved_aside(path, "it sets StopIdleSessionSec after ours")
        for path in paths(
            "grep -lE '^[[:space:]]*StopIdleSessionSec' "
            "/etc/systemd/logind.conf.d/*.conf /run/systemd/logind.conf.d/*.conf"
        )
        if path.rsplit("/", 1)[1] > LOGIND.rsplit("/", 1)[1]
    ]
    unit_restarted("systemd-logind.service", when=[installed, written, *others])


def _lock_screens(seconds: int) -> None:
    locked_settings(
        "session",
        {
            "org/gnome/desktop/session": {"idle-delay": f"uint32 {seconds}"},
            "org/gnome/desktop/screensaver": {"lock-enabled": "true", "lock-delay": "uint32 0"},
            "org/gnome/desktop/lockdown": {"disable-lock-screen": "false"},
        },
    )


def _no_automatic_login() -> None:
    """Move aside what an administrator wrote to log a console in, and start those consoles anew."""
    found = paths(
        "grep -lE '^[[:space:]]*ExecStart=.*getty.*[[:space:]](--autologin|-a)' "
        "/etc/systemd/system/*getty*.service /etc/systemd/system/*getty*.service.d/*.conf"
    )
    moved = [moved_aside(path, "it logs a console in without asking") for path in found]
    if not moved:
        return
    daemon_reloaded(when=moved)
    for path in found:
        unit = next(part for part in path.split("/") if ".service" in part).removesuffix(".d")
        unit_restarted(unit.replace("@.", "@*."), when=moved, verb="try-restart")


def _ssh(held: Mapping[str, Resolved]) -> None:
    """Let sshd open sessions through PAM, so that they are logind's, end idle shells, take no empty password.

    Where logind does not know SSH's terminals (Debian 13), only sshd itself can end what was left open there.
    """
    if not paths("command -v sshd"):
        return
    lines = []
    if "idle-session-lock" in held:
        lines.append("UsePAM yes")
        seconds = held["idle-session-lock"].values["idle_seconds"]
        if paths(f"sshd -t -o ChannelTimeout=session:shell={seconds} && echo /known"):
            lines.append(f"ChannelTimeout session:shell={seconds}")
    if "unlock-needs-authentication" in held:
        lines.append("PermitEmptyPasswords no")
    written = whole_file(SSHD, HEAD + "".join(f"{line}\n" for line in lines), check="sshd -t -f {}")
    unit_restarted("ssh.service", when=[written], verb="try-reload-or-restart")
