"""Going on with a run that was interrupted: which one, with which hosts, and how it was told to go."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from plumbline.apply.history import Following, Options, Records, RunRecord, interrupted
from plumbline.apply.results import ApplyReport, Change, HostResult, Outcome
from plumbline.apply.waves import Rollout
from plumbline.cli.apply import apply
from plumbline.errors import UsageError

CHANGE = Change(operation="Write /etc/a", subject="network")
OPTIONS = Options(canaries=["a"], wave="1", allowed_failures=2, outside_window="urgent", restore_after=60)


def result(name: str, outcome: Outcome) -> HostResult:
    return HostResult(host=name, address="10.0.0.1", outcome=outcome, changed=[CHANGE])


def begun(records: Records, place: Path, *done: HostResult, options: Options = OPTIONS) -> Following:
    """A run over a, b and c of which some hosts are done."""
    following = Following(RunRecord.begun(place, "mhth-ot", options), records)
    following.goes("", ApplyReport(dry=True, hosts=[result(name, "planned") for name in "abc"]))
    for each in done:
        following.done(each)
    return following


def test_a_run_that_was_killed_has_on_record_which_hosts_were_done(tmp_path: Path) -> None:
    records = Records(tmp_path / "runs")
    begun(records, tmp_path, result("a", "applied"), result("b", "restored"))
    run = interrupted(records, tmp_path)
    assert [host.outcome for host in run.hosts] == ["applied", "restored", "begun"]
    assert (run.left, run.options) == (["b", "c"], OPTIONS)


def test_the_rest_goes_as_the_run_did_without_a_canary_that_is_done(tmp_path: Path) -> None:
    records = Records(tmp_path / "runs")
    begun(records, tmp_path, result("a", "applied"))
    run = interrupted(records, tmp_path)
    rest = run.options.of_rest(run)
    assert (rest.rollout, rest.outside_window, rest.resumes) == (Rollout((), "1", 2), "urgent", run.run)


def test_a_canary_that_failed_goes_first_again(tmp_path: Path) -> None:
    records = Records(tmp_path / "runs")
    ended = [result("a", "restored"), result("b", "untouched"), result("c", "untouched")]
    begun(records, tmp_path).ended(ApplyReport(dry=False, hosts=ended))
    run = interrupted(records, tmp_path)
    assert (run.left, run.options.of_rest(run).canaries) == (["a", "b", "c"], ["a"])


def test_a_run_in_which_all_had_their_turn_was_not_interrupted(tmp_path: Path) -> None:
    records = Records(tmp_path / "runs")
    ended = [result("a", "applied"), result("b", "restored"), result("c", "applied")]
    begun(records, tmp_path, *ended).ended(ApplyReport(dry=False, hosts=ended))
    with pytest.raises(UsageError, match="no run on this inventory was interrupted"):
        interrupted(records, tmp_path)


def test_a_run_that_was_gone_on_with_is_not_gone_on_with_again(tmp_path: Path) -> None:
    records = Records(tmp_path / "runs")
    begun(records, tmp_path, result("a", "applied"))
    first = interrupted(records, tmp_path)
    begun(records, tmp_path, result("b", "applied"), options=first.options.of_rest(first))
    second = interrupted(records, tmp_path)
    assert second.options.resumes == first.run
    begun(
        records,
        tmp_path,
        *(result(name, "applied") for name in "abc"),
        options=second.options.of_rest(second),
    ).ended(ApplyReport(dry=False, hosts=[result(name, "applied") for name in "abc"]))
    with pytest.raises(UsageError):
        interrupted(records, tmp_path)


@pytest.mark.parametrize(
    "more", [["srv-app-01"], ["--canary", "a"], ["--wave", "2"], ["--outside-window", "x"]]
)
def test_going_on_takes_hosts_and_options_of_the_run_alone(more: list[str], tmp_path: Path) -> None:
    done = CliRunner().invoke(apply, ["-i", str(tmp_path), "--yes", "--resume", *more])
    assert isinstance(done.exception, UsageError)
    assert "give it alone" in str(done.exception)
