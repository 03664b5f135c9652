"""Read back: recorded rulesets and evidence against the rows, and what `plumb matrix verify` says."""

from __future__ import annotations

import json
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from evidence_of import QUIET, evidence, listening
from golden import FOLDER, MANY, TABLE
from plant import plant, row

from plumbline.cli import cli
from plumbline.errors import COMPLIANT, NOT_COMPLIANT, NOT_REACHED
from plumbline.matrix.flows import host_flows
from plumbline.matrix.model import Matrix
from plumbline.matrix.readback.approved import Approved, Face
from plumbline.matrix.readback.compare import Difference, differences
from plumbline.matrix.writing import write_yaml
from plumbline.probes.firewall.ruleset import parse_ruleset
from plumbline.spec.load import Inventory

FACES = {"hist": {"eth0": "10.1.1.12", "eth1": "10.1.3.2"}, "plc-gw": {"eth0": "10.1.1.11"}}


def recorded(name: str) -> str:
    return (FOLDER / f"{name}.nft-1.0.6.json").read_text()


def changed(change: Callable[[list[dict[str, Any]]], object], name: str = "hist") -> str:
    """Return a recorded ruleset with its objects changed."""
    document = json.loads(recorded(name))
    change(document["nftables"])
    return json.dumps(document)


def compared(inventory: Inventory, table: Matrix, printed: str, host: str = "hist") -> list[Difference]:
    faces = [Face(name, int(IPv4Address(address))) for name, address in FACES[host].items()]
    return differences(parse_ruleset(printed), Approved(host_flows(inventory, table)[host]), faces)


@pytest.mark.parametrize(
    ("host", "file", "table"), [("hist", "hist", TABLE), ("plc-gw", "plc-gw-many", MANY)]
)
def test_what_was_compiled_differs_in_nothing(
    inventory: Inventory, host: str, file: str, table: Matrix
) -> None:
    assert compared(inventory, table, recorded(file), host) == []


def test_a_row_taken_back_leaves_its_rule_open(inventory: Inventory) -> None:
    left = TABLE.model_copy(update={"rows": [one for one in TABLE.rows if one.id != "history"]})
    (found,) = compared(inventory, left, recorded("hist"))
    assert (found.kind, found.way, found.flows) == ("open", "in", ("tcp 5432: 10.1.1.11 → 10.1.1.12",))
    assert found.by.endswith('"history"')


def test_a_row_added_is_closed_until_it_is_loaded(inventory: Inventory) -> None:
    more = Matrix.model_validate(
        {
            "rows": [
                *TABLE.model_dump()["rows"],
                row("more", source=["hist"], destination=["plc-gw"], ports=["80"]),
            ]
        }
    )
    (found,) = compared(inventory, more, recorded("hist"))
    assert found == Difference("closed", "out", "more", ("tcp 80: 10.1.1.12 → 10.1.1.11",))


def test_order_names_and_sets_do_not_matter(inventory: Inventory) -> None:
    """The rows' rules the other way round, and each anonymous set of one element as that element."""

    def turned(objects: list[dict[str, Any]]) -> None:
        rows = [o for o in objects if o.get("rule", {}).get("comment") in {one.id for one in TABLE.rows}]
        places = [objects.index(one) for one in rows]
        for place, one in zip(places, reversed(rows), strict=True):
            objects[place] = one
            one["rule"]["comment"] = "renamed"
            for match in (part["match"] for part in one["rule"]["expr"] if "match" in part):
                if isinstance(match["right"], dict) and len(match["right"].get("set", [])) == 1:
                    match["right"] = match["right"]["set"][0]

    assert changed(turned) != recorded("hist")
    assert compared(inventory, TABLE, changed(turned)) == []


def banned(address: str) -> Callable[[list[dict[str, Any]]], object]:
    """Return a change by which fail2ban bans an address from a port, in a table of its own."""
    place = {"family": "inet", "table": "f2b-table"}
    source = {"left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "@bans"}
    port = {"left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 22}
    expr = [{"match": {"op": "==", **port}}, {"match": {"op": "==", **source}}, {"reject": None}]
    chain = {**place, "name": "c", "type": "filter", "hook": "input", "prio": -1, "policy": "accept"}

    def change(objects: list[dict[str, Any]]) -> None:
        objects.append({"set": {**place, "name": "bans", "type": "ipv4_addr", "elem": [address]}})
        objects.append({"chain": chain})
        objects.append({"rule": {**place, "chain": "c", "expr": expr}})

    return change


def test_a_ban_of_somebody_without_a_row_closes_nothing(inventory: Inventory) -> None:
    assert compared(inventory, TABLE, changed(banned("203.0.113.5"))) == []


def test_replies_to_whom_a_row_is_for_must_pass(inventory: Inventory) -> None:
    def shut(objects: list[dict[str, Any]]) -> None:
        (replies,) = [
            one for one in objects if "established" in json.dumps(one) and one["rule"]["chain"] == "input"
        ]
        objects.remove(replies)

    found = compared(inventory, TABLE, changed(shut))
    assert [(one.way, one.by) for one in found if one.kind == "needed"] == [("in", "replies")]


def test_an_element_added_to_a_set_is_found(inventory: Inventory) -> None:
    def added(objects: list[dict[str, Any]]) -> None:
        next(o["set"]["elem"] for o in objects if "set" in o).append("10.9.9.9")

    (found,) = compared(inventory, MANY, changed(added, "plc-gw-many"), "plc-gw")
    assert (found.kind, found.flows) == ("open", ("tcp 4840: 10.9.9.9 → 10.1.1.11",))


def run(folder: Path, *documents: bytes, extra: tuple[str, ...] = ()) -> Result:
    """Run `plumb matrix verify` on the plant with its matrix and these files of evidence."""
    plant(folder)
    write_yaml(TABLE, folder / "matrix.yml")
    files = []
    for number, document in enumerate(documents):
        (folder / f"{number}.evidence.json").write_bytes(document)
        files.append(str(folder / f"{number}.evidence.json"))
    return CliRunner().invoke(
        cli, ["matrix", "verify", "-i", str(folder), *extra, "--evidence", *files], standalone_mode=False
    )


def test_a_host_that_loads_its_rows_agrees(tmp_path: Path) -> None:
    done = run(tmp_path, evidence("hist", recorded("hist")))
    assert done.output == "hist: the rules are the matrix's, now and at boot (9 rows)\n"
    assert done.return_value == COMPLIANT


def dropped_at_boot(objects: list[dict[str, Any]]) -> None:
    objects[:] = [o for o in objects if o.get("rule", {}).get("comment") != "history"]


def test_now_and_boot_are_told_apart(tmp_path: Path) -> None:
    done = run(tmp_path, evidence("hist", recorded("hist"), changed(dropped_at_boot)))
    assert done.output == (
        "hist: at boot: approved but closed: in tcp 5432: 10.1.1.11 → 10.1.1.12, of row history [closed]\n"
    )
    assert done.return_value == NOT_COMPLIANT


def test_it_is_told_in_slovak(tmp_path: Path) -> None:
    done = run(tmp_path, evidence("hist", recorded("hist"), "no nft\n"), extra=("--lang", "sk"))
    assert done.output.startswith(
        "hist: po štarte: otvorené, ale neschválené: dnu tcp: 0.0.0.0/0 → 10.1.1.12, udp: "
    )
    assert "(+9); umožňuje chýbajúci filter [open]\n" in done.output


def test_json_has_both_languages(tmp_path: Path) -> None:
    done = run(
        tmp_path, evidence("hist", recorded("hist"), changed(dropped_at_boot)), extra=("--format", "json")
    )
    (host,) = json.loads(done.output)
    (found,) = host["findings"]
    assert (host["host"], host["problem"]) == ("hist", None)
    assert (found["when"], found["kind"], found["by"]) == ("boot", "closed", "history")
    assert found["message"]["sk"].startswith("schválené, ale zatvorené: dnu tcp 5432")


@pytest.mark.parametrize(
    ("others", "kind"),
    [({"legacy": "/proc/net/ip_tables_names: filter\n"}, "unread")],
    ids=["legacy_iptables"],
)
def test_what_lies_beside_the_rules_is_found(tmp_path: Path, others: dict[str, str], kind: str) -> None:
    done = run(tmp_path, evidence("hist", recorded("hist"), **others))
    assert f"[{kind}]" in done.output
    assert done.return_value == NOT_COMPLIANT


def test_a_boot_file_that_nft_refuses_opens_everything_at_boot(tmp_path: Path) -> None:
    refused = "does not load\n/etc/nftables.conf:3:1-3: Error: syntax error, unexpected string\n"
    done = run(tmp_path, evidence("hist", recorded("hist"), refused))
    assert "hist: at boot: open but not approved: in tcp: 0.0.0.0/0 → 10.1.1.12" in done.output
    assert "hist: at boot: the rules are not loaded: " in done.output
    assert "hist: now: " not in done.output


@pytest.mark.parametrize("printed", ["", "{}", '{"nftables": [{"metainfo": {}}, {"rule": {}}]}'])
def test_what_nft_did_not_print_is_unknown_and_never_good(tmp_path: Path, printed: str) -> None:
    done = run(tmp_path, evidence("hist", printed, recorded("hist")))
    assert "hist: now: what the probe firewall.now printed is not understood: " in done.output
    assert done.return_value == NOT_COMPLIANT


def test_evidence_of_no_host_is_not_judged(tmp_path: Path) -> None:
    done = run(tmp_path, evidence("nobody", recorded("hist")))
    assert "which is no host to check" in done.output
    assert done.return_value == NOT_REACHED


def test_a_windows_host_is_not_judged_as_linux(tmp_path: Path) -> None:
    done = run(tmp_path, evidence("desk", recorded("hist")))
    assert done.return_value == NOT_REACHED


def test_sockets_without_a_row_are_told(tmp_path: Path) -> None:
    more = listening("tcp 22", "tcp 5432", "tcp 5433", "tcp 23")
    talks = QUIET.replace("end\n", "socket\ttcp ESTAB 0 0 10.1.1.12:50000 10.7.7.7:443\nend\n")
    done = run(tmp_path, evidence("hist", recorded("hist"), running=more, seen=talks))
    assert done.output.splitlines() == [
        "hist: now: listens but not approved: tcp *:23 by the kernel [listening]",
        "hist: now: approved but nobody listens, of row range: tcp 4443 [unserved]",
        "hist: now: talks to someone not approved: tcp 10.1.1.12 → 10.7.7.7:443 [talking]",
    ]
    assert done.return_value == NOT_COMPLIANT


def test_a_check_s_page_draws_the_rows_of_the_hosts_in_it(tmp_path: Path) -> None:
    run(tmp_path, evidence("hist", recorded("hist")))
    page, given = tmp_path / "report.html", tmp_path / "0.evidence.json"
    asked = ["check", "hist", "-i", str(tmp_path), "--evidence", str(given), "--html", str(page)]
    done = CliRunner().invoke(cli, asked, standalone_mode=False)
    assert done.return_value == NOT_COMPLIANT
    drawn = page.read_text()
    assert "twin: 10.1.3.3 sends process history to 10.1.3.2" in drawn
    assert "telegrams: vlan:office" not in drawn
