"""The JSON report: the whole run as data, sorted, with exit code and summary; see report.schema.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from plumbline.report.order import ordered
from plumbline.report.summary import Summary, summarise
from plumbline.verify.results import Report

SCHEMA_FILE = Path(__file__).with_name("report.schema.json")


def render(report: Report, locale: str = "en") -> str:  # noqa: ARG001  (sentences stand in both languages)
    """Return the report as JSON, the same bytes for the same report; `locale` has no effect."""
    report = ordered(report)
    document = report.model_dump(mode="json")
    for host, told in zip(report.hosts, document["hosts"], strict=True):
        told["verdict"] = host.verdict.value
    document["exit_code"] = report.exit_code()
    document["summary"] = summarise(report).model_dump(mode="json")
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def read(content: str) -> Report:
    """Return the report that `render` wrote; pydantic's ValidationError when it is none."""
    document = json.loads(content)
    for key in ("exit_code", "summary"):
        document.pop(key, None)
    for host in document.get("hosts", []):
        host.pop("verdict", None)
    return Report.model_validate(document)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the JSON report, made from the models."""
    from pydantic.json_schema import models_json_schema

    _, made = models_json_schema(
        [(Report, "serialization"), (Summary, "serialization")], title="Plumbline report"
    )
    definitions = made["$defs"]
    whole = definitions.pop("Report")
    _add(definitions["HostResult"], "verdict", {"$ref": "#/$defs/Verdict"})
    _add(whole, "summary", {"$ref": "#/$defs/Summary"})
    _add(
        whole,
        "exit_code",
        {
            "description": "0 compliant, 2 not compliant, 4 some hosts not reached, 5 nothing checked.",
            "enum": [0, 2, 4, 5],
            "type": "integer",
        },
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": made["title"],
        "$defs": definitions,
        **{key: value for key, value in whole.items() if key != "title"},
    }


def schema_text() -> str:
    """Return the content of report.schema.json."""
    return json.dumps(schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _add(definition: dict[str, Any], name: str, described: dict[str, Any]) -> None:
    definition["properties"][name] = described
    definition["required"] = sorted([*definition["required"], name])
