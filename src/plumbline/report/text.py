"""The report for the terminal: what could not be judged first, then what is not good, then the totals."""

from __future__ import annotations

import io
import os
import sys
from collections import Counter

from rich.console import Console
from rich.text import Text as Styled

from plumbline.report.facts import facts
from plumbline.report.locales import counted, told, translate
from plumbline.report.order import ordered, worst_first
from plumbline.report.summary import summarise
from plumbline.report.words import BY_PERSON, NO_CHECK, OUTCOME, SIGN, VERDICT, visible
from plumbline.verify.results import CheckResult, ControlResult, HostResult, Report, Verdict

_STYLE = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.WAIVED: "cyan",
    Verdict.NOT_APPLICABLE: "dim",
    Verdict.UNKNOWN: "bold yellow",
    Verdict.MANUAL: "magenta",
}
_OBSERVED_MAX = 8
"""So many observed lines a check; the whole list stands in the JSON and HTML reports."""
_QUIET = {Verdict.PASS, Verdict.NOT_APPLICABLE}
_PLAIN_WIDTH = 100_000
"""No line is broken where there is no terminal, so that it can be searched."""


def render(report: Report, locale: str = "en", *, width: int | None = None, colour: bool = False) -> str:
    """Return the report as plain text; `width` in characters breaks lines there."""
    target = io.StringIO()
    console = Console(
        file=target,
        width=width or _PLAIN_WIDTH,
        force_terminal=colour,
        color_system="standard" if colour else None,
        no_color=not colour,
        legacy_windows=False,
        highlight=False,
        markup=False,
        emoji=False,
    )
    _Telling(console, locale).report(ordered(report))
    return "\n".join(line.rstrip() for line in target.getvalue().splitlines()) + "\n"


def render_for_stdout(report: Report, locale: str = "en") -> str:
    """Return the report as standard output can show it: as wide as the terminal, coloured unless NO_COLOR."""
    if not sys.stdout.isatty():
        return render(report, locale)
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return render(report, locale, width=max(40, Console().width), colour=not plain)


class _Telling:
    """Tells a report on a console in one language."""

    def __init__(self, console: Console, locale: str) -> None:
        self.console = console
        self.locale = locale
        self.in_list = False
        """The line before was a host of which there is no more to tell; such hosts stand without a gap."""

    def say(self, *parts: str | tuple[str, str], indent: int = 0) -> None:
        """Print a line; what follows on broken lines stands two columns further in."""
        line = Styled.assemble(*parts)
        hanging = 2 if indent else 0
        available = max(20, self.console.width - indent - hanging)
        for number, part in enumerate(line.wrap(self.console, available) or [line]):
            margin = indent + (hanging if number else 0)
            self.console.print(Styled(" " * margin).append_text(part), soft_wrap=True)

    def of(self, msgid: str, **args: object) -> str:
        return translate(msgid, self.locale, **args)

    def report(self, report: Report) -> None:
        title = visible(told(report.standard_title, self.locale))
        version = visible(report.standard_version)
        self.say((self.of("{title}, version {version}", title=title, version=version), "bold"))
        unreached = [host for host in report.hosts if host.problem is not None]
        for host in unreached:
            self.not_reached(host)
        for host in (host for host in report.hosts if host.problem is None):
            telling = [control for control in worst_first(host.controls) if control.verdict not in _QUIET]
            self.host(host, spaced=bool(telling))
            for control in telling:
                self.control(host, control)
        self.totals(report)

    def not_reached(self, host: HostResult) -> None:
        problem = visible(told(host.problem, self.locale)) if host.problem else ""
        self.console.print()
        sign = (f"{SIGN[Verdict.UNKNOWN]} ", _STYLE[Verdict.UNKNOWN])
        self.say(sign, (visible(host.host), "bold"), f"  {self.of('not judged')}: {problem}")

    def host(self, host: HostResult, spaced: bool) -> None:
        if spaced or not self.in_list:
            self.console.print()
        self.in_list = not spaced
        sign = (f"{SIGN[host.verdict]} ", _STYLE[host.verdict])
        about = ", ".join(visible(part) for part in (host.system, host.profile, host.address) if part)
        self.say(sign, (visible(host.host), "bold"), f"  ({about})  " if about else "  ", self.counts(host))

    def counts(self, host: HostResult) -> str:
        found = Counter(control.verdict for control in host.controls)
        return ", ".join(f"{found[v]} {self.of(VERDICT[v])}" for v in VERDICT if found[v])

    def control(self, host: HostResult, control: ControlResult) -> None:
        self.console.print()
        verdict = (f"{SIGN[control.verdict]} {self.of(VERDICT[control.verdict])}", _STYLE[control.verdict])
        title = visible(told(control.title, self.locale))
        self.say(verdict, "  ", (title, "bold"), (f"  [{visible(control.control)}]", "dim"), indent=2)
        telling = [check for check in control.checks if check.verdict not in _QUIET]
        for check in telling:
            self.check(host, control, check)
        if not control.checks:
            by_person = control.verdict is Verdict.MANUAL
            self.say(self.of(BY_PERSON if by_person else NO_CHECK), indent=6)
        whole = facts(host, control, _as_check(control), self.locale)
        if whole.requirements:
            name = self.of("requirement") if len(whole.requirements) == 1 else self.of("requirements")
            self.say((f"{name}: ", "dim"), "; ".join(whole.requirements), indent=4)
        if whole.remedy:
            self.say((f"{self.of('remedy')}: ", "dim"), whole.remedy, indent=4)

    def check(self, host: HostResult, control: ControlResult, check: CheckResult) -> None:
        said = facts(host, control, check, self.locale)
        sign = (f"{SIGN[check.verdict]} ", _STYLE[check.verdict])
        self.say(sign, visible(told(check.title, self.locale)), indent=4)
        if said.observed:
            shown = said.observed
            if len(shown) > _OBSERVED_MAX:
                shown = [*shown[: _OBSERVED_MAX - 1], self.more(len(shown) - _OBSERVED_MAX + 1)]
            self.say((f"{self.of('observed')}: ", "dim"), shown[0], indent=6)
            gap = " " * (len(self.of("observed")) + 2)
            for line in shown[1:]:
                self.say(gap, line, indent=6)
            self.say((f"{self.of('accepted')}: ", "dim"), said.accepted, indent=6)
        if said.reason:
            self.say((f"{self.of('reason')}: ", "dim"), said.reason, indent=6)

    def more(self, n: int) -> str:
        return counted("and {n} more line", "and {n} more lines", n, self.locale)

    def totals(self, report: Report) -> None:
        summary = summarise(report)
        of = summary.requirements
        self.console.print()
        hosts = counted(
            "{reached} of {n} host judged",
            "{reached} of {n} hosts judged",
            summary.hosts.total,
            self.locale,
            reached=summary.hosts.reached,
        )
        met = self.of("{met} of {all} requirements met", met=of.met, all=of.applicable)
        excepted = of.met_with_exceptions - of.met
        if excepted:
            met += " " + counted(
                "(and {n} covered by an exception)", "(and {n} covered by exceptions)", excepted, self.locale
            )
        controls = ", ".join(
            f"{summary.controls[v]} {self.of(VERDICT[v])}" for v in VERDICT if summary.controls[v]
        )
        good = report.exit_code() == 0
        outcome = (self.of(OUTCOME[report.exit_code()]), _STYLE[Verdict.PASS if good else Verdict.FAIL])
        told_controls = f"; {self.of('controls')}: {controls}" if controls else ""
        self.say(outcome, f": {hosts}{told_controls}; {met}")


def _as_check(control: ControlResult) -> CheckResult:
    return CheckResult(check=control.control, title=control.title, verdict=control.verdict)
