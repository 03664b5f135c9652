"""The firewall made of the matrix on booted hosts: what it lets through, and every hole behind its back."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import lab_name
from firewall_holes import KEPT, ROUNDS, Round
from hardened import HOST, deploys_of
from judging import verdicts

from plumbline.apply import HostResult, apply_hosts
from plumbline.evidence.collector import script
from plumbline.evidence.gather import gather, targets_of
from plumbline.lab import Lab
from plumbline.policy.load import load_standard
from plumbline.probes import all_probes
from plumbline.spec.load import load_inventory
from plumbline.verify.cases import Target
from plumbline.verify.judge import judge
from plumbline.verify.results import ControlResult, Verdict
from plumbline.verify.targets import desired_states

OTHER = "srv-hist-01"
FILE = "/etc/nftables.conf"
MANY = 80
"""So many rows more that the host's rules ask sets."""
CONTROL = "firewall-as-matrix"


@pytest.fixture(scope="module")
def deploys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deploys_of(tmp_path_factory.mktemp("firewall"), ["firewall"])


@pytest.fixture(scope="module")
def lab(deploys: Path) -> Iterator[Lab]:
    """Two hosts with the firewall of their matrix, which has many rows for the first."""
    with Lab.up(lab_name(), hosts=2, flavour="clean", packages=("iptables",)) as up:
        change(up.inventory, lambda rows: rows.extend(more_rows(up, rows)))
        report = apply_hosts(up.inventory, deploys=deploys)
        assert report.exit_code == 0, report
        yield up


def change(inventory: Path, edit: Callable[[list[dict[str, Any]]], object]) -> None:
    """Edit the rows of an inventory's matrix."""
    file = inventory / "matrix.yml"
    table = yaml.safe_load(file.read_text())
    edit(table["rows"])
    file.write_text(json.dumps(table, default=str))


def row(rows: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(one for one in rows if one["id"] == name)


def more_rows(lab: Lab, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    network = lab.state.network.network_address
    like = row(rows, "opcua-clients")
    return [
        {**like, "id": f"station-{n}", "source": [str(network + 100 + n)], "ports": [4900]}
        for n in range(MANY)
    ]


def control(lab: Lab, host: str) -> ControlResult:
    return verdicts(lab, host, "firewall")[CONTROL]


def test_both_hosts_are_as_the_matrix_says(lab: Lab) -> None:
    found = {host: verdicts(lab, host, "firewall") for host in (HOST, OTHER)}
    for results in found.values():
        assert {results["firewall-enabled"].verdict, results[CONTROL].verdict} == {Verdict.PASS}
        openings = results["firewall-openings-approved"]
        assert openings.verdict is Verdict.NOT_APPLICABLE
        assert "matrix" in openings.checks[0].reason.en


def test_a_second_apply_changes_nothing(lab: Lab, deploys: Path) -> None:
    report = apply_hosts(lab.inventory, deploys=deploys)
    assert [host.changed for host in report.hosts] == [[], []]


LISTEN = (
    "import socket,time;"
    "held=[socket.create_server(('0.0.0.0',p)) for p in (4840,4900,5432,8080)];"
    "print(flush=True);time.sleep(600)"
)


@pytest.fixture
def listening(lab: Lab) -> Iterator[None]:
    """Programs on both hosts that take connections."""
    for host in (HOST, OTHER):
        lab.run(host, f'systemd-run -q -u listen -p Type=exec python3 -c "{LISTEN}"')
        lab.run(host, "until ss -Hltn | grep -q :8080; do :; done")
    yield
    for host in (HOST, OTHER):
        lab.run(host, "systemctl stop listen")


def reached(lab: Lab, source: str, asked: list[tuple[str, int]]) -> set[tuple[str, str, int]]:
    """Return to which hosts and ports connections come about, from a host or this machine, all at once."""
    where = {
        (to, port): f"{lab.state.gateway if to == 'here' else lab.host(to).address}/{port}"
        for to, port in asked
    }
    tries = " ".join(
        f"(timeout 1 bash -c '</dev/tcp/{place}' 2>/dev/null && echo {to} {port}) &"
        for (to, port), place in where.items()
    )
    command = f"{tries} wait"
    if source == "here":
        said = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True).stdout
    else:
        said = lab.run(source, command).stdout
    return {(source, to, int(port)) for to, port in map(str.split, said.splitlines())}


@pytest.mark.usefixtures("listening")
def test_rows_pass_and_nothing_else_does_either_way(lab: Lab) -> None:
    ports = (22, 4840, 4900, 5432, 8080)
    gateway = str(lab.state.gateway)
    with socket.create_server((gateway, 8081)), socket.create_server((gateway, 53)):
        came = reached(lab, "here", [(to, port) for to in (HOST, OTHER) for port in ports])
        came |= reached(lab, OTHER, [(HOST, port) for port in ports])
        came |= reached(lab, HOST, [*((OTHER, port) for port in ports), ("here", 8081), ("here", 53)])
    assert came == {
        ("here", HOST, 22),
        ("here", HOST, 4840),
        (OTHER, HOST, 4840),
        ("here", OTHER, 22),
        (HOST, OTHER, 5432),
        (HOST, "here", 53),
    }


def test_a_session_that_was_open_before_goes_on(lab: Lab, deploys: Path) -> None:
    """Before the firewall is loaded the kernel tracks no connection; a server's next word must get out."""
    lab.run(OTHER, "nft delete table inet plumbline; systemctl -q disable nftables")
    lab.reboot(OTHER)
    (done,) = apply_hosts(lab.inventory, [OTHER], deploys=deploys).hosts
    assert done.outcome == "applied", done
    assert control(lab, OTHER).verdict is Verdict.PASS
    assert lab.run(OTHER, "nft list tables").stdout.strip() == "table inet plumbline"


@pytest.fixture(scope="module")
def seen(lab: Lab) -> dict[str, ControlResult]:
    """What the control said in each round of holes; all are judged in one go."""
    standard, inventory = load_standard("mhth-ot"), load_inventory(lab.inventory)
    desired = desired_states(standard, inventory, [HOST])[HOST]
    asking = script(all_probes(subjects=["firewall"]))
    place = {"MANAGER": str(lab.state.gateway), "SET": set_of(lab, "station-1")}
    lab.run(HOST, f"cp {FILE} {KEPT}")
    targets = []
    for name, one in ROUNDS.items():
        try:
            lab.run(HOST, opened(one, place))
            (gathered,) = gather(targets_of(inventory, [HOST]), asking)
        finally:
            lab.run(HOST, one.right)
        assert gathered.evidence is not None, gathered.problem
        host = desired.host.model_copy(update={"name": name})
        targets.append(Target(replace(desired, host=host), gathered.evidence))
    report = judge(standard, targets, only=["firewall"])
    return {host.host: next(one for one in host.controls if one.control == CONTROL) for host in report.hosts}


def set_of(lab: Lab, name: str) -> str:
    """Return the set of the compiled rules that has an element of this row."""
    text = lab.run(HOST, f"cat {FILE}").stdout
    return text.partition(f'comment "{name}"')[0].rpartition("\tset ")[2].split()[0]


def opened(one: Round, place: dict[str, str]) -> str:
    commands = "; ".join(f"( set -e; {hole.wrong} )" for hole in one.holes.values())
    for word, by in place.items():
        commands = commands.replace(word, by)
    return f"set -e; {commands}"


HOLES = [(name, hole) for name, one in ROUNDS.items() for hole in one.holes]


@pytest.mark.parametrize(("round_", "hole"), HOLES, ids=[hole for _, hole in HOLES])
def test_hole_is_found_and_named(lab: Lab, seen: dict[str, ControlResult], round_: str, hole: str) -> None:
    wanted = ROUNDS[round_].holes[hole]
    check = next(one for one in seen[round_].checks if wanted.check == f"{CONTROL}:{one.check[5:]}")
    words = [word.replace("SET", set_of(lab, "station-1")) for word in wanted.named]
    assert check.verdict is Verdict.FAIL, check
    assert any(all(word in line for word in words) for line in check.observed), check.observed


def test_now_and_at_boot_are_told_apart(seen: dict[str, ControlResult]) -> None:
    failed = {
        name: {one.check for one in result.checks if one.verdict is Verdict.FAIL}
        for name, result in seen.items()
    }
    only_boot = {"written", "other_file", "disabled", "masked", "absent"}
    for name, checks in failed.items():
        told = "after_boot" if name in only_boot else "now"
        assert checks == {f"test_rules_are_the_matrix_{told}"}, name


def test_a_reboot_brings_the_matrix_back(lab: Lab, seen: dict[str, ControlResult]) -> None:
    assert seen
    lab.reboot(HOST)
    assert control(lab, HOST).verdict is Verdict.PASS
    assert reached(lab, "here", [(HOST, 22), (HOST, 4900)]) == {("here", HOST, 22)}


# Refused before anything is touched

EXPIRED = "2026-03-31"


@pytest.fixture
def inventory(lab: Lab, tmp_path: Path) -> Path:
    """A copy of the lab's inventory, to edit."""
    shutil.copytree(lab.inventory, tmp_path / "inventory")
    return tmp_path / "inventory"


def refused(lab: Lab, inventory: Path, deploys: Path, *, dry: bool) -> HostResult:
    """Apply, and make sure that nothing came of it."""
    before = lab.run(HOST, f"sha256sum {FILE}; nft -s list ruleset").stdout
    (result,) = apply_hosts(inventory, [HOST], deploys=deploys, dry=dry).hosts
    assert result.outcome == "refused", result
    assert lab.run(HOST, f"sha256sum {FILE}; nft -s list ruleset").stdout == before
    return result


@pytest.mark.parametrize("dry", [True, False], ids=["planned", "applied"])
def test_a_matrix_without_the_row_of_management_is_refused_and_says_which(
    lab: Lab, inventory: Path, deploys: Path, dry: bool
) -> None:
    change(inventory, lambda rows: rows.remove(row(rows, "management")))
    problem = str(refused(lab, inventory, deploys, dry=dry).problem)
    missing = (
        f"source {lab.state.gateway}, destination {HOST} ({lab.host(HOST).address}), protocol tcp, port 22"
    )
    assert missing in problem


def test_a_row_of_management_for_others_is_refused(lab: Lab, inventory: Path, deploys: Path) -> None:
    change(inventory, lambda rows: row(rows, "management").update(source=[lab.host(OTHER).address]))
    assert "it has no row with source" in str(refused(lab, inventory, deploys, dry=False).problem)


def test_a_row_of_management_that_expired_is_refused_by_its_id(
    lab: Lab, inventory: Path, deploys: Path
) -> None:
    change(inventory, lambda rows: row(rows, "management").update(valid_until=EXPIRED))
    problem = str(refused(lab, inventory, deploys, dry=False).problem)
    assert f"row management is not in force: the row expired on {EXPIRED}" in problem


def test_a_row_of_management_that_nobody_approved_is_refused_by_its_id(
    lab: Lab, inventory: Path, deploys: Path
) -> None:
    change(inventory, lambda rows: row(rows, "management")["approved_by"].pop("infrastructure"))
    problem = str(refused(lab, inventory, deploys, dry=False).problem)
    assert "row management is not in force: not approved by infrastructure" in problem


def test_a_row_that_expired_is_not_loaded_and_its_rule_is_a_hole(inventory: Path, deploys: Path) -> None:
    change(inventory, lambda rows: row(rows, "opcua-clients").update(valid_until=EXPIRED))
    (plan,) = apply_hosts(inventory, [HOST], deploys=deploys, dry=True).hosts
    assert any("row opcua-clients is not in force: the row expired on" in note for note in plan.notes)
    assert any("the opening opcua-clients (tcp 4840" in note for note in plan.notes)
    standard, read = load_standard("mhth-ot"), load_inventory(inventory)
    (gathered,) = gather(targets_of(read, [HOST]), script(all_probes(subjects=["firewall"])))
    target = Target(desired_states(standard, read, [HOST])[HOST], gathered.evidence)
    (judged,) = judge(standard, [target], only=["firewall"]).hosts
    (found,) = (one for one in judged.controls if one.control == CONTROL)
    assert [one.verdict for one in found.checks] == [Verdict.FAIL, Verdict.FAIL]
    assert all(
        f"row opcua-clients is not in force: the row expired on {EXPIRED}" in one.observed[0]
        for one in found.checks
    )
