"""The HTML report: one page, whole in itself, that no hostile value can change."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from jinja2 import Environment, nodes
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

from plumbline.matrix.diagram.sheets import sheets
from plumbline.matrix.diagram.svg import STYLE
from plumbline.matrix.load import load_matrix
from plumbline.model import Text
from plumbline.report import locales
from plumbline.report.figure import Flows
from plumbline.report.html import TEMPLATES, percent, render
from plumbline.rooms import LAB_INVENTORY
from plumbline.spec.load import load_inventory
from plumbline.verify.results import Report, Verdict

VOID = {"meta", "input", "rect"}


class Page(HTMLParser):
    """A parsed page: its elements in order, its text, and what is not closed properly."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.raw: dict[str, str] = {}
        self.wrong: list[str] = []
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in {"style", "script", "title"}:
            self.raw[self.open[-1]] = self.raw.get(self.open[-1], "") + data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def hostile() -> Report:
    """A run in which every text that is not ours is hostile."""
    text = Text(en=HOSTILE, sk=f"</span><script>alert('sk')</script>{HOSTILE}")
    failed = check("c", HOSTILE, HOSTILE, Verdict.FAIL, observed=[HOSTILE, HOSTILE], accepted=HOSTILE)
    unknown = check("u", HOSTILE, HOSTILE, Verdict.UNKNOWN, reason=text, probes=[HOSTILE])
    made = control("no-autorun", "server.no-autorun", failed, unknown).model_copy(
        update={"control": HOSTILE, "title": text, "remedy": text, "severity": HOSTILE, "meets": [HOSTILE]}
    )
    judged = application_server(HOSTILE, HOSTILE)
    requirement = judged.requirements[0].model_copy(
        update={"requirement": HOSTILE, "chapter": HOSTILE, "text": text}
    )
    judged = judged.model_copy(
        update={"controls": [made], "requirements": [requirement], "system": HOSTILE, "profile": HOSTILE}
    )
    lost = unreached(HOSTILE).model_copy(update={"problem": text})
    return report_of(judged, lost).model_copy(
        update={
            "standard_title": text,
            "standard_version": HOSTILE,
            "tool": HOSTILE,
            "chapters": {HOSTILE: text},
        }
    )


@pytest.mark.parametrize("report", [sample(), hostile(), report_of()], ids=["sample", "hostile", "empty"])
@pytest.mark.parametrize("locale", ["en", "sk"])
def test_the_page_is_whole(report: Report, locale: str) -> None:
    page = Page(render(report, locale))
    assert page.wrong == []
    assert page.open == []
    assert page.all("html") == [{"lang": locale}]
    anchors = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(anchors) == len(set(anchors))
    for link in page.all("a"):
        assert link["href"] is not None
        assert link["href"].startswith("#")
        assert link["href"][1:] in anchors
    for _, attributes in page.elements:
        named = attributes.get("aria-labelledby")
        assert named is None or named in anchors


def test_hostile_values_never_become_markup() -> None:
    ours = {tag for tag, _ in Page(render(sample())).elements}
    content = render(hostile())
    page = Page(content)
    assert {tag for tag, _ in page.elements} <= ours
    assert len(page.all("script")) == 1
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert not set("\x1b\x00\u202e") & set(content)
    assert "&lt;img src=x onerror=alert(1)&gt;" in content


def test_nothing_comes_from_elsewhere() -> None:
    content = render(sample())
    assert not {"link", "img", "iframe", "object", "base"} & {tag for tag, _ in Page(content).elements}
    assert "://" not in content
    assert "url(" not in content
    assert "@import" not in content
    assert not [attributes for _, attributes in Page(content).elements if {"src", "style"} & set(attributes)]


def test_the_policy_lets_only_our_style_and_script_run() -> None:
    page = Page(render(sample()))
    policy = page.all("meta")[1]
    assert policy["http-equiv"] == "Content-Security-Policy"
    for kind in ("style", "script"):
        digest = b64encode(sha256(page.raw[kind].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in (policy["content"] or "")
    assert "default-src 'none'" in (policy["content"] or "")


@pytest.mark.parametrize("locale", ["en", "sk"])
def test_both_languages_are_on_the_page_and_one_is_chosen(locale: str) -> None:
    content = render(sample(), locale)
    chosen = [radio["value"] for radio in Page(content).all("input") if "checked" in radio]
    assert chosen == [locale]
    assert '<span lang="en">Nothing is forwarded</span><span lang="sk">Nič sa nepreposiela</span>' in content
    assert (
        '<span lang="en">9 March 2025, 22:00 UTC</span><span lang="sk">9. marca 2025, 22:00 UTC</span>'
        in content
    )
    spans = [attributes.get("lang") for attributes in Page(content).all("span")]
    assert spans.count("en") == spans.count("sk")


def test_the_title_is_in_the_chosen_language() -> None:
    assert Page(render(sample(), "sk")).raw["title"].startswith("Správa o súlade – Všeobecné pravidlá")


def test_every_sentence_of_the_templates_has_slovak() -> None:
    for name in ("report.html", "parts.html"):
        tree = Environment(autoescape=True).parse((TEMPLATES / name).read_text(encoding="utf-8"))
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name in {"t", "n"}:
                first = call.args[0]
                if isinstance(first, nodes.Const):
                    assert first.value in locales._catalogue("sk"), first.value


def test_a_verdict_is_told_by_word_and_sign_not_by_colour_alone() -> None:
    many = report_of(*(application_server(f"srv-{number}") for number in range(8)))
    for report in (sample(), many):
        cells = re.findall(
            r'<td class="cell"[^>]*data-verdict="([^"]*)">(.*?)</td>', render(report), re.DOTALL
        )
        assert cells
        for verdict, cell in cells:
            plain = re.sub(r"<[^>]*>", " ", cell).split()
            assert len(plain) >= 3, (verdict, cell)


def test_a_cell_leads_to_the_control_on_that_host() -> None:
    content = render(sample())
    row = content[content.index("Hosts do not route between networks.") :]
    cells = re.findall(r'<a href="#([^"]*)"><span class="verdict v-([a-z-]*)', row.split("</tr>", 1)[0])
    assert cells == [
        ("host-srv-visu-01", "unknown"),
        ("host-srv-app-01--no-forwarding", "fail"),
        ("host-srv-hist-01--no-forwarding", "pass"),
    ]


def test_a_requirement_a_host_is_not_held_to_is_no_verdict() -> None:
    content = render(sample())
    row = content[content.index("Only IPv4 is used on OT networks.") :].split("</tr>", 1)[0]
    assert 'data-host="host-srv-hist-01"><span aria-hidden="true">·</span>' in row


def test_what_is_not_good_is_open_and_what_passes_is_folded() -> None:
    opened = {
        control["id"]: "open" in control
        for control in Page(render(report_of(application_server()))).all("details")
    }
    assert opened["host-srv-app-01--no-forwarding"]
    assert opened["host-srv-app-01--antivirus-signatures"]
    assert opened["host-srv-app-01--default-deny"]
    assert not opened["host-srv-app-01--ipv4-only"]


def test_the_filter_needs_the_script_and_hides_without_it() -> None:
    assert [form for form in Page(render(sample())).all("form") if "hidden" in form]


def test_many_hosts_are_split_into_tables_that_fit() -> None:
    many = report_of(*(history_server(f"srv-{number:03d}") for number in range(30)))
    content = render(many)
    tables = re.findall(r'<table class="narrow">.*?</thead>', content, re.DOTALL)
    assert [table.count('class="cell"') for table in tables] == [12, 12, 6]


def test_hosts_of_the_same_name_have_anchors_of_their_own() -> None:
    page = Page(render(report_of(history_server("srv"), unreached("srv"), unreached("srv!"))))
    assert [section["id"] for section in page.all("section") if "data-host" in section] == [
        "host-srv",
        "host-srv-2",
        "host-srv-3",
    ]


@pytest.mark.parametrize(
    ("share", "en"),
    [(None, "–"), (0.0, "0%"), (0.996, "99%"), (1.0, "100%"), (2 / 3, "66%"), (0.29, "29%"), (0.57, "57%")],
)
def test_a_share_is_never_rounded_up(share: float | None, en: str) -> None:
    assert en in percent(share)


def test_signature_and_digest_are_shown() -> None:
    content = render(sample())
    assert "CN=Teplárenský dodávateľ, O=Example Automation" in content
    assert "sha256:9b1c8f3e2a7d4c6b5e0f1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f" in content
    assert '<span lang="en">not signed</span>' in content


def test_a_control_without_checks_says_so() -> None:
    lost = host("srv", "10.89.0.9", [control("ipv4-only", "network.ipv4-only")], None)
    assert "no check judged this control" in render(report_of(lost))


def drawn_flows() -> Flows:
    """Return the worked example's diagram, a word of which is hostile."""
    inventory, matrix = load_inventory(LAB_INVENTORY), load_matrix(LAB_INVENTORY).matrix
    row = matrix.rows[0].model_copy(update={"data": HOSTILE})
    drawn = sheets(inventory, matrix.model_copy(update={"rows": [row, *matrix.rows[1:]]}))
    return Flows(len(matrix.rows), tuple(drawn), STYLE)


def test_the_diagram_of_flows_is_in_the_page_in_both_languages() -> None:
    flows = drawn_flows()
    content = render(sample(), flows=flows)
    page = Page(content)
    assert page.wrong == []
    assert len([one for one in page.all("svg") if one.get("class") == "flows"]) == 2 * len(flows.sheets)
    assert page.all("script") == [{}]
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_the_policy_lets_the_diagram_be_drawn() -> None:
    content = render(sample(), flows=drawn_flows())
    (style,) = re.findall(r"<style>(.*?)</style>", content, re.S)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert f"sha256-{digest}" in (Page(content).all("meta")[1]["content"] or "")
    assert ".flows .arrow" in style


def test_too_many_rows_to_draw_are_said_and_no_matrix_is_nothing() -> None:
    assert "500 rows are too many to draw" in render(sample(), flows=Flows(500, ()))
    assert "communication matrix" not in render(sample())
