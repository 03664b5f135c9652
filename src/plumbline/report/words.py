"""The words and signs for verdicts in every report, and how text from hosts is made harmless."""

from __future__ import annotations

from plumbline.errors import COMPLIANT, NOT_COMPLIANT, NOT_REACHED, NOTHING_CHECKED
from plumbline.verify.results import Verdict

VERDICT = {
    Verdict.PASS: "pass",
    Verdict.FAIL: "fail",
    Verdict.WAIVED: "exception",
    Verdict.NOT_APPLICABLE: "not applicable",
    Verdict.UNKNOWN: "unknown",
    Verdict.MANUAL: "by a person",
}
"""msgid of each verdict, in the order that reports count them."""

SIGN = {
    Verdict.PASS: "✓",
    Verdict.FAIL: "✕",
    Verdict.WAIVED: "~",
    Verdict.NOT_APPLICABLE: "–",
    Verdict.UNKNOWN: "?",
    Verdict.MANUAL: "…",
}
"""One character a verdict, so that colour alone never tells it."""

OUTCOME = {
    COMPLIANT: "Compliant",
    NOT_COMPLIANT: "Not compliant",
    NOT_REACHED: "Some hosts were not judged",
    NOTHING_CHECKED: "Nothing was checked",
}
"""msgid of what the whole run came to, by exit code."""

SEVERITY = {"high": "high", "medium": "medium", "low": "low"}
"""msgid of each severity."""
SEVERITY_ORDER = {"high": 0, "medium": 1, "low": 2}

NOTHING = "nothing"
"""msgid for an empty observation or an empty list of what is accepted."""
NO_CHECK = "no check judged this control"
"""msgid for a control without any check."""
BY_PERSON = "a person judges this"
"""msgid for what no machine can judge."""


_UNBROKEN_SPACES = "\u00a0\u202f"


def visible(line: str) -> str:
    """Return text from a host as one line that can do nothing: what does not print becomes an escape.

    Line breaks, terminal sequences, characters that XML forbids and those that turn the writing direction
    all lose their effect.
    """
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() or c in _UNBROKEN_SPACES else _escape(c) for c in line)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
