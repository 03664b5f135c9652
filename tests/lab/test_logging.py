"""Logs on a booted host: each way to lose, open or soil them is seen.

The host is a container, so nothing of the audit passes: its files are judged, and what they make right is not
known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import lab_name
from hardened import HOST, deploys_of, harden, sabotaged
from judging import checks, observed, verdicts
from logging_sabotage import ALONE, EVENTS, HARMLESS, ON_DISK, OPEN, STARTS, TOGETHER, VALUE, Case

from plumbline.evidence.collector import script
from plumbline.evidence.gather import gather, targets_of
from plumbline.lab import Lab
from plumbline.probes import all_probes
from plumbline.spec.load import load_inventory
from plumbline.verify.results import ControlResult, Verdict

Results = dict[str, ControlResult]
CONTAINER = "this host is a container; its kernel's audit is not its own"


@pytest.fixture(scope="module")
def deploys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deploys_of(tmp_path_factory.mktemp("logging"), ["logging"])


@pytest.fixture(scope="module")
def lab(deploys: Path) -> Iterator[Lab]:
    with Lab.up(lab_name(), hosts=1, flavour="clean") as up:
        harden(up, deploys)
        up.run(HOST, f"set -e; {HARMLESS}")
        yield up


def judged(lab: Lab) -> Results:
    return verdicts(lab, HOST, "logging")


def assert_right(results: Results) -> None:
    """All passes, but what the container cannot show, which is unknown for that reason."""
    assert checks(results, Verdict.FAIL) == {}
    unknown = checks(results, Verdict.UNKNOWN)
    assert {name.partition(":")[0] for name in unknown} == {"security-events-logged"}
    assert {check.reason.en for check in unknown.values() if check.reason} == {CONTAINER}
    passed = {name for name in checks(results, Verdict.PASS) if name.startswith(EVENTS)}
    names = ("the_audit_is_installed", "the_journal_drops_nothing", "nothing_is_silenced")
    assert passed == {f"{EVENTS}{name}" for name in names}


def test_hardened_host_passes_but_for_the_audit_it_does_not_have(lab: Lab) -> None:
    assert_right(judged(lab))


@dataclass(frozen=True)
class Trial:
    """What was judged while everything of `TOGETHER` was wrong, the evidence of it, and the verdicts then."""

    wrong: Results
    evidence: bytes
    afterwards: Results


@pytest.fixture(scope="module")
def trial(lab: Lab) -> Trial:
    wrong = "\n".join(case.wrong for case in TOGETHER.values())
    # The other way round, for what was copied aside goes back as it was first.
    right = "\n".join(case.right for case in reversed(TOGETHER.values()))
    with sabotaged(lab, wrong, right):
        results = judged(lab)
        probes = all_probes(subjects=["logging"])
        (gathered,) = gather(targets_of(load_inventory(lab.inventory), [HOST]), script(probes))
        assert gathered.evidence is not None
        outputs = [gathered.evidence.output(probe) for probe in probes]
    return Trial(results, b"".join(o.stdout + o.stderr for o in outputs), judged(lab))


@pytest.mark.parametrize("case", TOGETHER.values(), ids=TOGETHER)
def test_seen(trial: Trial, case: Case) -> None:
    seen = observed(trial.wrong, case.check)
    assert [line for line in seen if case.seen in line], seen


def test_every_control_failed(trial: Trial) -> None:
    others = {name for name, control in trial.wrong.items() if control.verdict is not Verdict.FAIL}
    # This lab has no collector to send to.
    assert others == {"logs-forwarded"}


def test_no_evidence_holds_what_was_disclosed(trial: Trial) -> None:
    assert VALUE.encode() not in trial.evidence


def test_put_right_all_passes_again(trial: Trial) -> None:
    assert_right(trial.afterwards)


@pytest.mark.parametrize("case", ALONE.values(), ids=ALONE)
def test_seen_alone(lab: Lab, case: Case) -> None:
    with sabotaged(lab, case.wrong, case.right):
        seen = observed(judged(lab), case.check)
    assert [line for line in seen if case.seen in line], seen


def test_delete_of_a_later_file_takes_nothing_away(lab: Lab) -> None:
    """augenrules puts a bare -D before all rules, whichever file it stands in."""
    with sabotaged(lab, "echo -D >/etc/audit/rules.d/zzz.rules", "rm /etc/audit/rules.d/zzz.rules"):
        assert_right(judged(lab))


def test_volatile_journal_is_seen_now(lab: Lab) -> None:
    path = "/etc/systemd/journald.conf.d/zzz.conf"
    restart = "systemctl restart systemd-journald"
    wrong = f"printf '[Journal]\\nStorage=volatile\\n' >{path}; {restart}"
    with sabotaged(lab, wrong, f"rm {path}; {restart}; journalctl --flush"):
        seen = observed(judged(lab), ON_DISK)
        assert [line.partition("/run/")[0] for line in seen] == ["journald writes to "]


def test_access_lists_that_cannot_be_read_are_unknown(lab: Lab) -> None:
    with sabotaged(lab, "mv /usr/bin/getfacl /root/", "mv /root/getfacl /usr/bin/"):
        found = checks(judged(lab), Verdict.UNKNOWN)["logs-protected:access_lists_let_nobody_else_in"]
    assert found.reason is not None
    assert "install the package acl" in found.reason.en


def test_apply_puts_right_changes_nothing_again_and_outlives_a_reboot(lab: Lab, deploys: Path) -> None:
    lab.run(HOST, "touch /var/log/x.log; chmod 666 /var/log/x.log; rm /etc/audit/rules.d/10-plumbline.rules")
    lab.run(HOST, "systemctl -q disable auditd; rm /etc/systemd/journald.conf.d/zz-plumbline.conf")
    failed = set(checks(judged(lab), Verdict.FAIL))
    assert {OPEN, STARTS} <= failed
    harden(lab, deploys)
    lab.run(HOST, "systemctl -q enable auditd")
    assert_right(judged(lab))
    assert harden(lab, deploys).changed == []
    assert lab.reboot(HOST) == "running"
    assert_right(judged(lab))


def test_debian_13_is_hardened_and_judged_alike(deploys: Path) -> None:
    with Lab.up(lab_name(), hosts=1, flavour="clean", release="trixie") as lab:
        harden(lab, deploys)
        assert_right(judged(lab))
        assert harden(lab, deploys).changed == []
        assert lab.reboot(HOST) == "running"
        case = ALONE["never_rule_for_an_administrator"]
        with sabotaged(lab, case.wrong, case.right):
            seen = observed(judged(lab), case.check)
        assert [line for line in seen if case.seen in line], seen
