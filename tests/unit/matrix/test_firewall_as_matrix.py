"""The control that holds rules against the matrix: what passes, fails, is unknown or does not apply."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from evidence_of import evidence
from golden import FOLDER, TABLE

from plumbline.evidence.bundle import Evidence
from plumbline.matrix.flows import host_flows
from plumbline.matrix.model import Matrix
from plumbline.policy.load import load_standard
from plumbline.policy.resolve import resolve
from plumbline.spec.load import Inventory
from plumbline.verify.cases import Target
from plumbline.verify.judge import judge
from plumbline.verify.results import CheckResult, ControlResult, Verdict

RECORDED = (FOLDER / "hist.nft-1.0.6.json").read_text()
TODAY = date(2026, 11, 22)
NOW, BOOT = "test_rules_are_the_matrix_now", "test_rules_are_the_matrix_after_boot"


def with_rule(*statements: dict[str, Any], chain: str = "input", first: bool = False) -> str:
    """Return the recorded ruleset with one rule more."""
    document = json.loads(RECORDED)
    rule = {"rule": {"family": "inet", "table": "plumbline", "chain": chain, "expr": list(statements)}}
    objects = document["nftables"]
    place = next(n for n, one in enumerate(objects) if "rule" in one) if first else len(objects)
    objects.insert(place, rule)
    return json.dumps(document)


MARKED = {"match": {"op": "==", "left": {"meta": {"key": "mark"}}, "right": 7}}
PORT = {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 7}}


@pytest.fixture
def judged(inventory: Inventory) -> Callable[..., dict[str, ControlResult]]:
    """Judge the host `hist` by evidence, against a matrix or without one."""
    standard = load_standard()
    system, host = inventory.hosts()["hist"]

    def judging(collected: bytes, matrix: Matrix | None = TABLE) -> dict[str, ControlResult]:
        made = {} if matrix is None else host_flows(inventory, matrix, ["hist"], today=TODAY)
        desired = resolve(standard, inventory.site, system, host, made.get("hist"))
        (result,) = judge(standard, [Target(desired, Evidence.parse(collected))], only=["firewall"]).hosts
        return {control.control: control for control in result.controls}

    return judging


def by_name(control: ControlResult) -> dict[str, CheckResult]:
    return {check.check: check for check in control.checks}


def verdicts(control: ControlResult) -> dict[str, str]:
    return {check.check: str(check.verdict) for check in control.checks}


def test_rules_of_the_matrix_pass_and_the_openings_do_not_apply(judged: Any) -> None:  # noqa: ANN401  (a fixture)
    controls = judged(evidence("hist", RECORDED))
    assert verdicts(controls["firewall-as-matrix"]) == {NOW: "pass", BOOT: "pass"}
    assert controls["firewall-openings-approved"].verdict is Verdict.NOT_APPLICABLE
    assert controls["firewall-enabled"].verdict is Verdict.PASS


def test_without_a_matrix_the_openings_are_judged(judged: Any) -> None:  # noqa: ANN401  (a fixture)
    controls = judged(evidence("hist", RECORDED), None)
    assert controls["firewall-as-matrix"].verdict is Verdict.NOT_APPLICABLE
    (reason,) = {check.reason.sk for check in controls["firewall-as-matrix"].checks}
    assert reason.startswith("lokalita nemá komunikačnú maticu")
    assert controls["firewall-openings-approved"].verdict is Verdict.FAIL


def test_now_and_at_boot_are_two_checks(judged: Any) -> None:  # noqa: ANN401  (a fixture)
    opened = with_rule(PORT, {"accept": None})
    as_matrix = judged(evidence("hist", opened, RECORDED))["firewall-as-matrix"]
    assert verdicts(as_matrix) == {NOW: "fail", BOOT: "pass"}
    as_matrix = judged(evidence("hist", RECORDED, opened))["firewall-as-matrix"]
    assert verdicts(as_matrix) == {NOW: "pass", BOOT: "fail"}
    (line,) = by_name(as_matrix)[BOOT].observed
    assert line.startswith("open but not approved: in tcp 7: ")
    assert line.endswith("by inet plumbline input: tcp dport 7 accept")


def test_what_the_rules_do_not_tell_is_unknown_and_not_good(judged: Any) -> None:  # noqa: ANN401  (a fixture)
    doubtful = with_rule(MARKED, {"drop": None}, first=True)
    as_matrix = judged(evidence("hist", doubtful, RECORDED))["firewall-as-matrix"]
    assert verdicts(as_matrix) == {NOW: "unknown", BOOT: "pass"}
    assert "cannot be said from the rules" in by_name(as_matrix)[NOW].reason.en


def test_a_hole_is_told_before_what_cannot_be_said(judged: Any) -> None:  # noqa: ANN401  (a fixture)
    document = json.loads(with_rule(MARKED, {"drop": None}, first=True))
    document["nftables"].append(json.loads(with_rule(PORT, {"accept": None}))["nftables"][-1])
    as_matrix = judged(evidence("hist", json.dumps(document), RECORDED))["firewall-as-matrix"]
    observed = by_name(as_matrix)[NOW].observed
    assert verdicts(as_matrix)[NOW] == "fail"
    assert observed[0].startswith("open but not approved")
    assert "cannot be said" in observed[-1]


def test_rules_that_cannot_be_read_are_unknown(judged: Any) -> None:  # noqa: ANN401  (a fixture)
    as_matrix = judged(evidence("hist", "nft: out of memory", RECORDED))["firewall-as-matrix"]
    assert verdicts(as_matrix) == {NOW: "unknown", BOOT: "pass"}


def test_without_nft_nothing_is_stopped(judged: Any) -> None:  # noqa: ANN401  (a fixture)
    as_matrix = judged(evidence("hist", "no nft\n"))["firewall-as-matrix"]
    assert verdicts(as_matrix) == {NOW: "fail", BOOT: "fail"}


def test_the_rule_of_a_row_that_is_not_in_force_says_why(judged: Any) -> None:  # noqa: ANN401  (a fixture)
    rows = [
        one.model_copy(update={"valid_until": date(2026, 11, 21)} if one.id == "history" else {})
        for one in TABLE.rows
    ]
    as_matrix = judged(evidence("hist", RECORDED), Matrix(rows=rows))["firewall-as-matrix"]
    (line,) = by_name(as_matrix)[NOW].observed
    assert line.endswith('"history"; row history is not in force: the row expired on 2026-11-21')
