"""The groups that are requested of the operator (17.2), from what the specifications say of users."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from click.testing import CliRunner
from openpyxl import load_workbook

from plumbline.cli.spec import spec
from plumbline.errors import UsageError
from plumbline.policy.load import load_standard
from plumbline.rooms import LAB_INVENTORY
from plumbline.spec.groups import HEADERS, requests, write_groups
from plumbline.spec.load import load_inventory
from plumbline.spec.people import UserRole

INVENTORY = load_inventory(LAB_INVENTORY)
STANDARD = load_standard("mhth-ot")


def test_each_group_stands_once_with_its_hosts_and_rights() -> None:
    found = {one.group: one for one in requests(INVENTORY, STANDARD, INVENTORY.select([]))}
    admins, operators = found["OT-Heating-Admins"], found["OT-Heating-Operators"]
    assert admins.hosts == ["srv-app-01", "srv-hist-01"]
    assert (admins.logs_on, admins.becomes_root) == (True, True)
    assert operators.hosts == ["srv-app-01"]
    assert (operators.logs_on, operators.becomes_root) == (False, False)
    assert not found["OT-Heating-Services"].logs_on


def test_a_role_the_host_lets_in_logs_on() -> None:
    system, host = INVENTORY.hosts()["srv-app-01"]
    roles = {"logon-by-directory-group": {"roles": ["os-administrator", "application-user"]}}
    opened = host.model_copy(update={"parameters": roles})
    found = {one.group: one.logs_on for one in requests(INVENTORY, STANDARD, [(system, opened)])}
    assert found["OT-Heating-Operators"]
    assert not found["OT-Heating-Files"]


@pytest.mark.parametrize("lang", ["en", "sk"])
@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_sheet_holds_texts_and_no_formula(tmp_path: Path, lang: str, ending: str) -> None:
    system, host = INVENTORY.hosts()["srv-app-01"]
    users = [UserRole(group="=cmd|' /c calc'!A0", role="os-user", description="@SUM(1)")]
    found = requests(INVENTORY, STANDARD, [(system, host.model_copy(update={"users": users}))])
    path = tmp_path / f"groups.{ending}"
    write_groups(found, path, lang)  # type: ignore[arg-type]  # one of the two
    if ending == "xlsx":
        sheet = load_workbook(path).active
        assert sheet is not None
        rows = list(sheet.iter_rows())
        assert [cell.value for cell in rows[0]] == list(HEADERS[lang])  # type: ignore[index]  # as above
        assert {cell.data_type for cell in rows[1] if cell.value is not None} == {"s"}
        assert rows[1][0].value == users[0].group
    else:
        lines = list(csv.reader(path.read_text("utf-8-sig").splitlines()))
        assert lines[0] == list(HEADERS[lang])  # type: ignore[index]  # as above
        assert lines[1][0].startswith("'=cmd")
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"neither \.xlsx nor \.csv"):
        write_groups([], tmp_path / "groups.ods", "en")


def test_the_command_prints_them() -> None:
    done = CliRunner().invoke(spec, ["groups", str(LAB_INVENTORY), "--host", "srv-hist-01"])
    assert (
        done.output.splitlines()[0]
        == "heating: OT-Heating-Admins (OS administrator, logs on, root): srv-hist-01"
    )
