"""The matrix as CSV and workbook: nothing is lost, nothing becomes a formula, bad cells are named."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from golden import FOLDER, WORKBOOK
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from plant import matrix, row

from plumbline.errors import InputError
from plumbline.findings import FindingsError
from plumbline.matrix.load import load_matrix
from plumbline.matrix.model import CLASSIFICATIONS, DEPARTMENTS, Matrix
from plumbline.matrix.table.columns import COLUMNS, Lang
from plumbline.matrix.table.comma import read_csv, write_csv
from plumbline.matrix.table.workbook import write_workbook
from plumbline.matrix.table.workbook_read import read_workbook
from plumbline.matrix.writing import write_yaml

WORDS = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=30)
SENTENCES = st.lists(WORDS, min_size=1, max_size=3).map(" ".join)
NAMES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
ENDS = st.one_of(
    st.ip_addresses(v=4).map(str), NAMES, NAMES.map("vlan:{}".format), NAMES.map("system:{}".format)
)
PORTS = st.lists(st.integers(1, 65535), min_size=1, max_size=2).map(
    lambda p: "-".join(map(str, sorted(set(p))))
)
DAYS = st.dates(date(2001, 1, 1), date(2099, 12, 31))


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    icmp = draw(st.booleans())
    return {
        "id": draw(NAMES),
        "source": draw(st.lists(ENDS, min_size=1, max_size=4, unique=True)),
        "destination": draw(st.lists(ENDS, min_size=1, max_size=4, unique=True)),
        **(
            {"protocol": "icmp", "icmp_types": ["echo-request"]}
            if icmp
            else {
                "protocol": draw(st.sampled_from(["tcp", "udp"])),
                "ports": draw(st.lists(PORTS, min_size=1, max_size=4, unique=True)),
            }
        ),
        "service": draw(SENTENCES),
        "direction": draw(st.sampled_from(["to-destination", "to-source", "both"])),
        "data": draw(SENTENCES),
        "encryption": draw(st.sampled_from(["none", "tls", "opc-ua", "application"])),
        "classification": draw(st.sampled_from(CLASSIFICATIONS)),
        "credentials": draw(st.booleans()),
        "justification": draw(WORDS),
        "requested_by": draw(WORDS),
        "approved_by": draw(st.dictionaries(st.sampled_from(DEPARTMENTS), DAYS)),
        "valid_until": draw(st.none() | DAYS),
    }


MATRICES = st.builds(
    lambda found, names: Matrix.model_validate({"names": names, "rows": found}),
    st.lists(rows(), max_size=6, unique_by=lambda one: one["id"]),
    st.dictionaries(
        NAMES.map("{}.test".format),
        st.lists(st.ip_addresses(v=4).map(str), min_size=1, max_size=2),
        max_size=2,
    ),
)


def through_csv(one: Matrix, path: Path, lang: Lang) -> Matrix:
    for old in path.parent.glob("*.csv"):
        old.unlink()
    write_csv(one, path.with_suffix(".csv"), lang)
    return read_csv(path.with_suffix(".csv"))


def through_workbook(one: Matrix, path: Path, lang: Lang) -> Matrix:
    write_workbook(one, path.with_suffix(".xlsx"), lang)
    return read_workbook(path.with_suffix(".xlsx"))


@pytest.mark.parametrize("lang", ["en", "sk"])
@pytest.mark.parametrize("through", [through_csv, through_workbook])
@settings(
    deadline=None,
    max_examples=15,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(one=MATRICES)
def test_yaml_to_table_to_yaml_loses_nothing(
    one: Matrix, through: Callable[[Matrix, Path, Lang], Matrix], lang: Lang, tmp_path: Path
) -> None:
    write_yaml(one, tmp_path / "before.yml")
    before = load_matrix(tmp_path / "before.yml").matrix
    assert before == one
    write_yaml(through(before, tmp_path / "table", lang), tmp_path / "after.yml")
    assert (tmp_path / "after.yml").read_bytes() == (tmp_path / "before.yml").read_bytes()


@pytest.mark.parametrize("text", ["=1+1", "+49 2 telegrams", "-5", "@SUM(A1)", "'quoted", '=HYPERLINK("x")'])
def test_no_value_becomes_a_formula(text: str, tmp_path: Path) -> None:
    one = matrix(row(service=text))
    assert through_workbook(one, tmp_path / "t", "en") == one
    assert through_csv(one, tmp_path / "t", "en") == one
    sheet = load_workbook(tmp_path / "t.xlsx").worksheets[0]
    assert {cell.data_type for line in sheet.iter_rows() for cell in line if cell.value is not None} <= {
        "s",
        "d",
    }
    assert f",{text}," not in (tmp_path / "t.csv").read_text("utf-8-sig") or not text.startswith(
        ("=", "+", "-", "@")
    )


def book(path: Path, *changes: tuple[str, object]) -> Path:
    """Write a workbook of one good row in line 2, and then put these values into cells."""
    write_workbook(Matrix.model_validate({"rows": [row()]}), path)
    opened = load_workbook(path)
    for cell, value in changes:
        opened.worksheets[0][cell] = value
    opened.save(path)
    return path


BAD_CELLS: dict[str, tuple[str, object, str]] = {
    "a_formula": ("F2", "=A2", "Matrix!F2: the cell holds a formula"),
    "ports_that_became_a_date": (
        "E2",
        datetime(2026, 10, 12),
        "Matrix!E2: the spreadsheet made a date of it",
    ),
    "a_port_too_high": ("E2", "70000", "Matrix!E2: "),
    "half_a_port": ("E2", 44.5, "Matrix!E2: 44.5 is no whole number"),
    "an_unknown_protocol": ("D2", "sctp", "Matrix!D2: 'sctp' is none of tcp, udp, icmp"),
    "no_source": ("B2", None, "Matrix!B2: the cell is empty"),
    "a_date_in_words": ("N2", "last week", "Matrix!N2: 'last week' is no date"),
    "neither_yes_nor_no": ("K2", "maybe", "Matrix!K2: 'maybe' is neither yes nor no"),
    "a_column_nobody_knows": ("C1", "Target", "Matrix!C1: 'Target' is no column"),
    "a_column_twice": ("C1", "Source", "Matrix!C1: the column Source stands here a second time"),
    "an_address_that_is_none": ("B2", "10.1.1.!", "Matrix!B2: "),
}


@pytest.mark.parametrize(("cell", "value", "told"), BAD_CELLS.values(), ids=BAD_CELLS)
def test_bad_cell_is_named(cell: str, value: object, told: str, tmp_path: Path) -> None:
    with pytest.raises(FindingsError) as raised:
        read_workbook(book(tmp_path / "t.xlsx", (cell, value)))
    assert any(one.message.startswith(told) for one in raised.value.findings), raised.value.findings


def test_two_rows_of_one_id_are_refused(tmp_path: Path) -> None:
    write_workbook(Matrix.model_validate({"rows": [row("a"), row("b")]}), tmp_path / "t.xlsx")
    opened = load_workbook(tmp_path / "t.xlsx")
    opened.worksheets[0]["A3"] = "a"
    opened.save(tmp_path / "t.xlsx")
    with pytest.raises(FindingsError, match="row ids stand twice: a"):
        read_workbook(tmp_path / "t.xlsx")


def test_numbers_and_slovak_words_are_understood(tmp_path: Path) -> None:
    path = book(tmp_path / "t.xlsx", ("E2", 5432), ("D2", "TCP"), ("K2", "áno"), ("N2", "2. 3. 2026"))
    (read,) = read_workbook(path).rows
    assert (read.ports, read.protocol, read.credentials) == (["5432"], "tcp", True)
    assert read.approved_by["cyber-security"] == date(2026, 3, 2)


@pytest.mark.parametrize("name", ["libreoffice-7.4.xlsx", "libreoffice-7.4-through-ods.xlsx"])
def test_a_workbook_that_libreoffice_saved_is_the_same_matrix(name: str) -> None:
    """One of English headers, saved again; one of Slovak headers, saved as ODS and then as XLSX."""
    assert read_workbook(FOLDER / name) == WORKBOOK


def test_spaces_that_do_not_break_are_spaces(tmp_path: Path) -> None:
    (read,) = read_workbook(book(tmp_path / "t.xlsx", ("F2", "PostgreSQL\u00a0over TLS\u00a0"))).rows
    assert read.service == "PostgreSQL over TLS"


def test_template_offers_what_a_cell_may_hold(tmp_path: Path) -> None:
    write_workbook(Matrix(rows=[]), tmp_path / "t.xlsx", "sk")
    sheet = load_workbook(tmp_path / "t.xlsx").worksheets[0]
    assert [cell.value for cell in sheet[1]] == [column.sk for column in COLUMNS]
    lists = {
        str(rule.sqref): rule.formula1
        for rule in sheet.data_validations.dataValidation
        if rule.type == "list"
    }
    assert lists["D2:D2000"] == '"TCP,UDP,ICMP"'
    assert lists["J2:J2000"] == '"verejné,interné,dôverné,prísne dôverné"'
    assert sheet["E2"].number_format == "@" or sheet.column_dimensions["E"].number_format == "@"


def test_a_format_on_whole_columns_is_no_million_rows(tmp_path: Path) -> None:
    write_workbook(Matrix.model_validate({"rows": [row()]}), tmp_path / "t.xlsx")
    opened = load_workbook(tmp_path / "t.xlsx")
    opened.worksheets[0].cell(1_048_576, 1).number_format = "@"
    opened.save(tmp_path / "t.xlsx")
    assert len(read_workbook(tmp_path / "t.xlsx").rows) == 1


def test_a_workbook_with_macros_is_refused(tmp_path: Path) -> None:
    path = book(tmp_path / "t.xlsx")
    with zipfile.ZipFile(path, "a") as packed:
        packed.writestr("xl/vbaProject.bin", b"x")
    with pytest.raises(InputError, match="holds macros"):
        read_workbook(path)


def test_what_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    path = book(tmp_path / "t.xlsx")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/media/zeros", b"\0" * (257 * 1024 * 1024))
    with pytest.raises(InputError, match="would unpack to 257 MiB"):
        read_workbook(path)


ENTITIES = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><worksheet>&a;</worksheet>'
)


def test_entities_are_not_read(tmp_path: Path) -> None:
    path = book(tmp_path / "t.xlsx")
    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    with zipfile.ZipFile(path, "w") as packed:
        for name, data in parts.items():
            packed.writestr(name, ENTITIES if name == "xl/worksheets/sheet1.xml" else data)
    with pytest.raises(InputError, match="is no workbook that can be read"):
        read_workbook(path)


@pytest.mark.parametrize("keep", [0, 10, 200, 2000])
def test_a_workbook_cut_off_is_told_so(keep: int, tmp_path: Path) -> None:
    path = book(tmp_path / "t.xlsx")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError):
        read_workbook(path)


def test_csv_that_is_no_text_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"\xff\xfe\x00Id,Source")
    with pytest.raises(InputError, match="no CSV in UTF-8"):
        read_csv(tmp_path / "t.csv")


def test_semicolons_of_a_slovak_spreadsheet_are_understood(tmp_path: Path) -> None:
    one = matrix(row())
    write_csv(one, tmp_path / "t.csv", "sk")
    lines = list(csv.reader((tmp_path / "t.csv").read_text("utf-8-sig").splitlines()))
    with (tmp_path / "s.csv").open("w", encoding="utf-8") as file:
        csv.writer(file, delimiter=";").writerows(lines)
    assert read_csv(tmp_path / "s.csv") == one
