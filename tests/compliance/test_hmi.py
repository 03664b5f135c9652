"""The operator visualisation: a session that is one application, and no way out of it."""

import pytest

from plumbline.probes.hmi.browser import browser_of
from plumbline.verify import Unknown, control, not_applicable
from plumbline.verify.seen import Each, Reading

NO_BROWSER = "the declared application is no browser"


@pytest.fixture
def kiosk(spec):
    """The kiosk as declared; a host of this kind without one cannot be judged."""
    if spec.kiosk is None:
        raise Unknown("the specification declares no kiosk: the operator's account and the application")
    return spec.kiosk


@pytest.fixture
def browser(kiosk):
    """The browser that is the visualisation."""
    found = browser_of(kiosk.words)
    if found is None:
        not_applicable(NO_BROWSER)
    return found


@control("kiosk-application-only")
def test_application_runs_now(host, kiosk):
    """The declared application runs in the operator's name now."""
    assert host.hmi.application_missing_now(kiosk) == []


@control("kiosk-application-only")
def test_application_starts_at_boot(host, kiosk):
    """A service starts the declared application in the operator's name at the next boot."""
    assert host.hmi.application_missing_at_boot(kiosk) == []


@control("kiosk-application-only")
def test_nothing_else_runs(host, kiosk):
    """Nothing but the application runs in the operator's name now.

    What carries the session (X, a bus) and the programs the specification declares may.
    """
    assert host.hmi.other_programs(kiosk) == []


@control("kiosk-application-only")
def test_nothing_else_starts_by_itself(host, kiosk):
    """No session file, autostart entry, own unit, crontab or at job starts more in the operator's name."""
    assert host.hmi.starting_by_itself(kiosk) == []


@control("kiosk-application-only")
def test_no_terminal_or_file_manager(host):
    """No terminal emulator, file manager or launcher is installed."""
    assert host.hmi.installed("terminal", "files", "launcher") == []


@control("kiosk-application-only")
def test_no_other_session(host, kiosk):
    """No desktop and no session but the declared application is installed."""
    assert host.hmi.installed("desktop") + host.hmi.other_sessions(kiosk) == []


@control("kiosk-keys-closed")
def test_no_switch_to_a_console_now(host):
    """The running X server does not switch to a virtual console."""
    assert host.hmi.key_open_now("DontVTSwitch") == []


@control("kiosk-keys-closed")
def test_no_switch_to_a_console_after_boot(host):
    """The X server will not switch to a virtual console after the next boot."""
    assert host.hmi.key_open_at_boot("DontVTSwitch") == []


@control("kiosk-keys-closed")
def test_no_end_of_the_server_now(host):
    """The running X server is not ended by Ctrl-Alt-Backspace."""
    assert host.hmi.key_open_now("DontZap") == []


@control("kiosk-keys-closed")
def test_no_end_of_the_server_after_boot(host):
    """The X server will not be ended by Ctrl-Alt-Backspace after the next boot."""
    assert host.hmi.key_open_at_boot("DontZap") == []


@control("kiosk-keys-closed")
def test_no_console_now(host):
    """No console asks for a login now, nor when it is switched to."""
    assert host.hmi.consoles_now == []


@control("kiosk-keys-closed")
def test_no_console_after_boot(host):
    """No console will ask for a login after the next boot, nor when it is switched to."""
    assert host.hmi.consoles_at_boot == []


@control("kiosk-keys-closed")
def test_ctrl_alt_del_does_nothing_now(host):
    """Ctrl-Alt-Del does nothing now, also when it is pressed seven times."""
    assert host.hmi.ctrl_alt_del_now == []


@control("kiosk-keys-closed")
def test_ctrl_alt_del_does_nothing_after_boot(host):
    """Ctrl-Alt-Del will do nothing after the next boot, also when it is pressed seven times."""
    assert host.hmi.ctrl_alt_del_at_boot == []


@control("kiosk-keys-closed")
def test_sysrq_is_not_forced(host):
    """The kernel's command line does not open SysRq against its setting."""
    assert host.hmi.sysrq_forced == []


@control("kiosk-keys-closed")
def test_display_is_the_operator_s_alone(host):
    """The X server takes windows and keys from nobody without its cookie, and none over the network."""
    assert host.hmi.open_displays == []


@control("kiosk-recovers")
def test_application_comes_back_now(host, kiosk, accepts):
    """systemd starts the application again within the accepted time whenever it ends, and never gives up."""
    assert host.hmi.not_coming_back_now(kiosk, accepts("restart_seconds").high) == []


@control("kiosk-recovers")
def test_application_comes_back_after_boot(host, kiosk, accepts):
    """By the unit's files the application will be started again after the next boot too."""
    assert host.hmi.not_coming_back_at_boot(kiosk, accepts("restart_seconds").high) == []


@control("kiosk-account-restricted")
def test_operator_logs_on_nowhere_else(host, kiosk):
    """The operator's account has no usable password, no login shell and no SSH key."""
    assert host.hmi.logins(kiosk) == []


@control("kiosk-account-restricted")
def test_operator_has_no_rights(host, kiosk, accepts):
    """The operator's account has no right by sudo or doas and is in no privileged group."""
    assert host.hmi.rights(kiosk, accepts("privileged_groups").values) == []


@control("kiosk-browser-closed")
def test_browser_opens_nothing_of_the_system(host, browser, accepts):
    """The browser runs as a kiosk, and its managed policies close dialogues, downloads and tools."""
    policies = accepts(f"{browser.kind}_policies").values
    assert host.hmi.open_browser(browser, policies) == []


@control("kiosk-browser-closed")
def test_browser_opens_the_application_s_pages_only(host, kiosk, browser):
    """The browser opens the application's addresses and no others."""
    assert host.hmi.open_addresses(browser, browser.addresses(kiosk.addresses)) == []


@control("operator-session-protocol")
def test_sessions_come_by_accepted_protocols(host, accepts):
    """What offers sessions to other machines speaks an accepted protocol, whatever the port."""
    protocols = accepts("protocols")
    assert [each for each in host.hmi.remote.listeners if each.protocol not in protocols] == []


@control("operator-session-protocol")
def test_sessions_are_offered(host, accepts):
    """The host offers sessions by an accepted protocol."""
    offered = [each.protocol for each in host.hmi.remote.listeners]
    assert ([each for each in offered if each in accepts("protocols")] or "none") in accepts("protocols")


@control("operator-session-protocol")
def test_rdp_is_protected_by_tls(host, accepts):
    """xrdp takes sessions protected by TLS only, never by RDP's own encryption."""
    assert [_xrdp(host, "security_layer")] in Each(accepts("security_layer"))


@control("operator-session-protocol")
def test_rdp_speaks_current_tls(host, accepts):
    """xrdp offers the accepted versions of TLS only."""
    offered = _xrdp(host, "ssl_protocols")
    versions = str(offered.value or "").split(",")
    assert [Reading(offered.key, one.strip(), offered.where) for one in versions] in Each(
        accepts("tls_versions")
    )


def _xrdp(host, key):
    remote = host.hmi.remote
    if not remote.has_xrdp:
        not_applicable("xrdp is not installed on this host")
    for command in remote.xrdp:
        if any(word in ("-c", "--config") or word.startswith("--config=") for word in command.split()):
            raise Unknown("xrdp was started with another configuration: {command}", command=command)
    return remote.xrdp_setting(key)
