"""Apply on booted hosts when something is in the way: nobody is locked out, and what happened is told."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from applying import FIRST, SECOND, USUAL, Deploys, files_of

from plumbline.apply import apply_hosts
from plumbline.lab import Lab

pytest_plugins = ["apply_fixtures"]


def test_a_file_that_would_win_at_boot_is_named_and_nothing_is_changed(hosts: Lab, deploys: Deploys) -> None:
    hosts.run(FIRST, "printf '\\nnet.ipv4.ip_forward=1\\n' > /etc/sysctl.d/zzz-late.conf")
    files = files_of(hosts, FIRST)
    report = apply_hosts(hosts.inventory, deploys=deploys(USUAL))
    assert report.host(FIRST).outcome == "refused"
    assert "/etc/sysctl.d/zzz-late.conf:2 sets net.ipv4.ip_forward to 1" in str(report.host(FIRST).problem)
    assert files_of(hosts, FIRST) ^ files == set()
    assert report.host(SECOND).outcome == "applied"
    assert report.exit_code == 1


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
    assert "would cut the way in" in str(report.host(FIRST).problem)
    assert files_of(hosts, FIRST) ^ files == set()


def test_a_failed_operation_ends_that_host_and_what_was_done_before_is_undone(
    hosts: Lab, deploys: Deploys
) -> None:
    hosts.run(FIRST, "mkdir -p /srv/broken && touch /srv/broken/yes")
    check = "test -e {} && echo it is broken && test ! -e /srv/broken/yes"
    body = (
        "    whole_file('/etc/tiny/first', 'x\\n')\n"
        f"    whole_file('/etc/tiny/second', 'x\\n', check='{check}')\n"
        "    whole_file('/etc/tiny/third', 'x\\n')\n"
    )
    report = apply_hosts(hosts.inventory, deploys=deploys(body))
    first = report.host(FIRST)
    assert first.outcome == "restored"
    assert str(first.problem).startswith("an operation failed (tiny: Write /etc/tiny/second)\n")
    assert first.operations == ["tiny: Write /etc/tiny/first"]
    assert first.failed is not None
    assert (first.failed.operation, first.failed.output) == ("Write /etc/tiny/second", ["it is broken"])
    assert first.not_done == ["tiny: Write /etc/tiny/third"]
    assert hosts.run(FIRST, "ls -A /etc/tiny", check=False).returncode != 0
    assert report.host(SECOND).outcome == "applied"
    assert report.exit_code == 1


def test_a_link_lost_in_the_middle_is_told_and_the_host_put_back(hosts: Lab, deploys: Deploys) -> None:
    parent = 'p=$(cut -d " " -f 4 /proc/$p/stat)'
    cut = f"p=$PPID; until grep -q sshd /proc/$p/comm; do {parent}; done; kill -9 $p"
    body = (
        "    whole_file('/etc/tiny/first', 'x\\n')\n"
        f"    server.shell(name='Cut the link', commands=['{cut}'])\n"
        "    whole_file('/etc/tiny/second', 'x\\n')\n"
    )
    first = apply_hosts(hosts.inventory, [FIRST], deploys=deploys(body)).host(FIRST)
    assert first.outcome == "restored"
    assert "the link to the host was lost" in str(first.problem)
    assert first.operations == ["tiny: Write /etc/tiny/first"]
    assert first.not_done == ["tiny: Write /etc/tiny/second"]
    assert hosts.run(FIRST, "ls -A /etc/tiny", check=False).returncode != 0


def test_a_mistake_in_a_deploy_is_told_with_its_place(hosts: Lab, deploys: Deploys) -> None:
    first = apply_hosts(hosts.inventory, [FIRST], deploys=deploys("    1 / 0\n")).host(FIRST)
    assert first.outcome == "failed"
    assert "ZeroDivisionError: division by zero (__init__.py:" in str(first.problem)


def test_a_directory_where_a_file_is_to_be_is_refused(hosts: Lab, deploys: Deploys) -> None:
    hosts.run(FIRST, "mkdir -p /etc/tiny/a.conf")
    first = apply_hosts(hosts.inventory, [FIRST], deploys=deploys(USUAL)).host(FIRST)
    assert first.outcome == "refused"
    assert "/etc/tiny/a.conf is a directory on the host" in str(first.problem)
