"""The operating system on a virtual machine: its own kernel, and a machine that is or is not as specified."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import lab_name
from hardened import HOST, deploys_of, harden, sabotaged
from judging import not_passing, observed, verdicts

from plumbline.lab import Lab
from plumbline.rooms import LAB_INVENTORY

SUBJECT = "operating_system"
KERNEL = "no-reboot-owed:newest_kernel_runs"
SIZE, VIRTUAL = "hardware-facts-known:size_is_as_specified", "virtualisation-as-specified:server_is_virtual"

Change = Callable[[dict[str, Any]], None]

NEWER = ("touch /boot/vmlinuz-6.1.0-999-cloud-amd64", "rm /boot/vmlinuz-6.1.0-999-cloud-amd64")
REBUILT = (
    "cp -a /var/lib/dpkg/status /root/status; sed -i '/^Package: linux-image-[0-9]/,/^Version/"
    "s/^Version: .*/Version: 6.999-1/' /var/lib/dpkg/status",
    "mv /root/status /var/lib/dpkg/status",
)


def as_the_machine(host: dict[str, Any]) -> None:
    """Specify what the lab's machines have."""
    host |= {"vcpu": 2, "ram_gib": 1}


def respecified(directory: Path, change: Change) -> None:
    """Change each host of the inventory's systems."""
    for path in (directory / "systems").glob("*.yml"):
        system = yaml.safe_load(path.read_text())
        for host in system["hosts"]:
            change(host)
        path.write_text(yaml.safe_dump(system))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    place = tmp_path_factory.mktemp(SUBJECT)
    inventory = Path(shutil.copytree(LAB_INVENTORY, place / "inventory"))
    respecified(inventory, as_the_machine)
    with Lab.up(lab_name(), hosts=1, flavour="clean", kind="vm", inventory=inventory) as up:
        harden(up, deploys_of(place, [SUBJECT]))
        yield up


def test_hardened_machine_passes_every_check(lab: Lab) -> None:
    assert not_passing(verdicts(lab, HOST, SUBJECT)) == set()


@pytest.mark.parametrize(
    ("sabotage", "told"),
    [
        (NEWER, "/boot/vmlinuz-6.1.0-999-cloud-amd64 is the newest installed"),
        (REBUILT, " 6.999-1 is installed"),
    ],
    ids=["newer_kernel_waits_for_a_reboot", "kernel_was_built_anew_under_its_name"],
)
def test_kernel_that_is_behind_is_seen(lab: Lab, sabotage: tuple[str, str], told: str) -> None:
    with sabotaged(lab, *sabotage):
        found = verdicts(lab, HOST, SUBJECT)
    assert not_passing(found) == {KERNEL}
    (line,) = observed(found, KERNEL)
    assert line.endswith(told)


def less_memory(host: dict[str, Any]) -> None:
    """Specify more memory than there is."""
    host["ram_gib"] = 2


def fewer_processors(host: dict[str, Any]) -> None:
    """Specify more processors than there are."""
    host["vcpu"] = 4


def physical(host: dict[str, Any]) -> None:
    """Specify a physical server."""
    del host["vcpu"]
    host |= {"virtual": False, "cpu": {"count": 1, "type": "x"}, "physical_reason": "a card"}


@pytest.mark.parametrize(
    ("change", "check", "told"),
    [(less_memory, SIZE, "1.0"), (fewer_processors, SIZE, "2"), (physical, VIRTUAL, "virtual (qemu, QEMU ")],
    ids=[
        "less_memory_than_specified",
        "fewer_processors_than_specified",
        "virtual_though_specified_physical",
    ],
)
def test_machine_that_is_not_as_specified_is_seen(lab: Lab, change: Change, check: str, told: str) -> None:
    kept = {path: path.read_text() for path in (lab.inventory / "systems").glob("*.yml")}
    respecified(lab.inventory, change)
    try:
        found = verdicts(lab, HOST, SUBJECT)
    finally:
        for path, text in kept.items():
            path.write_text(text)
    assert not_passing(found) == {check}
    (line,) = observed(found, check)
    assert line.startswith(told)
