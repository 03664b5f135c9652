"""The HTML report: one page that needs nothing else, in both languages, for the screen and for paper."""

from __future__ import annotations

import math
import re
from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from babel.dates import format_date, format_time
from babel.numbers import format_percent
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from plumbline.model import Text
from plumbline.report.figure import Flows
from plumbline.report.locales import LOCALES, counted, told, translate
from plumbline.report.page import page_of
from plumbline.report.words import BY_PERSON, NO_CHECK, NOTHING, OUTCOME, SEVERITY, SIGN, VERDICT, visible
from plumbline.verify.results import Report, Verdict

TEMPLATES = Path(__file__).with_name("templates")
_BABEL = {"en": "en_GB", "sk": "sk"}


def render(report: Report, locale: str = "en", flows: Flows | None = None) -> str:
    """Return the report as one HTML page; `locale` is the language shown first, the page can switch.

    `flows`: the diagram of the communication matrix, if there is one.
    """
    return _page(
        "report.html",
        locale,
        _title(report),
        flows,
        script=(TEMPLATES / "script.js").read_text(encoding="utf-8"),
        page=page_of(report),
        words={
            "verdict": VERDICT,
            "sign": SIGN,
            "severity": SEVERITY,
            "outcome": OUTCOME[report.exit_code()],
        },
        everything={language: translate("all", language) for language in LOCALES},
        no_check=NO_CHECK,
        by_person=BY_PERSON,
        nothing=NOTHING,
        Verdict=Verdict,
    )


def render_flows(title: Text, flows: Flows, locale: str = "en") -> str:
    """Return the diagram of a communication matrix as one HTML page, of the report's style."""
    return _page("flows.html", locale, title, flows, heading=title)


def _page(
    template: str, locale: str, title: Text, flows: Flows | None, *, script: str = "", **shown: object
) -> str:
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8") + (flows.style if flows else "")
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(visible=visible, say=say, when=when, percent=percent, drawn=drawn)
    environment.globals.update(t=both, n=both_counted)
    return environment.get_template(template).render(
        locale=locale,
        locales=LOCALES,
        title={language: visible(told(title, language)) for language in LOCALES},
        flows=flows,
        # Markup: style and script are ours; their digests are what the page's policy lets run.
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        policy=_policy(style, script),
        **shown,
    )


def drawn(picture: str) -> Markup:
    """Return a picture of a figure as it is: whoever drew it escaped every word in it."""
    return Markup(picture)  # noqa: S704


def both(msgid: str, **args: object) -> Markup:
    """Return a sentence of ours in both languages, of which the page shows one."""
    return say(Text(**{language: translate(msgid, language, **args) for language in LOCALES}))


def both_counted(one: str, many: str, n: int, **args: object) -> Markup:
    """Return a sentence that counts, in both languages."""
    return say(Text(**{language: counted(one, many, n, language, **args) for language in LOCALES}))


def say(text: Text) -> Markup:
    """Return a text in both languages; once where they are the same."""
    if text.en == text.sk:
        return _marked(text.en)
    return Markup("").join(
        Markup('<span lang="{}">{}</span>').format(language, _marked(told(text, language)))
        for language in LOCALES
    )


def when(moment: datetime) -> Markup:
    """Return a moment in UTC, said so, as each language writes it."""
    moment = moment.astimezone(UTC)
    written = {
        language: f"{format_date(moment, 'long', locale)}, {format_time(moment, 'HH:mm', None, locale)} UTC"
        for language, locale in _BABEL.items()
    }
    return Markup('<time datetime="{}">{}</time>').format(
        moment.isoformat(timespec="seconds"), say(Text(**written))
    )


def percent(share: float | None) -> Markup:
    """Return a share in whole per cent, rounded down: only all is 100 %; a dash when there is none."""
    if share is None:
        return Markup("–")
    whole = math.floor(share * 100 + 1e-9) / 100  # 0.29 * 100 is 28.999…
    return say(
        Text(**{language: format_percent(whole, locale=locale) for language, locale in _BABEL.items()})
    )


def _marked(sentence: str) -> Markup:
    """Escape a sentence; what stands between backticks is code."""
    parts = re.split(r"`([^`]+)`", visible(sentence))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part)
        for number, part in enumerate(parts)
    )


def _title(report: Report) -> Text:
    said = {
        language: f"{translate('Compliance report', language)}"
        f" – {told(report.standard_title, language)} {report.standard_version}"
        for language in LOCALES
    }
    return Text(**said)


def _policy(style: str, script: str) -> str:
    """Return the Content-Security-Policy: this style, this script, and nothing from anywhere."""
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(content: str) -> str:
    return f"sha256-{b64encode(sha256(content.encode()).digest()).decode()}"
