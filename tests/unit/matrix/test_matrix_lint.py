"""What lint finds in a matrix: each wrong by its rule, its row and its place; nothing on a right one."""

from __future__ import annotations

from typing import Any

import pytest
from plant import APPROVED, MANAGEMENT, SERVICES, TODAY, found, row

from plumbline.matrix.lint import lint
from plumbline.matrix.model import Matrix
from plumbline.spec.load import Inventory

WRONG: dict[str, tuple[dict[str, Any], list[str]]] = {
    "ftp_by_port": (row(ports=["21"]), ["error restricted-protocol", "warning one-sided"]),
    "telnet_by_service_on_another_port": (row(service="Telnet console"), ["error restricted-protocol"]),
    "http_by_service": (row(service="HTTP interface"), ["error restricted-protocol"]),
    "opc_da_by_name": (row(service="OPC DA"), ["error restricted-protocol"]),
    "plain_mqtt_inside_a_range": (
        row(ports=["1880-1890"]),
        ["error restricted-protocol", "warning one-sided"],
    ),
    "smtp_without_encryption": (
        row(service="SMTP", ports=["587"], encryption="none"),
        ["error restricted-protocol", "warning cleartext", "warning one-sided"],
    ),
    "credentials_in_clear_text": (row(encryption="none", credentials=True), ["error cleartext-credentials"]),
    "confidential_in_clear_text": (
        row(encryption="none", classification="confidential"),
        ["error cleartext-classified"],
    ),
    "internal_in_clear_text": (row(encryption="none"), ["warning cleartext"]),
    "out_of_the_network": (
        row(destination=["8.8.8.8"]),
        ["error border", "error no-vlan", "warning no-host"],
    ),
    "into_the_network": (row(source=["192.0.2.0/28"]), ["error border", "error no-vlan"]),
    "any_source": (row(source=["0.0.0.0/0"]), ["error any-address", "error border", "error no-vlan"]),
    "a_16_for_one_host": (row(source=["10.1.0.0/16"]), ["error no-vlan", "warning wide-range"]),
    "a_24_written_out_for_two_hosts": (row(source=["10.1.1.0/24"]), ["warning wide-range"]),
    "every_port": (row(ports=["1-65535"]), ["error all-ports"]),
    "a_thousand_ports": (row(ports=["5001-6000", "5432"]), ["warning many-ports"]),
    "ephemeral_ports_as_destination": (row(ports=["5432", "49152-49160"]), ["warning ephemeral-ports"]),
    "a_vlan_that_is_not_there": (row(source=["vlan:guests"]), ["error unknown-end"]),
    "a_host_misspelt": (row(source=["plc-gv"]), ["error unknown-end"]),
    "host_bits_in_a_range": (row(source=["10.1.1.11/24"]), ["error unknown-end"]),
    "address_of_no_host": (row(source=["10.1.1.77"]), ["warning no-host"]),
    "address_in_no_vlan": (row(source=["10.7.7.7"]), ["error no-vlan", "warning no-host"]),
    "out_of_the_redundancy_vlan": (row(destination=["10.1.3.2"]), ["error redundancy-vlan"]),
    "a_port_the_destination_does_not_offer": (row(ports=["5433"]), ["warning one-sided"]),
    "no_justification": (row(justification=None), ["error no-justification"]),
    "blank_justification": (row(justification="  "), ["error no-justification"]),
    "no_requester": (row(requested_by=None), ["error no-requester"]),
    "approved_by_two_of_three": (
        row(approved_by={k: v for k, v in APPROVED.items() if k != "infrastructure"}),
        ["error not-approved"],
    ),
    "approved_tomorrow": (
        row(approved_by={**APPROVED, "infrastructure": "2026-11-23"}),
        ["error approved-in-future"],
    ),
    "expired_yesterday": (row(valid_until="2026-11-21"), ["error expired"]),
}


def _told(findings: list[Any]) -> list[str]:
    return sorted(f"{one.severity} {one.rule}" for one in findings)


@pytest.mark.parametrize(("wrong", "expected"), WRONG.values(), ids=WRONG)
def test_found(inventory: Inventory, wrong: dict[str, Any], expected: list[str]) -> None:
    findings = found(inventory, wrong)
    assert _told(findings) == sorted(expected)
    assert {one.row for one in findings} == {"history"}


def test_a_right_matrix_has_nothing_wrong(inventory: Inventory) -> None:
    assert (
        found(
            inventory,
            row(),
            row("view", source=["plc-gw"], destination=["desk"], ports=["8443"]),
        )
        == []
    )


def test_the_last_day_still_counts(inventory: Inventory) -> None:
    assert found(inventory, row(valid_until=TODAY.isoformat())) == []


def test_no_exception_is_possible_where_the_standard_grants_none(inventory: Inventory) -> None:
    (finding,) = found(inventory, row(encryption="none", credentials=True))
    assert finding.final
    assert finding.message.sk.endswith("výnimka nie je možná (5.1)")


def test_the_replacement_is_named(inventory: Inventory) -> None:
    findings = found(inventory, row(service="HTTP interface"))
    assert findings[0].message.en == "HTTP without TLS is forbidden (5.3); HTTPS takes its place"


def test_https_is_not_http(inventory: Inventory) -> None:
    assert found(inventory, row(service="HTTPS interface")) == []


OVERLAPS: dict[str, tuple[dict[str, Any], str]] = {
    "the_same_under_another_id": (row("again"), "error duplicate"),
    "the_same_by_address": (row("again", source=["10.1.1.11"]), "error duplicate"),
    "hidden_in_a_vlan_row": (
        row("again", source=["vlan:control"]),
        "warning shadowed",
    ),
    "more_ports": (row("again", ports=["5432", "5433"]), "warning overlap"),
    "ports_that_overlap": (row("again", ports=["5430-5432"]), "warning shadowed"),
}


@pytest.mark.parametrize(("other", "expected"), OVERLAPS.values(), ids=OVERLAPS)
def test_two_rows_for_one_communication(inventory: Inventory, other: dict[str, Any], expected: str) -> None:
    findings = found(inventory, row(), other)
    rules = {"duplicate", "shadowed", "overlap"}
    assert expected in _told([one for one in findings if one.rule in rules])


def test_udp_does_not_hide_tcp(inventory: Inventory) -> None:
    other = row("datagrams", protocol="udp", service="telegrams")
    assert [one.rule for one in found(inventory, row(), other)] == ["one-sided"]


def test_the_other_way_round_is_another_row(inventory: Inventory) -> None:
    back = row("back", source=["10.1.1.12"], destination=["plc-gw"], ports=["4840"], service="OPC UA")
    assert found(inventory, row(), back) == []


def test_hosts_that_nobody_may_manage_are_named(inventory: Inventory) -> None:
    narrow = {**MANAGEMENT, "destination": ["plc-gw"]}
    findings = lint(inventory, Matrix.model_validate({"rows": [narrow, *SERVICES]}), {}, TODAY)
    assert [(one.rule, one.row) for one in findings] == [("no-management", "hist"), ("no-management", "desk")]


def test_services_that_no_row_reaches_are_named(inventory: Inventory) -> None:
    findings = lint(inventory, Matrix.model_validate({"rows": [MANAGEMENT, *SERVICES[1:]]}), {}, TODAY)
    assert [(one.rule, one.row) for one in findings] == [("no-site-service", "site:time")]


@pytest.mark.parametrize("wrong", [case[0] for case in WRONG.values()], ids=WRONG)
def test_every_finding_is_told_in_slovak(inventory: Inventory, wrong: dict[str, Any]) -> None:
    for one in found(inventory, wrong):
        assert one.message.sk != one.message.en
