"""How observed and accepted are told: as data, in no language, hostile bytes made visible."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from plumbline.model import Text
from plumbline.verify.cases import Case

LINE_MAX = 400
LINES_MAX = 50

_BEFORE = {"<=": "≤ ", ">=": "≥ ", "<": "< ", ">": "> ", "!=": "≠ ", "not in": "∉ ", "is not": "≠ "}


def plain(value: object) -> str:
    """Return a value as one visible line; control characters become escapes, None a dash."""
    if value is None:
        return "—"
    if isinstance(value, bool):
        return "true" if value else "false"
    line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(value))
    return line if len(line) <= LINE_MAX else line[: LINE_MAX - 1] + "…"


def observed_lines(observed: object) -> list[str]:
    """Return what was observed, a line an element; sets are sorted so that two runs tell the same."""
    if isinstance(observed, Mapping):
        lines = [f"{plain(key)} = {plain(value)}" for key, value in observed.items()]
    elif isinstance(observed, set | frozenset):
        lines = sorted(plain(element) for element in observed)
    elif isinstance(observed, list | tuple):
        lines = [plain(element) for element in observed]
    else:
        lines = [plain(observed)]
    if len(lines) > LINES_MAX:
        lines = [*lines[: LINES_MAX - 1], f"… +{len(lines) - LINES_MAX + 1}"]
    return lines


def accepted_text(operator: str, accepted: object) -> str:
    """Return what is accepted, in one line; nothing at all is the empty text, which reports word."""
    told = ", ".join(observed_lines(accepted))
    return _BEFORE.get(operator, "") + told if told else ""


def title_of(item: pytest.Function, case: Case) -> Text:
    """Return a check's title in both languages: the first line of its docstring, and its setting's key."""
    from plumbline.report.locales import text

    lines = (item.function.__doc__ or item.name).strip().splitlines()
    title = text(lines[0])
    if case.setting is None:
        return title
    return Text(en=f"{title.en} ({case.setting.key})", sk=f"{title.sk} ({case.setting.key})")
