"""The kiosk's probes: what real hosts printed is read right, and what is cut or forged is not believed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from recorded_host import host_printing, recorded

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.hmi import REMOTE, SESSION, STATION, Hmi
from plumbline.probes.hmi.allowed import is_allowed, is_application
from plumbline.probes.hmi.session import Process
from plumbline.spec.kiosk import Kiosk
from plumbline.verify.unknown import Unknown

KIOSK = Kiosk(user="hmi", command="/usr/bin/xev -geometry 600x400")
SESSION_TEXT = recorded("hmi/session-systemd-252-hardened.txt")
STATION_TEXT = recorded("hmi/station-systemd-252-hardened.txt")
REMOTE_TEXT = recorded("hmi/remote-iproute2-6.1.0-xrdp-0.9.21-delivered.txt")


def hmi(session: str = SESSION_TEXT, station: str = STATION_TEXT, remote: str = REMOTE_TEXT) -> Hmi:
    answers: Mapping[Probe[Any], str] = {SESSION: session, STATION: station, REMOTE: remote}
    return host_printing(answers).hmi


def changed(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new)


def test_hardened_station_is_closed() -> None:
    seen = hmi()
    assert seen.application_missing_now(KIOSK) == []
    assert seen.other_programs(KIOSK) == []
    assert seen.starting_by_itself(KIOSK) == []
    assert seen.key_open_now("DontVTSwitch") == []
    assert seen.key_open_at_boot("DontZap") == []
    assert seen.ctrl_alt_del_now == seen.ctrl_alt_del_at_boot == []
    assert seen.consoles_now == []
    assert seen.not_coming_back_now(KIOSK, 30) == seen.not_coming_back_at_boot(KIOSK, 30) == []
    assert seen.logins(KIOSK) == seen.rights(KIOSK, ["sudo", "disk"]) == []
    assert seen.open_displays == []


def test_delivered_station_is_open() -> None:
    delivered = hmi(
        recorded("hmi/session-systemd-252-delivered.txt"), recorded("hmi/station-systemd-252-delivered.txt")
    )
    assert delivered.application_missing_now(KIOSK) == ["nothing runs as hmi"]
    assert delivered.ctrl_alt_del_at_boot == [
        "/usr/lib/systemd/system/ctrl-alt-del.target -> reboot.target",
        "seven times in two seconds: CtrlAltDelBurstAction=reboot-force (set nowhere)",
    ]
    assert "console-getty.service is active" in delivered.consoles_now
    with pytest.raises(Unknown, match="nothing is known of the account hmi"):
        delivered.logins(KIOSK)
    with pytest.raises(Unknown, match="no program that shows windows runs"):
        delivered.key_open_now("DontVTSwitch")


@pytest.mark.parametrize("probe", [SESSION, STATION, REMOTE], ids=lambda probe: probe.name)
def test_cut_output_is_not_read(probe: Probe[Any]) -> None:
    text = {SESSION: SESSION_TEXT, STATION: STATION_TEXT, REMOTE: REMOTE_TEXT}[probe]
    with pytest.raises(ParseError):
        probe.parse(Output(text[: len(text) // 2].encode(), b"", 0))
    with pytest.raises(ParseError):
        probe.parse(Output(f"strange\tline\n{text}".encode(), b"", 0))


@pytest.mark.parametrize("name", ["Restart", "StartLimitIntervalUSec"])
def test_service_that_gives_up_is_told(name: str) -> None:
    values = {"Restart": ("always", "on-failure"), "StartLimitIntervalUSec": ("0", "1min")}
    before, after = values[name]
    start = SESSION_TEXT.index("show\tId=plumbline-kiosk.service")
    block = SESSION_TEXT.rindex("\nshow\t\n", 0, start), SESSION_TEXT.index("\nshow\t\n", start)
    part = SESSION_TEXT[slice(*block)]
    text = SESSION_TEXT.replace(part, changed(part, f"show\t{name}={before}", f"show\t{name}={after}"))
    (told,) = hmi(text).not_coming_back_now(KIOSK, 30)
    assert told.startswith("plumbline-kiosk.service: ")


@pytest.mark.parametrize(
    ("seconds", "interval", "gives_up"),
    [("1", "10s", True), ("3", "10s", False), ("100ms", "0", False), ("2", "infinity", True)],
)
def test_start_limit_counts_only_when_it_can_be_reached(seconds: str, interval: str, gives_up: bool) -> None:
    text = changed(SESSION_TEXT, "\tRestartSec=2\n", f"\tRestartSec={seconds}\n")
    text = changed(text, "\tStartLimitIntervalSec=0\n", f"\tStartLimitIntervalSec={interval}\n")
    assert bool(hmi(text).not_coming_back_at_boot(KIOSK, 30)) is gives_up


def test_waiting_longer_than_accepted_is_told() -> None:
    text = changed(SESSION_TEXT, "\tRestartSec=2\n", "\tRestartSec=1min\n")
    (told,) = hmi(text).not_coming_back_at_boot(KIOSK, 30)
    assert "RestartSec=60s (/etc/systemd/system/plumbline-kiosk.service:" in told


def test_session_of_a_display_manager_is_unknown_not_good() -> None:
    lines = SESSION_TEXT.splitlines(keepends=True)
    text = "".join(line for line in lines if "plumbline-kiosk.service" not in line and "User=hmi" not in line)
    seen = hmi(text)
    assert seen.application_missing_now(KIOSK) == []
    with pytest.raises(Unknown, match="no service of systemd runs as hmi"):
        seen.not_coming_back_now(KIOSK, 30)
    with pytest.raises(Unknown, match="no service of systemd runs as hmi"):
        seen.application_missing_at_boot(KIOSK)


def test_server_without_a_log_is_unknown() -> None:
    text = "".join(
        line for line in SESSION_TEXT.splitlines(keepends=True) if not line.startswith(("log\t", "logged\t"))
    )
    with pytest.raises(Unknown, match=r"the log of .* cannot be found"):
        hmi(text).key_open_now("DontZap")


@pytest.mark.parametrize(
    ("server", "outcome"),
    [("cage /usr/bin/xev", []), ("cage -s /usr/bin/xev", ["cage -s /usr/bin/xev"]), ("weston", None)],
)
def test_wayland_servers(server: str, outcome: list[str] | None) -> None:
    row = next(line for line in SESSION_TEXT.splitlines() if line.startswith("server\t"))
    pid = row.split("\t")[1]
    text = changed(SESSION_TEXT, row, f"server\t{pid}\t{server}")
    text = changed(text, "\t/usr/lib/xorg/Xorg\t", f"\t/usr/bin/{server.split()[0]}\t")
    if outcome is None:
        with pytest.raises(Unknown, match="nobody here knows which keys weston leaves open"):
            hmi(text).key_open_now("DontVTSwitch")
    else:
        told = hmi(text).key_open_now("DontVTSwitch")
        assert [line.split(" (process")[0] for line in told] == outcome


@pytest.mark.parametrize(
    ("program", "scripts", "of_the_application", "allowed"),
    [
        ("/opt/hmi/bin/hmi", (), True, True),
        ("/opt/hmi/lib/helper", (), True, True),
        ("/opt/hmi/bin/hmi (deleted)", (), True, True),
        ("/opt/other/bin/x", (), False, False),
        ("/usr/bin/python3.11", ("/opt/hmi/bin/hmi",), True, True),
        ("/usr/bin/python3.11", ("/srv/x.py",), False, False),
        ("/usr/bin/dash", (), False, False),
        ("/usr/bin/pdfview", (), False, True),
        ("/usr/lib/xorg/Xorg", (), False, True),
        ("/usr/lib/systemd/systemd-executor", (), False, True),
        ("/home/hmi/xinit", (), False, False),
        ("/srv/x/systemd", (), False, False),
    ],
)
def test_what_may_run(
    program: str, scripts: tuple[str, ...], of_the_application: bool, allowed: bool
) -> None:
    kiosk = Kiosk(user="hmi", command="/opt/hmi/bin/hmi --full", programs=["/usr/bin/pdfview"])
    process = Process("1", "0", "999", program, scripts)
    assert is_application(process, kiosk) is of_the_application
    assert is_allowed(process, kiosk) is allowed


def test_listener_on_loopback_is_nobody_s_session() -> None:
    line = 'listen\ttcp LISTEN 0 5 {}:5901 0.0.0.0:* users:(("Xvnc",pid=7,fd=3))\n'
    for address, seen in (("127.0.0.1", 0), ("[::1]", 0), ("127.0.0.53%lo", 0), ("[::]", 1), ("*", 1)):
        listeners = hmi(remote=line.format(address) + REMOTE_TEXT).remote.listeners
        assert [each.protocol for each in listeners] == ["vnc"] * seen


def test_xrdp_as_packaged_offers_a_choice() -> None:
    setting = hmi().remote.xrdp_setting("security_layer")
    assert str(setting).startswith("security_layer = negotiate (/etc/xrdp/xrdp.ini:")


@pytest.mark.parametrize(
    "wrong",
    [
        {"user": "root"},
        {"user": "a b"},
        {"command": "hmi --full"},
        {"command": "/bin/sh -c hmi"},
        {"command": "/opt/hmi 'x"},
        {"command": "/opt/hmi -- x"},
        {"command": ""},
        {"programs": ["pdfview"]},
        {"programs": ["/usr"]},
        {"programs": ["/"]},
    ],
)
def test_declaration_that_opens_the_host_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"validation error|1 validation"):
        Kiosk.model_validate({"user": "hmi", "command": "/opt/hmi/bin/hmi", **wrong})
