"""Time on a booted host: each road by which another source, or another service, gets to the clock is seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import lab_name
from hardened import HOST, deploys_of, harden, sabotaged
from judging import failing, not_passing, observed, verdicts

from plumbline.lab import Lab

OTHER = "srv-hist-01"
CONF, DEFAULTS, KEPT = "/etc/chrony/chrony.conf", "/etc/default/chrony", "/root/kept"
RELOAD = "systemctl daemon-reload"
UNIT_D = "/etc/systemd/system/chrony.service.d"

T = "time-from-site:"
RUNS, SECOND = f"{T}a_time_service_runs", f"{T}no_second_time_service_runs"
STARTS, SECOND_BOOT = f"{T}a_time_service_starts_at_boot", f"{T}no_second_time_service_starts_at_boot"
NOW, BOOT = f"{T}sources_now_are_the_sites", f"{T}sources_after_boot_are_the_sites"
USUAL, SCRIPT = f"{T}the_service_starts_as_its_package_has_it", f"{T}no_script_sets_the_clock"

Case = tuple[str, str, set[str]]


def configured(text: str, *fails: str, also: str = "true") -> Case:
    """Add to chrony's configuration, which chronyd has not read yet."""
    undo = f"cp {KEPT} {CONF}; rm -rf /etc/chrony/x"
    return (
        f"cp {CONF} {KEPT}; mkdir /etc/chrony/x; {also}; printf '%b\\n' '{text}' >>{CONF}",
        undo,
        set(fails),
    )


def drop_in(text: str, *fails: str) -> Case:
    wrong = f"mkdir -p {UNIT_D}; printf '%b' '{text}' >{UNIT_D}/x.conf; {RELOAD}"
    return wrong, f"rm -r {UNIT_D}; {RELOAD}", set(fails)


def defaults(text: str, *fails: str) -> Case:
    return f"cp {DEFAULTS} {KEPT}; echo '{text}' >>{DEFAULTS}", f"cp {KEPT} {DEFAULTS}", set(fails)


ELSEWHERE = "server 192.0.2.7 iburst"
OWN_UNIT = (
    "[Service]\\nExecStart=/usr/sbin/chronyd -n -x -f /etc/own.conf\\n"
    "[Install]\\nWantedBy=multi-user.target\\n"
)
BY_HAND = "bindcmdaddress /run/stray.sock\\npidfile /run/stray.pid\\nport 0\\ncmdport 0\\n"

CASES: dict[str, Case] = {
    "server_added_at_run_time": (
        "chronyc -h /run/chrony/chronyd.sock add server 192.0.2.7",
        "chronyc -h /run/chrony/chronyd.sock delete 192.0.2.7",
        {NOW},
    ),
    "server_written_but_not_read_yet": configured(ELSEWHERE, BOOT),
    "directive_in_capitals": configured(ELSEWHERE.upper(), BOOT),
    "pool_in_an_included_file": configured(
        "include /etc/chrony/x/*.conf", BOOT, also="echo pool ntp.example >/etc/chrony/x/a.conf"
    ),
    "server_in_a_confdir": configured(
        "confdir /etc/chrony/x", BOOT, also=f"echo {ELSEWHERE} >/etc/chrony/x/a.conf"
    ),
    "server_in_the_second_sourcedir_of_a_line": configured(
        "sourcedir /nowhere /etc/chrony/x", BOOT, also=f"echo {ELSEWHERE} >/etc/chrony/x/a.sources"
    ),
    "peer": configured("peer 192.0.2.7", BOOT),
    "refclock": configured("refclock SHM 0", BOOT),
    "servers_of_initstepslew": configured("initstepslew 30 192.0.2.7", BOOT),
    "no_source": (f"cp {CONF} {KEPT}; sed -i '/^server/d' {CONF}", f"cp {KEPT} {CONF}", {BOOT}),
    "configuration_chronyd_refuses": configured("nonsense", BOOT),
    "the_sites_source_twice": configured(
        "include /etc/chrony/x/a.conf", also=f"grep ^server {CONF} >/etc/chrony/x/a.conf"
    ),
    "another_file_by_the_defaults": defaults('DAEMON_OPTS="-F 1 -f /etc/chrony/other.conf"', USUAL),
    "a_directive_by_the_defaults": defaults('DAEMON_OPTS="-F 1 server\\ 192.0.2.7"', USUAL),
    "an_option_of_no_matter_by_the_defaults": defaults('DAEMON_OPTS="-F -1 -r"'),
    "another_start_by_drop_in": drop_in(
        "[Service]\\nExecStart=\\nExecStart=!/usr/sbin/chronyd -x -f /etc/own.conf\\n", USUAL
    ),
    "another_program_by_drop_in": drop_in("[Service]\\nExecStart=\\nExecStart=/opt/chronyd -x\\n", USUAL),
    "another_environment_file_by_drop_in": drop_in("[Service]\\nEnvironmentFile=-/etc/own.env\\n", USUAL),
    "a_command_afterwards_by_drop_in": drop_in(
        "[Service]\\nExecStartPost=/usr/bin/chronyc add server 192.0.2.7\\n", USUAL
    ),
    "a_condition_by_drop_in": drop_in("[Unit]\\nConditionPathExists=/nowhere\\n", USUAL),
    "a_drop_in_of_no_matter": drop_in("[Service]\\nNice=-5\\n"),
    "stopped": ("systemctl stop chrony", "systemctl start chrony", {RUNS, NOW}),
    "disabled": ("systemctl disable chrony", "systemctl enable chrony", {STARTS, BOOT}),
    "masked_where_systemd_has_not_looked_yet": (
        "ln -s /dev/null /etc/systemd/system/chrony.service",
        "rm /etc/systemd/system/chrony.service",
        {STARTS, BOOT},
    ),
    "second_chronyd_started_by_hand": (
        f"printf '%b' '{ELSEWHERE}\\n{BY_HAND}' >/etc/own.conf; "
        "systemd-run -q -u stray -p Type=exec /usr/sbin/chronyd -n -x -f /etc/own.conf; "
        "until [ -e /run/stray.pid ]; do :; done",
        "systemctl stop stray; rm /etc/own.conf",
        {RUNS, SECOND, f"?{NOW}", USUAL},
    ),
    "ntpd_started_by_hand": (
        "cp /bin/sleep /root/ntpd; systemd-run -q --scope -u stray setsid /root/ntpd 600 <&- >&- 2>&- & "
        "until pidof ntpd; do :; done",
        "systemctl stop stray.scope; rm /root/ntpd",
        {RUNS, SECOND, f"?{NOW}"},
    ),
    "unit_of_ones_own_at_boot": (
        f"printf '{OWN_UNIT}' >/etc/systemd/system/own.service; systemctl enable own",
        f"systemctl disable own; rm /etc/systemd/system/own.service; {RELOAD}",
        {STARTS, SECOND_BOOT, f"?{BOOT}"},
    ),
    "unit_of_ones_own_that_nothing_starts": (
        f"printf '{OWN_UNIT}' >/etc/systemd/system/own.service; {RELOAD}",
        f"rm /etc/systemd/system/own.service; {RELOAD}",
        set(),
    ),
    "clock_set_by_cron": (
        "mkdir -p /etc/cron.d; echo '0 3 * * * root ntpdate ntp.example' >/etc/cron.d/clock",
        "rm /etc/cron.d/clock",
        {SCRIPT},
    ),
}

TIMESYNCD = "/etc/systemd/timesyncd.conf.d"
APPLIED = "systemctl restart systemd-timesyncd"
LINK = "/etc/systemd/network/10-host0.network.d"


@pytest.fixture(scope="module")
def deploys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deploys_of(tmp_path_factory.mktemp("time"), ["time"])


@pytest.fixture(scope="module")
def lab(deploys: Path) -> Iterator[Lab]:
    with Lab.up(lab_name(), hosts=2, flavour="clean") as up:
        assert harden(up, deploys).changed
        yield up


def test_untouched_host_asks_the_servers_built_in(lab: Lab) -> None:
    results = verdicts(lab, OTHER, "time")
    assert failing(results) == [BOOT, NOW]
    assert observed(results, BOOT) == ["the fallback servers built into systemd-timesyncd"]


def test_hardened_host_passes_and_a_second_apply_changes_nothing(lab: Lab, deploys: Path) -> None:
    assert failing(verdicts(lab, HOST, "time")) == []
    assert harden(lab, deploys).changed == []


@pytest.mark.parametrize("name", CASES)
def test_sabotage_is_seen_by_its_checks_and_by_no_other(lab: Lab, name: str) -> None:
    wrong, right, expected = CASES[name]
    with sabotaged(lab, wrong, right):
        assert not_passing(verdicts(lab, HOST, "time")) == expected


def test_a_configuration_that_is_printed_meanwhile_is_no_second_service(lab: Lab) -> None:
    # A full pipe holds it up.
    printing = (
        "systemd-run -q --unit=printing sh -c '{ head -c 65536 /dev/zero; chronyd -p; } | sleep infinity'; "
        "until ps -C chronyd -o args= | grep -q -- -p; do sleep 0.1; done"
    )
    with sabotaged(lab, printing, "systemctl stop printing"):
        assert not_passing(verdicts(lab, HOST, "time")) == set()


@pytest.mark.parametrize("include", ["confdir", "sourcedir"])
def test_source_in_a_directory_of_the_configuration_passes(lab: Lab, include: str) -> None:
    ending = "conf" if include == "confdir" else "sources"
    source = f"server {lab.state.gateway} iburst"
    wrong, right, _ = configured(
        f"{include} /etc/chrony/x",
        also=f"sed -i '/^server/d' {CONF}; echo {source} >/etc/chrony/x/a.{ending}",
    )
    with sabotaged(lab, f"{wrong}; systemctl restart chrony", f"{right}; systemctl restart chrony"):
        assert failing(verdicts(lab, HOST, "time")) == []


def test_timesyncd_is_judged_as_well(lab: Lab) -> None:
    source = str(lab.state.gateway)
    lab.run(OTHER, f"mkdir {TIMESYNCD}; printf '[Time]\\nNTP={source}\\n' >{TIMESYNCD}/a.conf; {APPLIED}")
    assert not_passing(verdicts(lab, OTHER, "time")) == set()

    lab.run(OTHER, f"printf '[Time]\\nNTP=192.0.2.7\\n' >{TIMESYNCD}/b.conf")
    assert not_passing(verdicts(lab, OTHER, "time")) == {BOOT}
    lab.run(OTHER, APPLIED)
    assert not_passing(verdicts(lab, OTHER, "time")) == {NOW, BOOT}

    lab.run(OTHER, f"printf '[Time]\\nNTP=\\nNTP={source}\\n' >{TIMESYNCD}/b.conf; {APPLIED}")
    assert not_passing(verdicts(lab, OTHER, "time")) == set()

    lab.run(
        OTHER, f"mkdir -p {LINK}; printf '[Network]\\nNTP=192.0.2.8\\n' >{LINK}/a.conf; networkctl reload"
    )
    results = verdicts(lab, OTHER, "time")
    assert BOOT in not_passing(results)
    assert observed(results, BOOT) == ["192.0.2.8", source]


def test_apply_heals_what_is_written_running_and_enabled(lab: Lab, deploys: Path) -> None:
    lab.run(HOST, f"echo {ELSEWHERE} >>{CONF}; echo DAEMON_OPTS=-q >>{DEFAULTS}")
    lab.run(HOST, "systemctl disable --now chrony")
    assert set(failing(verdicts(lab, HOST, "time"))) == {RUNS, NOW, STARTS, BOOT}
    harden(lab, deploys)
    assert failing(verdicts(lab, HOST, "time")) == []


def test_reboot_keeps_it(lab: Lab) -> None:
    lab.reboot(HOST)
    assert failing(verdicts(lab, HOST, "time")) == []
