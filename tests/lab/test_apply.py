"""Apply on booted hosts: the plan is honest, a dry run touches nothing, nobody is locked out."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from conftest import lab_name

from plumbline.apply import apply_hosts
from plumbline.lab import Lab
from plumbline.rooms import DEPLOYS

FIRST, SECOND = "srv-app-01", "srv-hist-01"

# Every file but logs and what lives in /run: entering the host already writes to those.
FILES = (
    "find / /tmp -xdev \\( -path /var/log -o -path /run \\) -prune -o "
    "-printf '%p %s %m %U:%G %T@ %l\\n' | sort -u"
)
STATE = (
    "cat /proc/sys/net/ipv*/conf/*/forwarding /proc/sys/net/ipv*/conf/*/accept_redirects; nft list ruleset; "
    "systemctl list-unit-files --no-legend; systemctl list-units --no-legend --plain --type=service,socket "
    "| awk '$1 !~ /^(user|session)/'; dpkg-query -W"
)

USUAL = """
    written = whole_file("/etc/tiny/a.conf", f"host={desired.host.name}\\n")
    no_file("/etc/nothing")
    sysctl_settings("tiny", {"net.ipv4.ip_forward": 0, "net.ipv4.conf.*.accept_redirects": 0})
    unit_off("apt-daily.timer")
    unit_on("systemd-journald.service")
    unit_restarted("ssh.service", when=[written], verb="reload")
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.up(lab_name(), hosts=2, flavour="clean") as up:
        yield up


@pytest.fixture
def hosts(lab: Lab) -> Lab:
    """Both hosts put back to how they were delivered."""
    for host in lab.hosts:
        lab.reset(host)
    return lab


Deploys = Callable[[str], Path]


@pytest.fixture
def deploys(tmp_path: Path) -> Deploys:
    """Make a package like `deploys/` from the body of one subject's `apply(desired)`."""

    def make(body: str) -> Path:
        package = tmp_path / "deploys"
        shutil.rmtree(package, ignore_errors=True)
        package.mkdir()
        (package / "mechanisms").symlink_to(DEPLOYS / "mechanisms")
        head = (
            "from pyinfra.api.deploy import deploy\n"
            "from pyinfra.operations import server\n"
            "from deploys.mechanisms.files import no_file, whole_file\n"
            "from deploys.mechanisms.packages import packages\n"
            "from deploys.mechanisms.sysctl import sysctl_settings\n"
            "from deploys.mechanisms.units import unit_masked, unit_off, unit_on, unit_restarted\n\n\n"
            "def apply(desired):\n    deploy(name='tiny')(lambda: tiny(desired))()\n\n\n"
            "def tiny(desired):\n"
        )
        (package / "__init__.py").write_text(head + body)
        return package

    return make


@pytest.fixture
def inventory(lab: Lab, tmp_path: Path) -> Callable[..., Path]:
    """Copy the lab's inventory with keys of connection.yml or site.yml replaced."""

    def make(site: dict[str, object] | None = None, **connection: object) -> Path:
        copy = tmp_path / "inventory"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(lab.inventory, copy)
        for name, changes in (("site.yml", site or {}), ("connection.yml", connection)):
            data = yaml.safe_load((copy / name).read_text()) or {}
            (copy / name).write_text(yaml.safe_dump(data | changes))
        return copy

    return make


def files_of(lab: Lab, host: str) -> set[str]:
    return set(lab.run(host, FILES).stdout.splitlines())


def state_of(lab: Lab, host: str) -> list[str]:
    return lab.run(host, STATE).stdout.splitlines()


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
    values = hosts.run(FIRST, "cd /proc/sys/net/ipv4/conf; cat all/accept_redirects host0/accept_redirects")
    assert values.stdout.split() == ["0", "0"]


def test_a_file_that_would_win_at_boot_is_named_and_nothing_is_changed(hosts: Lab, deploys: Deploys) -> None:
    hosts.run(FIRST, "printf '\\nnet.ipv4.ip_forward=1\\n' > /etc/sysctl.d/zzz-late.conf")
    files = files_of(hosts, FIRST)
    report = apply_hosts(hosts.inventory, deploys=deploys(USUAL))
    assert report.host(FIRST).outcome == "refused"
    assert "/etc/sysctl.d/zzz-late.conf:2 sets net.ipv4.ip_forward to 1" in str(report.host(FIRST).problem)
    assert files_of(hosts, FIRST) ^ files == set()
    assert report.host(SECOND).outcome == "applied"
    assert report.exit_code == 1


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


def test_a_host_that_is_not_reached_does_not_stop_the_other(
    hosts: Lab, deploys: Deploys, inventory: Callable[..., Path]
) -> None:
    nobody = str(hosts.hosts[0].address).rpartition(".")[0] + ".250"
    report = apply_hosts(inventory(addresses={FIRST: nobody}), deploys=deploys(USUAL))
    assert report.host(FIRST).outcome == "not-reached"
    assert nobody in str(report.host(FIRST).problem)
    assert report.host(SECOND).outcome == "applied"
    assert report.exit_code == 4


def test_a_host_reached_by_another_hosts_address_is_left_as_it_is(
    hosts: Lab, deploys: Deploys, inventory: Callable[..., Path]
) -> None:
    other = str(hosts.host(SECOND).address)
    report = apply_hosts(inventory(addresses={FIRST: other}), [FIRST], deploys=deploys(USUAL))
    assert report.host(FIRST).outcome == "refused"
    assert "may be another host" in str(report.host(FIRST).problem)
    assert hosts.run(SECOND, "ls /etc/tiny", check=False).returncode != 0


def test_an_unknown_and_a_changed_host_key_are_told_apart(
    lab: Lab, tmp_path: Path, inventory: Callable[..., Path]
) -> None:
    unknown, changed = tmp_path / "unknown", tmp_path / "changed"
    unknown.touch()
    lines = Path(lab.place.known_hosts).read_text().splitlines()
    ours = [line for line in lines if str(lab.host(FIRST).address) in line]
    theirs = [line.split(None, 1)[1] for line in lines if str(lab.host(SECOND).address) in line]
    changed.write_text("".join(f"{line.split()[0]} {key}\n" for line, key in zip(ours, theirs, strict=True)))
    for known, said in ((unknown, "host key is not known"), (changed, "host key is not the known one")):
        report = apply_hosts(inventory(known_hosts=str(known)), [FIRST], dry=True)
        assert report.exit_code == 4
        assert said in str(report.host(FIRST).problem)


def test_a_key_the_host_does_not_accept_is_told(tmp_path: Path, inventory: Callable[..., Path]) -> None:
    key = tmp_path / "stranger"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    report = apply_hosts(inventory(identity_file=str(key)), [FIRST], dry=True)
    assert report.exit_code == 4
    assert "does not let this user in" in str(report.host(FIRST).problem)


def test_a_user_without_sudo_is_refused_and_one_with_sudo_is_not(
    hosts: Lab, deploys: Deploys, inventory: Callable[..., Path]
) -> None:
    tiny = deploys(USUAL)
    refused = apply_hosts(inventory(user="plain", sudo=True), [FIRST], deploys=tiny)
    assert "a password is required" in str(refused.host(FIRST).problem)
    assert refused.exit_code == 1
    done = apply_hosts(inventory(user="operator", sudo=True), [FIRST], deploys=tiny)
    assert done.host(FIRST).outcome == "applied"
    assert hosts.run(FIRST, "stat -c '%U %a' /etc/tiny/a.conf").stdout.strip() == "root 644"
    left = hosts.run(FIRST, "find /tmp /var/tmp /etc /home -name '*pyinfra*' -o -name '.plumbline.*'").stdout
    assert left == ""


def test_a_controller_outside_the_management_sources_changes_nothing(
    hosts: Lab, inventory: Callable[..., Path]
) -> None:
    files = files_of(hosts, FIRST)
    report = apply_hosts(inventory(site={"management_sources": ["192.0.2.0/24"]}), [FIRST])
    assert report.host(FIRST).outcome == "refused"
    assert "not among the site's management sources (192.0.2.0/24)" in str(report.host(FIRST).problem)
    assert files_of(hosts, FIRST) ^ files == set()


def test_a_failed_operation_ends_that_host_and_says_how_far_it_came(hosts: Lab, deploys: Deploys) -> None:
    hosts.run(FIRST, "mkdir -p /srv/broken && touch /srv/broken/yes")
    check = "test -e {} && echo it is broken && test ! -e /srv/broken/yes"
    body = (
        "    whole_file('/etc/tiny/first', 'x\\n')\n"
        f"    whole_file('/etc/tiny/second', 'x\\n', check='{check}')\n"
        "    whole_file('/etc/tiny/third', 'x\\n')\n"
    )
    report = apply_hosts(hosts.inventory, deploys=deploys(body))
    first = report.host(FIRST)
    assert first.outcome == "failed"
    assert first.operations == ["tiny: Write /etc/tiny/first"]
    assert first.failed is not None
    assert (first.failed.operation, first.failed.output) == ("Write /etc/tiny/second", ["it is broken"])
    assert first.not_done == ["tiny: Write /etc/tiny/third"]
    assert hosts.run(FIRST, "ls -A /etc/tiny").stdout.split() == ["first"]
    assert report.host(SECOND).outcome == "applied"
    assert report.exit_code == 1


def test_a_link_lost_in_the_middle_is_told(hosts: Lab, deploys: Deploys) -> None:
    parent = 'p=$(cut -d " " -f 4 /proc/$p/stat)'
    cut = f"p=$PPID; until grep -q sshd /proc/$p/comm; do {parent}; done; kill -9 $p"
    body = (
        "    whole_file('/etc/tiny/first', 'x\\n')\n"
        f"    server.shell(name='Cut the link', commands=['{cut}'])\n"
        "    whole_file('/etc/tiny/second', 'x\\n')\n"
    )
    first = apply_hosts(hosts.inventory, [FIRST], deploys=deploys(body)).host(FIRST)
    assert first.outcome == "failed"
    assert "the link to the host was lost" in str(first.problem)
    assert first.operations == ["tiny: Write /etc/tiny/first"]
    assert first.not_done == ["tiny: Write /etc/tiny/second"]


def test_a_mistake_in_a_deploy_is_told_with_its_place(hosts: Lab, deploys: Deploys) -> None:
    first = apply_hosts(hosts.inventory, [FIRST], deploys=deploys("    1 / 0\n")).host(FIRST)
    assert first.outcome == "failed"
    assert "ZeroDivisionError: division by zero (__init__.py:" in str(first.problem)


def test_the_plan_can_be_turned_down(hosts: Lab, deploys: Deploys) -> None:
    files = files_of(hosts, FIRST)
    seen = []
    report = apply_hosts(
        hosts.inventory, [FIRST], deploys=deploys(USUAL), confirm=lambda plan: bool(seen.append(plan))
    )
    assert len(seen) == 1
    assert (report.dry, report.host(FIRST).outcome) == (True, "planned")
    assert files_of(hosts, FIRST) ^ files == set()


def test_an_interruption_ends_after_the_operation_at_hand(hosts: Lab, deploys: Deploys) -> None:
    body = (
        "    whole_file('/etc/tiny/first', 'x\\n', check='cat /srv/gate && test -e {}')\n"
        "    whole_file('/etc/tiny/second', 'x\\n')\n"
    )
    hosts.run(FIRST, "mkfifo /srv/gate")
    script = (
        "import sys; from pathlib import Path; from plumbline.apply import apply_hosts; "
        "report = apply_hosts(sys.argv[1], [sys.argv[2]], deploys=Path(sys.argv[3]), "
        "progress=lambda step: print(step.step, file=sys.stderr, flush=True)); "
        "print(report.model_dump_json())"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, hosts.inventory, FIRST, deploys(body)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stderr is not None
        for line in run.stderr:
            if "first" in line:
                break
        run.send_signal(signal.SIGINT)
        hosts.run(FIRST, "echo > /srv/gate")
        out, _ = run.communicate()
    (first,) = json.loads(out)["hosts"]
    assert first["problem"] == "it was stopped before it was done"
    assert [change["operation"] for change in first["changed"]] == ["Write /etc/tiny/first"]
    assert first["not_done"] == ["tiny: Write /etc/tiny/second"]


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


def test_a_directory_where_a_file_is_to_be_is_refused(hosts: Lab, deploys: Deploys) -> None:
    hosts.run(FIRST, "mkdir -p /etc/tiny/a.conf")
    first = apply_hosts(hosts.inventory, [FIRST], deploys=deploys(USUAL)).host(FIRST)
    assert first.outcome == "refused"
    assert "/etc/tiny/a.conf is a directory on the host" in str(first.problem)
