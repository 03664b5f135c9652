"""The JSON report: stable, whole, and as its schema says."""

from __future__ import annotations

import json
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it brings no types
import pytest
from pydantic import ValidationError
from sample import HOSTILE, application_server, history_server, report_of, sample, unreached

from plumbline.report import WRITERS
from plumbline.report.json import SCHEMA_FILE, read, render, schema, schema_text
from plumbline.report.order import ordered
from plumbline.verify.results import Report


def document(report: Report) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(render(report))
    return made


def test_the_committed_schema_is_the_generated_one() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text()


@pytest.mark.parametrize(
    "report",
    [sample(), report_of(), report_of(unreached()), report_of(history_server())],
    ids=["every verdict", "no host", "none reached", "compliant"],
)
def test_reports_fit_the_schema(report: Report) -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.Draft202012Validator(schema()).validate(document(report))


@pytest.mark.parametrize(
    "damage",
    [
        lambda made: made.pop("exit_code"),
        lambda made: made.pop("summary"),
        lambda made: made["hosts"][0].pop("verdict"),
        lambda made: made["hosts"][0]["controls"][0].update(verdict="fine"),
        lambda made: made.update(more=1),
        lambda made: made["summary"]["controls"].update(fine=1),
    ],
    ids=[
        "no exit code",
        "no summary",
        "host without verdict",
        "unknown verdict",
        "more keys",
        "count of what",
    ],
)
def test_the_schema_refuses(damage: Any) -> None:  # noqa: ANN401  (a lambda each)
    made = document(sample())
    damage(made)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema()).validate(made)


def test_the_same_verdicts_give_the_same_bytes() -> None:
    assert render(sample()) == render(report_of(*reversed(sample().hosts)))
    assert render(sample(), "sk") == render(sample(), "en")


def test_exit_code_verdicts_and_counts_stand_in_it() -> None:
    made = document(sample())
    assert made["exit_code"] == sample().exit_code() == 4
    assert [(host["host"], host["verdict"]) for host in made["hosts"]] == [
        ("srv-app-01", "fail"),
        ("srv-hist-01", "pass"),
        ("srv-visu-01", "unknown"),
    ]
    assert made["summary"]["hosts"] == {"total": 3, "reached": 2, "not_reached": 1, "compliant": 1}
    assert made["summary"]["controls"]["not-applicable"] == 1


def test_a_report_can_be_read_back() -> None:
    assert read(render(sample())) == ordered(sample())


def test_another_document_is_refused() -> None:
    with pytest.raises(ValidationError):
        read('{"hosts": []}')


def test_hostile_values_arrive_as_they_were() -> None:
    made = document(report_of(application_server()))
    observed = [check["observed"] for control in made["hosts"][0]["controls"] for check in control["checks"]]
    assert [HOSTILE] in observed


def test_the_writer_is_registered() -> None:
    assert WRITERS["json"](sample(), "en") == render(sample())
