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
    Judged,
    Outcome,
    schema_text,
)
from plumbline.apply.telling import unified_diff
from plumbline.apply.text import plan_lines, result_lines
from plumbline.verify.results import Verdict

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
        (["lost", "untouched"], 1),
        (["not-reached", "failed"], 1),
        (["applied", "restored"], 1),
        (["applied", "lost"], 4),
        (["lost", "restored"], 1),
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


def test_the_plan_says_what_a_change_serves_and_what_it_does_to_people() -> None:
    told = CHANGE.model_copy(
        update={
            "controls": ["ipv4-only"],
            "requirements": ["server.ipv4"],
            "services": ["ssh.service"],
            "sessions": True,
            "reboot": True,
        }
    )
    lines = [line for line, _ in plan_lines(report(host("planned", changed=[told, told])), diffs=False)]
    assert lines[1:8] == [
        "  network",
        "    for ipv4-only (server.ipv4)",
        "    Write /etc/a",
        "      mode: 0600 → 0644",
        "      touches the service ssh.service",
        "      whoever is logged in may notice",
        "      whole only after a reboot",
    ]
    assert lines[8] == "    Write /etc/a"


def test_a_restored_host_tells_why_what_was_done_and_what_was_put_back() -> None:
    done = report(
        host(
            "restored",
            changed=[CHANGE],
            problem="nobody gets into it any more\neverything was put back when it was told to",
            restored=["/etc/a: put back"],
        )
    )
    assert [line for line, _ in result_lines(done)] == [
        "srv-app-01: restored, it is as it was before",
        "  nobody gets into it any more",
        "  everything was put back when it was told to",
        "  done:",
        "    network: Write /etc/a",
        "  put back:",
        "    /etc/a: put back",
    ]


def test_controls_that_are_still_not_good_are_named_and_a_new_plan_foretold() -> None:
    good = Judged(control="no-routing", subject="network", before=Verdict.FAIL, after=Verdict.PASS)
    owed = Judged(control="redundant-uplink", subject="network", before=Verdict.FAIL, after=Verdict.FAIL)
    done = report(
        host("applied", changed=[CHANGE], controls=[good, owed], then=["time: Write /etc/chrony/chrony.conf"])
    )
    assert [line for line, _ in result_lines(done)][1:] == [
        "  confirmed by a new login; 1 of 2 controls of what was changed pass",
        "    redundant-uplink: fail",
        "  packages brought more to do; a new plan would hold:",
        "    time: Write /etc/chrony/chrony.conf",
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
