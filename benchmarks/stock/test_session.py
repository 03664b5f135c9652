"""Sessions, with stock testinfra."""
# mypy: allow-untyped-defs, allow-untyped-calls

import re

import pytest

SAY = 'echo "${TMOUT@a} ${TMOUT-unset}"'
NOBODY = "setpriv --reuid=65534 --regid=65534 --clear-groups env -i HOME=/nonexistent PATH=/usr/bin:/bin "
STACKS = ("login", "sshd", "su", "sudo")
PAM = "/etc/pam.d"


def limit(shown):
    return int(re.findall(r"\d+$", shown.strip())[0])


def tmout(host, shell, expected):
    seconds = limit(host.check_output(shell))
    assert 1 <= seconds <= expected["idle_seconds"]


def test_login_shell_ends_when_idle(host, expected):
    tmout(host, f"{NOBODY} bash -lc '{SAY}'", expected)


def test_login_shell_of_root_ends_when_idle(host, expected):
    tmout(host, f"{NOBODY} unshare -Ur bash -lc '{SAY}'", expected)


def test_environment_does_not_lift_the_limit(host, expected):
    tmout(host, f"{NOBODY} TMOUT=0 bash -lc '{SAY}'", expected)


def test_nested_shell_ends_when_idle(host, expected):
    tmout(host, f"{NOBODY} bash -lc 'exec bash -ic \"$0\"' '{SAY}' 2>/dev/null", expected)


def test_zsh_ends_when_idle(host, expected):
    if host.exists("zsh"):
        tmout(host, f"{NOBODY} zsh -lc 'echo $TMOUT'", expected)


def test_users_cannot_unset_the_limit(host):
    assert "r" in host.check_output(f"{NOBODY} bash -lc '{SAY}'").split()[0]


def test_no_user_lifts_his_own_limit(host):
    for line in host.file("/etc/passwd").content_string.splitlines():
        home, shell = line.split(":")[5:7]
        if shell.endswith(("nologin", "false", "sync")):
            continue
        for name in (".profile", ".bash_profile", ".bash_login", ".bashrc"):
            startup = host.file(f"{home}/{name}")
            assert not startup.exists or not startup.contains("TMOUT")


def test_idle_session_is_ended_now(host, expected):
    shown = host.check_output(
        "busctl get-property org.freedesktop.login1 /org/freedesktop/login1 "
        "org.freedesktop.login1.Manager StopIdleSessionUSec"
    )
    assert 1 <= int(shown.split()[1]) / 1_000_000 <= expected["idle_seconds"]


def test_idle_session_is_ended_after_boot(host, expected):
    text = host.check_output("systemd-analyze cat-config systemd/logind.conf")
    assert (
        1
        <= int(re.findall(r"^StopIdleSessionSec=(\d+)$", text, re.MULTILINE)[-1])
        <= expected["idle_seconds"]
    )


def test_ssh_sessions_are_ended_too(host):
    assert "usepam yes" in host.check_output("sshd -T").splitlines()
    assert host.file(f"{PAM}/sshd").contains("^@include common-session")
    assert host.file(f"{PAM}/common-session").contains("pam_systemd.so")


def test_console_sessions_are_ended_too(host):
    assert host.file(f"{PAM}/login").contains("^@include common-session")
    assert host.file(f"{PAM}/common-session").contains("pam_systemd.so")


@pytest.mark.parametrize("program", ["gnome-session", "startplasma-x11", "xfce4-session"])
def test_desktop_locks_when_idle(host, program):
    assert not host.exists(program)


def test_no_console_logs_in_by_itself_now(host):
    for process in host.process.filter(comm="agetty"):
        assert not re.search(r"(--autologin|-a) ", process.args)


def test_no_console_logs_in_by_itself_after_boot(host):
    for unit in ("getty@tty1", "serial-getty@ttyS0", "console-getty"):
        shown = host.run(f"systemctl cat {unit}.service").stdout
        assert not re.search(r"^ExecStart=.*(--autologin|\s-a) ", shown, re.MULTILINE)


def test_no_desktop_logs_in_by_itself(host):
    for path in ("/etc/gdm3/daemon.conf", "/etc/lightdm/lightdm.conf", "/etc/sddm.conf"):
        configuration = host.file(path)
        assert not configuration.exists or not configuration.contains("^[^#]*[Aa]uto[Ll]ogin")


@pytest.mark.parametrize("name", STACKS)
def test_pam_asks_for_a_proof(host, name):
    stack = host.file(f"{PAM}/{name}")
    if stack.exists:
        assert not stack.contains("^auth.*sufficient.*pam_permit.so")
        assert stack.contains("^@include common-auth")
    assert host.file(f"{PAM}/common-auth").contains("pam_unix.so")
    assert host.file(f"{PAM}/common-auth").contains("pam_deny.so")


def test_every_account_has_a_password_or_none_works(host):
    assert [line for line in host.check_output("passwd -S -a").splitlines() if line.split()[1] == "NP"] == []


def test_ssh_takes_no_empty_password(host):
    assert "permitemptypasswords no" in host.check_output("sshd -T").splitlines()
