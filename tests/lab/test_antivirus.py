"""The antivirus on a booted host: stopped, switched off, out of date or blind, each is seen and named."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import lab_name
from hardened import HOST, deploys_of, harden, sabotaged
from judging import not_passing, observed, verdicts

from plumbline.lab import Lab
from plumbline.lab.signatures import daily_database

OTHER = "srv-hist-01"
CONF, DATABASE, KEPT = "/etc/clamav/clamd.conf", "/var/lib/clamav/daily.cud", "/root/kept"
RELOAD = "systemctl daemon-reload"
UNIT_D = "/etc/systemd/system/clamav-daemon.service.d"

A, S, X = "antivirus-running:", "antivirus-signatures-current:", "antivirus-exclusions-approved:"
DETECTS = "antivirus-detects:the_test_file_is_detected"
INSTALLED = f"{A}packages_are_installed"
RUNS, STARTS = f"{A}services_run_now", f"{A}services_start_at_boot"
ON_DISK, LOADED = f"{S}signatures_are_current", f"{S}loaded_signatures_are_current"
EXCLUDES = f"{X}only_approved_exclusions"

Case = tuple[str, str, set[str]]

STOP = "systemctl stop clamav-daemon.socket clamav-daemon"
READY = "clamdscan --version | grep /"  # answered once it has read its signatures; --ping is answered earlier
START = (
    "systemctl reset-failed clamav-daemon.socket clamav-daemon; "
    f"systemctl start clamav-daemon.socket clamav-daemon; {READY}"
)


def configured(line: str, *fails: str) -> Case:
    return f"cp {CONF} {KEPT}; echo '{line}' >>{CONF}", f"cp {KEPT} {CONF}", set(fails)


READ = "until echo x | clamdscan --no-summary - | grep -q OK; do :; done"  # whatever signatures it has


def reloaded(wrong: str, right: str, *fails: str) -> Case:
    """Make it wrong and start the scanner anew, so that it works with that; undo it so."""
    begin = START.removesuffix(READY)
    return f"{wrong}; {STOP}; {begin}{READ}", f"{right}; {STOP}; {START}", set(fails)


def of_line(line: str, *fails: str) -> Case:
    """Add a line to the scanner's configuration and start it anew."""
    return reloaded(f"cp {CONF} {KEPT}; echo '{line}' >>{CONF}", f"cp {KEPT} {CONF}", *fails)


def made_at(year: int) -> str:
    """Put signatures in place that were made in that year; they are modified just then."""
    database = base64.b64encode(daily_database(datetime(year, 1, 1, tzinfo=UTC))).decode()
    return f"cp -p {DATABASE} {KEPT}; echo {database} | base64 -d >{DATABASE}"


OLD = made_at(2020)
BACK = f"cp -p {KEPT} {DATABASE}"
NONE = "mkdir /root/away; mv /var/lib/clamav/* /root/away"
ALL_BACK = "mv /root/away/* /var/lib/clamav; rmdir /root/away"
WITHOUT_HEAD = f"{NONE}; echo 44d88612fea8a8f36de82e1278abb02f:68:x >/var/lib/clamav/x.hdb"


def other_configuration(option: str) -> Case:
    start = f"[Service]\\nExecStart=\\nExecStart=/usr/sbin/clamd --foreground=true {option}/etc/other.conf\\n"
    wrong = (
        f"cp {CONF} /etc/other.conf; echo 'ExcludePath ^/home/' >>/etc/other.conf; "
        f"printf '%b' '{start}' >{UNIT_D}/x.conf; {RELOAD}"
    )
    return wrong, f"rm {UNIT_D}/x.conf /etc/other.conf; {RELOAD}", {EXCLUDES}


CASES: dict[str, Case] = {
    "stopped": (STOP, START, {RUNS, LOADED, DETECTS}),
    "running_but_not_at_boot": (
        "systemctl disable clamav-daemon", "systemctl enable clamav-daemon", {STARTS},
    ),
    "enabled_until_boot_only": (
        "systemctl disable clamav-daemon; systemctl enable --runtime clamav-daemon",
        "systemctl disable --runtime clamav-daemon; systemctl enable clamav-daemon",
        {STARTS},
    ),
    "masked_where_systemd_has_not_looked_yet": (
        "ln -s /dev/null /etc/systemd/system/clamav-daemon.service",
        "rm /etc/systemd/system/clamav-daemon.service",
        {STARTS},
    ),
    "started_by_a_target_that_never_starts": (
        "cd /etc/systemd/system; mkdir never.target.wants; "
        f"mv multi-user.target.wants/clamav-daemon.service never.target.wants/; {RELOAD}",
        "cd /etc/systemd/system; "
        "mv never.target.wants/clamav-daemon.service multi-user.target.wants/; "
        f"rmdir never.target.wants; {RELOAD}",
        {STARTS},
    ),
    "never_done_starting": (
        f"printf '[Service]\\nExecStartPre=/bin/sleep 600\\n' >{UNIT_D}/x.conf; {RELOAD}; "
        "systemctl restart --no-block clamav-daemon; "
        "until systemctl show -p SubState clamav-daemon | grep -q start-pre; do :; done",
        f"rm {UNIT_D}/x.conf; {RELOAD}; {STOP}; {START}",
        {RUNS, LOADED, DETECTS},
    ),
    "failed": (
        "systemctl kill -s KILL clamav-daemon; until systemctl is-failed clamav-daemon; do :; done",
        START,
        {RUNS, LOADED, DETECTS},
    ),
    "signatures_of_last_month_touched_today": (OLD, BACK, {ON_DISK}),
    "signatures_of_the_future": (
        made_at(2090), BACK, {ON_DISK},
    ),
    "no_signatures": (NONE, ALL_BACK, {ON_DISK}),
    "old_signatures_loaded": (
        f"{OLD}; {STOP}; {START}; {BACK}",
        f"{STOP}; {START}",
        {LOADED},
    ),
    "old_signatures_without_a_head": (
        f"{WITHOUT_HEAD}; touch -d '30 days ago' /var/lib/clamav/x.hdb",
        f"rm /var/lib/clamav/x.hdb; {ALL_BACK}",
        {ON_DISK},
    ),
    "new_signatures_without_a_head": (WITHOUT_HEAD, f"rm /var/lib/clamav/x.hdb; {ALL_BACK}", set()),
    "excluded_path": configured("ExcludePath ^/home/", EXCLUDES),
    "excluded_path_after_blanks": configured("  ExcludePath\t/tmp", EXCLUDES),
    "excluded_user_on_access": configured("OnAccessExcludeUname root", EXCLUDES),
    "commented_exclusion": configured("#ExcludePath ^/home/"),
    "other_configuration_by_a_drop_in": other_configuration("--config-file="),
    "other_configuration_by_the_short_option": other_configuration("-c "),
    "everything_excluded": configured("ExcludePath ^/", EXCLUDES),
    "a_kind_of_files_left_out": configured("ScanELF no", EXCLUDES),
    "a_kind_of_files_named_as_scanned": configured("ScanELF yes"),
    "larger_limit": configured("MaxFileSize 200M"),
    "no_limit": configured("MaxScanSize 0"),
    "detection_switched_off_by_a_limit": of_line("MaxFileSize 10", EXCLUDES, DETECTS),
    "detection_switched_off_by_an_ignored_signature": reloaded(
        "echo Lab.Eicar >/var/lib/clamav/own.ign2", "rm /var/lib/clamav/own.ign2", EXCLUDES, DETECTS
    ),
    "detection_switched_off_by_an_allowed_file": reloaded(
        "echo 44d88612fea8a8f36de82e1278abb02f:68:x >/var/lib/clamav/own.fp",
        "rm /var/lib/clamav/own.fp",
        EXCLUDES,
        DETECTS,
    ),
    "detection_switched_off_by_other_signatures": reloaded(
        f"cp {CONF} {KEPT}; mkdir /var/lib/other; echo {'0' * 32}:68:x >/var/lib/other/x.hdb; "
        f"sed -i 's#^DatabaseDirectory.*#DatabaseDirectory /var/lib/other#' {CONF}",
        f"cp {KEPT} {CONF}; rm -r /var/lib/other",
        LOADED,
        DETECTS,
        EXCLUDES,
    ),
    "scanner_that_calls_everything_found": (
        "mv /usr/bin/clamdscan /root/clamdscan; printf '#!/bin/sh\\ncat >/dev/null\\n"
        "[ \"$1\" != --version ] || exec /root/clamdscan --version\\necho stream: x FOUND\\n' "
        ">/usr/bin/clamdscan; chmod 755 /usr/bin/clamdscan",
        "mv /root/clamdscan /usr/bin/clamdscan",
        {DETECTS},
    ),
    "another_signature_ignored_beside_signatures_elsewhere": reloaded(
        f"cp {CONF} {KEPT}; cp -rp /var/lib/clamav /var/lib/other; echo Other >/var/lib/other/x.ign2; "
        f"sed -i 's#^DatabaseDirectory.*#DatabaseDirectory /var/lib/other#' {CONF}",
        f"cp {KEPT} {CONF}; rm -r /var/lib/other",
        EXCLUDES,
    ),
    "engine_told_to_leave_kinds_out": (
        "echo PE:0x0:1:255 >/var/lib/clamav/own.cfg", "rm /var/lib/clamav/own.cfg", {EXCLUDES},
    ),
    "list_of_the_scanner_on_access": (
        "d=/etc/systemd/system/clamav-clamonacc.service.d; mkdir -p $d; printf '[Service]\\nExecStart=\\n"
        f"ExecStart=/usr/sbin/clamonacc --foreground --exclude-list=/etc/x\\n' >$d/x.conf; {RELOAD}",
        f"rm -r /etc/systemd/system/clamav-clamonacc.service.d; {RELOAD}",
        {EXCLUDES},
    ),
    "signatures_ignored_by_a_list_in_capitals": (
        "echo Lab.Other >/var/lib/clamav/OWN.IGN2", "rm /var/lib/clamav/OWN.IGN2", {EXCLUDES},
    ),
    "start_held_back": (
        f"printf '[Unit]\\nConditionPathExists=/nowhere\\n' >{UNIT_D}/x.conf; {RELOAD}",
        f"rm {UNIT_D}/x.conf; {RELOAD}",
        {STARTS},
    ),
    "another_program_at_boot": (
        f"printf '[Service]\\nExecStart=\\nExecStart=/bin/sleep infinity\\n' >{UNIT_D}/x.conf; {RELOAD}",
        f"rm {UNIT_D}/x.conf; {RELOAD}",
        {STARTS},
    ),
    "signatures_that_are_empty": (
        f"cp -p {DATABASE} {KEPT}; : >{DATABASE}", f"cp -p {KEPT} {DATABASE}", {ON_DISK},
    ),
    "signatures_ignored_by_a_list": (
        "echo Lab.Eicar >/var/lib/clamav/own.ign2", "rm /var/lib/clamav/own.ign2", {EXCLUDES},
    ),
    # Last, because its return makes the scanner read its signatures anew some time later.
    "removed_with_its_configuration_left": (
        "dpkg --remove --force-depends clamav-freshclam",
        "apt-get -q -y install --no-install-recommends clamav-freshclam",
        {INSTALLED},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def deploys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deploys_of(tmp_path_factory.mktemp("antivirus"), ["antivirus"])


@pytest.fixture(scope="module")
def lab(deploys: Path) -> Iterator[Lab]:
    with Lab.up(lab_name(), hosts=1, flavour="clean") as up:
        lab_before = not_passing(verdicts(up, HOST, "antivirus"))
        assert lab_before == {INSTALLED, RUNS, STARTS, LOADED, DETECTS, f"?{EXCLUDES}"}
        assert harden(up, deploys).changed
        yield up


def test_hardened_host_passes_and_a_second_apply_changes_nothing(lab: Lab, deploys: Path) -> None:
    assert not_passing(verdicts(lab, HOST, "antivirus")) == set()
    assert harden(lab, deploys).changed == []


@pytest.mark.parametrize("name", CASES)
def test_sabotage_is_seen_by_its_checks_and_by_no_other(lab: Lab, name: str) -> None:
    wrong, right, expected = CASES[name]
    with sabotaged(lab, wrong, right):
        assert not_passing(verdicts(lab, HOST, "antivirus")) == expected


def test_where_an_exclusion_is_written_is_named(lab: Lab) -> None:
    wrong, right, _ = CASES["excluded_path"]
    with sabotaged(lab, wrong, right):
        (told,) = observed(verdicts(lab, HOST, "antivirus"), EXCLUDES)
    assert told.startswith(f"^/home/ ({CONF}:")


def test_asking_does_not_start_a_stopped_scanner(lab: Lab) -> None:
    with sabotaged(lab, "systemctl stop clamav-daemon", START):
        verdicts(lab, HOST, "antivirus")
        state = lab.run(HOST, "systemctl is-active clamav-daemon.socket clamav-daemon.service", check=False)
        assert state.stdout.split() == ["active", "inactive"]


def test_apply_heals_what_is_written_running_and_enabled(lab: Lab, deploys: Path) -> None:
    lab.run(HOST, f"echo 'ExcludePath ^/home/' >>{CONF}; systemctl mask --now clamav-daemon")
    assert not_passing(verdicts(lab, HOST, "antivirus")) == {RUNS, STARTS, LOADED, EXCLUDES, DETECTS}
    harden(lab, deploys)
    lab.run(HOST, READY)
    assert not_passing(verdicts(lab, HOST, "antivirus")) == set()


def test_reboot_keeps_it(lab: Lab) -> None:
    lab.reboot(HOST)
    lab.run(HOST, READY)
    assert not_passing(verdicts(lab, HOST, "antivirus")) == set()
