"""What the time service measured, from what chronyc, ss and systemd printed; and what chrony's lines mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline.probes.base import Output, ParseError
from plumbline.probes.time import directives, measured, timesyncd
from plumbline.probes.time.marked import Marked, marked
from plumbline.probes.time.services import PROCESSES
from plumbline.verify.seen import Reading
from plumbline.verify.unknown import Unknown

RECORDED = Path(__file__).parents[2] / "recorded/time"
SOURCE = "time.ot.lab.test"


def printed(name: str) -> Marked:
    return marked(Output((RECORDED / name).read_bytes(), b"", 0))


def configured(*lines: str) -> Marked:
    return [("configuration", line) for line in lines]


def test_recorded_chrony_follows_an_authenticated_source() -> None:
    found = printed("measured-chrony-4.3.txt")
    (source,) = measured.sources(found)
    assert (source.name, source.reach, source.is_selected) == (SOURCE, 0o17, True)
    assert abs(source.offset) < 0.001
    assert measured.authentication(found) == {SOURCE: "key 1 SHA256"}
    own = measured.tracking(found)
    assert own is not None
    assert (own.stratum, own.leap) == (4, "Normal")
    assert (measured.listening(found), measured.open_keys(found), measured.hypervisor(found)) == ([], [], [])


def test_recorded_timesyncd_follows_its_server() -> None:
    found = printed("timesyncd-answered-systemd-252.txt")
    assert (timesyncd.silent(found), timesyncd.selected(found)) == ([], [SOURCE])
    assert timesyncd.stratum(found).value == 4
    assert timesyncd.leap(found) == "Normal"
    assert [reading.value for reading in timesyncd.offsets(found)] == [0]


def test_timesyncd_without_an_answer_is_silent_and_not_synchronised() -> None:
    found = printed("timesyncd-systemd-252.txt")
    assert timesyncd.silent(found) == ["192.0.2.123: no answer"]
    assert (timesyncd.selected(found), timesyncd.leap(found)) == ([], "Not synchronised")
    with pytest.raises(Unknown):
        timesyncd.offsets(found)


def test_timesyncd_40_seconds_off() -> None:
    message = (
        "NTPMessage={ Leap=0, Stratum=3, OriginateTimestamp=Sun 2026-11-22 15:10:37 UTC, "
        "ReceiveTimestamp=Sun 2026-11-22 15:11:17 UTC, TransmitTimestamp=Sun 2026-11-22 15:11:17 UTC, "
        "DestinationTimestamp=Sun 2026-11-22 15:10:37 UTC, Ignored=no }"
    )
    (reading,) = timesyncd.offsets([("now", message)])
    assert reading.value == 40_000


def test_offset_is_told_without_its_sign() -> None:
    assert measured.milliseconds("away", -39.1934, "x") == Reading("away", 39193, "x")


@pytest.mark.parametrize(("reach", "answers"), [("0", False), ("1", True), ("377", True)])
def test_a_source_answers_if_any_of_its_last_polls_did(reach: str, answers: bool) -> None:
    (source,) = measured.sources([("sources", f"^,?,{SOURCE},0,6,{reach},1,0.1,0.1,0.1")])
    assert bool(source.reach) is answers


def test_weak_key_is_told_by_its_number() -> None:
    assert measured.authentication([("authdata", f"{SOURCE},SK,1,1,128,1,0,0,0,0")]) == {
        SOURCE: "key 1 type 1"
    }


def test_nts_and_nothing() -> None:
    found = [("authdata", "a.test,NTS,1,15,256,16,0,0,8,100"), ("authdata", "b.test,-,0,0,0,1,0,0,0,0")]
    assert measured.authentication(found) == {"a.test": "nts", "b.test": "none"}


@pytest.mark.parametrize(
    "line",
    [
        ("sources", "^,*,x,1"),
        ("tracking", "7F7F0101,,3"),
        ("authdata", f"{SOURCE},XX,1,1,128,1,0,0,0,0"),
        ("listening", "udp UNCONN"),
    ],
)
def test_output_that_is_cut_or_new_is_not_understood(line: tuple[str, str]) -> None:
    readers = (measured.sources, measured.tracking, measured.authentication, measured.listening)
    with pytest.raises(ParseError):
        [read([line]) for read in readers]


def test_loopback_is_nobody_else() -> None:
    users = 'users:(("chronyd",pid=1,fd=1))'
    listening = [
        ("listening", f"udp UNCONN 0 0 127.0.0.1:323 0.0.0.0:* {users}"),
        ("listening", f"udp UNCONN 0 0 [::1]:323 [::]:* {users}"),
        ("listening", f"udp UNCONN 0 0 0.0.0.0:123 0.0.0.0:* {users}"),
    ]
    assert measured.listening(listening) == ["udp 0.0.0.0:123 (chronyd)"]


@pytest.mark.parametrize(
    ("access", "is_open"),
    [
        ("640 root _chrony", False),
        ("600 root root", False),
        ("644 root _chrony", True),
        ("640 root users", True),
    ],
)
def test_keys_are_open_to_whoever_is_not_root_or_chrony(access: str, is_open: bool) -> None:
    assert bool(measured.open_keys([("keys", f"{access} /etc/chrony/chrony.keys")])) is is_open


@pytest.mark.parametrize(("said", "sets"), [("Enabled", True), ("Disabled", False)])
def test_vmware_tools_say_whether_they_set_the_clock(said: str, sets: bool) -> None:
    assert bool(measured.hypervisor([("vmware", said)])) is sets


def test_vmware_tools_that_say_something_else_are_unknown() -> None:
    with pytest.raises(Unknown):
        measured.hypervisor([("vmware", "Failed to send RPC")])


def test_virtualbox_sets_the_clock_unless_told_not_to() -> None:
    line = "machine\nVBoxService virtualbox-guest-utils.service /usr/sbin/VBoxService"
    found = [
        PROCESSES.parse(Output(f"{line}{more}\n".encode(), b"", 0)).found
        for more in ("", " --disable-timesync")
    ]
    assert [len(processes) for processes in found] == [1, 0]


@pytest.mark.parametrize(
    ("line", "how"),
    [
        ("server a.test iburst key 7", "key 7 SHA256"),
        ("server a.test key 8", "key 8 MD5"),
        ("server a.test key 9", "key 9 —"),
        ("SERVER A.test. NTS", "nts"),
        ("pool a.test iburst", "none"),
        ("server a.test key", "none"),
    ],
)
def test_how_a_source_will_prove_itself(line: str, how: str) -> None:
    keys = [("key", "7 SHA256"), ("key", "8 MD5")]
    assert directives.trusted([*configured(line), *keys]) == {"a.test": how}


@pytest.mark.parametrize(
    ("line", "altered"),
    [
        ("server a.test offset 40", ["a.test offset 40"]),
        ("server a.test offset 0.0", []),
        ("server a.test noselect", ["a.test noselect"]),
        ("server a.test", []),
        ("server a.test iburst offline", ["a.test offline"]),
        ("minsources 1\nserver a.test", []),
        ("minsources 2\nserver a.test", ["minsources 2"]),
        ("minsources 2\npool a.test", []),
        ("authselectmode ignore", ["authselectmode ignore"]),
        ("authselectmode require", []),
    ],
)
def test_what_is_done_to_the_time_of_a_source(line: str, altered: list[str]) -> None:
    assert directives.altered(configured(*line.splitlines())) == altered


@pytest.mark.parametrize(
    ("lines", "serves"),
    [
        (["allow 10.0.0.0/8"], True),
        (["allow 10.0.0.0/8", "port 0"], False),
        (["port 0", "allow all", "port 123"], True),
        (["cmdallow all"], True),
        (["cmdallow all", "cmdport 0"], False),
        (["ntsserverkey /x"], True),
        (["deny all"], False),
    ],
)
def test_whom_chronyd_will_serve(lines: list[str], serves: bool) -> None:
    assert bool(directives.serving(configured(*lines))) is serves
