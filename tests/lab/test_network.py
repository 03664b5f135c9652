"""The network of a booted host: whatever is wrong with it is seen, and applying puts it right for good."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import network_sabotage as cases
import pytest
from conftest import lab_name
from hardened import HOST, harden, sabotaged
from judging import failing, observed, verdicts
from network_roads import ROADS
from network_sabotage import Sabotage
from sysctl_trials import compared

from plumbline.errors import PlumblineError
from plumbline.evidence.collector import script
from plumbline.evidence.gather import gather, targets_of
from plumbline.lab import Lab
from plumbline.policy.load import load_standard
from plumbline.probes import all_probes
from plumbline.probes.network import CONFIGURATION
from plumbline.rooms import DEPLOYS
from plumbline.spec.load import load_inventory
from plumbline.verify.cases import Target
from plumbline.verify.judge import judge
from plumbline.verify.results import ControlResult
from plumbline.verify.targets import desired_states

SUBJECTS = ("network", "sysctl", "kernel_modules")
CONTROLS = {
    "single-interface",
    "ipv4-only",
    "static-address",
    "no-routing",
    "no-forwarding",
    "unused-interfaces-down",
}


@pytest.fixture(scope="module")
def deploys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The deploys with that of the network only; regular settings of every subject are applied with it."""
    package = tmp_path_factory.mktemp("network") / "deploys"
    package.mkdir()
    for name in ("__init__.py", "mechanisms", "network.py"):
        (package / name).symlink_to(DEPLOYS / name)
    return package


@pytest.fixture(scope="module")
def delivered() -> Iterator[Lab]:
    with Lab.up(lab_name(), hosts=1, flavour="delivered") as up:
        yield up


@pytest.fixture(scope="module")
def before(delivered: Lab) -> set[str]:
    """The checks that fail on the host as delivered."""
    return failing_checks(delivered)


@pytest.fixture(scope="module")
def lab(delivered: Lab, before: set[str], deploys: Path) -> Lab:  # noqa: ARG001  (it must have been looked at)
    """The host, hardened."""
    harden(delivered, deploys)
    return delivered


def of_controls(results: dict[str, ControlResult]) -> set[str]:
    """Return the failing checks of the network's controls; none of these may be unknown."""
    return set(failing({name: result for name, result in results.items() if name in CONTROLS}))


def failing_checks(lab: Lab) -> set[str]:
    return of_controls(verdicts(lab, HOST, *SUBJECTS))


def in_place(lab: Lab, command: str) -> str:
    """Put the lab's addresses into a sabotage's command."""
    network = lab.host(HOST).address.rpartition(".")[0]
    return command.replace("NET", network).replace("GW", f"{network}.1")


def test_delivered_host_fails_every_control_and_says_how(before: set[str]) -> None:
    assert {name.partition(":")[0] for name in before} == CONTROLS
    assert before >= {
        cases.OTHERS_NOW,
        cases.OTHERS_BOOT,
        cases.UP_NOW,
        cases.UP_BOOT,
        cases.IPV6_NOW,
        cases.IPV6_BOOT,
        cases.DHCP_BOOT,
        cases.RULES_NOW,
        cases.ROUTES_BOOT,
    }


def test_hardened_host_passes(lab: Lab) -> None:
    results = verdicts(lab, HOST, *SUBJECTS)
    assert {name: results[name].verdict for name in CONTROLS} == dict.fromkeys(CONTROLS, "pass")


CASES: dict[str, Sabotage] = {**cases.KERNEL, **cases.LIVE, **cases.BOOT, **ROADS}


@pytest.fixture(scope="module")
def seen(lab: Lab) -> dict[str, set[str] | PlumblineError]:
    """Which checks fail under each sabotage; the evidence of all of them is judged in one go."""
    standard, inventory = load_standard("mhth-ot"), load_inventory(lab.inventory)
    desired = desired_states(standard, inventory, [HOST])[HOST]
    found: dict[str, set[str] | PlumblineError] = {}
    targets = []
    for name, sabotage in CASES.items():
        try:
            with sabotaged(lab, in_place(lab, sabotage.wrong), in_place(lab, sabotage.right)):
                (gathered,) = gather(targets_of(inventory, [HOST]), script(all_probes(subjects=SUBJECTS)))
        except PlumblineError as error:
            found[name] = error
            continue
        host = desired.host.model_copy(update={"name": name})
        targets.append(Target(replace(desired, host=host), gathered.evidence))
    for judged in judge(standard, targets, only=SUBJECTS).hosts:
        found[judged.host] = of_controls({result.control: result for result in judged.controls})
    return found


@pytest.mark.parametrize("name", CASES)
def test_seen(seen: dict[str, set[str] | PlumblineError], name: str) -> None:
    assert seen[name] == CASES[name].failing


def test_without_our_files_what_was_delivered_applies_again(lab: Lab) -> None:
    ours = "/etc/systemd/network/0?-plumbline-*.network"
    with sabotaged(lab, f"mkdir /root/ours; mv {ours} /root/ours", f"mv /root/ours/* {cases.FOLDER}"):
        assert failing_checks(lab) == {
            cases.DHCP_BOOT,
            cases.IPV6_BOOT,
            cases.ROUTES_BOOT,
            cases.OTHERS_BOOT,
            cases.UP_BOOT,
        }


def test_the_place_is_told(lab: Lab) -> None:
    sabotage = cases.BOOT["dhcp_in_a_drop_in"]
    with sabotaged(lab, sabotage.wrong, sabotage.right):
        told = observed(verdicts(lab, HOST, *SUBJECTS), cases.DHCP_BOOT)
    assert told == [f"host0: DHCP=yes (/etc/systemd/network/{cases.DROP_IN}:2)"]


def test_secrets_of_tunnels_are_not_told(lab: Lab) -> None:
    sabotage = cases.network(
        "50-a.netdev", "[NetDev]\\nName=w\\nKind=wireguard\\n[WireGuard]\\nPrivateKey=hunter2\\n"
    )
    with sabotaged(lab, sabotage.wrong, sabotage.right):
        told = lab.run(HOST, CONFIGURATION.command).stdout
    assert "50-a.netdev" in told
    assert "hunter2" not in told
    assert "hunter2" not in script([CONFIGURATION])


# --- the model of what systemd-sysctl does, against systemd-sysctl ---


def test_values_at_boot_are_those_systemd_sysctl_sets(lab: Lab) -> None:
    assert [trial for trial in compared(lab, HOST, seed=2024, trials=60) if not trial.agrees] == []


# --- applying ---


def test_second_apply_changes_nothing(lab: Lab, deploys: Path) -> None:
    assert harden(lab, deploys).operations == []


def test_applying_takes_away_what_stands_in_its_way(lab: Lab, deploys: Path) -> None:
    in_the_way = [
        *(
            cases.BOOT[name]
            for name in ("dhcp_in_a_drop_in", "unused_interface_will_be_up", "bridge_will_be_made")
        ),
        cases.added("/usr/lib/systemd/network/00-b.network", "[Match]\\nName=eth2\\n"),
        cases.unit("bird", "/bin/sleep 900"),
        cases.LIVE["dhcp_client_runs"],
        cases.added(
            "/root/x", "", after="ip addr add 192.0.2.5/32 dev lo; ip addr add 192.0.2.6/24 dev host0"
        ),
    ]
    for sabotage in in_the_way:
        lab.run(HOST, sabotage.wrong)
    assert failing_checks(lab) != set()
    assert "network: No DHCP client" in harden(lab, deploys).operations
    assert failing_checks(lab) == set()
    assert harden(lab, deploys).operations == []
    lab.reboot(HOST)
    assert failing_checks(lab) == set()


def test_connection_stays_while_the_network_is_changed(lab: Lab, deploys: Path) -> None:
    lab.reset(HOST)
    entry = lab.host(HOST).entry
    command = ["ssh", *entry.options(shared=False), f"root@{entry.address}", "read line; echo got $line"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as session:
        assert harden(lab, deploys).operations != []
        told, _ = session.communicate("through\n")
    assert told == "got through\n"


def test_hardened_host_passes_after_a_reboot(lab: Lab) -> None:
    lab.reboot(HOST)
    assert failing_checks(lab) == set()


def test_what_is_foretold_comes_true(lab: Lab) -> None:
    """What the boot checks say before a reboot, the live checks say after it."""
    foretold = [
        cases.network(cases.DROP_IN, "[Network]\\nLinkLocalAddressing=ipv6\\nAddress=192.0.2.1/24\\n"),
        cases.network("00-a.network", "[Match]\\nName=eth1\\n[Network]\\nLinkLocalAddressing=no\\n"),
        cases.added("/etc/sysctl.d/zzz.conf", "net/ipv4/conf/eth2/forwarding=1\\n"),
    ]
    for sabotage in foretold:
        lab.run(HOST, sabotage.wrong)
    try:
        assert failing_checks(lab) == {
            cases.IPV6_BOOT,
            cases.ADDRESS_BOOT,
            cases.OTHERS_BOOT,
            cases.UP_BOOT,
            *cases.boot(cases.IPV4[3]),
        }
        lab.reboot(HOST)
        after = failing_checks(lab)
    finally:
        for sabotage in foretold:
            lab.run(HOST, sabotage.right)
        lab.reboot(HOST)
    assert after >= {
        cases.IPV6_NOW,
        cases.ADDRESS_NOW,
        cases.OTHERS_NOW,
        cases.UP_NOW,
        *cases.now(cases.DISABLED[2], cases.IPV4[3]),
    }
    assert failing_checks(lab) == set()
