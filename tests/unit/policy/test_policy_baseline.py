"""Baselines of distributions: what they extend, what is refused, and what a host may run by them."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline.errors import InputError
from plumbline.policy.baseline import baseline_names, load_baseline
from plumbline.policy.load import load_standard
from plumbline.policy.permitted import KIOSK_UNIT, Permitted, permitted
from plumbline.policy.resolve import resolve
from plumbline.policy.servers import load_servers
from plumbline.rooms import LAB_INVENTORY
from plumbline.spec.kiosk import Kiosk
from plumbline.spec.load import load_inventory
from plumbline.spec.services import Listener, Service

BASE = """\
title: {en: Small 1, sk: Malý 1}
distribution: small
version: "1"
proven: true
packages:
  sshd: {units: [ssh.service], listens: [{protocol: tcp, port: 22}]}
  cron: {units: [cron.service]}
desktop:
  gdm: {units: [gdm.service]}
"""
NEWER = """\
title: {en: Small 2, sk: Malý 2}
distribution: small
version: "2"
extends: small-1
proven: false
packages:
  cron: {units: [crond.service]}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "standard" / "baselines"
    folder.mkdir(parents=True)
    (folder / "small-1.yml").write_text(BASE)
    (folder / "small-2.yml").write_text(NEWER)
    return tmp_path


def test_what_is_extended_counts_unless_said_anew(root: Path) -> None:
    baseline = load_baseline("standard", "small", "2", root)
    assert baseline is not None
    assert {name: part.units for name, part in baseline.packages.items()} == {
        "sshd": ["ssh.service"],
        "cron": ["crond.service"],
    }
    assert not baseline.proven


def test_there_is_none_of_another_version(root: Path) -> None:
    assert load_baseline("standard", "small", "3", root) is None


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("extends: small-1", "extends: small-9", "small-2.yml:4: there is no baseline small-9 to extend"),
        ("extends: small-1", "extends: small-2", "small-2.yml:4: small-2 extends itself"),
        (
            'version: "2"',
            'version: "3"',
            "small-2.yml:2: the file is named after its distribution and version",
        ),
        ("proven: false", "provn: false", "small-2.yml:5"),
    ],
)
def test_refused_with_its_line(root: Path, old: str, new: str, told: str) -> None:
    path = root / "standard/baselines/small-2.yml"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InputError) as raised:
        load_baseline("standard", "small", "2", root)
    assert told in str(raised.value)


def test_every_shipped_baseline_loads_and_ubuntu_s_is_marked_unproven() -> None:
    loaded = {name: load_baseline("mhth-ot", *name.rsplit("-", 1)) for name in baseline_names("mhth-ot")}
    assert {name: baseline is not None and baseline.proven for name, baseline in loaded.items()} == {
        "debian-12": True,
        "debian-13": True,
        "ubuntu-24.04": False,
    }


def test_no_unencrypted_server_is_in_a_baseline() -> None:
    servers = {name for kind in load_servers("mhth-ot").servers.values() for name in kind.packages}
    for name in baseline_names("mhth-ot"):
        baseline = load_baseline("mhth-ot", *name.rsplit("-", 1))
        assert baseline is not None
        assert servers & {*baseline.packages, *baseline.desktop} == set()


def of_the_lab(**changed: object) -> Permitted:
    standard, inventory = load_standard("mhth-ot"), load_inventory(LAB_INVENTORY)
    system, host = inventory.hosts()["srv-app-01"]
    desired = resolve(standard, inventory.site, system, host.model_copy(update=changed))
    found = permitted(desired)
    assert found is not None
    return found


def test_debug_shell_may_not_run_though_its_package_may() -> None:
    allowed = of_the_lab()
    assert allowed.package("systemd")
    assert not allowed.unit("debug-shell.service", "systemd")
    assert allowed.unit("getty@tty1.service", "systemd")
    assert not allowed.unit("getty@tty1.service", None)


def test_desktop_s_packages_are_for_desktops() -> None:
    assert not of_the_lab().unit("gdm.service", "gdm3")
    assert of_the_lab(desktop=True).unit("gdm.service", "gdm3")


def test_kiosk_s_unit_is_for_kiosks() -> None:
    assert not of_the_lab().unit(KIOSK_UNIT, None)
    kiosk = Kiosk.model_validate({"user": "operator", "command": "/opt/hmi/start"})
    allowed = of_the_lab(kiosk=kiosk)
    assert allowed.unit(KIOSK_UNIT, None)
    assert "operator" in allowed.people


def test_a_host_of_no_known_distribution_may_run_nothing_that_is_known() -> None:
    standard, inventory = load_standard("mhth-ot"), load_inventory(LAB_INVENTORY)
    system, host = inventory.hosts()["srv-app-01"]
    other = host.model_copy(update={"os": host.os.model_copy(update={"version": "7"})})
    assert permitted(resolve(standard, inventory.site, system, other)) is None


def test_old_specifications_stay_valid_and_ports_are_tcp() -> None:
    old = Service.model_validate({"name": "opcua-server", "account": "svc-opcua", "ports": [4840]})
    assert old.listeners == [Listener(port=4840)]
    assert old.unit_names[0] == "opcua-server.service"


def test_what_a_listener_says_of_encryption_wins_over_its_service() -> None:
    said = {
        "name": "x",
        "account": "x",
        "encrypted": True,
        "ports": [1, 2],
        "listens": [{"port": 2, "encrypted": False}, {"protocol": "udp", "port": 1}],
    }
    listeners = Service.model_validate(said).listeners
    assert [(each.protocol, each.port, each.encrypted) for each in listeners] == [
        ("tcp", 2, False),
        ("udp", 1, True),
        ("tcp", 1, True),
    ]
