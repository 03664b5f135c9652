"""Tables that somebody made to deceive or to harm: each is refused by its place, and nothing of it runs."""

from __future__ import annotations

import csv
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.worksheet.formula import ArrayFormula
from plant import found, row

from plumbline.errors import InputError
from plumbline.findings import FindingsError
from plumbline.matrix.compile import ios, windows
from plumbline.matrix.flows import host_flows
from plumbline.matrix.model import Matrix
from plumbline.matrix.table.comma import read_csv, write_csv
from plumbline.matrix.table.workbook import write_workbook
from plumbline.matrix.table.workbook_read import read_workbook
from plumbline.spec.load import Inventory


def matrix(*rows: dict[str, Any]) -> Matrix:
    return Matrix.model_validate({"names": {"log.test": ["10.1.9.12"]}, "rows": rows or [row()]})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A right workbook of two rows."""
    write_workbook(matrix(row(), row("view", ports=["8443"])), tmp_path / "t.xlsx")
    return tmp_path / "t.xlsx"


def changed(file: Path, change: Callable[[Workbook], object]) -> Path:
    book = load_workbook(file)
    change(book)
    book.save(file)
    return file


def replaced(file: Path, part: str, change: Callable[[bytes], bytes]) -> Path:
    """Change one part of the file itself."""
    with zipfile.ZipFile(file) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    assert part in parts
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in parts.items():
            packed.writestr(name, change(data) if name == part else data)
    return file


def _hide_line(book: Workbook) -> None:
    book.worksheets[0].row_dimensions[3].hidden = True


def _flatten_line(book: Workbook) -> None:
    book.worksheets[0].row_dimensions[3].height = 0.1


def _hide_column(book: Workbook) -> None:
    book.worksheets[0].column_dimensions["F"].hidden = True


def _hide_a_name(book: Workbook) -> None:
    book["Names"].row_dimensions[1].hidden = True


def _name_twice(book: Workbook) -> None:
    book["Names"].append(["log.test", "10.1.9.99"])


def _put(value: object) -> Callable[[Workbook], None]:
    def put(book: Workbook) -> None:
        book.worksheets[0]["F2"] = value

    return put


UNSEEN: dict[str, tuple[Callable[[Workbook], object], str]] = {
    "hidden_line": (_hide_line, "Matrix!A3: the line is hidden"),
    "line_without_height": (_flatten_line, "Matrix!A3: the line is hidden"),
    "hidden_column": (_hide_column, "Matrix!F1: the column is hidden"),
    "hidden_name": (_hide_a_name, "Names!A1: the line is hidden"),
    "name_twice": (_name_twice, "Names!A2: log.test stands here a second time"),
    "formula": (_put("=1+1"), "Matrix!F2: the cell holds a formula"),
    "array_formula": (_put(ArrayFormula("F2:F3", "=1+1")), "Matrix!F2: the cell holds a formula"),
    "web_service": (_put('=WEBSERVICE("http://10.1.1.1/")'), "Matrix!F2: the cell holds a formula"),
    "other_book": (_put("='[1]Sheet'!A1"), "Matrix!F2: the cell holds a formula"),
    "formula_among_the_names": (
        lambda book: book["Names"].__setitem__("B1", '="10.1.1.1"'),
        "Names!B1: the cell holds a formula",
    ),
    "error": (_put("#REF!"), "Matrix!F2: the cell holds the error #REF!"),
}


@pytest.mark.parametrize(("change", "told"), UNSEEN.values(), ids=UNSEEN)
def test_what_nobody_saw_is_refused_by_its_cell(
    file: Path, change: Callable[[Workbook], object], told: str
) -> None:
    with pytest.raises(FindingsError, match=re.escape(told)):
        read_workbook(changed(file, change))


def test_a_hidden_sheet_is_refused(file: Path) -> None:
    def hide(book: Workbook) -> None:
        book.create_sheet("To approve")
        book.worksheets[0].sheet_state = "veryHidden"

    with pytest.raises(InputError, match="the sheet Matrix is hidden"):
        read_workbook(changed(file, hide))


def test_two_sheets_of_rows_are_refused(file: Path) -> None:
    with pytest.raises(InputError, match="has the sheets Matrix and Matica"):
        read_workbook(changed(file, lambda book: book.create_sheet("Matica")))


def test_empty_hidden_lines_do_no_harm(file: Path) -> None:
    def hide(book: Workbook) -> None:
        book.worksheets[0].row_dimensions[40].hidden = True
        book.worksheets[0].column_dimensions["Z"].hidden = True

    assert len(read_workbook(changed(file, hide)).rows) == 2


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"4840.5", b"1e300"])
def test_a_number_that_is_no_port_is_named(file: Path, number: bytes) -> None:
    def put(data: bytes) -> bytes:
        return re.sub(rb'<c r="E2"[^>]*>.*?</c>', b'<c r="E2"><v>' + number + b"</v></c>", data)

    with pytest.raises(FindingsError, match="Matrix!E2"):
        read_workbook(replaced(file, "xl/worksheets/sheet1.xml", put))


SAVED = Path(__file__).parents[2] / "recorded/matrix/libreoffice-7.4.xlsx"
BILLION = (
    b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
)
OUTSIDE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
PARTS = [
    "xl/workbook.xml",
    "xl/_rels/workbook.xml.rels",
    "xl/sharedStrings.xml",
    "xl/styles.xml",
    "[Content_Types].xml",
]


@pytest.mark.parametrize("part", [*PARTS, "xl/worksheets/sheet1.xml", "xl/worksheets/sheet2.xml"])
@pytest.mark.parametrize("entities", [BILLION, OUTSIDE], ids=["billion", "outside"])
def test_no_part_may_bring_entities(file: Path, part: str, entities: bytes) -> None:
    def bring(data: bytes) -> bytes:
        _, mark, rest = data.partition(b"?>")
        return entities + (rest if mark else data)

    # Saved elsewhere it has every part there may be.
    file.write_bytes(SAVED.read_bytes())
    assert read_workbook(file).rows
    with pytest.raises(InputError, match="is no workbook that can be read"):
        read_workbook(replaced(file, part, bring))


def test_a_size_that_is_told_too_small_is_not_believed(file: Path) -> None:
    """The directory of the archive says how much a part unpacks to; more is not read."""
    replaced(file, "xl/worksheets/sheet1.xml", lambda data: data + b" " * 4_000_000)
    packed = bytearray(file.read_bytes())
    with zipfile.ZipFile(file) as opened:
        true_size = opened.getinfo("xl/worksheets/sheet1.xml").file_size
    packed = packed.replace(true_size.to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    file.write_bytes(packed)
    with pytest.raises(InputError, match="is no workbook that can be read"):
        read_workbook(file)


SEPARATED = [
    "a;=1+1",
    "a;  =cmd|'/c calc'!A1",
    "a;'=1",
    "a;''=1",
    "x\n=1+1",
    "'a;=1",
    "=1;=1",
    "＝1+1",
    "a;b",
    "a'=b",
]


@pytest.mark.parametrize("text", SEPARATED)
def test_no_cell_is_a_formula_whatever_parts_the_cells(text: str, tmp_path: Path) -> None:
    """Spreadsheets of other countries part cells at semicolons, and know nothing of quotes inside of them."""
    one = matrix(row(justification=text))
    write_csv(one, tmp_path / "t.csv")
    content = (tmp_path / "t.csv").read_text("utf-8-sig")
    for separator in ",;\t":
        cells = [cell for line in csv.reader(content.splitlines(), delimiter=separator) for cell in line]
        raw = [cell.strip('" ') for line in content.splitlines() for cell in line.split(separator)]
        assert not [cell for cell in [*cells, *raw] if cell.lstrip().startswith(("=", "+", "@", "＝"))]
    assert read_csv(tmp_path / "t.csv") == one


def test_a_name_that_stands_twice_beside_a_csv_is_refused(tmp_path: Path) -> None:
    write_csv(matrix(), tmp_path / "t.csv")
    with (tmp_path / "t.names.csv").open("a") as names:
        names.write("log.test,10.1.9.99\n")
    with pytest.raises(FindingsError, match=r"log\.test stands here a second time"):
        read_csv(tmp_path / "t.csv")


@pytest.mark.parametrize("text", ["a\x07b", "a\x1b[31mb", "a\u202eb", "a\rb"])
def test_control_characters_are_no_text(text: str) -> None:
    with pytest.raises(ValueError, match="control character"):
        matrix(row(justification=text))


def test_data_for_ansible_holds_no_template(inventory: Inventory) -> None:
    one = matrix(row(source=["desk"], service="{{ lookup('pipe', 'id') }} {% x %} {# y #}"))
    made = windows.data(host_flows(inventory, one)["desk"])
    assert not re.search(r"\{[{%#]", json.dumps(made["plumbline_firewall"]["rules"][-1]["DisplayName"]))


def test_no_row_takes_the_name_of_a_rule_that_is_needed(inventory: Inventory) -> None:
    one = matrix(row("icmp-errors", source=["desk"]), row("in-icmp-errors", destination=["desk"]))
    names = [
        rule["Name"]
        for rule in windows.data(host_flows(inventory, one)["desk"])["plumbline_firewall"]["rules"]
    ]
    assert len(names) == len(set(names)) == 4


def test_a_list_on_a_switch_is_never_added_to(inventory: Inventory) -> None:
    """Another table makes lists of other names; the same one makes the same."""
    before, after = (
        set(re.findall(r"^ip access-list extended (\S+)$", ios.render(inventory, table), re.M))
        for table in (matrix(row(destination=["desk"])), matrix(row(destination=["desk"], ports=["9"])))
    )
    changed_lists = {name[: name.rindex("-")] for name in before ^ after}
    assert changed_lists == {"PLUMBLINE-VLAN10-IN", "PLUMBLINE-VLAN20-IN"}
    assert len(before & after) == 1
    assert ios.render(inventory, matrix()) == ios.render(inventory, matrix())


def test_a_row_of_too_many_parts_is_told_and_costs_nothing(inventory: Inventory) -> None:
    ends = [f"10.{one}.1.1-10.{one}.254.254" for one in range(1, 60)]
    one = row(source=ends, destination=ends, ports=[str(port) for port in range(1000, 1200, 2)])
    assert "error many-parts" in {f"{each.severity} {each.rule}" for each in found(inventory, one)}


DISGUISED: dict[str, tuple[dict[str, Any], str]] = {
    "every_port_in_two_ranges": (row(ports=["1-30000", "30001-65535"]), "error all-ports"),
    "every_port_but_one": (row(ports=["2-65535"]), "error all-ports"),
    "many_ports_in_pieces": (row(ports=["5000-5080", "5081-5160"]), "warning many-ports"),
    "opc_da_in_one_word": (row(service="OPCDA"), "error restricted-protocol"),
    "ftps_elsewhere": (row(service="FTPS", ports=["5432"]), "error restricted-protocol"),
    "with_underscores": (row(service="plain_http"), "error restricted-protocol"),
    "an_address_for_its_host": (row(destination=["10.1.1.12"], ports=["99"]), "warning one-sided"),
    "another_protocol": (row(protocol="udp"), "warning one-sided"),
    "a_system_none_of_which_serves": (row(destination=["system:heat"], ports=["99"]), "warning one-sided"),
}


@pytest.mark.parametrize(("one", "expected"), DISGUISED.values(), ids=DISGUISED)
def test_what_is_written_otherwise_is_found_all_the_same(
    inventory: Inventory, one: dict[str, Any], expected: str
) -> None:
    assert expected in {f"{each.severity} {each.rule}" for each in found(inventory, one)}


@pytest.mark.parametrize(
    "service", ["MQTT over TLS", "MQTT cez TLS", "MQTTS", "HTTP over TLS", "HTTPS interface"]
)
def test_the_secured_protocol_is_not_the_plain_one(inventory: Inventory, service: str) -> None:
    rules = {each.rule for each in found(inventory, row(service=service))}
    assert "restricted-protocol" not in rules
