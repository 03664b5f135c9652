"""How outcomes of checks become verdicts: never good without an observation."""

from __future__ import annotations

from pathlib import Path

import pytest
from judged import control, control_judged, evidence, judged, target, text

from plumbline.errors import PlumblineError
from plumbline.verify.cases import Unjudged
from plumbline.verify.results import CheckResult, HostResult, Report, Verdict, worst

READS = '''
@control("kept")
def test_no_old_tables(host):
    """No tables of the old iptables are loaded: nft does not show their rules."""
    assert host.firewall.legacy_tables == []
'''


def only(control_result: object) -> CheckResult:
    (check,) = control_result.checks  # type: ignore[attr-defined]
    assert isinstance(check, CheckResult)
    return check


def test_what_holds_passes_and_names_its_probes(tmp_path: Path) -> None:
    check = only(control_judged(tmp_path, READS))
    assert (check.verdict, check.probes) == (Verdict.PASS, ["firewall.legacy"])


def test_what_does_not_hold_fails_with_observed_and_accepted(tmp_path: Path) -> None:
    check = only(control_judged(tmp_path, READS, target(evidence(legacy=b"/proc/x: filter\n"))))
    assert (check.verdict, check.observed, check.accepted) == (Verdict.FAIL, ["/proc/x: filter"], "")


def test_titles_are_told_in_slovak_too(tmp_path: Path) -> None:
    title = only(control_judged(tmp_path, READS)).title
    assert title.en.startswith("No tables of the old iptables")
    assert title.sk.startswith("Nie sú načítané tabuľky")


def test_accepted_range_is_told_with_its_unit(tmp_path: Path) -> None:
    suite = '@control("kept")\ndef test_level(accepts):\n    """Level."""\n    assert 0 in accepts("level")\n'
    check = only(control_judged(tmp_path, suite.replace("(accepts)", "(host, accepts)")))
    assert (check.verdict, check.observed, check.accepted) == (Verdict.FAIL, ["0"], "1..5 s")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"state": "timeout", "exit": None}, "ran out of its 30 s"),
        ({"cut": True}, "printed more than"),
        ({"exit": 3}, "exit status 3"),
        ({"asked": "0" * 16}, "asked in other words"),
    ],
)
def test_probe_without_an_answer_is_unknown(tmp_path: Path, changes: dict[str, object], told: str) -> None:
    check = only(control_judged(tmp_path, READS, target(evidence(**changes))))
    assert check.verdict is Verdict.UNKNOWN
    assert check.reason is not None
    assert told in check.reason.en
    assert check.reason.sk != check.reason.en


def test_error_in_a_check_is_unknown_not_a_pass(tmp_path: Path) -> None:
    suite = '@control("kept")\ndef test_wrong(host):\n    """Wrong."""\n    assert 1 / 0\n'
    check = only(control_judged(tmp_path, suite))
    assert check.verdict is Verdict.UNKNOWN
    assert check.reason is not None
    assert "ZeroDivisionError" in check.reason.en


def test_not_applicable_carries_its_reason(tmp_path: Path) -> None:
    suite = (
        '@control("kept")\ndef test_no(host):\n    """No."""\n    not_applicable("no desktop is installed")\n'
    )
    check = only(control_judged(tmp_path, suite))
    assert check.verdict is Verdict.NOT_APPLICABLE
    assert check.reason is not None
    assert check.reason.en == "no desktop is installed"


def test_control_without_any_check_is_unknown(tmp_path: Path) -> None:
    assert control_judged(tmp_path, READS.replace('"kept"', '"other"')).verdict is Verdict.UNKNOWN


def test_one_failing_check_fails_the_control(tmp_path: Path) -> None:
    second = '@control("kept")\ndef test_more(host):\n    """More."""\n    assert 1 == 2\n'
    found = control_judged(tmp_path, READS + second)
    assert found.verdict is Verdict.FAIL
    assert {check.check: check.verdict for check in found.checks} == {
        "test_no_old_tables": Verdict.PASS,
        "test_more": Verdict.FAIL,
    }


def test_every_setting_of_a_mechanism_is_a_check(tmp_path: Path) -> None:
    suite = (
        '@mechanism("sysctl")\ndef test_so(host, setting):\n    """So."""\n    assert 1 in setting.accepts\n'
    )
    settings = {"sysctl": {"net.a": 1, "net.b": 0, "net.c": "$level"}}
    found = control_judged(tmp_path, suite, target(kept=control(linux=settings)))
    assert {check.check: check.verdict for check in found.checks} == {
        "test_so[net.a]": Verdict.PASS,
        "test_so[net.b]": Verdict.FAIL,
        "test_so[net.c]": Verdict.PASS,
    }


def test_suite_that_cannot_be_read_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(PlumblineError, match="cannot be run"):
        control_judged(tmp_path, READS + "\nimport no_such_module\n")


def test_comparison_of_the_check_before_is_not_told(tmp_path: Path) -> None:
    suite = (
        '@control("kept")\ndef test_a(host):\n    """A."""\n    assert 1 == 2\n'
        '@control("kept")\ndef test_b(host):\n    """B."""\n    raise AssertionError("by hand")\n'
    )
    _, second = control_judged(tmp_path, suite).checks
    assert (second.observed, second.accepted) == (["by hand"], "")


def test_hostile_bytes_become_visible(tmp_path: Path) -> None:
    printed = "/proc/x: \x1b[31m\u202efilter\n".encode()
    (line,) = only(control_judged(tmp_path, READS, target(evidence(legacy=printed)))).observed
    assert line == "/proc/x: \\x1b[31m\\u202efilter"


def test_long_lists_are_cut_and_counted(tmp_path: Path) -> None:
    printed = b"".join(b"line %d\n" % number for number in range(200))
    observed = only(control_judged(tmp_path, READS, target(evidence(legacy=printed)))).observed
    assert (len(observed), observed[-1]) == (50, "… +151")


def test_host_without_evidence_is_not_judged(tmp_path: Path) -> None:
    (host,) = judged(tmp_path, READS, target(problem=text("the link is lost")))
    assert (host.verdict, host.controls) == (Verdict.UNKNOWN, [])
    assert host.problem == text("the link is lost")


def test_other_hosts_are_judged_beside_one_not_reached(tmp_path: Path) -> None:
    lost, good = judged(tmp_path, READS, Unjudged("other.json", text("not evidence")), target())
    assert lost.problem is not None
    assert good.verdict is Verdict.PASS


def report(*hosts: HostResult) -> Report:
    return Report.model_validate(
        {
            "tool": "0",
            "standard": "small",
            "standard_title": text("Small"),
            "standard_version": "1",
            "generated": "2026-01-01T00:00:00Z",
            "hosts": list(hosts),
        }
    )


def test_exit_codes_tell_the_worst(tmp_path: Path) -> None:
    (good,) = judged(tmp_path, READS)
    (bad,) = judged(tmp_path, READS, target(evidence(legacy=b"x\n")))
    (unknown,) = judged(tmp_path, READS, target(evidence(exit=3)))
    (lost,) = judged(tmp_path, READS, target(problem=text("lost")))
    assert report(good).exit_code() == 0
    assert report(good, bad).exit_code() == 2
    assert report(unknown).exit_code() == 2
    assert report(good, bad, lost).exit_code() == 4
    assert report().exit_code() == 5


def test_nothing_applicable_is_nothing_checked(tmp_path: Path) -> None:
    suite = (
        '@control("kept")\ndef test_no(host):\n    """No."""\n    not_applicable("no desktop is installed")\n'
    )
    assert report(*judged(tmp_path, suite)).exit_code() == 5


def test_worst_of_nothing_is_unknown() -> None:
    assert worst([]) is Verdict.UNKNOWN
    assert worst([Verdict.PASS, Verdict.UNKNOWN, Verdict.FAIL]) is Verdict.FAIL
    assert worst([Verdict.PASS, Verdict.NOT_APPLICABLE]) is Verdict.PASS
    assert worst([Verdict.PASS, Verdict.UNKNOWN]) is Verdict.UNKNOWN
