"""Interactive sessions as the suites see them."""

from __future__ import annotations

from collections.abc import Container

from plumbline.probes.desktop import Desktop, desktop_probe
from plumbline.probes.limit import NEVER, Limit
from plumbline.probes.session.accounts import ACCOUNTS, TimeoutLine
from plumbline.probes.session.authentication import AUTHENTICATION
from plumbline.probes.session.console import CONSOLE
from plumbline.probes.session.keepers import KEEPERS
from plumbline.probes.session.login_program import Login
from plumbline.probes.session.logind import LOGIND
from plumbline.probes.session.shells import SHELLS, Shell, Shells
from plumbline.probes.subject import Subject
from plumbline.verify.unknown import Unknown

DESKTOP = desktop_probe(
    "session.desktop",
    (
        ("org.gnome.desktop.session", "idle-delay"),
        ("org.gnome.desktop.screensaver", "lock-enabled"),
        ("org.gnome.desktop.screensaver", "lock-delay"),
        ("org.gnome.desktop.lockdown", "disable-lock-screen"),
        ("apps.light-locker", "lock-after-screensaver"),
        ("apps.light-locker", "late-locking"),
    ),
    (
        *(f"/etc/xdg/{name}" for name in ("kscreenlockerrc", "kdeglobals")),
        *(
            f"/etc/xdg/xfce4/xfconf/xfce-perchannel-xml/{name}.xml"
            for name in ("xfce4-screensaver", "xfce4-power-manager")
        ),
    ),
)
_LOCKED = {"lock-enabled": "true", "lock-delay": "uint32 0", "disable-lock-screen": "false"}


class Session(Subject):
    """How long interactive sessions may sit idle, and what opens them again."""

    @property
    def _shells(self) -> Shells:
        return self.read(SHELLS)

    def _placed(self, shell: Shell) -> Limit:
        return self.read(ACCOUNTS).placed(shell.limit, shell.value)

    @property
    def login_shell(self) -> Limit:
        """Seconds a login bash of a user lives idle."""
        return self._placed(self._shells.login)

    @property
    def preset_shell(self) -> Limit:
        """Seconds a login bash lives idle whose environment came with TMOUT=0."""
        return self._placed(self._shells.preset)

    @property
    def nested_shell(self) -> Limit:
        """Seconds a bash lives idle that was started from a login shell, as `su` and `bash` do."""
        return self._placed(self._shells.nested)

    @property
    def root_shell(self) -> Limit:
        """Seconds a login bash of root lives idle."""
        if self._shells.root is None:
            raise Unknown("how startup files treat root cannot be seen: the host allows no user namespace")
        return self._placed(self._shells.root)

    @property
    def zsh(self) -> Limit | None:
        """Seconds a login zsh lives idle; None where there is no zsh."""
        return None if self._shells.zsh is None else self._placed(self._shells.zsh)

    @property
    def changeable_limits(self) -> list[str]:
        """Login shells whose user may simply unset TMOUT, for it is not readonly."""
        login_shells = [shell for shell in self._shells.all if shell.kind != self._shells.nested.kind]
        return [f"{self._placed(shell)}, not readonly" for shell in login_shells if not shell.readonly]

    def own_limits(self, except_of: str = "") -> list[TimeoutLine]:
        """Lines of users' own startup files that set or unset TMOUT, but for those of one of them."""
        return self.read(ACCOUNTS).own_lines(except_of)

    def system_limits(self, accepted: Container[int]) -> list[TimeoutLine]:
        """Lines of the system's startup files that set another limit than accepted for somebody."""
        return self.read(ACCOUNTS).system_lines(accepted)

    @property
    def logind_now(self) -> Limit:
        """Seconds after which the running logind ends an idle session."""
        return self.read(LOGIND).now

    @property
    def logind_at_boot(self) -> Limit:
        """Seconds after which logind, started again, will end an idle session."""
        return self.read(LOGIND).boot

    @property
    def has_ssh(self) -> bool:
        """Whether there is an SSH server."""
        seen = self.read(AUTHENTICATION)
        seen.all_judged()
        return seen.sshd is not None

    @property
    def ssh_limit(self) -> Limit:
        """Seconds a shell over SSH lives idle whatever it runs: logind's limit, or sshd's own."""
        seen, reasons = self.read(AUTHENTICATION), self._ssh_beside_logind()
        by_logind = Limit(NEVER, "; ".join(reasons)) if reasons else self.read(LOGIND).now
        limits = sorted((limit for limit in (by_logind, seen.shell_limit) if limit != NEVER), key=int)
        return limits[0] if limits else Limit(NEVER, f"{by_logind}; {seen.shell_limit}")

    def _ssh_beside_logind(self) -> list[str]:
        """Return why logind does not end idle sessions over SSH."""
        seen = self.read(AUTHENTICATION)
        reasons = [] if seen.sshd_says("usepam") == "yes" else ["sshd: UsePAM no"]
        reasons += seen.other_than("usepam", "yes")
        if not seen.reaches_logind("sshd"):
            reasons.append(f"{seen.directory}/sshd: no pam_systemd in its session stack")
        if not self.read(LOGIND).knows_ssh_terminals:
            reasons.append("systemd-logind does not know the terminals of SSH sessions (no utmp)")
        return reasons

    @property
    def console_beside_logind(self) -> list[str]:
        """Why sessions at the console are not logind's."""
        seen = self.read(AUTHENTICATION)
        if "login" not in seen.services or seen.reaches_logind("login"):
            return []
        return [f"{seen.directory}/login: no pam_systemd in its session stack"]

    # --- what keeps sessions, beside the shells in them ---

    @property
    def session_limit(self) -> Limit:
        """Seconds a session of any kind lives idle by logind, whatever runs in it; by sshd that is not so."""
        logind, beside = self.read(LOGIND), self.console_beside_logind
        if beside:
            return Limit(NEVER, beside[0])
        if self.has_ssh and (reasons := self._ssh_beside_logind()):
            return Limit(NEVER, "; ".join(reasons))
        return logind.now

    @property
    def sudo_shell(self) -> Limit:
        """Seconds a bash lives idle that sudo started: by a limit of its own, or with its session."""
        shell = self._shells.sudo
        if shell is None:
            raise Unknown("how startup files treat root cannot be seen: the host allows no user namespace")
        own = self._placed(shell)
        sessions = [self.read(LOGIND).now if not self.console_beside_logind else Limit(NEVER, "console")]
        sessions += [self.ssh_limit] if self.has_ssh else []
        ending = next((limit for limit in sessions if limit == NEVER), max(sessions, key=int))
        ends = sorted((limit for limit in (own, ending) if limit != NEVER), key=int)
        return ends[0] if ends else Limit(NEVER, f"{own}; its session: {ending}")

    @property
    def multiplexers(self) -> list[str]:
        """The terminal multiplexers installed."""
        return self.read(KEEPERS).multiplexers

    @property
    def multiplexed_limit(self) -> Limit:
        """Seconds what a multiplexer shows stays open: by its session's end, or by a lock of its own."""
        session = self.session_limit
        if session != NEVER:
            return session
        own = self.read(KEEPERS).own_limit()
        return own if own != NEVER else Limit(NEVER, f"{own}; its session: {session}")

    @property
    def has_xrdp(self) -> bool:
        """Whether xrdp gives sessions to others over the network."""
        return "xrdp-sesman" in self.read(KEEPERS).programs

    @property
    def xrdp_limit(self) -> Limit:
        """Seconds until xrdp ends the connection to an idle session; who comes back logs in again."""
        return self.read(KEEPERS).xrdp_limit()

    # --- desktops ---

    @property
    def desktop(self) -> Desktop:
        """The desktops installed and their settings."""
        return self.read(DESKTOP)

    @property
    def unlocked_screen(self) -> list[str]:
        """Settings of desktops that leave the screen open, or that a user may change so."""
        return [str(found) for _, open_ in self.desktop.screens(_LOCKED) for found in open_]

    @property
    def desktop_limit(self) -> Limit:
        """Seconds until the screen is locked, of the desktop that takes longest."""
        limits = [limit for limit, _ in self.desktop.screens(_LOCKED)]
        return next((limit for limit in limits if limit == NEVER), max(limits, key=int))

    # --- what opens sessions ---

    def automatic_logins_now(self, allowed: str = "") -> list[str]:
        """Gettys and services running or ready to run now that open a session without asking.

        `allowed` is an account that may be logged in so.
        """
        return _not_of(self.read(CONSOLE).now, allowed)

    def automatic_logins_at_boot(self, allowed: str = "") -> list[str]:
        """What will open a session without asking after a reboot."""
        return _not_of(self.read(CONSOLE).boot, allowed)

    def automatic_desktop_logins(self, allowed: str = "") -> list[str]:
        """Settings of display managers that log somebody in."""
        return _not_of(self.read(CONSOLE).display_manager, allowed)

    @property
    def ways_past_pam(self) -> list[str]:
        """Lines of PAM that open a session to somebody who proves nothing."""
        return self.read(AUTHENTICATION).ways_past(self.read(ACCOUNTS).members)

    @property
    def empty_passwords(self) -> list[str]:
        """Accounts that need no password."""
        return self.read(ACCOUNTS).empty

    @property
    def ssh_with_empty_password(self) -> list[str]:
        """Settings of sshd that let an empty password in, for all or in a Match block."""
        seen = self.read(AUTHENTICATION)
        everywhere = (
            [] if seen.sshd_says("permitemptypasswords") == "no" else ["sshd: PermitEmptyPasswords yes"]
        )
        in_blocks = seen.in_match_blocks("permitemptypasswords")
        everywhere += seen.other_than("permitemptypasswords", "no")
        return [*everywhere, *(f"{given} {value}" for given, value in in_blocks if value.lower() != "no")]


def _not_of(logins: list[Login], allowed: str) -> list[str]:
    return [str(login) for login in logins if not (allowed and login.user == allowed != "root")]
