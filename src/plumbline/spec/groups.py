"""Groups to be requested from the operator (17.2): what the specifications' `users` ask of the directory.

One row a group, role and system: nobody but the operator makes groups and users in the directory, and he does
so from what was requested and approved.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from plumbline.atomic import replace
from plumbline.errors import UsageError
from plumbline.matrix.table.comma import csv_bytes
from plumbline.matrix.table.workbook import put_text
from plumbline.policy.resolve import resolve
from plumbline.policy.standard import Standard
from plumbline.spec.load import Inventory
from plumbline.spec.model import HostSpec, System

Lang = Literal["en", "sk"]
CONTROL = "logon-by-directory-group"

HEADERS: dict[Lang, tuple[str, ...]] = {
    "en": (
        *("Group", "Role", "Logs on to the system", "Becomes root", "System", "Supplier", "Hosts"),
        *("Purpose", "Members", "Requested by", "Approved by", "Approved on"),
    ),
    "sk": (
        *(
            "Skupina",
            "Rola",
            "Prihlási sa do systému",
            "Stane sa rootom",
            "Systém",
            "Dodávateľ",
            "Hostitelia",
        ),
        *("Účel", "Členovia", "Žiada", "Schválil", "Schválené dňa"),
    ),
}
ROLES: dict[str, dict[Lang, str]] = {
    "os-administrator": {"en": "OS administrator", "sk": "správca OS"},
    "os-user": {"en": "OS user", "sk": "používateľ OS"},
    "system-user": {"en": "system user", "sk": "systémový používateľ"},
    "application-administrator": {"en": "application administrator", "sk": "aplikačný správca"},
    "application-permission-administrator": {
        "en": "application permission administrator",
        "sk": "správca oprávnení aplikácie",
    },
    "application-user": {"en": "application user", "sk": "aplikačný používateľ"},
}
YES: dict[Lang, tuple[str, str]] = {"en": ("no", "yes"), "sk": ("nie", "áno")}
SHEET: dict[Lang, str] = {"en": "Groups", "sk": "Skupiny"}
_WIDTHS = (30, 26, 14, 14, 18, 24, 34, 40, 30, 20, 20, 16)


@dataclass
class Request:
    """A group as one system needs it: its role, and the hosts where that is so; `logs_on` at one at least."""

    group: str
    role: str
    system: str
    supplier: str
    hosts: list[str]
    purposes: list[str]
    logs_on: bool = False

    @property
    def becomes_root(self) -> bool:
        """Whether its members become root on those hosts."""
        return self.role == "os-administrator"

    def cells(self, lang: Lang) -> list[str]:
        """Return the row's texts; who is in it, and who asks and approves, is for people to fill in."""
        told = [self.group, ROLES[self.role][lang], YES[lang][self.logs_on], YES[lang][self.becomes_root]]
        told += [self.system, self.supplier, ", ".join(self.hosts), "; ".join(self.purposes)]
        return told + [""] * (len(HEADERS[lang]) - len(told))


def requests(
    inventory: Inventory, standard: Standard, selected: Iterable[tuple[System, HostSpec]]
) -> list[Request]:
    """Return what these hosts ask of the directory, by system, role and name."""
    found: dict[tuple[str, str, str], Request] = {}
    for system, host in selected:
        roles = _may_log_on(inventory, standard, system, host)
        for user in host.users:
            key = (system.name, user.role, user.group.lower())
            one = found.setdefault(key, Request(user.group, user.role, system.name, system.supplier, [], []))
            if host.name not in one.hosts:
                one.hosts.append(host.name)
            if user.description and user.description not in one.purposes:
                one.purposes.append(user.description)
            one.logs_on |= user.role in roles
    order = list(ROLES)
    return sorted(found.values(), key=lambda one: (one.system, order.index(one.role), one.group.lower()))


def _may_log_on(inventory: Inventory, standard: Standard, system: System, host: HostSpec) -> Sequence[str]:
    """Return the roles whose groups log on to a host; none where the standard does not say."""
    control = resolve(standard, inventory.site, system, host).controls.get(CONTROL)
    roles = control.values["roles"] if control else []
    return roles if isinstance(roles, list) else []


def write_groups(found: Sequence[Request], path: Path, lang: Lang) -> None:
    """Write the sheet as .xlsx or .csv, at once or not at all; UsageError for another ending."""
    lines = [list(HEADERS[lang]), *(one.cells(lang) for one in found)]
    if path.suffix.lower() == ".csv":
        replace(path, csv_bytes(lines), 0o644)
    elif path.suffix.lower() == ".xlsx":
        replace(path, _workbook(lines, lang), 0o644)
    else:
        raise UsageError(f"{path.name} is neither .xlsx nor .csv")


def _workbook(lines: Sequence[Sequence[str]], lang: Lang) -> bytes:
    book = Workbook()
    sheet = book.active
    if not isinstance(sheet, Worksheet):
        raise TypeError("a new workbook has a sheet")
    sheet.title = SHEET[lang]
    for number, line in enumerate(lines, 1):
        for column, text in enumerate(line, 1):
            cell = sheet.cell(number, column)
            put_text(cell, text)
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if number == 1:
                cell.font = Font(bold=True)
    for column, width in enumerate(_WIDTHS, 1):
        sheet.column_dimensions[get_column_letter(column)].width = width
    sheet.freeze_panes = "B2"
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()
