"""The block diagram: every row is an arrow with its words, nothing overlaps, nothing in it can run."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from itertools import combinations
from pathlib import Path
from typing import Literal
from xml.etree.ElementTree import Element

import pytest
from click.testing import CliRunner
from defusedxml.ElementTree import fromstring
from golden import TABLE
from plant import matrix, row

from plumbline.cli import cli
from plumbline.errors import UsageError
from plumbline.matrix.diagram import render
from plumbline.matrix.diagram.sheets import ROWS_A_SHEET, WIDTH_MAX, sheets
from plumbline.matrix.diagram.svg import LETTER
from plumbline.matrix.load import load_matrix
from plumbline.matrix.model import Matrix
from plumbline.rooms import LAB_INVENTORY
from plumbline.spec.load import Inventory, load_inventory

SVG = "{http://www.w3.org/2000/svg}"
Box = tuple[float, float, float, float]


@pytest.fixture(params=["lab", "plant"])
def example(request: pytest.FixtureRequest, inventory: Inventory) -> tuple[Inventory, Matrix]:
    if request.param == "plant":
        return inventory, TABLE
    return load_inventory(LAB_INVENTORY), load_matrix(LAB_INVENTORY).matrix


def texts(drawn: Element) -> list[Box]:
    """Return the box of each text: left, top, right, bottom."""
    found = []
    for one in drawn.iter(f"{SVG}text"):
        x, y, words = float(one.attrib["x"]), float(one.attrib["y"]), one.text or ""
        letter = LETTER * 1.5 if one.attrib["class"] == "title" else LETTER
        left = x - len(words) * letter / 2 if one.attrib["text-anchor"] == "middle" else x
        found.append((left, y - 10, left + len(words) * letter, y + 3))
    return found


def meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@pytest.mark.parametrize("lang", ["en", "sk"])
def test_no_label_meets_another_or_leaves_the_picture(
    example: tuple[Inventory, Matrix], lang: Literal["en", "sk"]
) -> None:
    drawn = fromstring(render(*example, lang))
    boxes = texts(drawn)
    assert len(boxes) > 2 * len(example[1].rows)
    assert [pair for pair in combinations(boxes, 2) if meet(*pair)] == []
    width, height = float(drawn.attrib["width"]), float(drawn.attrib["height"])
    assert [box for box in boxes if box[0] < 0 or box[2] > width or box[3] > height] == []


def test_every_row_is_an_arrow_with_its_words(example: tuple[Inventory, Matrix]) -> None:
    drawn = fromstring(render(*example))
    arrows = [group for group in drawn.iter(f"{SVG}g") if group.find(f"{SVG}title") is not None]
    assert len(arrows) == len(example[1].rows)
    for group, one in zip(arrows, example[1].rows, strict=True):
        words = [text.text or "" for text in group.iter(f"{SVG}text")]
        assert words[0] == one.data
        assert words[1].startswith(f"{one.id} · {one.service} · {one.protocol.upper()} ")
        assert group.attrib["class"] == ("clear" if one.encryption == "none" else "secured")


@pytest.mark.parametrize(("direction", "base"), [("to-destination", "l-10 "), ("to-source", "l10 ")])
def test_heads_point_where_the_data_goes(inventory: Inventory, direction: str, base: str) -> None:
    """`plc-gw` stands left of `hist` and opens the connection; a head's base lies behind its tip."""
    one = Matrix.model_validate({"rows": [row(direction=direction)]})
    drawn = fromstring(render(inventory, one))
    (group,) = [group for group in drawn.iter(f"{SVG}g") if group.find(f"{SVG}title") is not None]
    (path,) = [path.attrib["d"] for path in group.iter(f"{SVG}path") if path.attrib["class"] == "head"]
    assert base in path
    (ring,) = group.iter(f"{SVG}circle")
    tip = float(path[1:].partition(" ")[0])
    assert (tip > float(ring.attrib["cx"]) + 20) == (direction == "to-destination")


def test_it_is_told_to_who_does_not_see_it(inventory: Inventory) -> None:
    drawn = fromstring(render(inventory, matrix(row()), "sk"))
    ids = [drawn.find(f"{SVG}{name}").attrib["id"] for name in ("title", "desc")]  # type: ignore[union-attr]  # both are there
    assert drawn.attrib["aria-labelledby"].split() == ids
    told = drawn.find(f"{SVG}desc").text or ""  # type: ignore[union-attr]  # as above
    assert "history: plc-gw posiela process history do hist (PostgreSQL over TLS · TCP 5432 · TLS)." in told


HOSTILE = '</text><script>alert(1)</script>"&'


def test_words_of_a_row_stay_words(inventory: Inventory) -> None:
    drawn = render(inventory, matrix(row(service=HOSTILE, data=HOSTILE)))
    parsed = fromstring(drawn)
    assert list(parsed.iter(f"{SVG}script")) == []
    assert HOSTILE in {text.text for text in parsed.iter(f"{SVG}text")}


def test_nothing_is_fetched_and_nothing_runs(example: tuple[Inventory, Matrix]) -> None:
    drawn = fromstring(render(*example))
    tags = {one.tag.removeprefix(SVG) for one in drawn.iter()}
    assert tags == {"svg", "title", "desc", "style", "rect", "text", "line", "path", "circle", "g"}
    names = {name for one in drawn.iter() for name in one.attrib}
    assert not {name for name in names if name.startswith("on") or "href" in name}
    assert "url(" not in (drawn.find(f"{SVG}style").text or "")  # type: ignore[union-attr]  # it is there


def test_both_schemes_have_every_colour() -> None:
    style = fromstring(render(load_inventory(LAB_INVENTORY), Matrix(rows=[]))).find(f"{SVG}style")
    assert style is not None
    light, _, dark = (style.text or "").partition("@media screen and (prefers-color-scheme: dark) {")
    assert light.count("fill: #") == dark.count("fill: #") > 0
    assert light.count("stroke: #") == dark.count("stroke: #") > 0


def test_hosts_of_a_system_that_no_row_names_are_one_block(inventory: Inventory) -> None:
    drawn = fromstring(render(inventory, matrix(row(destination=["plc-gw"], source=["10.1.1.5"]))))
    words = {text.text for text in drawn.iter(f"{SVG}text")}
    assert {"plc-gw", "system:heat", "2 hosts"} <= words
    assert "hist" not in words


def test_the_command_writes_it(tmp_path: Path) -> None:
    file = tmp_path / "flows.svg"
    done = CliRunner().invoke(cli, ["matrix", "diagram", "-i", str(LAB_INVENTORY), "-o", str(file)])
    assert done.exit_code == 0, done.output
    assert file.read_text() == render(load_inventory(LAB_INVENTORY), load_matrix(LAB_INVENTORY).matrix)


def many(count: int) -> Matrix:
    """Return so many rows from hosts and ranges of three VLANs to the plant's."""
    ends = ["plc-gw", "desk", "10.1.1.0/28", "10.1.9.5", "vlan:office", "10.7.7.7"]
    made = [
        row(f"row-{n}", source=[ends[n % 6]], destination=[ends[(n * 5 + 1) % 6]], ports=[str(4000 + n)])
        for n in range(count)
    ]
    return Matrix.model_validate({"rows": made})


def test_few_rows_are_one_sheet(inventory: Inventory) -> None:
    (sheet,) = sheets(inventory, many(5))
    assert set(sheet.pictures) == {"en", "sk"}


def test_many_rows_are_sheets_that_can_be_read_on_paper(inventory: Inventory) -> None:
    table = many(60)
    found = [fromstring(sheet.pictures["en"]) for sheet in sheets(inventory, table)]
    told = [(one.find(f"{SVG}desc").text or "") for one in found]  # type: ignore[union-attr]  # each has one
    drawn = [name for one in told for name in re.findall(r"(row-\d+): ", one)]
    assert sorted(drawn) == sorted(row.id for row in table.rows)
    assert max(one.count("row-") for one in told) <= ROWS_A_SHEET
    assert max(float(one.attrib["width"]) for one in found) <= WIDTH_MAX
    titles = [one.find(f"{SVG}title").text for one in found]  # type: ignore[union-attr]  # as above
    assert "plant: flows to VLAN 20 office (1/2)" in titles
    assert "plant: flows to what is in no VLAN of the site" in titles
    assert len(titles) == len(set(titles)) > 4


def test_ids_are_distinct_in_a_page(inventory: Inventory) -> None:
    drawn = [picture for sheet in sheets(inventory, many(60)) for picture in sheet.pictures.values()]
    ids = re.findall(r' id="([^"]+)"', "".join(drawn))
    assert len(ids) == len(set(ids)) == 2 * len(drawn)


def test_the_page_holds_both_languages_and_lets_nothing_run(tmp_path: Path) -> None:
    file = tmp_path / "flows.html"
    done = CliRunner().invoke(cli, ["matrix", "diagram", "-i", str(LAB_INVENTORY), "-o", str(file)])
    assert done.exit_code == 0, done.output
    text = file.read_text()
    assert "opens the connection" in text
    assert "otvára spojenie" in text
    assert "<script" not in text
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.S)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert f"style-src &#39;sha256-{digest}&#39;" in text or f"style-src 'sha256-{digest}'" in text


@pytest.mark.parametrize("wrong", ["\x00", "\x1b[31m", "\u202e", "\ufffe", "\ud800"])
def test_what_xml_forbids_is_made_visible(inventory: Inventory, wrong: str) -> None:
    """The table refuses it already; who makes rows by another road gets a picture nevertheless."""
    one = many(1).rows[0].model_copy(update={"data": f"a{wrong}b", "service": f"a{wrong}b"})
    drawn = render(inventory, Matrix(rows=[]).model_copy(update={"rows": [one]}))
    assert wrong not in drawn
    fromstring(drawn.encode())


def test_other_kinds_of_file_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "flows.png"
    done = CliRunner().invoke(cli, ["matrix", "diagram", "-i", str(LAB_INVENTORY), "-o", str(file)])
    assert isinstance(done.exception, UsageError)
    assert not file.exists()
