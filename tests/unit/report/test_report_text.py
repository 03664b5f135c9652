"""The report for the terminal: what a person sees first, and what stays out of the way."""

from __future__ import annotations

import io
import sys

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

from plumbline.report import WRITERS
from plumbline.report.text import render
from plumbline.verify.results import Report, Verdict


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines(report: Report, locale: str = "en") -> list[str]:
    return [line for line in render(report, locale).splitlines() if line]


def test_hosts_not_reached_come_first_and_totals_last() -> None:
    told = lines(sample())
    assert told[1] == ("? srv-visu-01  not judged: the host key has changed; nothing was asked of the host")
    assert told[-1] == (
        "Some hosts were not judged: 2 of 3 hosts judged; controls: 9 pass, 3 fail, 1 exception, "
        "1 not applicable, 1 unknown, 1 by a person; 9 of 24 requirements met (and 1 covered by an exception)"
    )


def test_a_failure_names_the_check_the_observation_and_the_way_out() -> None:
    told = lines(report_of(application_server()))
    at = told.index("  ✕ fail  Nothing is forwarded  [no-forwarding]")
    assert told[at + 1 : at + 7] == [
        "    ✕ No interface forwards IPv4 packets now.",
        "      observed: net.ipv4.conf.all.forwarding = 1",
        "                net.ipv4.conf.host0.forwarding = 1",
        "      accepted: 0",
        "    requirement: network.no-routing, chapter 4.2",
        "    remedy: Run `plumb apply` for the subject network, or set it by hand and check again.",
    ]


def test_what_passes_is_not_told_control_by_control() -> None:
    told = render(report_of(application_server()))
    assert "ipv4-only" not in told
    assert "after the next boot" not in told


def test_the_worst_comes_first() -> None:
    told = lines(report_of(application_server()))
    signs = [line.split()[0] for line in told if line.endswith("]")]
    assert signs == ["✕", "✕", "✕", "?", "…", "~"]


def test_an_exception_still_shows_the_failure() -> None:
    told = lines(report_of(application_server()))
    at = told.index("  ~ exception  The firewall drops what is not allowed  [default-deny]")
    assert told[at + 2] == "      observed: chain input: policy accept (nft list ruleset)"


def test_unknown_says_why() -> None:
    told = render(report_of(application_server()))
    assert "reason: the probe clamav-signatures did not finish within 10 s" in told


def test_a_hundred_good_hosts_take_a_line_each() -> None:
    report = report_of(*(history_server(f"srv-{number:03d}") for number in range(100)))
    told = render(report).splitlines()
    assert len([line for line in told if line.startswith("✓ srv-")]) == 100
    assert len(told) == 100 + len(["title", "", "", "totals"])
    assert told[-1].startswith("Compliant: 100 of 100 hosts judged")


def test_long_observations_are_cut_and_say_so() -> None:
    observed = [f"eth{number} = 1" for number in range(30)]
    failed = check("c", "Check.", "Kontrola.", Verdict.FAIL, observed=observed, accepted="0")
    report = report_of(
        host("srv", "10.89.0.9", [control("no-forwarding", "network.no-routing", failed)], None)
    )
    told = render(report)
    assert "eth6 = 1" in told
    assert "eth7 = 1" not in told
    assert "and 23 more lines" in told
    assert "a ešte 23 riadkov" in render(report, "sk")


def test_without_a_terminal_there_is_no_colour_and_no_broken_line(capsys: pytest.CaptureFixture[str]) -> None:
    del capsys  # standard output is no terminal under it
    told = WRITERS["text"](sample(), "en")
    assert "\x1b" not in told
    assert told == render(sample())


def test_on_a_terminal_there_is_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "stdout", Terminal())
    told = WRITERS["text"](sample(), "en")
    assert "\x1b[1;31m✕" in told


def test_no_color_is_heeded_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert "\x1b" not in WRITERS["text"](sample(), "en")


def test_lines_fit_the_terminal_and_hang() -> None:
    told = render(sample(), width=60).splitlines()
    assert max(map(len, told)) <= 60
    at = told.index("    remedy: Run `plumb apply` for the subject network, or")
    assert told[at + 1] == "      set it by hand and check again."


def test_terminal_sequences_of_a_host_do_nothing() -> None:
    told = render(report_of(application_server()))
    assert HOSTILE not in told
    assert r"\x1b[2J\x00\u202egnp.exe" in told
    assert not set("\x1b\x00\u202e") & set(told)


def test_markup_of_rich_is_text_here() -> None:
    report = report_of(unreached("[red]srv[/red]"))
    assert "? [red]srv[/red]  not judged" in render(report, colour=False)


def test_nothing_checked_is_said() -> None:
    assert lines(report_of())[-1].startswith("Nothing was checked: 0 of 0 hosts judged")


def test_slovak() -> None:
    told = render(sample(), "sk")
    assert "? srv-visu-01  neposúdené: kľúč servera sa zmenil" in told
    assert "✕ nevyhovuje  Nič sa nepreposiela  [no-forwarding]" in told
    assert "požiadavka: network.no-routing, kapitola 4.2" in told
    assert "splnené požiadavky: 9 z 24 (a 1 pokrytá výnimkou)" in told
