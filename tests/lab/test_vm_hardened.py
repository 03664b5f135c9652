"""Logging and the operating system on a hardened machine with a kernel of its own.

Events are made to happen and must leave their entries. And what no container shows: audit rules taken from
the running kernel, a daemon that is stopped, a kernel started without audit, or behind; a machine that is not
as specified.
"""

from __future__ import annotations

import re
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import lab_name
from declaring import Change, respecified
from hardened import HOST, deploys_of, harden, sabotaged
from judging import checks, not_passing, observed, verdicts
from vm_logging_events import EVENTS, Event
from vm_operating_system import (
    KERNEL,
    NEWER,
    OPERATING_SYSTEM,
    REBUILT,
    SIZE,
    VIRTUAL,
    as_the_machine,
    fewer_processors,
    less_memory,
    physical,
)

from plumbline.lab import Lab, VmHost
from plumbline.rooms import LAB_INVENTORY
from plumbline.verify.results import Verdict

LOG = "/var/log/audit/audit.log"
WAIT = 120.0
SUBJECTS = (OPERATING_SYSTEM, "logging")
E = "security-events-logged:"


@pytest.fixture(scope="module")
def deploys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deploys_of(tmp_path_factory.mktemp("vm"), SUBJECTS)


@pytest.fixture(scope="module")
def lab(deploys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    inventory = Path(shutil.copytree(LAB_INVENTORY, tmp_path_factory.mktemp("as-it-is") / "inventory"))
    respecified(inventory, as_the_machine)
    with Lab.up(lab_name(), hosts=1, flavour="clean", kind="vm", inventory=inventory) as up:
        up.run(HOST, "mkdir -p /etc/ssl/private")
        harden(up, deploys)
        yield up


def written(lab: Lab) -> str:
    """The audit's whole log, after all that was said so far is in it."""
    mark = f"mark-{time.monotonic_ns()}"
    _until(lab, f"grep -q {mark} {LOG}", f"auditctl -m {mark}")
    return lab.run(HOST, f"cat $(ls -tr {LOG}*)").stdout


def _until(lab: Lab, condition: str, first: str = ":") -> None:
    lab.run(HOST, f"{first}; until {condition}; do sleep 0.1; done", timeout=WAIT)


def test_hardened_host_passes_and_a_second_apply_changes_nothing(lab: Lab, deploys: Path) -> None:
    assert not_passing(verdicts(lab, HOST, *SUBJECTS)) == set()
    assert harden(lab, deploys).changed == []


@pytest.mark.parametrize(
    ("sabotage", "told"),
    [
        (NEWER, "/boot/vmlinuz-6.1.0-999-cloud-amd64 is the newest installed"),
        (REBUILT, " 6.999-1 is installed"),
    ],
    ids=["newer_kernel_waits_for_a_reboot", "kernel_was_built_anew_under_its_name"],
)
def test_kernel_that_is_behind_is_seen(lab: Lab, sabotage: tuple[str, str], told: str) -> None:
    with sabotaged(lab, *sabotage):
        found = verdicts(lab, HOST, OPERATING_SYSTEM)
    assert not_passing(found) == {KERNEL}
    (line,) = observed(found, KERNEL)
    assert line.endswith(told)


@pytest.mark.parametrize(
    ("change", "check", "told"),
    [(less_memory, SIZE, "1.0"), (fewer_processors, SIZE, "2"), (physical, VIRTUAL, "virtual (qemu, QEMU ")],
    ids=[
        "less_memory_than_specified",
        "fewer_processors_than_specified",
        "virtual_though_specified_physical",
    ],
)
def test_machine_that_is_not_as_specified_is_seen(lab: Lab, change: Change, check: str, told: str) -> None:
    kept = {path: path.read_text() for path in (lab.inventory / "systems").glob("*.yml")}
    respecified(lab.inventory, change)
    try:
        found = verdicts(lab, HOST, OPERATING_SYSTEM)
    finally:
        for path, text in kept.items():
            path.write_text(text)
    assert not_passing(found) == {check}
    (line,) = observed(found, check)
    assert line.startswith(told)


def test_kernel_started_without_audit_is_seen_and_a_usual_boot_passes(lab: Lab) -> None:
    host = lab.host(HOST)
    assert isinstance(host, VmHost)
    host.shut_down()
    host.kernel_words = "audit=0"
    try:
        host.start()
        host.wait()
        results = verdicts(lab, HOST, "logging")
    finally:
        host.kernel_words = ""
        lab.reboot(host)
    assert observed(results, f"{E}the_audit_runs") == [
        "auditctl -s: Error - audit support not in kernel; Cannot open netlink audit socket",
        "the kernel was started with audit=0",
    ]
    assert f"{E}logons_are_recorded_now" in not_passing(results)
    assert f"{E}logons_will_be_recorded" not in not_passing(results)
    assert not_passing(verdicts(lab, HOST, "logging")) == set()


@pytest.fixture(scope="module")
def entries(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the audit wrote while all events happened."""
    before = len(written(lab))
    for event in EVENTS.values():
        lab.run(HOST, event.command, user=event.user)
    _logon_refused(lab, tmp_path_factory.mktemp("key") / "wrong")
    lab.host(HOST).entry.forget()  # ends the sessions, which are kept open for further commands
    lab.run(
        HOST, f"until grep -q 'type=USER_END.*acct=.plain. exe=./usr/sbin/sshd' {LOG}*; do sleep 0.2; done"
    )
    return written(lab)[before:]


def _logon_refused(lab: Lab, key: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    words = lab.host(HOST).entry.command("plain", "true", shared=False)
    wrong = [f"IdentityFile={key}" if word.startswith("IdentityFile=") else word for word in words]
    done = subprocess.run(wrong, check=False, capture_output=True, text=True)
    assert "Permission denied" in done.stderr


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_event_leaves_an_entry(entries: str, event: Event) -> None:
    assert [entry for entry in event.entries if not re.search(entry, entries)] == []


def test_refused_logon_leaves_an_entry(entries: str) -> None:
    pattern = r'type=USER_LOGIN .*acct="plain" exe="/usr/sbin/sshd(-session)?".*res=failed'
    assert re.search(pattern, entries)


def test_entries_have_time_type_and_number(entries: str) -> None:
    for line in entries.rstrip().split("\n"):
        assert re.match(r"type=[A-Z_0-9\[\]]+ msg=audit\(\d+\.\d{3}:\d+\):", line), line


def test_nothing_was_lost_meanwhile(lab: Lab, entries: str) -> None:
    assert entries
    assert re.search(r"^lost 0$", lab.run(HOST, "auditctl -s").stdout, re.MULTILINE)


LIVE = {
    "watch_removed": ("auditctl -W /etc/passwd -p wa -k accounts", "account_changes", "/etc/passwd: no rule"),
    "rule_removed": (
        "auditctl -d always,exit -F arch=b32 -S execve,execveat -F key=process-start",
        "processes",
        "execve (b32), execveat (b32): no rule records it",
    ),
    "logons_excluded": (
        "auditctl -a always,exclude -F msgtype=USER_LOGIN",
        "logons",
        "USER_LOGIN: -a always,exclude -F msgtype=USER_LOGIN",
    ),
    "clock_hidden_for_an_administrator": (
        "auditctl -A never,exit -F arch=b64 -S clock_settime -F auid=1000",
        "time_changes",
        "hidden by -a never,exit -F arch=b64 -S clock_settime -F auid=1000",
    ),
}


def test_what_is_taken_from_the_running_kernel_is_seen(lab: Lab) -> None:
    wrong = "; ".join(command for command, _, _ in LIVE.values())
    limits = "auditctl -r 100; auditctl -f 0; auditctl -b 100"
    with sabotaged(lab, f"{wrong}; {limits}", "augenrules --load; auditctl --reset-lost"):
        results = verdicts(lab, HOST, "logging")
    for name, (_, what, told) in LIVE.items():
        seen = observed(results, f"{E}{what}_are_recorded_now")
        assert [line for line in seen if told in line], (name, seen)
    lost = "rate_limit 100", "failure 0", "backlog_limit 100"
    seen = observed(results, f"{E}no_entry_is_lost")
    assert {f"auditctl -s: {word}" for word in lost} <= set(seen)
    later = [name for name in checks(results, Verdict.FAIL) if name.endswith(("will_be_recorded", "be_lost"))]
    assert later == [], "the files are right"


def test_daemon_that_is_stopped_and_a_kernel_that_records_nothing_are_seen(lab: Lab) -> None:
    wrong = "systemctl stop auditd; auditctl -e 0; auditctl -D"
    with sabotaged(lab, wrong, "auditctl -e 1; systemctl start auditd"):
        results = verdicts(lab, HOST, "logging")
    assert set(observed(results, f"{E}the_audit_runs")) == {
        "auditctl -s: enabled 0",
        "auditctl -s: pid 0, no daemon receives what is recorded",
        "auditd.service: inactive",
    }
    now = {name for name in checks(results, Verdict.FAIL) if name.endswith("_are_recorded_now")}
    # Without rules nothing drops the entries that programs write themselves: logons, crashes.
    by_rules = "account_changes password_changes permission_changes processes time_changes"
    rest = "changes_of_the_logging certificate_changes"
    assert now == {f"{E}{name}_are_recorded_now" for name in f"{by_rules} {rest}".split()}
    assert not_passing(verdicts(lab, HOST, "logging")) == set()


class TimeServer(threading.Thread):
    """Tells the time over NTP (RFC 5905), a little fast, so that clients have something to adjust."""

    def __init__(self, address: str) -> None:
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 123))

    def run(self) -> None:
        while True:
            request, client = self.socket.recvfrom(512)
            if request == b"end":
                return
            now = time.time() + 2208988800 + 0.4
            stamp = struct.pack("!II", int(now), int(now % 1 * 2**32))
            head = struct.pack("!BBbbII4s", 0x24, 1, 0, -20, 0, 0, b"LOCL")
            self.socket.sendto(head + stamp + request[40:48] + stamp + stamp, client)


def test_time_service_s_slewing_leaves_no_flood_and_a_step_is_told(lab: Lab) -> None:
    server = TimeServer(str(lab.state.gateway))
    server.start()
    try:
        before = len(written(lab))
        lab.run(HOST, "apt-get -q -y install --no-install-recommends chrony >/dev/null")
        lab.run(
            HOST,
            f"echo 'server {lab.state.gateway} iburst minpoll 0 maxpoll 0' >/etc/chrony/chrony.conf; "
            "systemctl restart chrony",
        )
        _until(lab, "chronyc -c tracking | grep -q ',Normal$'")
        step = "date -s @$(($(date +%s) - 30)) >/dev/null; chronyc makestep"
        _until(lab, "journalctl -q -u chrony | grep -q 'System clock was stepped'", step)
        said = written(lab)[before:]
    finally:
        server.socket.sendto(b"end", (str(lab.state.gateway), 123))
        server.join()
        server.socket.close()
    by_chrony = [line for line in said.split("\n") if 'comm="chronyd"' in line and 'key="time"' in line]
    calls = {match[1] for line in by_chrony if (match := re.search(r"syscall=(\d+)", line))}
    assert not {"159", "305"} & calls, "adjtimex and clock_adjtime"
    assert 'comm="date"' in said
    assert not_passing(verdicts(lab, HOST, "logging")) == set()
