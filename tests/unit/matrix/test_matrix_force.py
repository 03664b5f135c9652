"""Rows that are not in force open nothing, and openings need a row: what a matrix gives hosts today."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from click.testing import CliRunner
from plant import APPROVED, MANAGEMENT, SERVICES, TODAY, found, matrix, row

from plumbline.cli import cli
from plumbline.errors import InputError
from plumbline.matrix.desired import desired_flows
from plumbline.matrix.ends import Ends, UnknownEndError
from plumbline.matrix.explain import explain
from plumbline.matrix.flows import HostFlows, host_flows
from plumbline.matrix.openings import uncovered
from plumbline.spec.load import Inventory
from plumbline.spec.model import Opening
from plumbline.spec.site import Updates

TWO = {"cyber-security": "2026-03-02", "control-systems": "2026-03-05"}


def write(inventory: Inventory, *rows: dict[str, Any]) -> None:
    """Put a matrix of the site's own rows and these beside site.yml."""
    (inventory.path / "matrix.yml").write_text(json.dumps({"rows": [MANAGEMENT, *SERVICES, *rows]}))


def flows(inventory: Inventory, host: str, *rows: dict[str, Any]) -> HostFlows:
    return host_flows(inventory, matrix(*rows), [host], today=TODAY)[host]


def opened(found: HostFlows) -> set[str]:
    return {flow.row.id for flow in found.flows}


def test_without_a_matrix_there_are_no_flows(inventory: Inventory) -> None:
    assert desired_flows(inventory, ["hist"]) == {}


def test_only_the_hosts_asked_for_are_given_theirs(inventory: Inventory) -> None:
    write(inventory, row())
    made = desired_flows(inventory, ["hist"], TODAY)
    assert set(made) == {"hist"}
    assert "history" in opened(made["hist"])


def test_a_word_that_means_nothing_is_told_with_the_file(inventory: Inventory) -> None:
    write(inventory, row(source=["plc-gv"]))
    with pytest.raises(InputError, match=r"matrix\.yml: plc-gv is no host"):
        desired_flows(inventory, ["hist"])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"valid_until": "2026-11-21"}, ["the row expired on 2026-11-21"]),
        ({"approved_by": TWO}, ["not approved by infrastructure"]),
        (
            {"approved_by": {**APPROVED, "infrastructure": "2026-11-23"}},
            ["the approval by infrastructure is dated 2026-11-23, which is to come"],
        ),
        ({"approved_by": None}, ["not approved by cyber-security, infrastructure, control-systems"]),
        (
            {"approved_by": TWO, "valid_until": "2026-01-01"},
            ["the row expired on 2026-01-01", "not approved by infrastructure"],
        ),
    ],
    ids=["expired", "one_missing", "approved_tomorrow", "nobody", "both"],
)
def test_a_row_that_is_not_in_force_opens_nothing_and_says_why(
    inventory: Inventory, change: dict[str, Any], why: list[str]
) -> None:
    for host in ("hist", "plc-gw"):
        made = flows(inventory, host, row(**change))
        assert "history" not in opened(made)
        (withheld,) = made.withheld
        assert [one.message.en for one in withheld.why] == why
        assert withheld.told().en == f"row history is not in force: {'; '.join(why)}"
        assert withheld.told().sk.startswith("riadok history neplatí: ")


def test_a_row_is_in_force_on_its_last_day_and_the_day_it_was_approved(inventory: Inventory) -> None:
    today = {department: TODAY.isoformat() for department in APPROVED}
    made = flows(inventory, "hist", row(valid_until=TODAY.isoformat(), approved_by=today))
    assert "history" in opened(made)
    assert made.withheld == ()


# Openings of the specification

OPENING = Opening.model_validate(
    {"id": "clients", "protocol": "tcp", "port": 5432, "sources": ["10.1.1.0/28"], "purpose": "history"}
)


def left_shut(inventory: Inventory, *rows: dict[str, Any]) -> list[str]:
    _, host = inventory.hosts()["hist"]
    host = host.model_copy(update={"firewall_openings": [OPENING]})
    return [one.told().en for one in uncovered(host, flows(inventory, "hist", *rows))]


def test_an_opening_that_rows_hold_is_no_finding(inventory: Inventory) -> None:
    assert left_shut(inventory, row(source=["10.1.1.0/28"])) == []
    halves = [row("low", source=["10.1.1.0/29"]), row("high", source=["10.1.1.8/29"])]
    assert left_shut(inventory, *halves) == []


def test_the_host_itself_among_an_openings_sources_needs_no_row(inventory: Inventory) -> None:
    assert left_shut(inventory, row(source=["10.1.1.0-10.1.1.11", "10.1.1.13-10.1.1.15"])) == []


@pytest.mark.parametrize(
    "change",
    [{}, {"source": ["10.1.1.0/29"]}, {"ports": ["5433"]}, {"protocol": "udp"}, {"destination": ["plc-gw"]}],
    ids=["one_source", "half_of_the_sources", "another_port", "another_protocol", "another_host"],
)
def test_an_opening_that_rows_do_not_hold_whole_stays_shut(
    inventory: Inventory, change: dict[str, Any]
) -> None:
    wide = {"source": ["10.1.1.0/28"]} if change else {}
    (told,) = left_shut(inventory, row(**{**wide, **change}))
    assert told.startswith("the opening clients (tcp 5432 from 10.1.1.")
    assert told.endswith("has no row in force: it stays shut")


def test_an_opening_whose_row_is_not_in_force_names_the_row(inventory: Inventory) -> None:
    (told,) = left_shut(inventory, row(source=["10.1.1.0/28"], valid_until="2026-11-21"))
    assert told.endswith("it stays shut; row history is not in force: the row expired on 2026-11-21")


def test_lint_names_the_host_whose_opening_has_no_row(inventory: Inventory) -> None:
    inventory.systems["heat"] = inventory.systems["heat"].model_copy(
        update={
            "hosts": [
                host.model_copy(update={"firewall_openings": [OPENING] if host.name == "hist" else []})
                for host in inventory.systems["heat"].hosts
            ]
        }
    )
    (finding,) = found(inventory, row())
    assert (finding.rule, finding.severity, finding.row) == ("opening-without-row", "error", "hist")


# Words for services of the site


def ends(inventory: Inventory, **site: object) -> Ends:
    changed = Inventory(
        inventory.path,
        inventory.site.model_copy(update=site),
        inventory.systems,
        inventory.connection,
        inventory.documents,
    )
    return Ends(changed, matrix(**{"mirror.plant.test": ["10.1.9.20"]}))


def test_updates_are_the_servers_of_the_sources(inventory: Inventory) -> None:
    sources = ["https://mirror.plant.test/debian", "http://10.1.9.21/", "file:/srv/packages"]
    spans = ends(inventory, updates=Updates(sources=sources)).spans("site:updates")
    assert [str(span) for span in spans] == ["10.1.9.20", "10.1.9.21"]


def test_updates_that_lie_on_the_hosts_have_no_server(inventory: Inventory) -> None:
    assert ends(inventory, updates=Updates(sources=["file:/srv/packages"])).spans("site:updates") == ()


def test_the_mirror_of_signatures_is_one_of_the_servers_of_updates(inventory: Inventory) -> None:
    antivirus = inventory.site.antivirus.model_copy(update={"mirror": "https://mirror.plant.test/clamav"})
    for sources in (["file:/srv/packages"], ["https://mirror.plant.test/debian"], None):
        spans = ends(inventory, antivirus=antivirus, updates=Updates(sources=sources)).spans("site:updates")
        assert [str(span) for span in spans] == ["10.1.9.20"]


@pytest.mark.parametrize("word", ["directory", "log", "monitoring", "mail", "updates"])
def test_a_service_that_the_site_does_not_declare_is_told(inventory: Inventory, word: str) -> None:
    none = dict.fromkeys(("active_directory", "log_collector", "monitoring", "mail_relay"))
    with pytest.raises(UnknownEndError, match=rf"site:{word}: site\.yml declares no {word}"):
        ends(inventory, **none, updates=Updates()).spans(f"site:{word}")


# What people are told


def test_explain_names_the_row_that_would_let_it_pass(inventory: Inventory) -> None:
    table = matrix(row(valid_until="2026-11-21"))
    (one,) = explain(inventory, table, "plc-gw", "10.1.1.12", "tcp", 5432, TODAY)
    assert not one.passes
    assert one.dies_at is not None
    assert one.dies_at.withheld is not None
    assert one.dies_at.withheld.flow.row.id == "history"
    assert explain(inventory, table, "plc-gw", "10.1.1.12", "tcp", 5432, date(2026, 11, 21))[0].passes


def test_compile_leaves_it_out_and_says_so(inventory: Inventory) -> None:
    write(inventory, row(valid_until="2020-01-01"))
    done = CliRunner().invoke(
        cli,
        ["matrix", "compile", "hist", "-i", str(inventory.path), "--to", "nftables"],
        standalone_mode=False,
    )
    assert 'comment "history"' not in done.stdout
    assert 'comment "management"' in done.stdout
    assert "left out: row history is not in force: the row expired on 2020-01-01" in done.stderr
