"""The JUnit report: a testsuite a host, a testcase a check, for whatever reads test results."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from plumbline.report.facts import Facts, facts
from plumbline.report.locales import told, translate
from plumbline.report.order import ordered
from plumbline.report.words import BY_PERSON, NO_CHECK, visible
from plumbline.verify.results import CheckResult, ControlResult, HostResult, Report, Verdict

_KIND = {
    Verdict.FAIL: "failure",
    Verdict.UNKNOWN: "error",
    Verdict.NOT_APPLICABLE: "skipped",
    Verdict.WAIVED: "skipped",
    Verdict.MANUAL: "skipped",
}
_COUNTS = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def render(report: Report, locale: str = "en") -> str:
    """Return the report as JUnit XML; a control's checks have it as their classname."""
    report = ordered(report)
    root = Element("testsuites", name=f"plumbline {visible(report.tool)}")
    for host in report.hosts:
        _suite(root, report, host, locale)
    _count(root, list(root.iter("testcase")))
    indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _suite(root: Element, report: Report, host: HostResult, locale: str) -> None:
    suite = SubElement(
        root, "testsuite", name=visible(host.host), hostname=visible(host.address or host.host)
    )
    stamp = host.evidence.collected if host.evidence else report.generated
    suite.set("timestamp", stamp.isoformat(timespec="seconds"))
    suite.set("time", f"{host.evidence.seconds if host.evidence else 0:.3f}")
    if host.problem is not None:
        name = translate("the host is judged", locale)
        case = SubElement(suite, "testcase", classname=visible(host.host), name=name, time="0")
        SubElement(case, "error", message=visible(told(host.problem, locale)), type="not-reached")
    else:
        for control in host.controls:
            for check in control.checks or [_missing(control)]:
                _case(suite, host, control, check, locale)
    _count(suite, list(suite.iter("testcase")))


def _missing(control: ControlResult) -> CheckResult:
    return CheckResult(check=control.control, title=control.title, verdict=control.verdict)


def _case(suite: Element, host: HostResult, control: ControlResult, check: CheckResult, locale: str) -> None:
    name = visible(told(check.title, locale))
    case = SubElement(suite, "testcase", classname=visible(control.control), name=name, time="0")
    verdict = check.verdict
    if verdict is Verdict.FAIL and control.verdict is Verdict.WAIVED:
        verdict = Verdict.WAIVED
    if verdict is Verdict.PASS:
        return
    said = facts(host, control, check, locale)
    body = SubElement(case, _KIND[verdict], message=_message(verdict, control, said, locale))
    if _KIND[verdict] != "skipped":
        body.set("type", verdict.value)
    body.text = "\n".join(f"{name}: {value}" for name, value in said.lines(locale))


def _message(verdict: Verdict, control: ControlResult, said: Facts, locale: str) -> str:
    if verdict is Verdict.WAIVED:
        return translate("an approved exception covers this", locale)
    if verdict is Verdict.MANUAL:
        return translate(BY_PERSON, locale)
    if verdict is Verdict.FAIL:
        return translate(
            "observed {observed}, accepted {accepted}",
            locale,
            observed="; ".join(said.observed),
            accepted=said.accepted,
        )
    return said.reason or translate(NO_CHECK, locale) or visible(control.control)


def _count(element: Element, cases: list[Element]) -> None:
    element.set("tests", str(len(cases)))
    for attribute, tag in _COUNTS.items():
        element.set(attribute, str(sum(case.find(tag) is not None for case in cases)))
