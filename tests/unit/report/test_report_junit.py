"""The JUnit report: what a build server counts and shows."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from sample import (
    HOSTILE,
    application_server,
    check,
    control,
    history_server,
    host,
    report_of,
    sample,
    unreached,
)

from plumbline.report.junit import render
from plumbline.verify.results import Report, Verdict


def parsed(report: Report, locale: str = "en") -> ElementTree.Element:
    return ElementTree.fromstring(render(report, locale).encode())  # noqa: S314  (our own output)


def case(root: ElementTree.Element, control: str, kind: str) -> ElementTree.Element:
    found = root.find(f".//testcase[@classname='{control}']/{kind}")
    assert found is not None
    return found


def test_a_suite_a_host_and_a_case_a_check() -> None:
    root = parsed(sample())
    assert [suite.get("name") for suite in root] == ["srv-app-01", "srv-hist-01", "srv-visu-01"]
    names = [made.get("name") for made in root.findall(".//testcase[@classname='no-forwarding']")]
    assert names[:2] == [
        "No interface will forward IPv4 packets after the next boot.",
        "No interface forwards IPv4 packets now.",
    ]


def test_a_failure_says_all_there_is_to_say() -> None:
    body = case(parsed(sample()), "no-forwarding", "failure")
    assert body.text is not None
    assert body.text.splitlines() == [
        "observed: net.ipv4.conf.all.forwarding = 1",
        "  net.ipv4.conf.host0.forwarding = 1",
        "accepted: 0",
        "requirement: network.no-routing, chapter 4.2",
        "remedy: Run `plumb apply` for the subject network, or set it by hand and check again.",
    ]


def test_unknown_is_an_error_with_its_reason() -> None:
    body = case(parsed(sample()), "antivirus-signatures", "error")
    assert body.get("message") == "the probe clamav-signatures did not finish within 10 s"


def test_not_applicable_exception_and_a_persons_are_skipped() -> None:
    root = parsed(sample())
    assert case(root, "idle-session-lock", "skipped").get("message") == "there is no desktop on this host"
    assert case(root, "default-deny", "skipped").get("message") == "an approved exception covers this"
    assert case(root, "local-accounts", "skipped").get("message") == "a person judges this"


def test_a_host_not_reached_is_an_error() -> None:
    suite = parsed(report_of(unreached())).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("errors")) == ("1", "1")
    message = case(suite, "srv-visu-01", "error").get("message")
    assert message == "the host key has changed; nothing was asked of the host"


def test_a_control_without_checks_is_an_error() -> None:
    lost = host("srv", "10.89.0.9", [control("ipv4-only", "network.ipv4-only")], None)
    body = case(parsed(report_of(lost)), "ipv4-only", "error")
    assert body.get("message") == "no check judged this control"


def test_counts_are_those_of_the_cases() -> None:
    root = parsed(sample())
    assert {key: root.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "20",
        "failures": "3",
        "errors": "2",
        "skipped": "4",
    }
    for suite in root:
        assert suite.get("tests") == str(len(suite.findall("testcase")))


def test_a_compliant_host_has_no_failure() -> None:
    suite = parsed(report_of(history_server())).find("testsuite")
    assert suite is not None
    assert (suite.get("failures"), suite.get("errors")) == ("0", "0")


@pytest.mark.parametrize(
    "character", ["\x00", "\x0b", "\x1b", "\x7f", "\x85", "\ufffe", "\uffff", "\r", "\n"]
)
def test_characters_that_xml_forbids_become_escapes(character: str) -> None:
    hostile = f"before{character}after ]]> <x>"
    failed = check("c", hostile, hostile, Verdict.FAIL, observed=[hostile], accepted=hostile)
    root = parsed(
        report_of(
            host(f"srv{character}", "10.89.0.9", [control("ipv4-only", "network.ipv4-only", failed)], None)
        )
    )
    body = case(root, "ipv4-only", "failure")
    visible = f"before{character.encode('unicode_escape').decode()}after ]]> <x>"
    assert body.text is not None
    assert body.text.splitlines()[0] == f"observed: {visible}"


def test_hostile_observations_stay_text() -> None:
    made = render(report_of(application_server()))
    assert HOSTILE not in made
    assert "<img" not in made
    assert "\x1b" not in made


def test_slovak() -> None:
    body = case(parsed(sample(), "sk"), "no-forwarding", "failure")
    assert body.text is not None
    assert body.text.startswith("zistené: net.ipv4.conf.all.forwarding = 1")
    assert "požiadavka: network.no-routing, kapitola 4.2" in body.text
