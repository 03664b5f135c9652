"""Time, from what chrony, timesyncd and systemd really printed: sources, services, and how they start."""

from __future__ import annotations

from pathlib import Path

import pytest
from recorded_host import host_printing

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.host import DeliveredHost
from plumbline.probes.systemd import CONDITIONS, ON_DISK, SCRIPT_LINES, UNIT_LINES
from plumbline.probes.time.chrony import CHRONY_BOOT, CHRONY_NOW, configured
from plumbline.probes.time.services import PROCESSES, UNITS, Process, Processes, running
from plumbline.probes.time.timesyncd import TIMESYNCD, asked_now
from plumbline.probes.time.timesyncd import configured as timesyncd_configured
from plumbline.verify.unknown import Unknown

RECORDED = Path(__file__).parents[2] / "recorded"
VERSIONS = {"12": ("252", "4.3"), "13": ("257", "4.6.1")}


def text(path: str) -> str:
    return (RECORDED / path).read_text()


def host(debian: str = "12", **instead: str) -> DeliveredHost:
    """Return the recorded host, with some probes answering something else, by the last part of their name."""
    systemd, chrony = VERSIONS[debian]
    answers: dict[Probe[object], str] = {
        PROCESSES: text(f"time/processes-debian-{debian}.txt"),  # type: ignore[dict-item]
        UNITS: text(f"time/units-systemd-{systemd}.txt"),  # type: ignore[dict-item]
        CHRONY_BOOT: text(f"time/boot-chrony-{chrony}.txt"),  # type: ignore[dict-item]
        CHRONY_NOW: text(f"time/now-chrony-{chrony}.txt"),  # type: ignore[dict-item]
        TIMESYNCD: text(f"time/timesyncd-systemd-{systemd}.txt"),  # type: ignore[dict-item]
        ON_DISK: text(f"systemd/on-disk-systemd-{systemd}.txt"),  # type: ignore[dict-item]
        CONDITIONS: text(f"systemd/conditions-systemd-{systemd}.txt"),  # type: ignore[dict-item]
        UNIT_LINES: text(f"systemd/unit-lines-debian-{debian}.txt"),  # type: ignore[dict-item]
        SCRIPT_LINES: text(f"systemd/script-lines-debian-{debian}.txt"),  # type: ignore[dict-item]
    }
    named = {probe.name.rsplit(".", 1)[-1]: probe for probe in answers}
    return host_printing(answers | {named[name]: printed for name, printed in instead.items()})


@pytest.mark.parametrize("debian", VERSIONS)
def test_recorded_host(debian: str) -> None:
    time = host(debian).time
    assert (time.services_now, time.services_at_boot) == (["chrony.service"], ["chrony.service"])
    assert time.sources_now == time.sources_at_boot
    assert [source.startswith("10.89.") for source in time.sources_now] == [True]
    assert (time.unusual_start, time.scripts) == ([], [])


@pytest.mark.parametrize(
    ("line", "source"),
    [
        ("server NTP.Example. iburst", "ntp.example"),
        ("  SERVER\t192.0.2.7", "192.0.2.7"),
        ("pool ntp.example iburst", "ntp.example"),
        ("peer 192.0.2.7", "peer 192.0.2.7"),
        ("refclock PPS /dev/pps0", "refclock pps"),
    ],
)
def test_configured_source(line: str, source: str) -> None:
    assert configured([("configuration", line)]) == [source]


def test_initstepslew_asks_each_of_its_servers() -> None:
    assert configured([("configuration", "initstepslew 30 192.0.2.7 192.0.2.8")]) == [
        "192.0.2.7",
        "192.0.2.8",
    ]


def test_refused_configuration_is_no_source_of_the_site() -> None:
    assert configured([("refused", "Fatal error : Invalid directive at line 3")]) == [
        "none: Fatal error : Invalid directive at line 3"
    ]


def test_clock_and_peer_carry_their_kind() -> None:
    row = ",?,{},0,7,0,4294967295,0.000000000,0.000000000,0.000000000\n"
    printed = "#" + row.format("PHC0") + "=" + row.format("192.0.2.7")
    assert CHRONY_NOW.parse(Output(printed.encode(), b"", 0)) == ["refclock phc0", "peer 192.0.2.7"]


def test_chronyd_that_does_not_answer_is_unknown() -> None:
    with pytest.raises(Unknown, match="does not answer"):
        _ = host(chrony_now="no chronyd\n").time.sources_now


def test_clock_left_alone_outside_a_container() -> None:
    processes = text("time/processes-debian-12.txt").replace("container", "machine")
    assert host(processes=processes).time.unusual_start == ["now: -x", "boot: -x"]


@pytest.mark.parametrize(
    ("options", "unusual"),
    [
        ('"-F 1 -r -s"', []),
        ("-F1", []),
        ('"-f /etc/own.conf"', ["-f", "/etc/own.conf"]),
        ("-f/etc/own.conf", ["-f/etc/own.conf"]),
        ("-q", ["-q"]),
        ('"-t 60"', ["-t", "60"]),
    ],
)
def test_options_of_the_defaults(options: str, unusual: list[str]) -> None:
    boot = text("time/boot-chrony-4.3.txt").replace('DAEMON_OPTS="-F 1"', f"DAEMON_OPTS={options}")
    assert host(chrony_boot=boot).time.unusual_start == [f"boot: {option}" for option in unusual]


def test_later_default_wins() -> None:
    boot = text("time/boot-chrony-4.3.txt") + "default:DAEMON_OPTS=-q\n"
    assert host(chrony_boot=boot).time.unusual_start == ["boot: -q"]


def test_variable_nobody_knows_is_told() -> None:
    units = text("time/units-systemd-252.txt").replace("$DAEMON_OPTS", "$OTHER")
    assert host(units=units).time.unusual_start == ["boot: $OTHER"]


def test_changed_files_systemd_has_not_read_are_unknown() -> None:
    chrony, other = text("time/units-systemd-252.txt").split("\n\n")
    units = chrony.replace("NeedDaemonReload=no", "NeedDaemonReload=yes") + "\n\n" + other
    with pytest.raises(Unknown, match="changed since systemd read them"):
        _ = host(units=units).time.unusual_start


def test_program_in_another_unit_is_not_that_service() -> None:
    found = Processes(
        False, (Process("ptp4l", "chrony.service", ("ptp4l",)), Process("chronyd", "-", ("x",)))
    )
    assert running(found, {}) == ["chronyd (-)", "ptp4l (chrony.service)"]


def test_busybox_keeps_time_as_ntpd() -> None:
    printed = b"machine\nbusybox  own.service  busybox ntpd -p 192.0.2.7\n"
    assert running(PROCESSES.parse(Output(printed, b"", 0)), {}) == ["own.service"]


def test_printing_the_configuration_is_no_time_service() -> None:
    lines = (
        b"machine\nchronyd chrony.service /usr/sbin/chronyd -F 1\n"
        b"chronyd session-7.scope chronyd -p\n"
        b"chronyd ssh.service /usr/sbin/chronyd -p -f /etc/chrony/chrony.conf\n"
    )
    assert running(PROCESSES.parse(Output(lines, b"", 0)), {}) == ["chrony.service"]


@pytest.mark.parametrize("debian", VERSIONS)
def test_timesyncd_asks_what_it_is_configured_with(debian: str) -> None:
    printed = TIMESYNCD.parse(
        Output(text(f"time/timesyncd-systemd-{VERSIONS[debian][0]}.txt").encode(), b"", 0)
    )
    assert asked_now(printed) == timesyncd_configured(printed) == ["192.0.2.123"]
    processes = PROCESSES.parse(
        Output(text(f"time/processes-debian-{debian}-timesyncd.txt").encode(), b"", 0)
    )
    assert running(processes, {}) == ["systemd-timesyncd.service"]


@pytest.mark.parametrize(
    ("lines", "servers"),
    [
        (["NTP=a.test", "NTP=b.test"], ["a.test", "b.test"]),
        (["NTP=a.test", "NTP=", "NTP=b.test"], ["b.test"]),
        (["FallbackNTP=f.test"], ["f.test"]),
        (["FallbackNTP="], []),
        (["#NTP=a.test"], ["the fallback servers built into systemd-timesyncd"]),
        (["NTP=a.test", "FallbackNTP=f.test"], ["a.test"]),
    ],
)
def test_settings_of_timesyncd(lines: list[str], servers: list[str]) -> None:
    assert timesyncd_configured([("boot", line) for line in lines]) == servers


def test_servers_of_an_interface_are_asked_too() -> None:
    assert timesyncd_configured([("boot", "NTP=a.test"), ("link", "l.test")]) == ["l.test", "a.test"]


def test_timesyncd_that_tells_nothing_is_unknown() -> None:
    with pytest.raises(Unknown, match="does not answer"):
        asked_now([("boot", "NTP=a.test")])


@pytest.mark.parametrize(
    ("probe", "printed"),
    [
        (CHRONY_NOW, "506 Cannot talk to daemon\n"),
        (CHRONY_NOW, "^,?,,0,7,0,4294967295,0.0,0.0,0.0\n"),
        (CHRONY_NOW, "^,*,10.0.0.1,0\n"),
        (CHRONY_BOOT, "server 192.0.2.7\n"),
        (PROCESSES, ""),
        (PROCESSES, "chronyd chrony.service /usr/sbin/chronyd\n"),
        (PROCESSES, "machine\nchronyd\n"),
        (TIMESYNCD, "NTP=a.test\n"),
        (UNITS, ""),
    ],
)
def test_damaged_output_is_not_understood(probe: Probe[object], printed: str) -> None:
    with pytest.raises(ParseError):
        probe.parse(Output(printed.encode(), b"", 0))
