"""A station with an operator visualisation, booted: real keys under X, and every way out is seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import lab_name
from declaring import declare
from hardened import HOST, deploys_of, harden, sabotaged
from judging import checks, not_passing, observed, verdicts
from kiosk import APPLICATION, KIOSK, PACKAGES, UNIT, USER, prepare, wait_for_application
from kiosk_sabotage import KEYS, ONLY, RELOAD, TOGETHER, UNIT_D

from plumbline.lab import Lab
from plumbline.verify.results import ControlResult, Verdict

X = "export DISPLAY=:0 XAUTHORITY=/run/plumbline-kiosk/authority; "
FLAGS = "/etc/X11/xorg.conf.d/zz-plumbline-hmi.conf"


@pytest.fixture(scope="module")
def deploys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deploys_of(tmp_path_factory.mktemp("hmi"), ["hmi"])


@pytest.fixture(scope="module")
def lab(deploys: Path) -> Iterator[Lab]:
    with Lab.up(lab_name(), hosts=1, flavour="clean", packages=PACKAGES) as up:
        prepare(up, HOST)
        assert harden(up, deploys).changed
        wait_for_application(up, HOST)
        yield up


@pytest.fixture(scope="module")
def open_kiosk(lab: Lab) -> dict[str, ControlResult]:
    """The verdicts with all sabotages at once, each of which is undone again."""
    done = []
    try:
        for wrong, right, _ in TOGETHER.values():
            done.append(right)
            lab.run(HOST, f"set -e; {wrong}")
        return verdicts(lab, HOST, "hmi")
    finally:
        for right in reversed(done):
            lab.run(HOST, f"set -e; {right}")


def state(lab: Lab) -> list[str]:
    """Return what runs in the operator's name and which windows X shows."""
    windows = "xwininfo -root -tree | grep -E '^ +0x' | sed 's/ *0x[0-9a-f]* //; s/  .*//'"
    return lab.run(HOST, f"{X}ps -o comm= -u {USER} | sort; {windows} | sort").stdout.split("\n")


def press(lab: Lab, keys: str) -> None:
    """Press keys as a keyboard would, over the application, with Ctrl-Alt-Backspace meaning what it can."""
    option = "setxkbmap -option terminate:ctrl_alt_bksp"
    pressing = f"xdotool mousemove 100 100 key --clearmodifiers {keys}"
    lab.run(HOST, f"{X}timeout 5 {option}; timeout 5 {pressing}; :")


def test_hardened_station_passes_and_a_second_apply_changes_nothing(lab: Lab, deploys: Path) -> None:
    assert not_passing(verdicts(lab, HOST, "hmi")) == set()
    assert harden(lab, deploys).changed == []


@pytest.mark.parametrize(
    "keys",
    ["ctrl+alt+F2", "ctrl+alt+BackSpace", "alt+F4", "ctrl+alt+t", "alt+Tab", "super", "ctrl+alt+Delete"],
)
def test_keys_lead_nowhere(lab: Lab, keys: str) -> None:
    before = state(lab)
    press(lab, keys)
    assert state(lab) == before
    assert "xev" in before


@pytest.mark.parametrize("victim", ["xev", "Xorg", "xinit"])
def test_application_comes_back_whatever_dies(lab: Lab, victim: str) -> None:
    before = wait_for_application(lab, HOST)
    lab.run(HOST, f"kill -9 $(pgrep -x {victim} -u {USER})")
    assert wait_for_application(lab, HOST, other_than=before) != before


@pytest.mark.parametrize(
    ("case", "check"), [(name, check) for name, (_, _, seen) in TOGETHER.items() for check in seen]
)
def test_seen(open_kiosk: dict[str, ControlResult], case: str, check: str) -> None:
    told = TOGETHER[case][2][check]
    assert any(told in line for line in observed(open_kiosk, check)), observed(open_kiosk, check)


def test_all_undone_passes_again(lab: Lab) -> None:
    assert not_passing(verdicts(lab, HOST, "hmi")) == set()


def test_server_started_before_its_flags_were_written(lab: Lab) -> None:
    restart = f"systemctl restart {UNIT}"
    with sabotaged(lab, f"mv {FLAGS} /root; {restart}", f"[ -e {FLAGS} ] || mv /root/zz* {FLAGS}; {restart}"):
        wait_for_application(lab, HOST)
        lab.run(HOST, f"mv /root/zz* {FLAGS}")
        assert not_passing(verdicts(lab, HOST, "hmi")) == {
            f"{KEYS}no_switch_to_a_console_now",
            f"{KEYS}no_end_of_the_server_now",
        }
        # The keys are real: this server, without the flag, is ended by them, and systemd starts the next.
        before = wait_for_application(lab, HOST)
        press(lab, "ctrl+alt+BackSpace")
        wait_for_application(lab, HOST, other_than=before)
        assert not_passing(verdicts(lab, HOST, "hmi")) == set()


def test_stopped_and_disabled_are_two_findings(lab: Lab) -> None:
    with sabotaged(lab, f"systemctl disable {UNIT}", f"systemctl enable {UNIT}"):
        assert not_passing(verdicts(lab, HOST, "hmi")) == {f"{ONLY}application_starts_at_boot"}
    with sabotaged(lab, f"systemctl stop {UNIT}", f"systemctl start {UNIT}"):
        results = verdicts(lab, HOST, "hmi")
        assert next(iter(observed(results, f"{ONLY}application_runs_now"))).startswith(f"{UNIT} is failed")
    wait_for_application(lab, HOST)


def test_another_program_in_the_application_s_place(lab: Lab) -> None:
    start = "/usr/bin/xinit /usr/bin/xmessage hello -- /usr/bin/Xorg :0 vt1 -nolisten tcp -ac"
    drop_in = f"[Service]\\nExecStart=\\nExecStart={start}\\n"
    with sabotaged(
        lab,
        f"mkdir -p {UNIT_D}; printf '{drop_in}' >{UNIT_D}/x.conf; {RELOAD}; systemctl restart {UNIT}; "
        "until pgrep -x xmessage >/dev/null; do sleep 0.05; done",
        f"rm {UNIT_D}/x.conf; {RELOAD}; systemctl restart {UNIT}",
    ):
        assert not_passing(verdicts(lab, HOST, "hmi")) == {
            f"{ONLY}application_runs_now",
            f"{ONLY}application_starts_at_boot",
            f"{ONLY}nothing_else_runs",
            f"{KEYS}display_is_the_operator_s_alone",
        }
    wait_for_application(lab, HOST)


def test_declared_programs_may_run_and_a_missing_declaration_is_told(lab: Lab) -> None:
    declare(lab, HOST, kiosk=None)
    unsaid = checks(verdicts(lab, HOST, "hmi"), Verdict.UNKNOWN)
    assert f"{ONLY}application_runs_now" in unsaid
    declare(lab, HOST, kiosk={**KIOSK, "command": "/usr/bin/xmessage hello", "programs": [APPLICATION]})
    failing = checks(verdicts(lab, HOST, "hmi"), Verdict.FAIL)
    declare(lab, HOST, kiosk=KIOSK)
    assert set(failing) == {f"{ONLY}application_runs_now", f"{ONLY}application_starts_at_boot"}


def test_reboot_keeps_it_closed_and_brings_the_application_back(lab: Lab) -> None:
    lab.reboot(HOST)
    wait_for_application(lab, HOST)
    assert not_passing(verdicts(lab, HOST, "hmi")) == set()


BROWSER = "kiosk-browser-closed:"
POLICIES = "/etc/chromium/policies/managed"


def test_browser_as_the_application(lab: Lab, deploys: Path) -> None:
    """A stand-in for a browser: what its policies and words say is judged, not what it does of them."""
    start = {"user": USER, "command": "/usr/local/bin/chromium --kiosk https://hmi.ot.example/start"}
    declare(lab, HOST, kiosk={**start, "programs": [APPLICATION]})
    stand_in = f"printf '#!/bin/sh\\nexec {APPLICATION}\\n'"
    lab.run(HOST, f"{stand_in} >/usr/local/bin/chromium; chmod +x /usr/local/bin/chromium")
    before = not_passing(verdicts(lab, HOST, "hmi"))
    closed, pages = (
        f"{BROWSER}browser_opens_nothing_of_the_system",
        f"{BROWSER}browser_opens_the_application_s_pages_only",
    )
    assert {closed, pages} <= before
    harden(lab, deploys)
    wait_for_application(lab, HOST)
    assert not_passing(verdicts(lab, HOST, "hmi")) == set()
    wrong = '{"AllowFileSelectionDialogs": true, "URLAllowlist": ["file:///*"]}'
    with sabotaged(lab, f"echo '{wrong}' >{POLICIES}/aa.json", f"rm {POLICIES}/aa.json"):
        results = verdicts(lab, HOST, "hmi")
        assert not_passing(results) == {closed, pages}
        assert list(observed(results, closed)) == [f"AllowFileSelectionDialogs = true ({POLICIES}/aa.json)"]
        assert list(observed(results, pages)) == [f"file:///* ({POLICIES}/aa.json)"]
    with sabotaged(lab, f"mv {POLICIES} /root/managed", f"mv /root/managed {POLICIES}"):
        assert not_passing(verdicts(lab, HOST, "hmi")) == {closed, pages}


SESSION = "operator-session-protocol:"
INI = "/etc/xrdp/xrdp.ini"


LISTEN = """
import socket, sys, time
kind = socket.SOCK_DGRAM if sys.argv[2] == "udp" else socket.SOCK_STREAM
listener = socket.socket(type=kind)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind((sys.argv[3], int(sys.argv[1])))
kind == socket.SOCK_STREAM and listener.listen()
time.sleep(9999)
"""


def listening(name: str, port: int, kind: str = "tcp", host: str = "") -> str:
    """Return a command that starts a program of that name which listens on a port."""
    return (
        f"cp /usr/bin/python3 /usr/local/bin/{name}; "
        f"systemd-run -q --unit=x-{port} /usr/local/bin/{name} /srv/listen.py {port} {kind} '{host}'; "
        f"n=0; until ss -Hltun | grep -q :{port}; do n=$((n+1)); [ $n -lt 200 ]; sleep 0.05; done"
    )


LISTENS = "n=0; until ss -Hltn | grep -q :3389; do n=$((n+1)); [ $n -lt 200 ]; sleep 0.05; done"
START_XRDP = f"systemctl start xrdp; {LISTENS}"


@pytest.fixture(scope="module")
def terminal_server(lab: Lab) -> Lab:
    """The same host as a terminal server with xrdp as its package delivers it; it syncs its log's lines."""
    declare(lab, HOST, profile="terminal-server", kiosk=None)
    host = lab.host(HOST)
    host.shut_down()
    host.unsynced = False
    host.start()
    host.wait()
    lab.run(HOST, f"cat >/srv/listen.py; {START_XRDP}", input=LISTEN)
    return lab


def test_rdp_with_a_choice_of_protection_fails_and_tls_alone_passes(terminal_server: Lab) -> None:
    lab = terminal_server
    results = verdicts(lab, HOST, "hmi")
    assert not_passing(results) == {f"{SESSION}rdp_is_protected_by_tls"}
    told = observed(results, f"{SESSION}rdp_is_protected_by_tls")
    assert told[0].startswith(f"security_layer = negotiate ({INI}:")
    lab.run(
        HOST, f"sed -i 's/^security_layer=.*/security_layer=tls/' {INI}; systemctl restart xrdp; {LISTENS}"
    )
    assert not_passing(verdicts(lab, HOST, "hmi")) == set()


def test_other_protocols_are_seen_by_name_and_by_port(terminal_server: Lab) -> None:
    started = {"hidden": 5901, "x11vnc": 7777, "in.telnetd": 2323, "xdm": 177}
    wrong = "; ".join(
        listening(name, port, "udp" if name == "xdm" else "tcp") for name, port in started.items()
    )
    wrong += f"; {listening('backend', 5910, host='127.0.0.1')}; sed -i 's/^ssl_protocols=/&TLSv1.1, /' {INI}"
    right = "; ".join(f"systemctl stop x-{port}" for port in (*started.values(), 5910))
    with sabotaged(terminal_server, wrong, f"{right}; sed -i 's/TLSv1.1, //' {INI}"):
        results = verdicts(terminal_server, HOST, "hmi")
        assert not_passing(results) == {
            f"{SESSION}sessions_come_by_accepted_protocols",
            f"{SESSION}rdp_speaks_current_tls",
        }
        assert sorted(observed(results, f"{SESSION}sessions_come_by_accepted_protocols")) == [
            "telnet: tcp 0.0.0.0:2323 (in.telnetd)",
            "vnc: tcp 0.0.0.0:5901 (hidden)",
            "vnc: tcp 0.0.0.0:7777 (x11vnc)",
            "xdmcp: udp 0.0.0.0:177 (xdm)",
        ]


def test_terminal_server_that_offers_nothing(terminal_server: Lab) -> None:
    with sabotaged(terminal_server, "systemctl stop xrdp", START_XRDP):
        assert not_passing(verdicts(terminal_server, HOST, "hmi")) == {f"{SESSION}sessions_are_offered"}
