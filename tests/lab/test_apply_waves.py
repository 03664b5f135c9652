"""Waves and refusals on booted hosts: who is left untouched, and that nothing there was."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from applying import Deploys, files_of
from conftest import lab_name
from controllers import APPLYING, kill_all, said, wait_until
from declaring import respecified
from judging import evidence_of

from plumbline.apply import apply_hosts
from plumbline.apply.history import Options, Records, interrupted
from plumbline.apply.results import ApplyReport, Progress
from plumbline.apply.waves import Rollout
from plumbline.lab import Lab
from plumbline.probes import SUBJECTS

pytest_plugins = ["apply_fixtures"]

A, B, C = "srv-app-01", "srv-hist-01", "lab-03"

FAILS_ON_A = (
    "    whole_file('/etc/tiny/first', 'x\\n')\n"
    f"    fails = '! ' if desired.host.name == '{A}' else ''\n"
    "    whole_file('/etc/tiny/second', 'x\\n', check=fails + 'test -e {}')\n"
)
"""A deploy whose second operation fails on the first host."""

STEADY = {
    "accounts.elevation",
    "accounts.keys",
    "accounts.local",
    "accounts.sources",
    "filesystem.attributes",
    "filesystem.packages",
    "filesystem.walk",
    "firewall.boot",
    "firewall.now",
    "firewall.units",
    "network.configuration",
    "operating_system.packages",
    "removable_media.rules",
    "removable_media.units",
    "services.configuration",
    "services.installed",
    "services.unit_settings",
    "session.accounts",
    "session.logind",
    "session.shells",
    "sysctl.settings",
    "systemd.on_disk",
    "systemd.unit_lines",
    "time.chrony_boot",
    "time.units",
}
"""Probes that print no times, process ids or free space, which differ from one minute to the next."""

WELL = "    whole_file('/etc/tiny/first', 'x\\n')\n"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.up(lab_name(), hosts=3, flavour="clean") as up:
        yield up


@pytest.fixture
def hosts(lab: Lab) -> Lab:
    """All hosts without what a test before applied."""
    for host in lab.hosts:
        lab.run(host, "rm -rf /etc/tiny")
    return lab


@pytest.fixture
def declared(inventory: Callable[..., Path]) -> Callable[..., Path]:
    """Copy the inventory with more said of hosts (by name) and of the site."""

    def make(site: dict[str, object] | None = None, **hosts: dict[str, object]) -> Path:
        copy = inventory(site)
        respecified(copy, lambda host: host.update(hosts.get(host["name"].replace("-", "_"), {})))
        return copy

    return make


def files(lab: Lab, host: str) -> set[str]:
    """Everything on a host but the clock's file, which its time service touches when it likes."""
    return {line for line in files_of(lab, host) if not line.startswith("/var/lib/systemd/timesync/clock ")}


def outcomes(report: ApplyReport) -> dict[str, str]:
    return {host.host: host.outcome for host in report.hosts}


def digests_of(lab: Lab, host: str) -> dict[str, str]:
    """Return the digest of what each steady probe printed."""
    subjects = {name.partition(".")[0] for name in STEADY} & set(SUBJECTS)
    answers = evidence_of(lab, host, *subjects).probes
    return {name: sha256(answers[name].out + answers[name].err).hexdigest() for name in STEADY}


def test_a_canary_that_fails_stops_the_waves_and_the_others_are_untouched(
    hosts: Lab, deploys: Deploys
) -> None:
    before = {name: files(hosts, name) for name in (B, C)}
    digests = {name: digests_of(hosts, name) for name in (B, C)}
    rollout = Rollout(canaries=(A,), failures=5)
    report = apply_hosts(hosts.inventory, deploys=deploys(FAILS_ON_A), rollout=rollout)
    assert outcomes(report) == {A: "restored", B: "untouched", C: "untouched"}
    assert f"it was not begun: {A} was put back; a canary goes before" in str(report.host(B).problem)
    assert report.host(B).not_done == ["tiny: Write /etc/tiny/first", "tiny: Write /etc/tiny/second"]
    assert report.exit_code == 1
    assert {name: files(hosts, name) ^ before[name] for name in (B, C)} == {B: set(), C: set()}
    assert {name: digests_of(hosts, name) for name in (B, C)} == digests


def test_a_later_wave_does_what_was_shown_or_nothing(hosts: Lab, deploys: Deploys) -> None:
    """A host of the second wave was edited by somebody while the first one was changed."""
    meddled: list[str] = []

    def meddle(step: Progress) -> None:
        if not meddled and step.host == A and step.step == "keeping what is there":
            meddled.append(hosts.run(B, "mkdir -p /etc/tiny && echo theirs > /etc/tiny/first").stdout)

    report = apply_hosts(hosts.inventory, deploys=deploys(WELL), rollout=Rollout(wave="1"), progress=meddle)
    assert meddled
    assert outcomes(report) == {A: "applied", B: "refused", C: "untouched"}
    assert "“tiny: Write /etc/tiny/first” would do something else now" in str(report.host(B).problem)
    assert hosts.run(B, "cat /etc/tiny/first").stdout == "theirs\n"


def test_the_second_of_a_pair_waits_and_is_left_when_the_first_failed(
    hosts: Lab,  # noqa: ARG001  (put back for it)
    deploys: Deploys,
    declared: Callable[..., Path],
) -> None:
    pair = {"redundancy_group": "pair"}
    inventory = declared(srv_app_01=pair, lab_03=pair)
    report = apply_hosts(inventory, deploys=deploys(FAILS_ON_A), rollout=Rollout(failures=5))
    assert outcomes(report) == {A: "restored", B: "applied", C: "untouched"}
    assert f"{A} of its redundancy group pair was put back" in str(report.host(C).problem)


def test_outside_its_window_a_host_is_left_as_it_is_unless_a_reason_is_given(
    hosts: Lab, deploys: Deploys, declared: Callable[..., Path], tmp_path: Path
) -> None:
    day = (datetime.now(UTC) + timedelta(days=3)).strftime("%a").lower()
    windows = {"timezone": "Etc/UTC", "windows": [{"days": [day], "begins": "22:00", "ends": "23:00"}]}
    inventory, tiny = declared(site={"maintenance": windows}), deploys(WELL)
    planned = apply_hosts(inventory, [A], dry=True, deploys=tiny).host(A)
    assert planned.outcome == "planned"
    assert any("outside its maintenance window" in note for note in planned.notes)
    refused = apply_hosts(inventory, [A], deploys=tiny).host(A)
    assert refused.outcome == "refused"
    assert "the next opens " in str(refused.problem)
    assert hosts.run(A, "ls /etc/tiny", check=False).returncode != 0

    records, options = Records(tmp_path / "runs"), Options(outside_window="a pump stands still")
    done = apply_hosts(
        inventory,
        [A],
        deploys=tiny,
        record=records,
        options=options,
        outside_window="a pump stands still",
    ).host(A)
    assert (done.outcome, done.notes) == (
        "applied",
        ["changed outside its maintenance window: a pump stands still"],
    )
    assert records.runs(inventory)[0].options.outside_window == "a pump stands still"


def test_a_killed_run_is_gone_on_with_where_it_was(hosts: Lab, deploys: Deploys, tmp_path: Path) -> None:
    hosts.run(B, "mkfifo /srv/gate")
    body = (
        "    gate = 'cat /srv/gate && ' if desired.host.name == 'srv-hist-01' else ''\n"
        "    whole_file('/etc/tiny/first', 'x\\n', check=gate + 'test -e {}')\n"
    )
    tiny = deploys(body)
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
    records = Records(tmp_path / "state" / "plumbline" / "runs")
    script = APPLYING.replace(
        "deploys=", "record=Records(), rollout=Rollout(wave='1'), options=Options(wave='1'), deploys="
    )
    script = (
        "from plumbline.apply.history import Options, Records; from plumbline.apply.waves import Rollout; "
        + script.replace("[sys.argv[2]]", "[]")
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(hosts.inventory), "", str(tiny), "4"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        said(process, "done")
        said(process, "tiny: Write")
        kill_all(process)
    run = interrupted(records, Path(hosts.inventory))
    assert [(host.host, host.outcome) for host in run.hosts] == [(A, "applied"), (B, "begun"), (C, "begun")]
    wait_until(lambda: hosts.run(B, "test -e /var/lib/plumbline/armed", check=False).returncode != 0)
    hosts.run(B, "rm /srv/gate; touch /srv/gate")
    rest = run.options.of_rest(run)
    report = apply_hosts(
        hosts.inventory, run.left, deploys=tiny, record=records, rollout=rest.rollout, options=rest
    )
    assert outcomes(report) == {B: "applied", C: "applied"}


TROUBLES = {
    "it would not let root in: AllowGroups": (
        "echo 'AllowGroups nobody-is-in-it' > /etc/ssh/sshd_config.d/50-theirs.conf",
        "rm /etc/ssh/sshd_config.d/50-theirs.conf",
    ),
    "its sshd does not take its own configuration": (
        "echo 'PermitRootLogn yes' > /etc/ssh/sshd_config.d/50-theirs.conf",
        "rm /etc/ssh/sshd_config.d/50-theirs.conf",
    ),
    "MiB are free in /var/lib/plumbline there": (
        "mkdir -p -m 700 /var/lib/plumbline && mount -t tmpfs -o size=40M,mode=700 none /var/lib/plumbline",
        "umount /var/lib/plumbline",
    ),
    "/usr/bin/python3 -c import fcntl": (
        "systemd-run -q --unit=holder /usr/bin/python3 -c 'import fcntl, time; "
        'f = open("/var/lib/dpkg/lock-frontend", "w"); fcntl.lockf(f, fcntl.LOCK_EX); '
        'open("/run/held", "w"); time.sleep(600)\'; '
        " until test -e /run/held; do sleep 0.05; done",
        "systemctl stop holder",
    ),
    "its packages were left half installed: nftables half-configured": (
        "cp /var/lib/dpkg/status /root/status && sed -i '/^Package: nftables$/,/^Status/"
        "s/^Status: .*/Status: install ok half-configured/' /var/lib/dpkg/status",
        "cp /root/status /var/lib/dpkg/status && rm /root/status",
    ),
    "it owes a reboot from before, for dbus": (
        "echo dbus > /run/reboot-required.pkgs && touch /run/reboot-required",
        "rm /run/reboot-required*",
    ),
    "nothing can be written to /etc there": (
        "mount --bind /etc /etc && mount -o remount,bind,ro /etc",
        "umount /etc",
    ),
}
"""What is said of a host that stands badly -> how it comes to that, and how it is taken away."""


@pytest.mark.parametrize("sentence", TROUBLES)
def test_a_host_that_stands_badly_is_refused_before_it_is_touched(
    sentence: str, hosts: Lab, deploys: Deploys
) -> None:
    trouble, away = TROUBLES[sentence]
    tiny = deploys(WELL)
    hosts.run(A, trouble)
    try:
        before = files(hosts, A)
        refused = apply_hosts(hosts.inventory, [A], deploys=tiny).host(A)
        after = files(hosts, A)
    finally:
        hosts.run(A, away)
    assert refused.outcome == "refused"
    assert sentence in str(refused.problem)
    assert after ^ before == set()


def test_an_owed_reboot_that_is_known_of_stops_nobody(hosts: Lab, deploys: Deploys) -> None:
    hosts.run(A, "touch /run/reboot-required")
    done = apply_hosts(hosts.inventory, [A], deploys=deploys(WELL), despite_owed_reboot=True).host(A)
    hosts.run(A, "rm /run/reboot-required")
    assert done.outcome == "applied"
    # Where nothing is to be done, it stops nobody either.
    hosts.run(A, "touch /run/reboot-required")
    again = apply_hosts(hosts.inventory, [A], deploys=deploys(WELL)).host(A)
    hosts.run(A, "rm /run/reboot-required")
    assert (again.outcome, again.changed) == ("applied", [])
