"""The sessions' sabotages in lanes, so that those that do not hide one another are tried at once."""

from __future__ import annotations

from lanes import Sabotage
from session_sabotage import (
    BOOT,
    CHANGEABLE,
    CONSOLE,
    EMPTY,
    KEEP,
    LOGIN_BOOT,
    LOGIN_NOW,
    NOW,
    OWN,
    PAM,
    RELOAD,
    RESTORE,
    SHELLS,
    SSH,
    SSH_EMPTY,
    SYSTEM,
    added,
    logind,
)
from session_sabotage import CASES as IDLE
from session_unlock_sabotage import CASES as UNLOCK

DESKTOP, OPEN_SCREEN = {"desktop_locks_when_idle"}, {"blank_screen_is_locked"}
XRDP, MULTIPLEXER = {"remote_desktop_is_closed_when_idle"}, {"terminal_multiplexer_keeps_nothing_open"}
MANAGER = {"no_desktop_logs_in_by_itself"}

Case = tuple[tuple[str, str], set[str]]

XDG = "/etc/xdg"
CHANNELS = f"{XDG}/xfce4/xfconf/xfce-perchannel-xml"
LOCKED = 'locked="*" unlocked="root"'


def programs(*names: str, files: dict[str, str] | None = None) -> tuple[str, str]:
    """Install programs that do nothing but be there, with their files."""
    there = files or {}
    stubs = " ".join(f"/usr/bin/{name}" for name in names)
    made = "; ".join(
        f"mkdir -p $(dirname {path}); printf '%b' '{text}' >{path}" for path, text in there.items()
    )
    copied = "; ".join(f"cp /bin/true /usr/bin/{name}" for name in names)
    return f"{copied}; {made or 'true'}", f"rm {stubs} {' '.join(there)}"


def kde(text: str, *more: str) -> tuple[str, str]:
    """Install Plasma with such a file for its screen locker."""
    return programs("plasmashell", *more, files={f"{XDG}/kscreenlockerrc": text})


def xfce(attributes: str, delay: int, own: str = "") -> tuple[str, str]:
    """Install Xfce with its screen locker, started at login, and a channel with these attributes."""
    channel = (
        f'<channel name="xfce4-screensaver" version="1.0" {attributes}>\\n'
        '<property name="saver" type="empty"><property name="idle-activation" type="empty">\\n'
        f'<property name="delay" type="int" value="{delay}"/></property></property>\\n</channel>\\n'
    )
    start = "[Desktop Entry]\\nExec=xfce4-screensaver\\nOnlyShowIn=XFCE;\\n"
    files = {
        f"{CHANNELS}/xfce4-screensaver.xml": channel,
        f"{XDG}/autostart/xfce4-screensaver.desktop": start,
    }
    if own:
        files["/home/plain/.config/autostart/xfce4-screensaver.desktop"] = own
    return programs("xfce4-session", "xfce4-screensaver", files=files)


def both(one: tuple[str, str], other: tuple[str, str]) -> tuple[str, str]:
    """Do one thing and the other, and undo them."""
    return f"{one[0]}; {other[0]}", f"{other[1]}; {one[1]}"


NO_UTMP = (f"{KEEP} /run/utmp; rm /run/utmp", RESTORE)
TMUX_LOCKS = "set -g lock-after-time 300\\nset -g lock-command vlock\\n"
SESMAN = "/etc/xrdp/sesman.ini"
XORG = "/usr/lib/xorg/modules/libxorgxrdp.so"


def xrdp(limit: int, xorg: str = XORG) -> tuple[str, str]:
    """Install xrdp with a limit."""
    ini = f"[Globals]\\nIdleTimeLimit=1\\n[Sessions]\\nMaxSessions=50\\nIdleTimeLimit={limit}\\n"
    return programs("xrdp-sesman", files={SESMAN: ini, xorg: "x"})


def greetd(command: str) -> tuple[str, str]:
    """Install greetd with such a session by default."""
    return programs(
        "greetd",
        files={
            "/etc/greetd/config.toml": f'[default_session]\\ncommand = "{command}"\\nuser = "operator"\\n'
        },
    )


def gdm(text: str) -> tuple[str, str]:
    """Install GNOME's display manager with such settings."""
    return programs("gdm3", files={"/etc/gdm3/daemon.conf": f"[daemon]\\n{text}"})


NEW: dict[str, Case] = {
    "sudo_has_a_limit_of_its_own": (
        both(
            logind("[Login]\\nStopIdleSessionSec=0\\n"),
            (
                "cp -a /etc/bash.bashrc /root/kept.bashrc; echo TMOUT=300 >>/etc/bash.bashrc",
                "mv /root/kept.bashrc /etc/bash.bashrc",
            ),
        ),
        {"idle_session_is_ended_now"} | BOOT,
    ),
    "multiplexer_ends_with_its_session": (programs("tmux"), set()),
    "multiplexer_is_never_still_over_ssh": (both(NO_UTMP, programs("tmux")), MULTIPLEXER),
    "multiplexer_locks_itself": (
        both(NO_UTMP, programs("tmux", files={"/etc/tmux.conf": TMUX_LOCKS})),
        set(),
    ),
    "multiplexer_locks_with_what_asks_for_nothing": (
        both(NO_UTMP, programs("tmux", files={"/etc/tmux.conf": TMUX_LOCKS.replace("vlock", "cmatrix")})),
        MULTIPLEXER,
    ),
    "user_s_multiplexer_locks_nothing": (
        both(
            NO_UTMP,
            programs(
                "tmux",
                files={
                    "/etc/tmux.conf": TMUX_LOCKS,
                    "/home/plain/.tmux.conf": "set -g lock-after-time 0\\n",
                },
            ),
        ),
        MULTIPLEXER,
    ),
    "screen_locks_but_another_multiplexer_does_not": (
        both(NO_UTMP, programs("screen", "zellij", files={"/etc/screenrc": "idle 300 lockscreen\\n"})),
        MULTIPLEXER,
    ),
    "xrdp_never_ends": (xrdp(0), XRDP),
    "xrdp_ends_in_time": (xrdp(600), set()),
    "xrdp_cannot_see_idleness": (xrdp(600, "/usr/lib/xorg/modules/other.so"), XRDP),
    "plasma_may_be_set_otherwise_by_users": (kde("[Daemon]\\nTimeout=9\\nLockGrace=0\\n"), OPEN_SCREEN),
    "plasma_is_locked_by_its_group": (kde("[Daemon][$i]\\nTimeout=10\\nLockGrace=0\\n"), set()),
    "plasma_s_grace_counts": (kde("[$i]\\n[Daemon]\\nTimeout=10\\n"), DESKTOP),
    "plasma_does_not_lock": (kde("[Daemon][$i]\\nAutolock=false\\n"), DESKTOP),
    "plasma_6_asks_for_no_password": (kde("[Daemon][$i]\\nRequirePassword=false\\n", "kded6"), OPEN_SCREEN),
    "xfce_has_no_locker": (programs("xfce4-session"), DESKTOP),
    "xfce_locks": (xfce(LOCKED, 10), set()),
    "xfce_locks_too_late": (xfce(LOCKED, 11), DESKTOP),
    "xfce_knows_no_star": (xfce('locked="*"', 10), OPEN_SCREEN),
    "user_starts_no_locker": (xfce(LOCKED, 10, "[Desktop Entry]\\nHidden=true\\n"), OPEN_SCREEN),
    "gdm_logs_in": (gdm("AutomaticLoginEnable=true\\nAutomaticLogin=operator\\n"), MANAGER),
    "gdm_logs_in_after_a_while": (gdm("TimedLoginEnable = true\\nTimedLogin = operator\\n"), MANAGER),
    "gdm_asks": (gdm("AutomaticLoginEnable=false\\nAutomaticLogin=operator\\n"), set()),
    "greetd_has_no_greeter": (greetd("sway"), MANAGER),
    "greetd_asks": (greetd("agreety --cmd sway"), set()),
    "service_opens_a_graphical_session": (
        added("/etc/systemd/system/view.service", "[Service]\\nExecStart=/usr/bin/cage /opt/view\\n", RELOAD),
        LOGIN_NOW | LOGIN_BOOT,
    ),
}

_UNLOCKING = PAM | EMPTY | SSH_EMPTY | LOGIN_NOW | LOGIN_BOOT | MANAGER


def full(checks: set[str]) -> set[str]:
    """Return checks with their controls before them."""
    unlock, idle = "unlock-needs-authentication", "idle-session-lock"
    return {f"{unlock if check in _UNLOCKING else idle}:{check}" for check in checks}


_LANES: dict[str, set[str]] = {
    "limits": NOW | BOOT | SSH | CONSOLE | SSH_EMPTY | MULTIPLEXER,
    "shells": SHELLS | CHANGEABLE | SYSTEM,
    "own": OWN,
    "getty": LOGIN_NOW | LOGIN_BOOT,
    "pam": PAM,
    "empty": EMPTY,
    "desktop": DESKTOP | OPEN_SCREEN,
    "manager": MANAGER,
    "xrdp": XRDP,
}
_QUIET = {
    "later_script_loses_to_readonly": "shells",
    "set_for_interactive_shells_in_another_style": "shells",
    "in_single_quotes_and_only_spoken_of": "shells",
    "worked_out_by_the_shell": "shells",
    "user_is_stricter_and_only_looks": "own",
    "logind_in_another_style": "limits",
    "logind_drop_in_of_usr_loses_by_name": "limits",
    "logind_ignores_what_is_no_time": "limits",
    "sshd_without_pam_but_with_a_limit_of_its_own": "limits",
    "sshd_without_a_limit_but_with_logind": "limits",
    "logind_skips_a_directory_and_a_pipe": "limits",
    "sshd_takes_no_empty_password_of_one_and_says_why": "limits",
    "later_drop_in_asks_again": "getty",
    "packaged_drop_in_is_masked": "getty",
    "a_journal_on_the_console_opens_nothing": "getty",
    "debug_shell_wanted_but_masked": "getty",
    "pam_group_without_members": "pam",
    "multiplexer_ends_with_its_session": "limits",
    "multiplexer_locks_itself": "limits",
    "xrdp_ends_in_time": "xrdp",
    "plasma_is_locked_by_its_group": "desktop",
    "xfce_locks": "desktop",
    "gdm_asks": "manager",
    "greetd_asks": "manager",
}
"""Where the cases belong that must not be seen."""

CASES: dict[str, Case] = {**IDLE, **UNLOCK, **NEW}


def _lane(name: str, expected: set[str]) -> str:
    if not expected:
        return _QUIET[name]
    (lane,) = (lane for lane, checks in _LANES.items() if expected <= checks)
    return lane


_ALONE = (
    # Unit files of logind that no daemon-reload of another lane's may make systemd read.
    "logind_waits_for_what_is_not_there",
    "logind_is_another_program",
    "logind_is_masked_without_a_reload",
    "logind_is_ordered_by_a_drop_in",
)

LANES: dict[str, dict[str, Sabotage]] = {}
ALONE: dict[str, Sabotage] = {}
for _name, ((_wrong, _right), _expected) in CASES.items():
    _to = ALONE if _name in _ALONE else LANES.setdefault(_lane(_name, _expected), {})
    _to[_name] = Sabotage(_wrong, _right, full(_expected))

EXPECTED = {name: full(expected) for name, (_, expected) in CASES.items()}
__all__ = ["ALONE", "CASES", "EXPECTED", "LANES"]
