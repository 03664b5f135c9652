"""Interactive sessions as the suites see them."""

from __future__ import annotations

from collections.abc import Container

from plumbline.probes.desktop import Desktop, Key, desktop_probe
from plumbline.probes.limit import NEVER, Limit
from plumbline.probes.session.accounts import ACCOUNTS, TimeoutLine
from plumbline.probes.session.authentication import AUTHENTICATION
from plumbline.probes.session.console import CONSOLE
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

    @property
    def own_limits(self) -> list[TimeoutLine]:
        """Lines of users' own startup files that set or unset TMOUT."""
        return self.read(ACCOUNTS).own_lines()

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
        seen, logind = self.read(AUTHENTICATION), self.read(LOGIND)
        reasons = []
        if seen.sshd_says("usepam") != "yes":
            reasons.append("sshd: UsePAM no")
        reasons += seen.other_than("usepam", "yes")
        if not seen.reaches_logind("sshd"):
            reasons.append(f"{seen.directory}/sshd: no pam_systemd in its session stack")
        if not logind.knows_ssh_terminals:
            reasons.append("systemd-logind does not know the terminals of SSH sessions (no utmp)")
        by_logind = Limit(NEVER, "; ".join(reasons)) if reasons else logind.now
        limits = sorted((limit for limit in (by_logind, seen.shell_limit) if limit != NEVER), key=int)
        return limits[0] if limits else Limit(NEVER, f"{by_logind}; {seen.shell_limit}")

    @property
    def console_beside_logind(self) -> list[str]:
        """Why sessions at the console are not logind's."""
        seen = self.read(AUTHENTICATION)
        if "login" not in seen.services or seen.reaches_logind("login"):
            return []
        return [f"{seen.directory}/login: no pam_systemd in its session stack"]

    @property
    def desktop(self) -> Desktop:
        """The desktops installed and their settings."""
        return self.read(DESKTOP)

    @property
    def unlocked_screen(self) -> list[Key]:
        """GNOME's settings that leave the screen open, or that a user may change so."""
        limit = self.desktop.key("idle-delay")
        return self.desktop.differing(_LOCKED) + ([limit] if limit.writable else [])

    @property
    def desktop_limit(self) -> Limit:
        """Seconds until GNOME's screen goes blank."""
        return self.desktop.idle_limit

    @property
    def automatic_logins_now(self) -> list[str]:
        """Gettys and services running or ready to run now that open a session without asking."""
        return self.read(CONSOLE).now

    @property
    def automatic_logins_at_boot(self) -> list[str]:
        """What will open a session without asking after a reboot."""
        return self.read(CONSOLE).boot

    @property
    def automatic_desktop_logins(self) -> list[str]:
        """Settings of display managers that log somebody in."""
        return self.read(CONSOLE).display_manager

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
        return [*everywhere, *(line for line in in_blocks if not line.lower().endswith("no"))]
