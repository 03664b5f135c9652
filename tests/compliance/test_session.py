"""Interactive sessions lock when left alone, and open again only to their user."""

from plumbline.verify import Unknown, control, not_applicable

NO_DESKTOP = "no desktop is installed on this host"


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
def test_no_user_lifts_his_own_limit(host, accepts):
    """No startup file of a user's own unsets the limit or sets it outside the accepted time."""
    accepted = accepts("idle_seconds")
    assert [line for line in host.session.own_limits if line.seconds not in accepted] == []


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
def test_desktop_locks_when_idle(host, accepts):
    """The desktop's screen goes blank within the accepted time."""
    _known_desktop(host)
    assert host.session.desktop_limit in accepts("idle_seconds")


@control("idle-session-lock")
def test_blank_screen_is_locked(host):
    """A blank screen of the desktop is locked at once, and users cannot change that."""
    _known_desktop(host)
    assert host.session.unlocked_screen == []


def _known_desktop(host):
    desktop = host.session.desktop
    if not desktop.installed:
        not_applicable(NO_DESKTOP)
    if desktop.others:
        raise Unknown("nobody here knows how {desktop} locks its screen", desktop=", ".join(desktop.others))


@control("unlock-needs-authentication")
def test_no_console_logs_in_by_itself_now(host):
    """No console opens a session without asking now."""
    assert host.session.automatic_logins_now == []


@control("unlock-needs-authentication")
def test_no_console_logs_in_by_itself_after_boot(host):
    """No console will open a session without asking after the next boot."""
    assert host.session.automatic_logins_at_boot == []


@control("unlock-needs-authentication")
def test_no_desktop_logs_in_by_itself(host):
    """No display manager logs somebody in without asking."""
    assert host.session.automatic_desktop_logins == []


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
