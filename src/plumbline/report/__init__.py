"""Telling the verdicts: a writer each for JSON, JUnit, the terminal and one HTML page."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plumbline.report.figure import Flows
    from plumbline.verify.results import Report

Render = Callable[["Report", str], str]
"""Tells a report in a language (`en` or `sk`)."""


def _lazily(module: str, function: str = "render") -> Render:
    """Return a module's writer; the module, and the libraries it needs, are imported on the first call."""

    def render(report: Report, locale: str = "en") -> str:
        told: str = getattr(importlib.import_module(module), function)(report, locale)
        return told

    return render


WRITERS: dict[str, Render] = {
    "text": _lazily("plumbline.report.text", "render_for_stdout"),
    "json": _lazily("plumbline.report.json"),
    "junit": _lazily("plumbline.report.junit"),
    "html": _lazily("plumbline.report.html"),
}
"""The writers by name, as `--format` takes them."""


def write(kind: str, report: Report, path: Path, locale: str = "en", flows: Flows | None = None) -> None:
    """Write a report to a file, whole or not at all.

    `kind` is a name of `WRITERS`; `flows` is for the HTML page alone. Raises PlumblineError with a sentence
    when the folder is missing, may not be written to, or the disk is full.
    """
    from plumbline.report.writing import write_whole

    if kind == "html":
        from plumbline.report import html

        write_whole(path, html.render(report, locale, flows))
        return
    render = _lazily("plumbline.report.text") if kind == "text" else WRITERS[kind]
    write_whole(path, render(report, locale))
