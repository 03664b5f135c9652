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
from judging import not_passing, observed, verdicts
from lanes import tried
from network_lanes import ALONE, CASES, LANES, NEW
from sysctl_trials import compared

from plumbline.evidence.collector import script
from plumbline.evidence.gather import gather, targets_of
from plumbline.lab import Lab
from plumbline.policy.load import load_standard
from plumbline.probes import all_probes
from plumbline.probes.network import CONFIGURATION
from plumbline.rooms import DEPLOYS
from plumbline.spec.load import load_inventory
from plumbline.spec.model import Interface, Vlan
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
    "redundant-uplink",
    "redundancy-network-isolated",
    "wireless-off",
}
NOT_DECLARED = {"redundancy-network-isolated"}


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
    """Return the checks of the network's controls that fail, or are unknown, with a `?` before."""
    return not_passing({name: result for name, result in results.items() if name in CONTROLS})


def failing_checks(lab: Lab) -> set[str]:
    return of_controls(verdicts(lab, HOST, *SUBJECTS))


def test_delivered_host_fails_every_control_and_says_how(before: set[str]) -> None:
    modules = {name.partition(":")[0] for name in before if "module_" in name}
    assert modules == {"ipv4-only", "wireless-off"}
    assert {name.partition(":")[0] for name in before} == CONTROLS - NOT_DECLARED - {"redundant-uplink"}
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
    expected = dict.fromkeys(CONTROLS, "pass") | dict.fromkeys(NOT_DECLARED, "not-applicable")
    assert {name: results[name].verdict for name in CONTROLS} == expected


@pytest.fixture(scope="module")
def seen(lab: Lab) -> dict[str, set[str]]:
    """Which checks do not pass under each sabotage."""
    network = lab.host(HOST).address.rpartition(".")[0]
    return tried(lab, LANES, ALONE, SUBJECTS, CONTROLS, {"NET": network, "GW": f"{network}.1"})


@pytest.mark.parametrize("name", CASES)
def test_seen(seen: dict[str, set[str]], name: str) -> None:
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


# --- exceptions that the specification declares ---

ETH1 = "[Match]\\nName=eth1\\n[Network]\\nAddress=10.99.0.5/24\\nLinkLocalAddressing=no\\n"
INDUSTRIAL = {"purpose": "industrial-protocol", "protocol": "profinet"}
REDUNDANCY = {"purpose": "application-redundancy"}


@pytest.fixture(scope="module")
def second(lab: Lab) -> dict[str, Target]:
    """The host with a second interface in use, and with a default route through that; to be judged."""
    up = cases.network("00-b.network", ETH1)
    inventory = load_inventory(lab.inventory)
    desired = desired_states(load_standard("mhth-ot"), inventory, [HOST])[HOST]
    found = {}
    with sabotaged(lab, f"{up.wrong}; networkctl reload; {ADDRESSED}", f"{up.right}; networkctl reload"):
        for name, more in {"plain": "true", "routed": "ip route add 10.77.0.0/16 via 10.99.0.1"}.items():
            lab.run(HOST, more)
            (gathered,) = gather(targets_of(inventory, [HOST]), script(all_probes(subjects=SUBJECTS)))
            found[name] = Target(desired, gathered.evidence)
    return found


ADDRESSED = "until ip -br addr show eth1 | grep -q 10.99.0.5; do :; done"


def judged(target: Target, second: dict[str, str]) -> set[str]:
    """Judge the host as if its specification declared a second interface."""
    desired = target.desired
    vlan = Vlan.model_validate({"id": 999, "name": "second", "network": "10.99.0.0/24"})
    site = desired.site.model_copy(update={"vlans": [*desired.site.vlans, vlan]})
    interface = Interface.model_validate({"name": "eth1", "vlan": "second", "address": "10.99.0.5", **second})
    interfaces = [*desired.host.interfaces, *([interface] if second else [])]
    host = desired.host.model_copy(update={"interfaces": interfaces})
    changed = replace(target, desired=replace(desired, site=site, host=host))
    (results,) = judge(desired.standard, [changed], only=SUBJECTS).hosts
    return of_controls({result.control: result for result in results.controls})


@pytest.mark.parametrize("declared", [INDUSTRIAL, REDUNDANCY], ids=["industrial", "redundancy"])
def test_second_interface_passes_if_declared_with_its_purpose(
    second: dict[str, Target], declared: dict[str, str]
) -> None:
    assert judged(second["plain"], declared) == set()


def test_second_interface_fails_if_not_declared(second: dict[str, Target]) -> None:
    assert judged(second["plain"], {}) == {
        cases.OTHERS_NOW,
        cases.OTHERS_BOOT,
        cases.UP_NOW,
        cases.UP_BOOT,
    }


def test_redundancy_network_with_a_way_out_fails(second: dict[str, Target]) -> None:
    assert judged(second["routed"], REDUNDANCY) == {
        cases.ROUTES_NOW,
        "redundancy-network-isolated:no_route_leaves_the_redundancy_network_now",
    }


def test_uplink_without_a_bond_fails_and_a_container_shows_no_hardware(second: dict[str, Target]) -> None:
    assert judged(second["plain"], {"purpose": "redundant-uplink"}) >= {
        "redundant-uplink:uplinks_are_one_bond_now",
        "redundant-uplink:uplinks_are_one_bond_at_boot",
        "?redundant-uplink:redundant_uplinks_are_of_a_physical_machine",
    }


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
        NEW["wifi_program_starts_when_dbus_asks"],
        NEW["bluetooth_is_enabled"],
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
