"""What a run comes to: exit codes, the JSON document, and the words on a terminal."""

from __future__ import annotations

import json

import jsonschema  # type: ignore[import-untyped]  # it has no types
import pytest

from plumbline.apply.results import (
    SCHEMA_FILE,
    ApplyReport,
    Change,
    Failed,
    HostResult,
    Outcome,
    schema_text,
)
from plumbline.apply.telling import unified_diff
from plumbline.apply.text import plan_lines, result_lines

CHANGE = Change(
    operation="Write /etc/a",
    subject="network",
    details=["mode: 0600 → 0644"],
    diff=unified_diff("/etc/a", b"one\n", b"two\n"),
)


def host(outcome: Outcome, name: str = "srv-app-01", **other: object) -> HostResult:
    return HostResult(host=name, address="10.89.0.11", outcome=outcome, **other)  # type: ignore[arg-type]


def report(*hosts: HostResult, dry: bool = False) -> ApplyReport:
    return ApplyReport(dry=dry, hosts=list(hosts))


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        (["applied"], 0),
        (["planned", "planned"], 0),
        ([], 0),
        (["applied", "not-reached"], 4),
        (["applied", "failed"], 1),
        (["applied", "refused"], 1),
        (["not-reached", "failed"], 1),
    ],
)
def test_a_failure_outweighs_a_host_not_reached(outcomes: list[Outcome], code: int) -> None:
    assert report(*(host(outcome, f"h{n}") for n, outcome in enumerate(outcomes))).exit_code == code


def test_the_document_comes_back_as_it_was() -> None:
    failed = Failed(operation="Install chrony", subject="time", output=["E: no such package"])
    whole = report(host("failed", changed=[CHANGE], problem="no", failed=failed, not_done=["a: b"]), dry=True)
    assert ApplyReport.model_validate_json(whole.model_dump_json()) == whole


def test_the_published_schema_is_that_of_the_document() -> None:
    assert SCHEMA_FILE.read_text() == schema_text(), "write plumbline.apply.results.schema_text() to the file"
    schema = json.loads(schema_text())
    jsonschema.validate(json.loads(report(host("planned", changed=[CHANGE])).model_dump_json()), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"dry": True, "hosts": [{"host": "a"}]}, schema)


def test_the_plan_shows_details_and_diffs_by_subject() -> None:
    lines = [
        line
        for line, _ in plan_lines(report(host("planned", changed=[CHANGE], already=["a: b"])), diffs=True)
    ]
    assert lines == [
        "srv-app-01: 1 to change, 1 already so",
        "  network",
        "    Write /etc/a",
        "      mode: 0600 → 0644",
        "      --- /etc/a (on the host)",
        "      +++ /etc/a (to be)",
        "      @@ -1 +1 @@",
        "      -one",
        "      +two",
        "",
    ]


def test_the_plan_without_diffs_keeps_the_details() -> None:
    lines = [line for line, _ in plan_lines(report(host("planned", changed=[CHANGE])), diffs=False)]
    assert lines[2:4] == ["    Write /etc/a", "      mode: 0600 → 0644"]
    assert len(lines) == 5


def test_nothing_to_do_is_said_aloud() -> None:
    done = report(host("applied", already=["a: b", "c: d"]))
    assert [line for line, _ in result_lines(done)] == [
        "srv-app-01: 0 changed: already to the standard (2 of 2 so)"
    ]


def test_a_failure_tells_what_it_printed_what_was_done_and_what_was_not() -> None:
    failed = Failed(operation="Install chrony", subject="time", output=["E: no such package"])
    done = report(
        host(
            "failed",
            changed=[CHANGE],
            problem="an operation failed (time: Install chrony)",
            failed=failed,
            not_done=["time: chrony.service runs and starts at boot"],
        )
    )
    assert [line for line, _ in result_lines(done)] == [
        "srv-app-01: failed",
        "  an operation failed (time: Install chrony)",
        "    | E: no such package",
        "  done before that:",
        "    network: Write /etc/a",
        "  not done:",
        "    time: chrony.service runs and starts at boot",
    ]


def test_what_a_host_prints_cannot_move_the_cursor() -> None:
    failed = Failed(operation="x", subject="y", output=["\x1b[2J\x1b]0;owned\x07"])
    (line,) = [line for line, _ in result_lines(report(host("failed", failed=failed))) if "|" in line]
    assert "\x1b" not in line


def test_a_file_without_an_end_of_line_is_shown_so() -> None:
    assert unified_diff("/etc/a", b"x", b"x\n").splitlines()[-2:] == ["\\ no newline at the end", "+x"]


def test_a_new_and_a_removed_file_are_told_by_dev_null() -> None:
    assert unified_diff("/etc/a", None, b"x\n").startswith("--- /dev/null")
    assert "+++ /dev/null" in unified_diff("/etc/a", b"x\n", None)
