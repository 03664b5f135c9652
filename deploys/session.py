"""Sessions on Linux: idle shells end, idle sessions end, screens lock, and nothing logs in by itself.

A shell's TMOUT ends it at its prompt; logind, and over SSH sshd, end a session whatever program was left open
in it. Restarting logind and reloading sshd keep the sessions there are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pyinfra.context import host

from deploys.mechanisms.aside import moved_aside
from deploys.mechanisms.dconf import locked_settings
from deploys.mechanisms.files import WholeFile, whole_file
from deploys.mechanisms.packages import packages
from deploys.mechanisms.printed import paths
from deploys.mechanisms.units import daemon_reloaded, unit_restarted
from deploys.mechanisms.xfconf import locked_channel
from plumbline.apply.serving import serving
from plumbline.policy.standard import DesiredState, Resolved

# First in its directory: what is readonly cannot be changed by the files after it.
PROFILE = "/etc/profile.d/00-plumbline-session.sh"
ZPROFILE = "/etc/zsh/zprofile"
LOGIND = "/etc/systemd/logind.conf.d/zz-plumbline-session.conf"
# First too: of an option given twice sshd takes the first.
SSHD = "/etc/ssh/sshd_config.d/00-plumbline-session.conf"

KDE = "/etc/xdg/kscreenlockerrc"
AFTER_BLANK = 5
"""Seconds light-locker waits after the screen went blank; 0 would mean never."""
TMUX = "/etc/tmux.conf"
XRDP = "/etc/xrdp/sesman.ini"
_NO_UTMP = "case $(systemctl --version) in *+UTMP*) [ ! -e /run/utmp ];; esac"

HEAD = "# Written by Plumbline; the whole file is replaced when it differs.\n"


def apply(desired: DesiredState) -> None:
    """Set the idle limits, and take away what logs in by itself."""
    held = desired.subject("session")
    if "idle-session-lock" in held:
        seconds = held["idle-session-lock"].values["idle_seconds"]
        if not isinstance(seconds, int):
            raise TypeError("idle_seconds is a number")
        with serving("idle-session-lock"):
            _end_idle_shells(seconds)
            _end_idle_sessions(seconds)
            _lock_screens(seconds)
            _lock_multiplexers(seconds)
            _end_idle_remote_desktops(seconds)
    if "unlock-needs-authentication" in held:
        with serving("unlock-needs-authentication"):
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
            "apps/light-locker": {
                "lock-after-screensaver": f"uint32 {AFTER_BLANK}",
                "late-locking": "false",
            },
        },
    )
    if paths("command -v plasmashell"):
        whole_file(
            KDE,
            f"{HEAD}[Daemon][$i]\nAutolock=true\nTimeout={max(1, seconds // 60)}\nLockGrace=0\n"
            "RequirePassword=true\nLockOnResume=true\n",
        )
    if paths("command -v xfce4-screensaver"):
        locked_channel(
            "xfce4-screensaver",
            {
                "/saver/enabled": True,
                "/saver/fullscreen-inhibit": False,
                "/saver/idle-activation/enabled": True,
                "/saver/idle-activation/delay": max(1, seconds // 60),
                "/lock/enabled": True,
                "/lock/saver-activation/enabled": True,
                "/lock/saver-activation/delay": 0,
            },
        )
    elif paths("command -v light-locker && command -v xfce4-power-manager"):
        minutes = max(1, (seconds - AFTER_BLANK) // 60)
        power = "/xfce4-power-manager"
        locked_channel(
            "xfce4-power-manager",
            {
                f"{power}/blank-on-ac": minutes,
                f"{power}/blank-on-battery": minutes,
                f"{power}/presentation-mode": False,
            },
        )


def _lock_multiplexers(seconds: int) -> None:
    """Let tmux ask for the password where logind does not know SSH's terminals, so does not end them."""
    if not paths(f"command -v tmux && {_NO_UTMP}"):
        return
    # A source without it must not end the run before the firewall's turn; the check says that it is missing.
    if not paths("command -v vlock || { apt-cache -q=2 show vlock >/dev/null 2>&1 && echo /vlock; }"):
        return
    there = host.get_fact(WholeFile, path=TMUX)
    if there.kind == "none" or there.content.decode(errors="replace").startswith(HEAD):
        packages(["vlock"])
        whole_file(
            TMUX,
            f"{HEAD}set-option -g lock-after-time {seconds}\nset-option -g lock-command vlock\n",
        )


def _end_idle_remote_desktops(seconds: int) -> None:
    """Set xrdp's limit in its file, which has no other place for it; new sessions have it."""
    if not paths("command -v xrdp-sesman"):
        return
    there = host.get_fact(WholeFile, path=XRDP)
    if there.kind == "file":
        changed = whole_file(XRDP, limited(there.content.decode(errors="replace"), seconds))
        if paths("systemctl -q is-active xrdp-sesman.service && echo /active"):
            unit_restarted("xrdp-sesman.service", when=[changed], verb="kill -s HUP")


def limited(text: str, seconds: int) -> str:
    """Return xrdp's sesman.ini with the limit for idle sessions in it, and nothing else changed."""
    wanted = f"IdleTimeLimit={seconds}"
    kept = [line for line in text.splitlines() if not re.match(r"\s*IdleTimeLimit\s*=", line, re.IGNORECASE)]
    for number, line in enumerate(kept):
        if line.strip().lower() == "[sessions]":
            return "\n".join([*kept[: number + 1], wanted, *kept[number + 1 :]]) + "\n"
    return "\n".join([*kept, "[Sessions]", wanted]) + "\n"


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
