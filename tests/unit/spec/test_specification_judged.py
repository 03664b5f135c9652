"""The cross checks: each disagreement between the files is told once, at the line it stands on."""

from __future__ import annotations

import pytest
from written_inventory import PHYSICAL_HOST, SYSTEM, WINDOWS_HOST, Written

from plumbline.findings import FindingsError
from plumbline.policy.load import load_standard
from plumbline.policy.standard import Standard
from plumbline.rooms import LAB_INVENTORY
from plumbline.spec.load import load_inventory
from plumbline.spec.validate import demand_valid, judge_inventory

SYSTEM_FILE = "systems/heating.yml"


def told(written: Written, standard: Standard) -> list[str]:
    return [str(each) for each in judge_inventory(load_inventory(written.path), standard)]


def test_whole_specification_has_no_finding(written: Written, standard: Standard) -> None:
    written.add_host(WINDOWS_HOST)
    written.add_host(PHYSICAL_HOST)
    assert told(written, standard) == []


# behaviour: what stands in the system's file, what is written instead (told at its line), what is told
ERRORS = {
    "address_outside_its_vlan": (
        "address: 10.1.0.12",
        "address: 10.2.0.12",
        "srv-hist-01: the address 10.2.0.12 is not in VLAN servers, 10.1.0.0/24",
    ),
    "network_address": (
        "address: 10.1.0.12",
        "address: 10.1.0.0",
        "srv-hist-01: the address 10.1.0.0 is the network address of VLAN servers, 10.1.0.0/24",
    ),
    "broadcast_address": (
        "address: 10.1.0.12",
        "address: 10.1.0.255",
        "srv-hist-01: the address 10.1.0.255 is the broadcast address of VLAN servers, 10.1.0.0/24",
    ),
    "gateway_address": (
        "address: 10.1.0.12}",
        "address: 10.1.0.1}",
        "srv-hist-01: the address 10.1.0.1 is the gateway of VLAN servers",
    ),
    "vlan_the_site_does_not_have": (
        "vlan: servers, address: 10.1.0.12",
        "vlan: server, address: 10.1.0.12",
        "srv-hist-01: the site has no VLAN server (did you mean servers?)",
    ),
    "linux_interface_name_too_long": (
        "{name: eth0, vlan: servers, address: 10.1.0.12",
        "{name: enp0s31f6-uplink0, vlan: servers, address: 10.1.0.12",
        "srv-hist-01: 'enp0s31f6-uplink0' is no name of a Linux interface:"
        " at most 15 characters, no space, no / and no :",
    ),
    "unknown_profile": (
        "name: srv-hist-01\n    profile: server",
        "name: srv-hist-01\n    profile: servers",
        "srv-hist-01: there is no profile servers (did you mean server?); known: server",
    ),
    "parameter_of_an_unknown_control": (
        "idle-session-lock: {idle_seconds: 300}",
        "idle-session-locks: {idle_seconds: 300}",
        "srv-app-01: idle-session-locks is no control of profile server (did you mean idle-session-lock?)",
    ),
    "unknown_parameter": (
        "{idle_seconds: 300}",
        "{idle_minutes: 5}",
        "srv-app-01: idle-session-lock has no parameter idle_minutes",
    ),
    "parameter_outside_what_is_accepted": (
        "{idle_seconds: 300}",
        "{idle_seconds: 601}",
        "srv-app-01: idle-session-lock.idle_seconds is 601, accepted is 1..600",
    ),
    "zero_is_not_accepted_either": (
        "{idle_seconds: 300}",
        "{idle_seconds: 0}",
        "srv-app-01: idle-session-lock.idle_seconds is 0, accepted is 1..600",
    ),
    "opening_to_every_address": (
        "sources: [10.2.0.0/24]",
        "sources: [0.0.0.0/0]",
        "srv-app-01: the opening opcua is open to every address; name the clients",
    ),
    "opening_outside_every_vlan": (
        "sources: [10.2.0.0/24]",
        "sources: [192.0.2.0/24]",
        "srv-app-01: the opening opcua is open to 192.0.2.0/24, which lies outside every VLAN of the site",
    ),
    "opening_wider_than_a_vlan": (
        "sources: [10.2.0.0/24]",
        "sources: [10.2.0.0/16]",
        "srv-app-01: the opening opcua is open to 10.2.0.0/16, which is wider than VLAN clients;"
        " name the clients",
    ),
    "mount_declared_twice": (
        "mount: /srv",
        "mount: /, size_gib: 1, holds: system}\n      - {mount: /srv",
        "srv-hist-01: the mount / is declared twice",
    ),
    "windows_drive_on_linux": (
        "mount: /srv",
        'mount: "D:"',
        "srv-hist-01: D: is no mount of a linux host",
    ),
    "exclusion_of_the_whole_file_system": (
        "antivirus_exclusions: [/srv/postgresql]",
        "antivirus_exclusions: [/*]",
        "srv-hist-01: the antivirus exclusion /* leaves everything out",
    ),
    "service_without_its_configuration": (
        "configuration: sign and encrypt, ",
        "",
        "srv-app-01: the service opcua-server says nothing of its configuration",
    ),
}


@pytest.mark.parametrize(("old", "new", "sentence"), ERRORS.values(), ids=ERRORS)
def test_error_is_told_at_its_line(
    written: Written, standard: Standard, old: str, new: str, sentence: str
) -> None:
    written.replace(SYSTEM_FILE, old, new)
    line = new.splitlines()[-1] if "\n    profile" in new else (new or "name: opcua-server").splitlines()[0]
    number = _line(written, line, after="srv-hist-01" if sentence.startswith("srv-hist-01") else "srv-app-01")
    assert told(written, standard) == [f"{written.path}/{SYSTEM_FILE}:{number}: {sentence}"]


def _line(written: Written, snippet: str, after: str) -> int:
    lines = (written.path / SYSTEM_FILE).read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if after in line)
    return next(number for number, line in enumerate(lines[start:], start + 1) if snippet.strip() in line)


WARNINGS = {
    "opening_for_a_port_no_service_has": (
        "port: 4840,",
        "port: 4841,",
        "the opening opcua is for port 4841, which no declared service has",
    ),
    "opening_for_remote_management": (
        "port: 4840,",
        "port: 22,",
        "the opening opcua opens SSH beside the site's management sources;"
        " have it approved as such or remove it",
    ),
}


@pytest.mark.parametrize(("old", "new", "sentence"), WARNINGS.values(), ids=WARNINGS)
def test_warning_is_told_as_one(
    written: Written, standard: Standard, old: str, new: str, sentence: str
) -> None:
    written.replace(SYSTEM_FILE, old, new)
    place = written.place(SYSTEM_FILE, "id: opcua")
    assert told(written, standard) == [f"{place}: warning: srv-app-01: {sentence}"]
    demand_valid(load_inventory(written.path), standard)


def test_opening_from_inside_a_vlan_or_from_management_is_fine(written: Written, standard: Standard) -> None:
    written.replace(SYSTEM_FILE, "sources: [10.2.0.0/24]", "sources: [10.2.0.7/32, 10.1.0.0/24, 10.9.0.4/32]")
    assert told(written, standard) == []


def test_same_opening_under_two_names_is_remarked(written: Written, standard: Standard) -> None:
    opening = "      - {id: ID, protocol: tcp, port: 4840, sources: [10.2.0.0/24], purpose: visualisation}\n"
    first, second = opening.replace("ID", "opcua"), opening.replace("ID", "second")
    written.replace(SYSTEM_FILE, first, first + second)
    place = written.place(SYSTEM_FILE, "id: second")
    sentence = "the opening second opens 4840/tcp to 10.2.0.0/24 as opcua does"
    assert told(written, standard) == [f"{place}: warning: srv-app-01: {sentence}"]


def test_address_of_another_host_names_both(written: Written, standard: Standard) -> None:
    written.replace(SYSTEM_FILE, "address: 10.1.0.12", "address: 10.1.0.11 ")
    place = written.place(SYSTEM_FILE, "address: 10.1.0.11 }")
    message = "srv-hist-01: the address 10.1.0.11 is also that of srv-app-01, eth0"
    assert told(written, standard) == [f"{place}: {message}"]


def test_address_of_a_host_of_another_system_is_seen(written: Written, standard: Standard) -> None:
    written.write("systems/water.yml", SYSTEM.replace("name: heating", "name: water").replace("srv-", "wat-"))
    assert told(written, standard) == [
        f"{written.path}/systems/water.yml:{line}: {host}: the address {address}"
        f" is also that of {other}, eth0"
        for line, host, address, other in [
            (13, "wat-app-01", "10.1.0.11", "srv-app-01"),
            (35, "wat-hist-01", "10.1.0.12", "srv-hist-01"),
        ]
    ]


@pytest.mark.parametrize(
    ("field", "what"),
    [
        ("antivirus_exclusions", "antivirus exceptions"),
        ("firewall_openings", "firewall exceptions"),
        ("users", "users and their roles"),
        ("server_roles", "roles of the server"),
        ("services", "services"),
        ("software", "installed software"),
    ],
)
def test_field_of_chapter_6_that_is_left_out_is_told(
    written: Written, standard: Standard, field: str, what: str
) -> None:
    head, hist = SYSTEM.split("  - name: srv-hist-01")
    kept = [line for line in hist.splitlines(keepends=True) if not line.startswith(f"    {field}:")]
    written.write(SYSTEM_FILE, f"{head}  - name: srv-hist-01{''.join(kept)}")
    place = written.place(SYSTEM_FILE, "name: srv-hist-01")
    message = f"srv-hist-01: the specification must list the {what}; write `{field}: []` if there are none"
    assert told(written, standard) == [f"{place}: {message}"]


def test_second_service_interface_is_refused(written: Written, standard: Standard) -> None:
    _second_interface(written, "{name: eth1, vlan: clients, address: 10.2.0.12}")
    message = (
        "srv-hist-01: a server has one interface for service; eth1 needs another purpose:"
        " redundant-uplink, application-redundancy or industrial-protocol"
    )
    assert told(written, standard) == [f"{written.place(SYSTEM_FILE, 'name: eth1')}: {message}"]


def test_interface_name_declared_twice_is_refused(written: Written, standard: Standard) -> None:
    _second_interface(written, "{name: eth0, vlan: clients, purpose: industrial-protocol}")
    place = written.place(SYSTEM_FILE, "industrial-protocol")
    assert told(written, standard) == [f"{place}: srv-hist-01: the interface eth0 is declared twice"]


def test_first_interface_that_is_not_for_service_is_refused(written: Written, standard: Standard) -> None:
    written.replace(SYSTEM_FILE, "address: 10.1.0.12", "address: 10.1.0.12, purpose: industrial-protocol")
    place = written.place(SYSTEM_FILE, "industrial-protocol")
    message = "srv-hist-01: the first interface is the one for service; list it first"
    assert told(written, standard) == [f"{place}: {message}"]


def test_redundant_uplink_of_a_virtual_server_is_refused(written: Written, standard: Standard) -> None:
    _second_interface(written, "{name: eth1, vlan: servers, purpose: redundant-uplink}")
    place = written.place(SYSTEM_FILE, "name: eth1")
    message = "srv-hist-01: eth1: a redundant uplink is for a physical server; this one is virtual"
    assert told(written, standard) == [f"{place}: {message}"]


UPLINKS = {
    "in_another_vlan": (
        "{name: eno2, vlan: clients, purpose: redundant-uplink}",
        "a redundant uplink is in the VLAN of eno1, servers",
    ),
    "with_an_address_of_its_own": (
        "{name: eno2, vlan: servers, address: 10.1.0.32, purpose: redundant-uplink}",
        "a redundant uplink shares the address of eno1 and has none itself",
    ),
}


@pytest.mark.parametrize(("interface", "sentence"), UPLINKS.values(), ids=UPLINKS)
def test_wrong_redundant_uplink_of_a_physical_server(
    written: Written, standard: Standard, interface: str, sentence: str
) -> None:
    written.add_host(PHYSICAL_HOST)
    written.replace(SYSTEM_FILE, "{name: eno2, vlan: servers, purpose: redundant-uplink}", interface)
    place = written.place(SYSTEM_FILE, interface)
    assert told(written, standard) == [f"{place}: srv-phy-01: eno2: {sentence}"]


def test_application_redundancy_in_the_service_vlan_is_refused(written: Written, standard: Standard) -> None:
    _second_interface(
        written, "{name: eth1, vlan: servers, address: 10.1.0.13, purpose: application-redundancy}"
    )
    place = written.place(SYSTEM_FILE, "name: eth1")
    assert told(written, standard) == [
        f"{place}: srv-hist-01: eth1: a VLAN for application redundancy is isolated; servers has a gateway",
        f"{place}: srv-hist-01: eth1: application redundancy needs a VLAN of its own;"
        " srv-app-01 uses servers for something else",
    ]


def test_two_servers_share_a_vlan_for_their_redundancy(written: Written, standard: Standard) -> None:
    _second_interface(written, "{name: eth1, vlan: pair, address: 10.3.0.2, purpose: application-redundancy}")
    written.add_host(PHYSICAL_HOST)
    assert told(written, standard) == []


def _second_interface(written: Written, interface: str) -> None:
    first = "      - {name: eth0, vlan: servers, address: 10.1.0.12}\n"
    written.replace(SYSTEM_FILE, first, f"{first}      - {interface}\n")


def test_root_that_holds_data_is_refused(written: Written, standard: Standard) -> None:
    written.replace(
        SYSTEM_FILE,
        "holds: system}\n      - {mount: /srv",
        "holds: data}\n      - {mount: /srv",
    )
    assert [each.split(": ", 1)[1] for each in told(written, standard)] == [
        "srv-hist-01: the partition mounted at / is declared, and holds system"
    ]


def test_windows_host_without_a_system_partition_is_refused(written: Written, standard: Standard) -> None:
    written.add_host(WINDOWS_HOST.replace("holds: system", "holds: data"))
    assert [each.split(": ", 1)[1] for each in told(written, standard)] == [
        "srv-win-01: no partition holds system"
    ]


def test_windows_name_longer_than_netbios_allows_is_refused(written: Written, standard: Standard) -> None:
    written.add_host(WINDOWS_HOST.replace("srv-win-01", "srv-visualisation-01"))
    place = written.place(SYSTEM_FILE, "srv-visualisation-01")
    message = "srv-visualisation-01: the name of a Windows host has at most 15 characters"
    assert told(written, standard) == [f"{place}: {message}"]


@pytest.mark.parametrize("path", ["/", "/*", "/**", "C:", "C:\\", "C:\\*.*", "*", "*.*"])
def test_exclusion_of_everything_is_refused(written: Written, standard: Standard, path: str) -> None:
    written.replace(SYSTEM_FILE, "[/srv/postgresql]", f"['{path}']")
    assert [each.split(": ", 1)[1] for each in told(written, standard)] == [
        f"srv-hist-01: the antivirus exclusion {path} leaves everything out"
    ]


@pytest.mark.parametrize("path", ["/srv", "D:\\Data", "*.mdf", "C:\\Data\\*", "DATA"])
def test_exclusion_of_something_is_fine(written: Written, standard: Standard, path: str) -> None:
    written.replace(SYSTEM_FILE, "[/srv/postgresql]", f"['{path}']")
    assert told(written, standard) == []


def test_software_beside_the_system_alone_is_remarked(written: Written, standard: Standard) -> None:
    written.replace(SYSTEM_FILE, "      - {mount: /opt, size_gib: 10, holds: application}\n", "")
    assert [each.split(": ", 1)[1] for each in told(written, standard)] == [
        "warning: srv-app-01: software is installed, but no partition besides the system's is for"
        " applications or data"
    ]


KEPT_APART = {
    "operating_system_and_application": ("os-administrator", "application-administrator", True),
    "managing_and_using_the_application": ("application-administrator", "application-user", True),
    "managing_and_granting": ("application-administrator", "application-permission-administrator", True),
    "granting_and_using": ("application-permission-administrator", "application-user", True),
    "administrator_and_plain_os_user": ("os-administrator", "os-user", True),
    "service_account_and_person": ("system-user", "os-user", True),
    "os_user_who_manages_the_application": ("os-user", "application-administrator", False),
    "the_same_role_twice": ("os-user", "os-user", False),
}


@pytest.mark.parametrize(("one", "other", "apart"), KEPT_APART.values(), ids=KEPT_APART)
def test_one_group_for_two_roles(
    written: Written, standard: Standard, one: str, other: str, apart: bool
) -> None:
    head, hist = SYSTEM.split("  - name: srv-hist-01")
    head = head.replace("role: os-administrator", f"role: {one}")
    hist = hist.replace("users: []", f"users: [{{group: ot-admins, role: {other}}}]")
    written.write(SYSTEM_FILE, f"{head}  - name: srv-hist-01{hist}")
    place = written.place(SYSTEM_FILE, "group: ot-admins")
    message = f"srv-hist-01: the group ot-admins is {other} here and {one} on srv-app-01"
    expected = [f"{place}: {message}; 17.4 keeps these roles apart"] if apart else []
    assert told(written, standard) == expected


def test_management_from_everywhere_is_refused(written: Written, standard: Standard) -> None:
    written.replace("site.yml", "[10.9.0.4/32]", "[10.0.0.0/8]")
    place = written.place("site.yml", "management_sources")
    message = "the management source 10.0.0.0/8 is too wide; name the administrators' own ranges"
    assert told(written, standard) == [f"{place}: {message}"]


def test_managed_host_among_the_management_sources_is_remarked(written: Written, standard: Standard) -> None:
    written.replace("site.yml", "[10.9.0.4/32]", "[10.9.0.4/32, 10.1.0.0/28]")
    place = written.place("site.yml", "management_sources")
    message = (
        "the management source 10.1.0.0/28 holds the managed host srv-app-01 and 1 more:"
        " once taken over, it could manage the others"
    )
    assert told(written, standard) == [f"{place}: warning: {message}"]


def test_gateway_that_is_the_broadcast_address_is_refused(written: Written, standard: Standard) -> None:
    written.replace("site.yml", "gateway: 10.2.0.1", "gateway: 10.2.0.255")
    place = written.place("site.yml", "10.2.0.255")
    message = "the gateway 10.2.0.255 of VLAN clients is the broadcast address of 10.2.0.0/24"
    assert told(written, standard) == [f"{place}: {message}"]


def test_connection_to_an_undeclared_host_is_refused(written: Written, standard: Standard) -> None:
    written.write("connection.yml", "addresses:\n  srv-app-01: 127.0.0.1\n  srv-hits-01: 127.0.0.1\n")
    message = "an address is given for srv-hits-01, which no system declares (did you mean srv-hist-01"
    assert told(written, standard)[0].startswith(f"{written.path}/connection.yml:3: {message}")


def test_key_that_is_not_there_is_remarked(written: Written, standard: Standard) -> None:
    written.write("connection.yml", "known_hosts: ./known_hosts\nidentity_file: ./id\n")
    written.write("known_hosts", "")
    message = f"warning: there is no file {written.path}/id"
    assert told(written, standard) == [f"{written.path}/connection.yml:2: {message}"]


def test_all_findings_are_told_at_once_in_the_order_of_the_files(
    written: Written, standard: Standard
) -> None:
    written.replace("site.yml", "[10.9.0.4/32]", "[0.0.0.0/0]")
    written.replace(SYSTEM_FILE, "{idle_seconds: 300}", "{idle_seconds: 0, idle_hours: 1}")
    written.replace(SYSTEM_FILE, "address: 10.1.0.12", "address: 10.1.0.1")
    found = told(written, standard)
    assert [each.split(": ")[0].removeprefix(f"{written.path}/") for each in found] == [
        "site.yml:13",
        "systems/heating.yml:25",
        "systems/heating.yml:25",
        "systems/heating.yml:35",
    ]
    with pytest.raises(FindingsError, match="4 things are wrong"):
        demand_valid(load_inventory(written.path), standard)


def test_the_worked_example_agrees_with_the_standard() -> None:
    assert judge_inventory(load_inventory(LAB_INVENTORY), load_standard()) == []
