"""Time and logs on a host whose site's servers are there: right after apply, each way to go wrong is seen.

The clock is followed for real, entries arrive for real; the machine's own clock is never touched, so a clock
that is off is a source that tells another time.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import lab_name
from declaring import declared_site
from hardened import HOST, deploys_of
from judging import failing, not_passing, observed, verdicts
from lanes import tried
from site_services_sabotage import (
    AGAIN,
    CHRONYC,
    CONNECTED,
    FOLLOWED,
    LOGGING,
    OFF,
    RESTARTED,
    SITE_TIME,
    TIME,
)

from plumbline.apply import HostResult, apply_hosts
from plumbline.lab import Lab
from plumbline.lab.site.log import COLLECTED, SYSLOG_PORT
from plumbline.verify.results import ControlResult

CONTROLS = ("time-from-site", "time-synchronised", "logs-forwarded")
LANES = {"time": TIME, "logging": LOGGING}
EVENTS = 300
SECONDS = 60.0
AWAY = "systemctl stop syslog.socket rsyslog"
"""Ends the collector; its socket alone would bring it back at the next message."""
NUDGE = "logger -t nudge on; sleep 0.2"
"""What was written while rsyslog 8.2302 started it may leave in the journal until the next entry comes."""
SETTLED = "until [ $(ps -o etimes= -C chronyd | head -n 1) -gt 20 ]; do sleep 0.5; done"


@pytest.fixture(scope="module")
def deploys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deploys_of(tmp_path_factory.mktemp("site"), ["time", "logging"])


@pytest.fixture(scope="module")
def lab(deploys: Path) -> Iterator[Lab]:
    with Lab.up(lab_name(), hosts=1, flavour="clean", site=("time", "log")) as up:
        assert harden(up, deploys).changed
        yield up


def harden(lab: Lab, deploys: Path) -> HostResult:
    """Apply, with the secrets of the lab's site."""
    report = apply_hosts(lab.inventory, [HOST], deploys=deploys, ask=lambda asked: _secret(lab, asked))
    result = report.host(HOST)
    assert result.outcome in ("applied", "unchanged"), result
    return result


def _secret(lab: Lab, asked: str) -> str:
    return next(value for name, value in lab.secrets.items() if name in asked)


def judged(lab: Lab) -> dict[str, ControlResult]:
    """Judge what the site's servers are for."""
    return {name: found for name, found in verdicts(lab, HOST, "time", "logging").items() if name in CONTROLS}


def wait(lab: Lab, what: str, is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < until, f"after {SECONDS:g} s still not: {what}"
        lab.run(HOST, NUDGE)


def all_arrive(lab: Lab, tag: str, events: set[str]) -> None:
    """Wait until all of these are at the collector; AssertionError with those that are not."""
    until = time.monotonic() + SECONDS
    while missing := events - set(arrived(lab, tag)):
        assert time.monotonic() < until, sorted(missing)
        lab.run(HOST, NUDGE)


def arrived(lab: Lab, tag: str) -> Counter[str]:
    """Return how often each entry with a tag lies at the collector."""
    found = lab.run_site("log", f"grep -h ' {tag} ' {COLLECTED}/{HOST}.log || :").stdout
    return Counter(line.rpartition(" - ")[2].strip() for line in found.splitlines())


def send(lab: Lab, tag: str, count: int) -> set[str]:
    """Log so many events on the host, and return them."""
    lab.run(HOST, f"seq -f 'event %g of {count}' {count} | logger -t {tag}")
    return {f"event {number} of {count}" for number in range(1, count + 1)}


def test_a_marked_event_arrives_once_with_its_fields(lab: Lab) -> None:
    (event,) = send(lab, "marked", 1)
    wait(lab, "the event is at the collector", lambda: event in arrived(lab, "marked"))
    line = lab.run_site("log", f"grep ' marked ' {COLLECTED}/{HOST}.log").stdout
    assert line.startswith("<13>1 20")
    (after,) = send(lab, "afterwards", 1)
    wait(lab, "a later one is", lambda: after in arrived(lab, "afterwards"))
    assert arrived(lab, "marked") == {event: 1}


def test_an_entry_of_auditd_arrives(lab: Lab) -> None:
    """auditd does not run in a container, so its log is written by hand."""
    entry = "type=USER_LOGIN msg=audit(1735689600.000:7): pid=1 uid=0 res=success"
    lab.run(HOST, f"umask 077; mkdir -p /var/log/audit; echo '{entry}' >>/var/log/audit/audit.log")
    wait(
        lab,
        "the entry is at the collector",
        lambda: entry in lab.run_site("log", f"cat {COLLECTED}/*").stdout,
    )


def test_all_events_arrive_once_after_the_collector_was_away(lab: Lab) -> None:
    connected(lab)
    lab.run_site("log", AWAY)
    events = send(lab, "away", EVENTS)
    assert CONNECTED in not_passing(verdicts(lab, HOST, "logging"), site=True)
    lab.run_site("log", "systemctl start rsyslog")
    all_arrive(lab, "away", events)
    assert arrived(lab, "away") == dict.fromkeys(events, 1)


def test_hardened_it_passes_and_a_second_apply_changes_nothing(lab: Lab, deploys: Path) -> None:
    lab.run(HOST, FOLLOWED)
    assert failing(judged(lab), site=True) == []
    assert harden(lab, deploys).changed == []


@pytest.fixture(scope="module")
def trial(lab: Lab) -> dict[str, set[str]]:
    lab.run(HOST, f"{FOLLOWED}; {SETTLED}")
    return tried(lab, LANES, {}, ["time", "logging"], CONTROLS)


@pytest.mark.parametrize(("lane", "name"), [(lane, name) for lane in LANES for name in LANES[lane]])
def test_sabotage_is_seen_by_its_checks_and_by_no_other(
    trial: dict[str, set[str]], lane: str, name: str
) -> None:
    assert trial[name] == LANES[lane][name].failing


def test_put_right_all_passes_again(lab: Lab, trial: dict[str, set[str]]) -> None:  # noqa: ARG001  (after it)
    lab.run(HOST, RESTARTED)
    assert failing(judged(lab), site=True) == []


def connected(lab: Lab) -> None:
    established = "ss -Htnp state established"
    wait(lab, "rsyslog is connected", lambda: "rsyslogd" in lab.run(HOST, established).stdout)


def test_a_clock_40_seconds_off_is_seen(lab: Lab) -> None:
    lab.run_site("time", "chronyc settime $(date -u -d '+40 sec' +%H:%M:%S)")
    far = "awk -F, '{ exit !($8 > 30 || $8 < -30) }'"
    try:
        lab.run(HOST, f"{AGAIN}; until {CHRONYC} -c sources | {far}; do sleep 0.2; done")
        results = judged(lab)
        assert OFF in not_passing(results, site=True)
        (source,) = [told for told in observed(results, OFF) if SITE_TIME in told]
        assert 38_000 < int(source.split(" = ")[1].split()[0]) < 42_000
    finally:
        lab.run_site("time", "systemctl restart chrony")
        lab.run(HOST, f"systemctl restart chrony; {FOLLOWED}")


def test_all_events_arrive_though_the_host_is_rebooted_while_the_collector_is_away(lab: Lab) -> None:
    """What was on the wire as the collector went is lost with a reboot: the first entries, which say so."""
    connected(lab)
    since = lab.run(HOST, "date +%s").stdout.strip()
    lab.run_site("log", AWAY)
    send(lab, "wire", 5)
    noticed = f"journalctl -o cat -u rsyslog --since @{since} | grep -c ' suspended ' || :"
    wait(lab, "rsyslog has noticed it", lambda: lab.run(HOST, noticed).stdout.strip() != "0")
    events = send(lab, "rebooted", EVENTS)
    assert lab.reboot(HOST) == "running"
    lab.run_site("log", "systemctl start rsyslog")
    all_arrive(lab, "rebooted", events)


def test_a_reboot_keeps_it(lab: Lab) -> None:
    connected(lab)
    lab.run(HOST, FOLLOWED)
    assert failing(judged(lab), site=True) == []


def test_nts_and_plain_syslog_over_tls_are_set_and_judged_as_well(lab: Lab, deploys: Path) -> None:
    with declared_site(lab) as site:
        issuer = site["log_collector"]["ca"]
        site["time_sources"] = [{"address": SITE_TIME, "nts": True, "ca": issuer}]
        site["log_collector"] |= {"protocol": "syslog-tls", "port": SYSLOG_PORT}
    assert harden(lab, deploys).changed
    send(lab, "plain", 1)
    wait(lab, "the event is at the collector", lambda: bool(arrived(lab, "plain")))
    lab.run(HOST, FOLLOWED)
    assert failing(judged(lab), site=True) == []
