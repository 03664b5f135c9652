"""Loading an inventory: what is wrong in a file is told with its line, and all of it at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from written_inventory import PHYSICAL_HOST, SITE, SYSTEM, WINDOWS_HOST, Written

from plumbline.errors import InputError, UsageError
from plumbline.rooms import LAB_INVENTORY
from plumbline.spec.load import load_inventory

SYSTEM_FILE = "systems/heating.yml"


def told(written: Written) -> str:
    with pytest.raises(InputError) as caught:
        load_inventory(written.path)
    return str(caught.value)


def test_the_worked_example_loads() -> None:
    inventory = load_inventory(LAB_INVENTORY)
    assert list(inventory.hosts()) == ["srv-app-01", "srv-hist-01"]
    assert inventory.address_of("srv-hist-01") == "10.89.0.12"


def test_a_host_comes_with_its_system(written: Written) -> None:
    system, host = load_inventory(written.path).hosts()["srv-hist-01"]
    assert (system.name, host.name, host.vcpu) == ("heating", "srv-hist-01", 4)


def test_windows_and_physical_hosts_load(written: Written) -> None:
    written.add_host(WINDOWS_HOST)
    written.add_host(PHYSICAL_HOST)
    hosts = load_inventory(written.path).hosts()
    assert hosts["srv-win-01"][1].interfaces[0].name == "Ethernet 2"
    assert [str(each.address) for each in hosts["srv-phy-01"][1].interfaces] == [
        "10.1.0.31",
        "None",
        "10.3.0.1",
        "None",
    ]


# name of the behaviour: file, what stands there, what is written instead, what is told after the line
WRONG_VALUES = {
    "address_with_an_octet_over_255": (
        SYSTEM_FILE,
        "address: 10.1.0.11}",
        "address: 10.1.0.311}",
        "hosts[srv-app-01].interfaces[eth0].address: '10.1.0.311' is not an IPv4 address, such as 10.1.2.3",
    ),
    "address_that_is_a_bare_number": (
        SYSTEM_FILE,
        "address: 10.1.0.11}",
        "address: 10}",
        "hosts[srv-app-01].interfaces[eth0].address: 10 is not an IPv4 address, such as 10.1.2.3",
    ),
    "ipv6_address": (
        SYSTEM_FILE,
        "address: 10.1.0.11}",
        'address: "fe80::1"}',
        "hosts[srv-app-01].interfaces[eth0].address: 'fe80::1' is not an IPv4 address, such as 10.1.2.3",
    ),
    "cidr_with_a_prefix_over_32": (
        SYSTEM_FILE,
        "sources: [10.2.0.0/24]",
        "sources: [10.2.0.0/33]",
        "hosts[srv-app-01].firewall_openings[opcua].sources[0]: '10.2.0.0/33' is not an IPv4 range,"
        " such as 10.1.2.0/24",
    ),
    "cidr_with_host_bits": (
        SYSTEM_FILE,
        "sources: [10.2.0.0/24]",
        "sources: [10.2.0.5/24]",
        "hosts[srv-app-01].firewall_openings[opcua].sources[0]: 10.2.0.5/24 is an address inside a range;"
        " write 10.2.0.0/24, or 10.2.0.5/32 for it alone",
    ),
    "misspelt_key": (
        SYSTEM_FILE,
        "    vcpu: 2",
        "    vcpus: 2",
        "hosts[srv-app-01]: unknown key vcpus (did you mean vcpu",
    ),
    "port_zero": (SYSTEM_FILE, "port: 4840", "port: 0", "greater than or equal to 1, found the number 0"),
    "truth_value_for_a_number": (
        SYSTEM_FILE,
        "    vcpu: 2",
        "    vcpu: true",
        "hosts[srv-app-01].vcpu: expected a whole number, found true",
    ),
    "version_read_as_a_number": (
        SYSTEM_FILE,
        'version: "2.4"',
        "version: 2.4",
        "software[Gateway].version: expected a text, found the number 2.4",
    ),
    "role_that_chapter_17_4_does_not_have": (
        SYSTEM_FILE,
        "role: os-administrator",
        "role: administrator",
        "'administrator' is not one of os-administrator",
    ),
    "parameter_with_a_truth_value": (
        SYSTEM_FILE,
        "{idle_seconds: 300}",
        "{idle_seconds: true}",
        "expected a whole number or a text or a list, found true",
    ),
    "host_name_in_capitals": (
        SYSTEM_FILE,
        "name: srv-app-01",
        "name: SRV-APP-01",
        "'SRV-APP-01' is not a name",
    ),
    "mount_with_a_final_slash": (SYSTEM_FILE, "mount: /opt", "mount: /opt/", "'/opt/' is no mount"),
    "purpose_over_two_lines": (
        SYSTEM_FILE,
        "purpose: visualisation",
        'purpose: "visual\\nisation"',
        "the text holds a line break or another control character; write it on one line",
    ),
    "purpose_of_blanks": (SYSTEM_FILE, "purpose: visualisation", 'purpose: "  "', "the text is empty"),
    "vlan_number_over_4094": ("site.yml", "id: 20", "id: 4095", "less than or equal to 4094"),
    "vlan_range_for_one_address": (
        "site.yml",
        "network: 10.2.0.0/24, gateway: 10.2.0.1",
        "network: 10.2.0.0",
        "vlans[20]: 10.2.0.0/32 has no room for hosts",
    ),
    "gateway_outside_its_vlan": (
        "site.yml",
        "gateway: 10.2.0.1",
        "gateway: 10.1.0.9",
        "vlans[20]: gateway 10.1.0.9 is not in 10.2.0.0/24",
    ),
    "time_source_that_is_half_an_address": (
        "site.yml",
        "[10.1.0.1, ntp.plant.test]",
        "[10.1.0, ntp.plant.test]",
        "time_sources[0]: '10.1.0' is neither an IPv4 address nor a host name",
    ),
    "time_source_with_an_underscore": (
        "site.yml",
        "[10.1.0.1, ntp.plant.test]",
        "[10.1.0.1, ntp_1.plant.test]",
        "time_sources[1]: 'ntp_1.plant.test' is neither an IPv4 address nor a host name",
    ),
}


@pytest.mark.parametrize(("file", "old", "new", "sentence"), WRONG_VALUES.values(), ids=WRONG_VALUES)
def test_wrong_value_is_told_with_its_line(
    written: Written, file: str, old: str, new: str, sentence: str
) -> None:
    written.replace(file, old, new)
    message = told(written)
    assert message.startswith(f"{written.place(file, new)}: ")
    assert sentence in message


def test_mistakes_of_several_files_are_told_together(written: Written) -> None:
    written.replace("site.yml", "port: 6514", "port: 65540")
    written.replace(SYSTEM_FILE, "ram_gib: 8", "ram_gib: none")
    written.write("connection.yml", "user: admin\npasword: secret\n")
    message = told(written)
    assert f"{written.place('site.yml', '65540')}: log_collector.port" in message
    assert f"{written.place(SYSTEM_FILE, 'ram_gib: none')}: hosts[srv-hist-01].ram_gib" in message
    assert f"{written.path}/connection.yml:2: unknown key pasword" in message
    assert "secret" not in message


def test_missing_key_is_told_at_its_host(written: Written) -> None:
    written.replace(SYSTEM_FILE, "    ram_gib: 8\n", "")
    place = written.place(SYSTEM_FILE, "name: srv-hist-01")
    assert told(written) == f"{place}: hosts[srv-hist-01]: the key ram_gib is missing"


def test_overlapping_vlans_are_refused(written: Written) -> None:
    written.replace("site.yml", "network: 10.2.0.0/24, gateway: 10.2.0.1", "network: 10.1.0.128/25")
    assert "VLAN servers (10.1.0.0/24) overlaps clients (10.1.0.128/25)" in told(written)


def test_vlan_name_declared_twice_is_refused(written: Written) -> None:
    written.replace("site.yml", "name: clients", "name: servers")
    assert "VLAN name declared twice: servers" in told(written)


def test_opening_declared_twice_is_refused(written: Written) -> None:
    opening = (
        "      - {id: opcua, protocol: tcp, port: 4840, sources: [10.2.0.0/24], purpose: visualisation}\n"
    )
    written.replace(SYSTEM_FILE, opening, opening * 2)
    assert "opening declared twice: opcua" in told(written)


def test_host_declared_in_two_systems_is_refused_with_both_places(written: Written) -> None:
    written.write("systems/water.yml", SYSTEM.replace("name: heating", "name: water"))
    first = written.place(SYSTEM_FILE, "name: srv-app-01")
    second = written.place("systems/water.yml", "name: srv-app-01")
    assert f"{second}: the host srv-app-01 is declared twice, first in {first}" in told(written)


def test_host_declared_twice_in_one_system_is_refused(written: Written) -> None:
    written.replace(SYSTEM_FILE, "name: srv-hist-01", "name: srv-app-01")
    assert "the host srv-app-01 is declared twice" in told(written)


def test_system_declared_twice_is_refused(written: Written) -> None:
    written.write("systems/zz.yml", SYSTEM.replace("srv-", "zz-"))
    assert f"{written.path}/systems/zz.yml:1: the system heating is declared twice" in told(written)


def test_yaml_that_is_a_list_is_refused(written: Written) -> None:
    written.write("site.yml", "- name: plant\n")
    assert told(written) == f"{written.path}/site.yml:1: expected keys and values at the top of the file"


def test_empty_file_is_refused(written: Written) -> None:
    written.write(SYSTEM_FILE, "")
    assert told(written) == f"{written.path}/{SYSTEM_FILE}: the file is empty"


def test_key_written_twice_is_refused(written: Written) -> None:
    written.write("site.yml", SITE + "name: other\n")
    last = len(SITE.splitlines()) + 1
    assert told(written).startswith(f"{written.path}/site.yml:{last}: the key name stands here a second time")


def test_directory_in_place_of_a_file_is_refused(written: Written) -> None:
    (written.path / "site.yml").unlink()
    (written.path / "site.yml").mkdir()
    assert told(written) == f"{written.path}/site.yml: Is a directory"


def test_directory_without_a_site_is_no_inventory(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"is no inventory: it has no site.yml\n  an inventory holds site.yml"
    ):
        load_inventory(tmp_path)


def test_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone does not exist"):
        load_inventory(tmp_path / "gone")


def test_file_in_place_of_the_directory_is_told(written: Written) -> None:
    with pytest.raises(InputError, match="is a file, not a directory"):
        load_inventory(written.path / "site.yml")


def test_inventory_without_a_system_is_told(written: Written) -> None:
    (written.path / SYSTEM_FILE).unlink()
    assert "has no system: there is no systems/*.yml" in told(written)


@pytest.mark.parametrize("name", ["site.yaml", "systems/water.yaml", "connection.yaml"])
def test_file_that_would_be_overlooked_is_told(written: Written, name: str) -> None:
    file = written.write(name, "name: other\n")
    assert told(written) == f"{file}: this file would not be read\n  rename it to {file.stem}.yml"


def test_virtual_server_without_vcpu_is_refused(written: Written) -> None:
    written.replace(SYSTEM_FILE, "    vcpu: 4\n", "")
    assert "a virtual server needs vcpu" in told(written)


def test_physical_server_gives_its_processors_and_reason(written: Written) -> None:
    written.replace(SYSTEM_FILE, "    vcpu: 4\n", "    vcpu: 4\n    virtual: false\n")
    assert "a physical server needs cpu (count and type) and physical_reason" in told(written)


def test_first_interface_without_an_address_is_refused(written: Written) -> None:
    written.replace(
        SYSTEM_FILE, "vlan: servers, address: 10.1.0.12", "vlan: servers, purpose: industrial-protocol"
    )
    assert "the first interface is the one the host is reached at and needs an address" in told(written)


def test_service_interface_without_an_address_is_refused(written: Written) -> None:
    written.replace(SYSTEM_FILE, "vlan: servers, address: 10.1.0.12", "vlan: servers")
    assert "an interface for service needs an address" in told(written)


def test_no_connection_file_means_root_at_port_22(written: Written) -> None:
    connection = load_inventory(written.path).connection
    assert (connection.user, connection.port, connection.sudo, connection.known_hosts) == (
        "root",
        22,
        False,
        None,
    )


def test_relative_paths_of_the_connection_start_at_the_inventory(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "identity_file: ./id\nknown_hosts: ../known\nwindows: {ca_file: ./ca.pem}\n"
    written.write("connection.yml", text)
    monkeypatch.chdir(written.path.parent)
    connection = load_inventory("plant").connection
    assert connection.identity_file == str(written.path / "id")
    assert Path(connection.known_hosts or "").resolve() == written.path.parent / "known"
    assert connection.windows.ca_file == str(written.path / "ca.pem")


def test_home_in_a_path_is_the_persons(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/operator")
    written.write("connection.yml", "identity_file: ~/.ssh/id_ed25519\nknown_hosts: /etc/ssh/known\n")
    connection = load_inventory(written.path).connection
    assert connection.identity_file == "/home/operator/.ssh/id_ed25519"
    assert connection.known_hosts == "/etc/ssh/known"


def test_path_that_does_not_say_where_it_starts_is_refused(written: Written) -> None:
    written.write("connection.yml", "port: 22\nidentity_file: id_ed25519\n")
    message = "identity_file: write ./id_ed25519 if it lies in the inventory, or a path from /"
    assert told(written) == f"{written.path}/connection.yml:2: {message}"


def test_connection_address_replaces_the_specified_one(written: Written) -> None:
    written.write("connection.yml", "addresses: {srv-app-01: 127.0.0.1, srv-hist-01: hist.plant.test}\n")
    inventory = load_inventory(written.path)
    assert inventory.address_of("srv-app-01") == "127.0.0.1"
    assert inventory.address_of("srv-hist-01") == "hist.plant.test"


SELECTIONS = {
    "nothing_named_means_all": ((), ["srv-app-01", "srv-hist-01", "srv-win-01"]),
    "a_name": (("srv-hist-01",), ["srv-hist-01"]),
    "a_glob": (("srv-*-01",), ["srv-app-01", "srv-hist-01", "srv-win-01"]),
    "a_system": (("water",), ["srv-win-01"]),
    "twice_named_is_once": (("srv-app-01", "heating"), ["srv-app-01", "srv-hist-01"]),
    "in_the_order_declared": (("srv-win-01", "srv-app-01"), ["srv-app-01", "srv-win-01"]),
}


@pytest.mark.parametrize(("patterns", "names"), SELECTIONS.values(), ids=SELECTIONS)
def test_selected(written: Written, patterns: tuple[str, ...], names: list[str]) -> None:
    written.write("systems/water.yml", f"name: water\nsupplier: Example Water\nhosts:\n{WINDOWS_HOST}")
    assert [host.name for _, host in load_inventory(written.path).select(patterns)] == names


def test_unknown_name_tells_the_nearest(written: Written) -> None:
    with pytest.raises(
        UsageError, match=r"no host or system of \S+ is named srv-hits-01 \(did you mean srv-hist-01"
    ):
        load_inventory(written.path).select(["srv-app-01", "srv-hits-01"])


def test_name_like_no_other_tells_what_there_is(written: Written) -> None:
    with pytest.raises(UsageError, match="it has srv-app-01, srv-hist-01, heating"):
        load_inventory(written.path).select(["xyz"])


def test_glob_that_matches_nothing_is_an_error(written: Written) -> None:
    with pytest.raises(UsageError, match=r"matches web-\*"):
        load_inventory(written.path).select(["web-*"])


def test_address_of_an_unknown_host_is_an_error(written: Written) -> None:
    with pytest.raises(UsageError, match="is named srv-app-2"):
        load_inventory(written.path).address_of("srv-app-2")
