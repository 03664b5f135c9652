"""Sessions on a booted host: each way to sit idle for ever, or to get in without a proof, is seen."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import lab_name
from hardened import HOST, deploys_of, harden, sabotaged
from judging import checks, not_passing, observed, verdicts
from lanes import judge_as, tried
from session_lanes import (
    ALONE,
    DESKTOP,
    EXPECTED,
    LANES,
    OPEN_SCREEN,
    XRDP,
    full,
    kde,
    xfce,
    xrdp,
)
from session_sabotage import (
    BOOT,
    KEEP,
    LOGIN_BOOT,
    LOGIN_NOW,
    LOGIND,
    NOW,
    OWN,
    PROFILE,
    RELOAD,
    RESTART,
    RESTORE,
    SHELLS,
    SSH,
    SSHD,
    SYSTEM,
    added,
    edited,
)
from session_unlock_sabotage import AUTOLOGIN, GETTY

from plumbline.lab import Lab
from plumbline.spec.kiosk import Kiosk
from plumbline.verify.results import Verdict


@pytest.fixture(scope="module")
def deploys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deploys_of(tmp_path_factory.mktemp("session"), ["session"])


@pytest.fixture(scope="module")
def lab(deploys: Path) -> Iterator[Lab]:
    with Lab.up(lab_name(), hosts=1, flavour="clean") as up:
        harden(up, deploys)
        yield up


def failing(lab: Lab) -> set[str]:
    """Return the checks that failed; every other one must have passed or not apply."""
    results = verdicts(lab, HOST, "session")
    assert checks(results, Verdict.UNKNOWN) == {}
    return {name.partition(":")[2] for name in checks(results, Verdict.FAIL)}


def test_hardened_host_passes(lab: Lab) -> None:
    results = verdicts(lab, HOST, "session")
    assert {name: result.verdict for name, result in results.items()} == {
        "idle-session-lock": "pass",
        "unlock-needs-authentication": "pass",
    }


@pytest.fixture(scope="module")
def seen(lab: Lab) -> dict[str, set[str]]:
    """Which checks do not pass under each sabotage."""
    return tried(lab, LANES, ALONE, ["session"])


@pytest.mark.parametrize("name", EXPECTED)
def test_seen(seen: dict[str, set[str]], name: str) -> None:
    assert seen[name] == EXPECTED[name]


def test_the_place_is_told(lab: Lab) -> None:
    with sabotaged(lab, *edited(PROFILE, "s/TMOUT=600/TMOUT=0/")):
        told = observed(verdicts(lab, HOST, "session"), "idle-session-lock:login_shell_ends_when_idle")
    assert told == [f"bash, login: TMOUT=0 ({PROFILE}:4)"]


def test_own_lines_tell_no_secret(lab: Lab) -> None:
    line = "export TOKEN=hunter2 TMOUT=0 PASSWORD=hunter3 # TMOUT"
    with sabotaged(lab, *added("/home/plain/.bash_login", f"{line}\\n")):
        told = observed(verdicts(lab, HOST, "session"), "idle-session-lock:no_user_lifts_his_own_limit")
    assert told == ["/home/plain/.bash_login:1: TMOUT=0"]


def test_a_second_ssh_server_is_not_judged(lab: Lab) -> None:
    start = "/usr/sbin/sshd -f /etc/ssh/sshd2 -p 2222 -o PidFile=/run/sshd2.pid"
    stop = "p=$(cat /run/sshd2.pid); kill $p; while [ -e /proc/$p ]; do :; done; rm -f /etc/ssh/sshd2"
    with sabotaged(lab, f"cp /etc/ssh/sshd_config /etc/ssh/sshd2; {start}", stop):
        assert not_passing(verdicts(lab, HOST, "session")) == {
            "?idle-session-lock:idle_ssh_session_is_ended",
            "?idle-session-lock:shell_of_sudo_ends_when_idle",
            "?unlock-needs-authentication:ssh_takes_no_empty_password",
        }


KIOSK = (
    "[Service]\\nUser=plain\\nPAMName=login\\nTTYPath=/dev/tty1\\nStandardInput=tty\\n"
    "ExecStart=/usr/bin/xinit /opt/view -- :0 vt1\\n"
)


@pytest.mark.parametrize(("user", "expected"), [("plain", set()), ("operator", LOGIN_NOW | LOGIN_BOOT | OWN)])
def test_visualisation_may_stay_open_for_its_own_account_alone(
    lab: Lab, user: str, expected: set[str]
) -> None:
    """The declared account's session opens by itself and may lift its limit; another account's may not."""
    unit = added("/etc/systemd/system/view.service", KIOSK, RELOAD)
    lifted = added("/home/plain/.bash_login", "TMOUT=0\\n")
    with sabotaged(lab, f"{unit[0]}; {lifted[0]}", f"{unit[1]}; {lifted[1]}"):
        (judged,) = judge_as(lab, "session", kiosk=Kiosk(user=user, command="/opt/view"))
    found = not_passing({one.control: one for one in judged.controls if one.subject == "session"})
    assert found == full(expected)


def test_apply_locks_what_is_installed(lab: Lab, deploys: Path) -> None:
    """Plasma, Xfce and xrdp, there by name alone, get settings that their checks take."""
    installed = [kde(""), xfce("", 0), xrdp(0)]
    for wrong, _ in installed:
        lab.run(HOST, f"set -e; {wrong}")
    assert failing(lab) == OPEN_SCREEN | DESKTOP | XRDP
    harden(lab, deploys)
    assert failing(lab) == set()
    assert harden(lab, deploys).changed == []
    for _, right in installed:
        lab.run(HOST, right)


def short_session() -> tuple[str, str]:
    """Three seconds for sessions, by logind and by sshd."""
    # A reload returns before sshd has read its files anew.
    after = f"{RESTART}; systemctl restart ssh"
    return f"{KEEP} {LOGIND} {SSHD}; sed -i s/600/3/ {LOGIND} {SSHD}; {after}", f"{RESTORE}; {after}"


def left_alone(lab: Lab, typed: bytes, *words: str) -> tuple[int, bytes]:
    """Open a session with a terminal, type so much, and return when it ended; the limit is for a hang."""
    entry = lab.host(HOST).entry
    command = ["ssh", *entry.options(shared=False), "-tt", f"plain@{entry.address}", *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as session:
        assert session.stdin is not None
        assert session.stdout is not None
        session.stdin.write(typed)
        session.stdin.flush()
        try:
            status = session.wait(timeout=60)
        finally:
            session.kill()
        return status, session.stdout.read()


def test_shell_left_alone_really_ends(lab: Lab) -> None:
    with sabotaged(lab, *edited(PROFILE, "s/TMOUT=600/TMOUT=1/")):
        assert b"timed out waiting for input: auto-logout" in left_alone(lab, b"")[1]


def test_program_left_open_really_ends_by_logind(lab: Lab) -> None:
    with sabotaged(lab, *short_session()):
        assert left_alone(lab, b"", "exec sleep infinity")[0] == 255


def test_debian_13_ends_programs_left_open_over_ssh_by_sshd_alone(deploys: Path) -> None:
    with Lab.up(lab_name(), hosts=1, flavour="clean", release="trixie") as lab:
        harden(lab, deploys)
        assert failing(lab) == set()
        with sabotaged(lab, *edited(SSHD, "/ChannelTimeout/d")):
            assert failing(lab) == SSH
        with sabotaged(lab, *short_session()):
            assert left_alone(lab, b"sleep infinity\n")[0] == 255


def test_apply_puts_right_changes_nothing_again_and_outlives_a_reboot(lab: Lab, deploys: Path) -> None:
    drop_in = f"{GETTY}/kiosk.conf"
    lab.run(HOST, f"sed -i s/600/0/ {PROFILE} {LOGIND}; sed -i s/Channel.*// {SSHD}; {RESTART}")
    lab.run(HOST, f"printf '[Login]\nStopIdleSessionSec=0\n' >{LOGIND.replace('zz-', 'zzz-')}")
    lab.run(HOST, f"mkdir -p {GETTY}; printf '{AUTOLOGIN}' >{drop_in}; {RELOAD}")
    assert failing(lab) == SHELLS | SYSTEM | NOW | BOOT | SSH | LOGIN_NOW | LOGIN_BOOT
    changed = {change.operation for change in harden(lab, deploys).changed}
    assert f"Move {drop_in} aside" in changed
    assert failing(lab) == set()
    kept = lab.run(HOST, f"cat /var/lib/plumbline/replaced{drop_in}").stdout
    assert kept == AUTOLOGIN.replace("\\n", "\n")
    assert harden(lab, deploys).changed == []
    lab.reboot(HOST)
    assert failing(lab) == set()


def test_restarting_logind_keeps_sessions(lab: Lab) -> None:
    session = lab.run(HOST, "echo $XDG_SESSION_ID").stdout.strip()
    lab.run(HOST, RESTART)
    assert session
    assert session in lab.run(HOST, "loginctl list-sessions --no-legend | awk '{print $1}'").stdout.split()
