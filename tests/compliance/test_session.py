"""Interactive sessions lock when left alone, and open again only to their user."""

from plumbline.verify import Unknown, control, not_applicable

NO_DESKTOP = "no desktop is installed on this host"
VISUALISATION = "the only graphical session is the declared visualisation's, whose user may leave it open"


def operator(spec) -> str:
    """Return the account of the declared visualisation, whose session alone may stay open; empty if none."""
    return spec.kiosk.user if spec.kiosk else ""


@control("idle-session-lock")
def test_login_shell_ends_when_idle(host, accepts):
    """A user's login shell left alone ends within the accepted time.

    TMOUT as a real login gives it, after every startup file. 0 and unset mean never.
    """
    assert host.session.login_shell in accepts("idle_seconds")


@control("idle-session-lock")
def test_login_shell_of_root_ends_when_idle(host, accepts):
    """Root's login shell left alone ends within the accepted time."""
    assert host.session.root_shell in accepts("idle_seconds")


@control("idle-session-lock")
def test_environment_does_not_lift_the_limit(host, accepts):
    """A login shell ends within the accepted time also when its environment came with TMOUT=0.

    SSH and PAM let users bring an environment of their own.
    """
    assert host.session.preset_shell in accepts("idle_seconds")


@control("idle-session-lock")
def test_nested_shell_ends_when_idle(host, accepts):
    """A shell started from a login shell, as by su, ends within the accepted time."""
    assert host.session.nested_shell in accepts("idle_seconds")


@control("idle-session-lock")
def test_shell_of_sudo_ends_when_idle(host, accepts):
    """A shell of sudo, which hands no limit down, ends within the accepted time, or its session does."""
    assert host.session.sudo_shell in accepts("idle_seconds")


@control("idle-session-lock")
def test_zsh_ends_when_idle(host, accepts):
    """A login zsh left alone ends within the accepted time."""
    limit = host.session.zsh
    if limit is None:
        not_applicable("zsh is not installed on this host")
    assert limit in accepts("idle_seconds")


@control("idle-session-lock")
def test_users_cannot_unset_the_limit(host):
    """The limit of login shells is readonly: their users cannot unset it."""
    assert host.session.changeable_limits == []


@control("idle-session-lock")
def test_no_user_lifts_his_own_limit(host, spec, accepts):
    """No startup file of a user's own unsets the limit or sets it outside the accepted time."""
    accepted = accepts("idle_seconds")
    own = host.session.own_limits(except_of=operator(spec))
    assert [line for line in own if line.seconds not in accepted] == []


@control("idle-session-lock")
def test_the_system_lifts_nobody_s_limit(host, accepts):
    """No startup file of the system sets a limit outside the accepted time, or unsets it, for anybody.

    A line counts whatever it asks before: a user, a terminal, a variable. One that comes after the limit was
    made readonly does nothing.
    """
    assert host.session.system_limits(accepts("idle_seconds")) == []


@control("idle-session-lock")
def test_idle_session_is_ended_now(host, accepts):
    """The running systemd-logind ends idle sessions within the accepted time."""
    assert host.session.logind_now in accepts("idle_seconds")


@control("idle-session-lock")
def test_idle_session_is_ended_after_boot(host, accepts):
    """systemd-logind is configured to end idle sessions within the accepted time after the next boot."""
    assert host.session.logind_at_boot in accepts("idle_seconds")


@control("idle-session-lock")
def test_idle_ssh_session_is_ended(host, accepts):
    """A shell over SSH is ended within the accepted time also when a program was left open in it.

    By systemd-logind where it knows the terminals of SSH sessions, else by sshd's ChannelTimeout.
    ClientAliveInterval is no such limit: it ends connections to peers that are gone.
    """
    if not host.session.has_ssh:
        not_applicable("there is no SSH server on this host")
    assert host.session.ssh_limit in accepts("idle_seconds")


@control("idle-session-lock")
def test_console_sessions_are_ended_too(host):
    """Sessions at the console are systemd-logind's, so that it ends them when idle."""
    assert host.session.console_beside_logind == []


@control("idle-session-lock")
def test_terminal_multiplexer_keeps_nothing_open(host, accepts):
    """What a terminal multiplexer shows is closed within the accepted time: with its session, or locked.

    Its status line moves, so over SSH its terminal is never still; only systemd-logind looks at the keys.
    """
    if not host.session.multiplexers:
        not_applicable("no terminal multiplexer is installed on this host")
    assert host.session.multiplexed_limit in accepts("idle_seconds")


@control("idle-session-lock")
def test_remote_desktop_is_closed_when_idle(host, accepts):
    """The connection to an idle session of xrdp is ended within the accepted time."""
    if not host.session.has_xrdp:
        not_applicable("xrdp is not installed on this host")
    assert host.session.xrdp_limit in accepts("idle_seconds")


@control("idle-session-lock")
def test_desktop_locks_when_idle(host, spec, accepts):
    """The desktop's screen asks for the password again within the accepted time."""
    _known_desktop(host, spec)
    assert host.session.desktop_limit in accepts("idle_seconds")


@control("idle-session-lock")
def test_blank_screen_is_locked(host, spec):
    """A blank screen of the desktop is locked at once, and users cannot change that."""
    _known_desktop(host, spec)
    assert host.session.unlocked_screen == []


def _known_desktop(host, spec):
    desktop = host.session.desktop
    if not desktop.installed:
        not_applicable(NO_DESKTOP)
    if spec.kiosk and desktop.is_bare:
        not_applicable(VISUALISATION)
    if desktop.others:
        raise Unknown("nobody here knows how {desktop} locks its screen", desktop=", ".join(desktop.others))


@control("unlock-needs-authentication")
def test_no_console_logs_in_by_itself_now(host, spec):
    """No console opens a session without asking now, but for the declared visualisation's."""
    assert host.session.automatic_logins_now(operator(spec)) == []


@control("unlock-needs-authentication")
def test_no_console_logs_in_by_itself_after_boot(host, spec):
    """No console will open a session without asking after the next boot, but for the visualisation's."""
    assert host.session.automatic_logins_at_boot(operator(spec)) == []


@control("unlock-needs-authentication")
def test_no_desktop_logs_in_by_itself(host, spec):
    """No display manager logs somebody in without asking, but for the declared visualisation's account."""
    assert host.session.automatic_desktop_logins(operator(spec)) == []


@control("unlock-needs-authentication")
def test_pam_asks_for_a_proof(host):
    """PAM opens no session to somebody who proves nothing, at the console, over SSH, by su or sudo.

    Each stack is run on paper with every module that asks for a proof saying no.
    """
    assert host.session.ways_past_pam == []


@control("unlock-needs-authentication")
def test_every_account_has_a_password_or_none_works(host):
    """No account of the host has an empty password."""
    assert host.session.empty_passwords == []


@control("unlock-needs-authentication")
def test_ssh_takes_no_empty_password(host):
    """SSH lets nobody in with an empty password."""
    if not host.session.has_ssh:
        not_applicable("there is no SSH server on this host")
    assert host.session.ssh_with_empty_password == []
