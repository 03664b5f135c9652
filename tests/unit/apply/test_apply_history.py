"""The local record of runs: what began, what came of it, and what is left to hosts when we are gone."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from plumbline.apply.history import Following, HostRecord, Records, RunRecord
from plumbline.apply.results import ApplyReport, Change, HostResult
from plumbline.cli.history import history
from plumbline.errors import PlumblineError

CHANGE = Change(operation="Write /etc/a", subject="network")


def report(outcome: str, dry: bool = False) -> ApplyReport:
    made = HostResult(host="srv-app-01", address="10.89.0.11", outcome=outcome, changed=[CHANGE])  # type: ignore[arg-type]
    return ApplyReport(dry=dry, hosts=[made])


def test_a_run_is_written_down_when_it_begins_and_when_it_ends(tmp_path: Path) -> None:
    records = Records(tmp_path / "runs")
    following = Following(RunRecord.begun(tmp_path), records)
    following.goes("ab" * 32, report("planned", dry=True))
    (begun,) = records.runs(tmp_path)
    assert (begun.hosts, begun.ended) == ([HostRecord(host="srv-app-01")], None)

    following.ended(report("applied"))
    (ended,) = records.runs(tmp_path)
    assert (ended.plan, ended.run) == ("ab" * 32, begun.run)
    assert ended.ended is not None
    assert [(host.outcome, host.changed) for host in ended.hosts] == [("applied", ["network: Write /etc/a"])]
    assert [path.suffix for path in (tmp_path / "runs").iterdir()] == [".json"]


def test_without_a_record_nothing_is_changed(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("no folder")
    following = Following(RunRecord.begun(tmp_path), Records(tmp_path / "runs"))
    with pytest.raises(PlumblineError, match="cannot be written down"):
        following.goes("", report("planned"))
    assert not following.gone


def test_runs_of_another_inventory_and_of_other_hosts_are_left_out(tmp_path: Path) -> None:
    records = Records(tmp_path / "runs")
    for place in ("one", "two"):
        run = RunRecord.begun(tmp_path / place)
        records.keep(run.done([HostRecord(host=f"srv-{place}", outcome="applied")]))
    assert [run.hosts[0].host for run in records.runs(tmp_path / "one")] == ["srv-one"]
    assert records.runs(tmp_path / "one", "srv-two") == []


def test_hosts_that_still_wait_for_us_are_named_when_the_run_is_broken_off(tmp_path: Path) -> None:
    following = Following(RunRecord.begun(tmp_path), None)
    following.armed("srv-app-01", 300)
    following.armed("srv-hist-01", 300)
    following.armed("srv-hist-01", None)
    said = r"puts itself back as it was: srv-app-01 \(within 300 s\)$"
    with pytest.raises(PlumblineError, match=f"(?m){said}"), following.to_the_end():
        raise KeyboardInterrupt


def test_a_run_broken_off_before_anything_was_armed_simply_ends(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), Following(RunRecord.begun(tmp_path), None).to_the_end():
        raise KeyboardInterrupt


def test_the_command_tells_what_ended_and_what_did_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    told = CliRunner().invoke(history, ["-i", str(tmp_path)])
    assert told.output == "no run is recorded\n"
    following = Following(RunRecord.begun(tmp_path), Records())
    following.goes("ab" * 32, report("planned", dry=True))
    told = CliRunner().invoke(history, ["-i", str(tmp_path), "srv-app-01"])
    assert "srv-app-01: not ended, as far as is known here" in told.output
    following.ended(report("restored"))
    told = CliRunner().invoke(history, ["-i", str(tmp_path)])
    assert "srv-app-01: restored, 1 changed" in told.output
    assert "plan abababababababab" in told.output


def test_a_file_that_is_no_record_is_named(tmp_path: Path) -> None:
    (tmp_path / "20260101T000000Z-00000000.json").write_text("{")
    with pytest.raises(PlumblineError, match="no record of a run") as raised:
        Records(tmp_path).runs(tmp_path)
    assert "00000000.json" in str(raised.value)
