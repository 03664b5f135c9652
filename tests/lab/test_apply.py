"""Apply on booted hosts: the plan is honest, a dry run touches nothing, a second run has nothing to do."""

from __future__ import annotations

import subprocess
import sys

from applying import FIRST, SECOND, USUAL, Deploys, files_of, state_of

from plumbline.apply import ApplyReport, apply_hosts
from plumbline.lab import Lab

pytest_plugins = ["apply_fixtures"]


def test_a_dry_run_touches_nothing_and_says_what_apply_then_does(hosts: Lab, deploys: Deploys) -> None:
    tiny = deploys(USUAL)
    files, state = files_of(hosts, FIRST), state_of(hosts, FIRST)
    plan = apply_hosts(hosts.inventory, [FIRST], dry=True, deploys=tiny).host(FIRST)
    assert files_of(hosts, FIRST) ^ files == set()
    assert state_of(hosts, FIRST) == state

    done = apply_hosts(hosts.inventory, [FIRST], deploys=tiny).host(FIRST)
    assert done.outcome == "applied"
    assert done.operations == plan.operations
    assert [change.diff for change in done.changed] == [change.diff for change in plan.changed]
    assert done.unplanned == []
    assert hosts.run(FIRST, "cat /etc/tiny/a.conf").stdout == f"host={FIRST}\n"
    redirects = hosts.run(FIRST, "cat /proc/sys/net/ipv4/conf/*/accept_redirects").stdout.split()
    assert set(redirects) == {"0"}

    files = files_of(hosts, FIRST)
    again = apply_hosts(hosts.inventory, [FIRST], deploys=tiny).host(FIRST)
    assert (again.outcome, again.changed, len(again.already)) == ("applied", [], 6)
    assert files_of(hosts, FIRST) ^ files == set()


def test_the_standard_is_applied_as_planned_and_a_second_time_nothing_changes(hosts: Lab) -> None:
    files = files_of(hosts, FIRST)
    plan = apply_hosts(hosts.inventory, dry=True)
    assert files_of(hosts, FIRST) ^ files == set()
    done = apply_hosts(hosts.inventory)
    again = apply_hosts(hosts.inventory)
    for host in (FIRST, SECOND):
        assert (done.host(host).outcome, done.host(host).problem) == ("applied", None)
        assert done.host(host).operations == plan.host(host).operations
        assert done.host(host).unplanned == []
        assert (again.host(host).outcome, again.host(host).operations) == ("applied", [])
    assert hosts.reboot(FIRST) in ("running", "degraded")
    assert apply_hosts(hosts.inventory, [FIRST]).host(FIRST).operations == []


def test_a_setting_another_file_writes_out_is_ours_after_a_reboot(hosts: Lab, deploys: Deploys) -> None:
    theirs = "net.ipv4.conf.host0.accept_redirects = 1\\nnet.ipv4.conf.all.accept_redirects = 1\\n"
    hosts.run(FIRST, f"printf '{theirs}' > /etc/sysctl.d/99-supplier.conf")
    apply_hosts(hosts.inventory, [FIRST], deploys=deploys(USUAL))
    hosts.reboot(FIRST)
    # udev has it run again for each interface that appears; a container has no udev to do it.
    hosts.run(FIRST, "/usr/lib/systemd/systemd-sysctl --prefix=/net/ipv4/conf/host0")
    values = hosts.run(FIRST, "cd /proc/sys/net/ipv4/conf; cat all/accept_redirects host0/accept_redirects")
    assert values.stdout.split() == ["0", "0"]


def test_what_a_package_brings_is_planned_to_go(hosts: Lab, deploys: Deploys) -> None:
    body = (
        "    installed = packages(['chrony'])\n"
        "    unit_off('chrony.service', brought_by=installed)\n"
        "    no_file('/etc/chrony/chrony.conf', brought_by=installed)\n"
        "    unit_on('systemd-journald.service')\n"
    )
    tiny = deploys(body)
    plan = apply_hosts(hosts.inventory, [FIRST], dry=True, deploys=tiny).host(FIRST)
    done = apply_hosts(hosts.inventory, [FIRST], deploys=tiny).host(FIRST)
    assert done.problem is None
    assert len(plan.changed) == 3
    assert (done.operations, done.unplanned) == (plan.operations, [])
    assert hosts.run(FIRST, "systemctl is-enabled chrony.service", check=False).stdout.strip() == "disabled"
    assert apply_hosts(hosts.inventory, [FIRST], deploys=tiny).host(FIRST).operations == []


def test_a_unit_its_package_starts_by_itself_counts_as_changed(hosts: Lab, deploys: Deploys) -> None:
    tiny = deploys("    packages(['chrony'])\n    unit_on('chrony.service')\n")
    plan = apply_hosts(hosts.inventory, [FIRST], dry=True, deploys=tiny).host(FIRST)
    done = apply_hosts(hosts.inventory, [FIRST], deploys=tiny).host(FIRST)
    assert done.problem is None
    assert len(done.changed) == 2
    assert (done.operations, done.unplanned) == (plan.operations, [])


def test_the_plan_can_be_turned_down(hosts: Lab, deploys: Deploys) -> None:
    files = files_of(hosts, FIRST)
    seen: list[ApplyReport] = []

    def no(plan: ApplyReport) -> bool:
        seen.append(plan)
        return False

    report = apply_hosts(hosts.inventory, [FIRST], deploys=deploys(USUAL), confirm=no)
    assert [plan.host(FIRST).outcome for plan in seen] == ["planned"]
    assert (report.dry, report.host(FIRST).outcome) == (True, "planned")
    assert files_of(hosts, FIRST) ^ files == set()


def test_the_command_asks_nobody_and_prints_what_it_did(hosts: Lab) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "plumbline", "apply", "-i", hosts.inventory, "--dry", FIRST],
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{FIRST}: ")
    assert "+++ /etc/nftables.conf (to be)" in done.stdout
