"""Collecting from booted hosts: live and by hand alike, as root and through sudo, and what prevents it."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from plumbline.errors import NotReachedError
from plumbline.evidence import login
from plumbline.evidence.bundle import Evidence
from plumbline.evidence.collector import collector_digest, script
from plumbline.evidence.gather import gather, targets_of
from plumbline.evidence.ssh import SshTarget, collect
from plumbline.lab import Lab, LabHost
from plumbline.probes import all_probes
from plumbline.spec.load import load_inventory
from plumbline.verify.unknown import Unknown

PROBES = all_probes()
SCRIPT = script(PROBES)


@pytest.fixture
def targets(delivered_lab: Lab) -> list[SshTarget]:
    return targets_of(load_inventory(delivered_lab.inventory))


@pytest.fixture
def target(targets: list[SshTarget], delivered_host: LabHost) -> SshTarget:
    """The way to `delivered_host`."""
    return next(target for target in targets if target.name == delivered_host.name)


def refused(target: SshTarget, deadline: float = 30) -> str:
    with pytest.raises(NotReachedError) as caught:
        collect(target, SCRIPT, deadline)
    assert caught.value.message.startswith(f"{target.name} (")
    return caught.value.message


def answered(evidence: Evidence) -> list[str]:
    """Return the probes that answered; the outputs themselves change from one moment to the next."""
    found = []
    for probe in PROBES:
        try:
            evidence.output(probe)
        except Unknown:
            continue
        found.append(probe.name)
    return found


def test_all_probes_answer_on_all_hosts_at_once(delivered_lab: Lab, targets: list[SshTarget]) -> None:
    gathered = gather(targets, SCRIPT)
    assert [one.problem for one in gathered] == [None for _ in delivered_lab.hosts]
    for one in gathered:
        assert one.evidence is not None
        assert one.evidence.hostname.split(".")[0] == one.target.name
        assert one.evidence.collector_digest == collector_digest(PROBES)
        assert answered(one.evidence) == [probe.name for probe in PROBES]


def test_no_probe_complains_of_a_command(target: SshTarget) -> None:
    """A program of awk that cannot be read ends nothing but itself; what it should tell is missing."""
    evidence = Evidence.parse(collect(target, SCRIPT))
    said = {probe.name: evidence.output(probe).stderr for probe in PROBES}
    assert {name: text for name, text in said.items() if text} == {}


@pytest.mark.parametrize("shell", ["dash", "busybox sh", "bash --posix"])
def test_by_hand_is_as_good_as_live(delivered_lab: Lab, target: SshTarget, shell: str) -> None:
    busybox = Path("/usr/bin/busybox").read_bytes()
    subprocess.run(
        delivered_lab.host(target.name).entry.command(
            "root", "cat >/usr/bin/busybox; chmod 755 /usr/bin/busybox"
        ),
        input=busybox,
        check=True,
    )
    delivered_lab.run(target.name, "cat >/root/collect.sh", input=SCRIPT)
    printed = delivered_lab.run(target.name, f"{shell} /root/collect.sh").stdout
    by_hand, live = Evidence.parse(printed.encode()), Evidence.parse(collect(target, SCRIPT))
    assert answered(by_hand) == answered(live) == [probe.name for probe in PROBES]
    assert (by_hand.machine, by_hand.collector_digest) == (live.machine, live.collector_digest)


def test_nothing_is_left_on_the_host(delivered_lab: Lab, target: SshTarget) -> None:
    # What a login itself writes is not the collector's: journal, login records, sessions under /run.
    find = (
        "find / -xdev -newer /root/before -not -path '/proc/*' -not -path '/sys/*' -not -path '/run/*' "
        "-not -path '/dev/*' -not -path '/var/log/*' -type f -o -name '*plumb*' -newer /root/before"
    )
    delivered_lab.run(
        target.name, "touch /root/before; until [ /root/after -nt /root/before ]; do touch /root/after; done"
    )
    collect(target, SCRIPT)
    found = delivered_lab.run(target.name, find).stdout.split()
    assert found == ["/root/after"]


def test_through_sudo_is_as_good_as_root(target: SshTarget) -> None:
    through = Evidence.parse(collect(replace(target, user="operator", sudo=True), SCRIPT))
    assert (through.user, through.uid) == ("root", 0)
    assert answered(through) == [probe.name for probe in PROBES]


def test_without_sudo_every_probe_is_unknown(target: SshTarget) -> None:
    evidence = Evidence.parse(collect(replace(target, user="plain"), SCRIPT))
    assert (evidence.user, answered(evidence)) == ("plain", [])


def test_user_who_may_not_use_sudo(target: SshTarget) -> None:
    told = refused(replace(target, user="plain", sudo=True))
    assert told.endswith("sudo does not run the collector for plain without a password")


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("operator ALL=(ALL:ALL) ALL", "sudo does not run the collector for operator without a password"),
        ("operator ALL=(root) NOPASSWD: ALL, !/bin/sh", "sudo does not let operator run the collector"),
        (
            "Defaults requiretty\noperator ALL=(ALL:ALL) NOPASSWD: ALL",
            "sudo wants a terminal of operator (requiretty)",
        ),
    ],
)
def test_sudo_rules_that_stand_in_the_way(
    delivered_lab: Lab, target: SshTarget, rule: str, told: str
) -> None:
    delivered_lab.run(target.name, "cat >/etc/sudoers.d/lab-operator", input=f"{rule}\n")
    assert refused(replace(target, user="operator", sudo=True)).endswith(told)


def test_host_without_sudo(delivered_lab: Lab, target: SshTarget) -> None:
    delivered_lab.run(target.name, "mv /usr/bin/sudo /root/")
    assert refused(replace(target, user="operator", sudo=True)).endswith("it has no sudo")


def test_host_key_that_was_changed(delivered_lab: Lab, target: SshTarget) -> None:
    delivered_lab.run(
        target.name,
        "rm /etc/ssh/ssh_host_*; ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key; "
        "systemctl restart ssh",
    )
    assert "its host key has changed" in refused(target)


def test_host_whose_ssh_server_hangs_costs_the_others_nothing(
    delivered_lab: Lab, targets: list[SshTarget], target: SshTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login, "GREETING_SECONDS", 1.0)
    delivered_lab.run(target.name, "kill -STOP $(systemctl show -P MainPID ssh)")
    gathered = {one.target.name: one for one in gather(targets, SCRIPT)}
    assert "does not greet as SSH" in str(gathered[target.name].problem)
    others = [one for name, one in gathered.items() if name != target.name]
    assert others
    assert all(one.evidence is not None for one in others)


def test_host_that_hangs_in_the_middle_is_told(delivered_lab: Lab, target: SshTarget) -> None:
    delivered_lab.run(target.name, "printf '#!/bin/sh\\nsleep 600\\n' >/root/hang; chmod 755 /root/hang")
    delivered_lab.run(target.name, "mv /usr/bin/base64 /root/; cp /root/hang /usr/bin/base64")
    assert "it did not finish within" in refused(target, deadline=5)
