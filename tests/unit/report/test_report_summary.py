"""Counting: what is unknown or not reached is never counted as good."""

from __future__ import annotations

from sample import application_server, control, history_server, host, passing, report_of, sample, unreached

from plumbline.report.order import chapter_key, ordered
from plumbline.report.summary import summarise
from plumbline.verify.results import HostResult, Verdict


def unreadable() -> HostResult:
    """A file of evidence that names no host, so that nobody knows what it should hold."""
    return unreached("evidence.json").model_copy(update={"system": "", "profile": "", "address": ""})


def test_hosts_not_reached_owe_what_their_profile_owes() -> None:
    requirements = summarise(sample()).requirements
    # nine of the application server, one of seven not applicable on the history server, nine of the third
    assert requirements.applicable == 9 + 6 + 9
    assert requirements.met == 3 + 6
    assert requirements.by_verdict[Verdict.UNKNOWN] == 1 + 9
    assert requirements.not_counted == 0


def test_an_exception_is_counted_apart() -> None:
    requirements = summarise(report_of(application_server())).requirements
    assert (requirements.met, requirements.met_with_exceptions) == (3, 4)
    assert requirements.share() == 3 / 9
    assert requirements.share_with_exceptions() == 4 / 9


def test_a_host_nobody_knows_anything_of_is_said_aloud() -> None:
    requirements = summarise(report_of(history_server(), unreadable())).requirements
    assert requirements.not_counted == 1
    assert requirements.applicable == 6


def test_nothing_reached_has_no_share() -> None:
    assert summarise(report_of(unreached())).requirements.share() is None


def test_only_hosts_without_failure_or_doubt_comply() -> None:
    hosts = summarise(sample()).hosts
    assert (hosts.total, hosts.reached, hosts.not_reached, hosts.compliant) == (3, 2, 1, 1)


def test_a_host_waiting_for_a_person_does_not_comply() -> None:
    waiting = host(
        "srv",
        "10.89.0.9",
        [control("local-accounts", "access.local-accounts-reviewed", verdict=Verdict.MANUAL)],
        None,
    )
    assert summarise(report_of(waiting)).hosts.compliant == 0


def test_a_host_without_controls_does_not_comply() -> None:
    assert summarise(report_of(host("srv", "10.89.0.9", [], None))).hosts.compliant == 0


def test_every_verdict_is_counted_also_when_never_given() -> None:
    made = host(
        "srv", "10.89.0.9", [control("ipv4-only", "network.ipv4-only", passing("ipv4-only", "p"))], None
    )
    counts = summarise(report_of(made)).controls
    assert counts == {verdict: int(verdict is Verdict.PASS) for verdict in Verdict}


def test_chapters_are_ordered_as_numbers() -> None:
    assert sorted(["4.10", "12", "4.2", "annex", "4"], key=chapter_key) == ["4", "4.2", "4.10", "12", "annex"]


def test_order_does_not_depend_on_how_the_run_went() -> None:
    forwards, backwards = sample(), report_of(*reversed(sample().hosts))
    assert ordered(forwards) == ordered(backwards)
    assert [host.host for host in ordered(forwards).hosts] == ["srv-app-01", "srv-hist-01", "srv-visu-01"]
