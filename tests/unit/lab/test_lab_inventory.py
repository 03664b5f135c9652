"""The lab's inventory is the worked example, with the hosts and the network that were asked for."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from plumbline.errors import InputError, UsageError
from plumbline.lab.inventory import LabInventory, load
from plumbline.matrix.desired import desired_flows
from plumbline.matrix.openings import uncovered
from plumbline.rooms import LAB_INVENTORY
from plumbline.spec.load import load_inventory
from plumbline.spec.model import Connection


@pytest.fixture
def example() -> LabInventory:
    return load(LAB_INVENTORY)


def written(inventory: LabInventory, directory: Path) -> dict[str, str]:
    inventory.write(directory, Connection(identity_file="/keys/lab", known_hosts="/keys/known"))
    return {str(path.relative_to(directory)): path.read_text() for path in directory.rglob("*.yml")}


def test_unchanged_example_keeps_its_text(example: LabInventory, tmp_path: Path) -> None:
    texts = written(example.resized(len(example.hosts)).of_release("bookworm"), tmp_path)
    for name in ("site.yml", "systems/heating.yml"):
        assert texts[name] == (LAB_INVENTORY / name).read_text()


def test_first_host_alone(example: LabInventory) -> None:
    assert [host.name for host in example.resized(1).hosts] == [example.hosts[0].name]


def test_system_without_hosts_is_left_out(example: LabInventory, tmp_path: Path) -> None:
    second = {**example.systems["systems/heating.yml"], "name": "pumps"}
    second["hosts"] = [{**second["hosts"][0], "name": "srv-pump-01"}]
    both = LabInventory(example.site, {**example.systems, "systems/pumps.yml": second}, example.texts)
    assert "systems/pumps.yml" not in written(both.resized(1), tmp_path)
    assert [host.name for host in both.resized(3).hosts][2] == "srv-pump-01"


def test_hosts_beyond_the_example_are_cloned_from_its_first(example: LabInventory, tmp_path: Path) -> None:
    grown = example.resized(4)
    last = max(host.address for host in example.hosts)
    assert [(host.name, host.address) for host in grown.hosts[2:]] == [
        ("lab-03", last + 1),
        ("lab-04", last + 2),
    ]
    assert grown.hosts[3].storage == example.hosts[0].storage
    written(grown, tmp_path)
    assert len(load_inventory(tmp_path).hosts()) == 4


@pytest.mark.parametrize("count", [1, 2, 4])
def test_rows_of_the_matrix_are_for_the_hosts_there_are(
    example: LabInventory, tmp_path: Path, count: int
) -> None:
    written(example.resized(count), tmp_path)
    inventory = load_inventory(tmp_path)
    flows = desired_flows(inventory, list(inventory.hosts()))
    assert len(flows) == count
    for name, (_, host) in inventory.hosts().items():
        assert list(uncovered(host, flows[name])) == []


def test_more_hosts_than_the_network_holds_are_refused(example: LabInventory) -> None:
    with pytest.raises(UsageError, match="300 hosts do not fit"):
        example.resized(300)


def test_renumbering_moves_every_address_of_the_network_and_no_other(example: LabInventory) -> None:
    moved = example.renumbered(IPv4Network("10.89.7.0/24"))
    assert [host.address for host in moved.hosts] == [IPv4Address("10.89.7.11"), IPv4Address("10.89.7.12")]
    assert moved.model.management_sources == [IPv4Network("10.89.7.1/32")]
    assert moved.model.time_sources == ["10.89.7.1"]
    assert moved.hosts[1].firewall_openings[0].sources == [IPv4Network("10.89.7.11/32")]
    assert moved.gateway == IPv4Address("10.89.7.1")
    assert "10.89.0." not in str((moved.site, moved.systems))
    assert moved.hosts[0].software == example.hosts[0].software


def test_version_numbers_that_look_like_addresses_stay(example: LabInventory) -> None:
    systems = {
        "systems/one.yml": {
            **example.systems["systems/heating.yml"],
            "description": "v10.189.0.11, 10.89.0.11.2",
        }
    }
    moved = LabInventory(example.site, systems, {}).renumbered(IPv4Network("10.89.7.0/24"))
    assert moved.systems["systems/one.yml"]["description"] == "v10.189.0.11, 10.89.0.11.2"


def test_renumbered_example_keeps_its_comments(example: LabInventory, tmp_path: Path) -> None:
    texts = written(example.renumbered(IPv4Network("10.89.7.0/24")), tmp_path)
    assert texts["site.yml"] == (LAB_INVENTORY / "site.yml").read_text().replace("10.89.0.", "10.89.7.")


def test_release_is_specified_for_every_host(example: LabInventory) -> None:
    assert {host.os.version for host in example.of_release("trixie").hosts} == {"13"}


def test_connection_is_written_without_what_is_default(example: LabInventory, tmp_path: Path) -> None:
    texts = written(example, tmp_path)
    assert load_inventory(tmp_path).connection.user == "root"
    assert "port" not in texts["connection.yml"]


def test_hosts_in_two_networks_are_refused(example: LabInventory) -> None:
    site = {
        **example.site,
        "vlans": [*example.site["vlans"], {"id": 120, "name": "other", "network": "10.88.0.0/24"}],
    }
    heating = example.systems["systems/heating.yml"]
    moved = {
        **heating["hosts"][1],
        "interfaces": [{"name": "host0", "vlan": "other", "address": "10.88.0.2"}],
    }
    torn = LabInventory(site, {"systems/heating.yml": {**heating, "hosts": [heating["hosts"][0], moved]}}, {})
    with pytest.raises(InputError, match="other, servers"):
        _ = torn.vlan


def test_gateway_is_the_first_address_when_none_is_declared(example: LabInventory) -> None:
    vlans = [{key: value for key, value in example.site["vlans"][0].items() if key != "gateway"}]
    assert LabInventory({**example.site, "vlans": vlans}, example.systems, {}).gateway == IPv4Address(
        "10.89.0.1"
    )
