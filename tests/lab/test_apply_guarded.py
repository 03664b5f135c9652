"""Apply under guard on booted hosts: what is not confirmed is undone, by the host itself if need be."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from applying import FIRST, USUAL, Deploys, files_of
from controllers import controller, kill_all, last_state, said, status, wait_until

from plumbline.apply import apply_hosts, guard
from plumbline.apply.client import plan_hosts
from plumbline.apply.history import Records
from plumbline.apply.plan import read_plan, write_plan
from plumbline.apply.rollback import on_host, roll_back, target_of_host
from plumbline.apply.shell import entered
from plumbline.errors import UsageError
from plumbline.lab import Lab

pytest_plugins = ["apply_fixtures"]

WAITS = (
    "    whole_file('/etc/tiny/first', 'x\\n')\n"
    "    whole_file('/etc/tiny/second', 'x\\n', check='cat /srv/gate && test -e {}')\n"
    "    whole_file('/etc/tiny/third', 'x\\n')\n"
)
"""A deploy that stays in its second operation until somebody writes into /srv/gate."""

WAITS_LATER = (
    "    packages(['logrotate'])\n"
    "    if host.get_fact(File, '/usr/sbin/logrotate'):\n"
    "        whole_file('/etc/tiny/late', 'x\\n', check='cat /srv/gate && test -e {}')\n"
)
"""A deploy that waits so in what it does only once a package has come, over a connection of its own."""

SEEN_SHORT = 8
"""Seconds after which a host of these tests restores itself."""


def files(lab: Lab) -> set[str]:
    """Everything on the host but what the guard keeps for itself, and the gate."""
    ours = ("/var/lib/plumbline", "/var/lib/apt ", "/srv")
    return {line for line in files_of(lab, FIRST) if not line.startswith(ours)}


@pytest.fixture
def first(lab: Lab) -> Lab:
    """The first host put back to how it was delivered, with a gate to wait at."""
    lab.reset(lab.host(FIRST))
    lab.run(FIRST, "mkdir -p /var/lib/plumbline && chmod 700 /var/lib/plumbline && mkfifo /srv/gate")
    return lab


def test_a_confirmed_change_stays_and_nothing_waits_on_the_host(
    first: Lab, deploys: Deploys, tmp_path: Path
) -> None:
    records = Records(tmp_path / "runs")
    done = apply_hosts(first.inventory, [FIRST], deploys=deploys(USUAL), record=records).host(FIRST)
    assert (done.outcome, done.problem) == ("applied", None)
    now = status(first, FIRST)
    assert (now.armed, now.lock, now.last and now.last.state) == (False, None, "confirmed")
    assert now.last is not None
    assert now.last.run == done.run
    units = first.run(FIRST, "systemctl list-units --no-legend 'plumbline*'; ls /etc/systemd/system").stdout
    assert "plumbline" not in units
    (run,) = records.runs(Path(first.inventory), FIRST)
    assert (run.run, run.plan, run.hosts[0].outcome) == (done.run, now.last.plan, "applied")


def test_where_nothing_is_to_do_the_host_keeps_nothing_and_no_run(first: Lab, deploys: Deploys) -> None:
    tiny = deploys("    unit_on('systemd-journald.service')\n")
    before = files(first)
    assert apply_hosts(first.inventory, [FIRST], deploys=tiny).host(FIRST).outcome == "applied"
    assert files(first) ^ before == set()
    assert on_host(Path(first.inventory), FIRST) == []


def test_a_killed_controller_is_waited_for_and_then_all_is_put_back(first: Lab, deploys: Deploys) -> None:
    before = files(first)
    with controller(first, FIRST, deploys(WAITS), SEEN_SHORT) as process:
        said(process, "second")
        kill_all(process)
    assert status(first, FIRST).armed
    wait_until(lambda: last_state(first, FIRST) == "restored")
    (run,) = on_host(Path(first.inventory), FIRST)
    assert run.by == "timer"
    assert files(first) ^ before == set()


def test_what_a_later_round_has_at_work_is_ended_before_the_host_is_put_back(
    first: Lab, deploys: Deploys
) -> None:
    first.run(FIRST, "apt-get -q update")
    waits = "pgrep -fx 'cat /srv/gate' || :"
    with controller(first, FIRST, deploys(WAITS_LATER), SEEN_SHORT) as process:
        said(process, "late")
        wait_until(lambda: first.run(FIRST, waits).stdout != "")
        kill_all(process)
    assert first.run(FIRST, waits).stdout != "", "nobody ends it but the guard"
    wait_until(lambda: last_state(first, FIRST) == "restored")
    assert first.run(FIRST, waits).stdout == ""
    assert first.run(FIRST, "ls /etc/tiny", check=False).stdout == ""


def test_when_only_the_command_is_killed_its_hosts_are_put_back_at_once(first: Lab, deploys: Deploys) -> None:
    before = files(first)
    with controller(first, FIRST, deploys(WAITS), 3600) as process:
        said(process, "second")
        os.kill(process.pid, signal.SIGKILL)
        first.run(FIRST, "echo > /srv/gate")
    wait_until(lambda: last_state(first, FIRST) == "restored")
    assert files(first) ^ before == set()


def test_an_interruption_ends_after_the_operation_and_puts_back_what_was_done(
    first: Lab, deploys: Deploys
) -> None:
    before = files(first)
    with controller(first, FIRST, deploys(WAITS), 3600) as process:
        said(process, "second")
        process.send_signal(signal.SIGINT)
        said(process, "stopping after the operation at hand")
        first.run(FIRST, "echo > /srv/gate")
        out, _ = process.communicate()
    (told,) = json.loads(out)["hosts"]
    assert told["outcome"] == "restored"
    assert told["problem"].startswith("it was stopped before it was done")
    assert told["not_done"] == ["tiny: Write /etc/tiny/third"]
    assert any("/etc/tiny/first" in line for line in told["restored"])
    assert files(first) ^ before == set()


def test_what_was_not_planned_is_not_done_either_after_an_interruption(first: Lab, deploys: Deploys) -> None:
    """An operation that finds its work done as the plan is made would do it, were it undone meanwhile."""
    last = "    whole_file('/etc/tiny/second', 'x\\n', check='cat /srv/gate && test -e {}')\n"
    with controller(first, FIRST, deploys(f"{last}    no_file('/etc/issue.late')\n"), 3600) as process:
        said(process, "second")
        first.run(FIRST, "touch /etc/issue.late")
        process.send_signal(signal.SIGINT)
        said(process, "stopping after the operation at hand")
        first.run(FIRST, "echo > /srv/gate")
        out, _ = process.communicate()
    (told,) = json.loads(out)["hosts"]
    assert (told["outcome"], told["unplanned"]) == ("restored", [])


def test_a_second_interruption_leaves_the_host_to_itself_and_says_so(first: Lab, deploys: Deploys) -> None:
    with controller(first, FIRST, deploys(WAITS), SEEN_SHORT) as process:
        said(process, "second")
        process.send_signal(signal.SIGINT)
        said(process, "stopping after the operation at hand")
        process.send_signal(signal.SIGINT)
        _, told = process.communicate()
    assert f"each puts itself back as it was: {FIRST} (within {SEEN_SHORT} s)" in told
    assert status(first, FIRST).armed


def test_a_firewall_that_cuts_the_way_in_is_taken_back_and_told(first: Lab, deploys: Deploys) -> None:
    rules = "add table inet cut; add chain inet cut in { type filter hook input priority 0; }; "
    rules += "add rule inet cut in tcp dport 22 drop"
    body = (
        "    whole_file('/etc/tiny/first', 'x\\n')\n"
        f"    server.shell(name='Cut', commands=['nft \"{rules}\"'])\n"
        "    whole_file('/etc/tiny/third', 'x\\n')\n"
    )
    before, ruleset = files(first), first.run(FIRST, "nft list ruleset").stdout
    done = apply_hosts(first.inventory, [FIRST], deploys=deploys(body), restore_after=SEEN_SHORT).host(FIRST)
    assert done.outcome == "restored", done
    assert "put back by the host itself, as its time ran out" in str(done.problem)
    assert any("/etc/tiny/first" in line for line in done.restored)
    assert first.run(FIRST, "nft list ruleset").stdout == ruleset
    assert files(first) ^ before == set()


def test_a_way_in_that_lets_in_no_new_login_is_taken_back_at_once(first: Lab, deploys: Deploys) -> None:
    """The connection that is there goes on, so only a new one shows that nobody gets in any more."""
    body = (
        "    written = whole_file('/etc/ssh/sshd_config.d/10-tiny.conf', 'AllowGroups nobody-is-in-it\\n')\n"
        "    unit_restarted('ssh.service', when=[written], verb='reload')\n"
    )
    before = files(first)
    done = apply_hosts(first.inventory, [FIRST], deploys=deploys(body), restore_after=SEEN_SHORT).host(FIRST)
    assert done.outcome == "restored"
    assert "nobody gets into it any more" in str(done.problem)
    assert "put back when it was told to" in str(done.problem)
    assert files(first) ^ before == set()


def test_a_control_that_passed_and_does_not_any_more_is_taken_back(first: Lab, deploys: Deploys) -> None:
    package = deploys("    whole_file('/etc/login.defs', 'ENCRYPT_METHOD DES\\n')\n")
    init = package / "__init__.py"
    init.write_text(init.read_text().replace("deploy(name='tiny')", "deploy(name='crypto')"))
    before = files(first)
    done = apply_hosts(first.inventory, [FIRST], deploys=package).host(FIRST)
    assert done.outcome == "restored"
    assert "what passed before does not any more: password-hashing (fail)" in str(done.problem)
    (worse,) = [judged for judged in done.controls if judged.worse]
    assert (worse.control, worse.before, worse.after) == ("password-hashing", "pass", "fail")
    assert files(first) ^ before == set()


def test_a_plan_made_before_somebody_edited_a_managed_file_is_refused_by_its_name(
    first: Lab, deploys: Deploys, tmp_path: Path
) -> None:
    tiny = deploys(USUAL)
    write_plan(plan_hosts(first.inventory, [FIRST], deploys=tiny), tmp_path / "plan.json")
    plan = read_plan(tmp_path / "plan.json")
    first.run(FIRST, "mkdir -p /etc/tiny && echo edited > /etc/tiny/a.conf")
    before = files(first)
    refused = apply_hosts(first.inventory, plan=plan, deploys=tiny).host(FIRST)
    assert refused.outcome == "refused"
    assert "“tiny: Write /etc/tiny/a.conf” would do something else now" in str(refused.problem)
    assert files(first) ^ before == set()

    first.run(FIRST, "rm -r /etc/tiny")
    done = apply_hosts(first.inventory, plan=plan, deploys=tiny).host(FIRST)
    assert (done.outcome, done.operations) == ("applied", plan.hosts[0].operations)
    again = apply_hosts(first.inventory, plan=plan, deploys=tiny).host(FIRST)
    assert "“tiny: Write /etc/tiny/a.conf” is not needed any more" in str(again.problem)


def test_a_plan_from_another_specification_is_refused_by_the_files_name(
    first: Lab, deploys: Deploys, inventory: Callable[..., Path]
) -> None:
    plan = plan_hosts(first.inventory, [FIRST], deploys=deploys(USUAL))
    other = inventory()
    (other / "site.yml").write_text((other / "site.yml").read_text() + "# another word\n")
    refused = apply_hosts(other, plan=plan, deploys=deploys(USUAL)).host(FIRST)
    assert refused.outcome == "refused"
    assert "inventory/site.yml" in str(refused.problem)
    with pytest.raises(UsageError, match="holds nothing of srv-hist-01"):
        apply_hosts(first.inventory, ["srv-hist-01"], plan=plan, deploys=deploys(USUAL))


def test_an_exact_plan_leaves_what_packages_bring_to_a_new_plan(first: Lab, deploys: Deploys) -> None:
    body = (
        "    from deploys.mechanisms.printed import paths\n"
        "    packages(['chrony'])\n"
        "    if paths('ls /etc/chrony/chrony.conf'):\n"
        "        whole_file('/etc/chrony/chrony.conf', '# ours\\n')\n"
    )
    tiny = deploys(body)
    plan = plan_hosts(first.inventory, [FIRST], deploys=tiny)
    done = apply_hosts(first.inventory, plan=plan, deploys=tiny).host(FIRST)
    assert (done.problem, done.operations) == (None, ["tiny: Install chrony"])
    assert done.then == ["tiny: Write /etc/chrony/chrony.conf"]
    assert first.run(FIRST, "cat /etc/chrony/chrony.conf").stdout != "# ours\n"


def test_a_second_administrator_is_told_who_is_at_work(first: Lab, deploys: Deploys) -> None:
    with entered(target_of_host(Path(first.inventory), FIRST)) as shell:
        shell.install_guard()
        run = guard.run_id()
        shell.ask(guard.lock(run, "jana at station-2"))
        refused = apply_hosts(first.inventory, [FIRST], deploys=deploys(USUAL)).host(FIRST)
    assert refused.outcome == "refused"
    assert "jana at station-2 is changing this host, since 20" in str(refused.problem)
    assert first.run(FIRST, "ls /etc/tiny", check=False).returncode != 0


def test_a_run_is_undone_later_but_for_what_others_changed_since(
    first: Lab, deploys: Deploys, tmp_path: Path
) -> None:
    records = Records(tmp_path / "runs")
    place = Path(first.inventory)
    body = "    whole_file('/etc/tiny/first', 'x\\n')\n    whole_file('/etc/tiny/second', 'x\\n')\n"
    done = apply_hosts(first.inventory, [FIRST], deploys=deploys(body), record=records).host(FIRST)
    first.run(FIRST, "echo theirs > /etc/tiny/second; echo theirs > /etc/theirs")
    before = files(first)
    planned = roll_back(place, FIRST, dry=True, restore_after=60)
    assert planned.outcome == "planned"
    assert files(first) ^ before == set()

    undone = roll_back(place, FIRST, restore_after=60, records=records)
    assert (undone.outcome, undone.problem) == ("undone", None)
    (run,) = undone.undone
    assert run.run == done.run
    assert any(line.startswith("/etc/tiny/first") for line in run.back)
    assert "/etc/tiny/second: somebody has changed it since" in run.left
    assert set(planned.undone[0].left) <= set(run.left)
    assert first.run(FIRST, "cat /etc/tiny/*; cat /etc/theirs").stdout == "theirs\ntheirs\n"
    assert [(each.what, each.hosts[0].outcome) for each in records.runs(place, FIRST)] == [
        ("rollback", "undone"),
        ("apply", "applied"),
    ]
    with pytest.raises(UsageError, match="was undone before"):
        roll_back(place, FIRST, to=done.run, restore_after=60)
