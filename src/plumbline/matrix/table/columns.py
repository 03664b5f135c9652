"""The columns of the table: their headers in both languages, and how a row becomes texts and back."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from plumbline.matrix.model import CLASSIFICATIONS, DEPARTMENTS, Row

Lang = Literal["en", "sk"]
Kind = Literal["text", "list", "choice", "yes", "date"]


@dataclass(frozen=True, eq=False)
class Column:
    """One column. `key` is a field of a row, or `approved_by.<department>`; `words`: code -> Slovak word."""

    key: str
    en: str
    sk: str
    kind: Kind = "text"
    words: Mapping[str, str] | None = None
    needed: bool = True
    width: int = 18

    def header(self, lang: Lang) -> str:
        """Return the header in a language."""
        return self.sk if lang == "sk" else self.en


_DIRECTIONS = {"to-destination": "k cieľu", "to-source": "k zdroju", "both": "obojsmerne"}
_ENCRYPTIONS = {
    "none": "žiadne",
    "tls": "TLS",
    "ssh": "SSH",
    "ipsec": "IPsec",
    "kerberos": "Kerberos",
    "snmpv3": "SNMPv3",
    "opc-ua": "OPC UA",
    "nts": "NTS",
    "application": "vlastné aplikácie",
}
_CLASSES: dict[str, str] = dict(
    zip(CLASSIFICATIONS, ("verejné", "interné", "dôverné", "prísne dôverné"), strict=True)
)
_PROTOCOLS = {"tcp": "TCP", "udp": "UDP", "icmp": "ICMP"}
YES: Mapping[bool, Mapping[Lang, str]] = {True: {"en": "yes", "sk": "áno"}, False: {"en": "no", "sk": "nie"}}
_DEPARTMENTS_SK = ("kybernetická bezpečnosť", "infraštruktúra", "riadiace systémy")

COLUMNS: tuple[Column, ...] = (
    Column("id", "Id", "Id"),
    Column("source", "Source", "Zdroj", "list", width=26),
    Column("destination", "Destination", "Cieľ", "list", width=26),
    Column("protocol", "Protocol", "Protokol", "choice", _PROTOCOLS, width=10),
    Column("ports", "Ports", "Porty", "list", width=16),
    Column("service", "Service", "Služba", width=24),
    Column("direction", "Direction of data", "Smer dát", "choice", _DIRECTIONS),
    Column("data", "Data", "Dáta", width=26),
    Column("encryption", "Encryption", "Šifrovanie", "choice", _ENCRYPTIONS),
    Column("classification", "Classification", "Klasifikácia", "choice", _CLASSES),
    Column("credentials", "Logon data", "Prihlasovacie údaje", "yes", needed=False),
    Column("justification", "Justification", "Odôvodnenie", needed=False, width=40),
    Column("requested_by", "Requested by", "Žiadateľ", needed=False, width=24),
    *(
        Column(
            f"approved_by.{key}",
            f"Approved: {key.replace('-', ' ')}",
            f"Schválila: {sk}",
            "date",
            needed=False,
        )
        for key, sk in zip(DEPARTMENTS, _DEPARTMENTS_SK, strict=True)
    ),
    Column("valid_until", "Valid until", "Platí do", "date", needed=False),
)
_SEPARATORS = re.compile(r"[\s,;]+")
_DAY = re.compile(r"(\d{1,2})\.\s*(\d{1,2})\.\s*(\d{4})")


def column_of(header: str) -> Column | None:
    """Return the column a header means, in either language, whatever its case and spacing; None if none."""
    meant = " ".join(header.split()).casefold()
    return next((c for c in COLUMNS if meant in (c.en.casefold(), c.sk.casefold(), c.key)), None)


def texts(row: Row, lang: Lang) -> list[str | date]:
    """Return a row's cells in the order of the columns; dates stay dates, what is not said is empty."""
    return [_shown(row, column, lang) for column in COLUMNS]


def _shown(row: Row, column: Column, lang: Lang) -> str | date:
    if column.key == "ports":
        return ", ".join([*row.ports, *row.icmp_types])
    if column.key.startswith("approved_by."):
        days: Mapping[str, date] = row.approved_by  # type: ignore[assignment]  # its keys are texts
        return days.get(column.key.partition(".")[2], "")
    value = getattr(row, column.key)
    if column.kind == "list":
        return ", ".join(value)
    if column.kind == "yes":
        return YES[value][lang]
    if column.kind == "choice" and column.words and lang == "sk":
        return column.words[value]
    return value if isinstance(value, date) else str(value or "")


def data_of(cells: Sequence[tuple[Column, object]]) -> tuple[dict[str, Any], dict[Column, str]]:
    """Return a row as the model takes it, and a sentence for each column whose cell is not understood."""
    data: dict[str, Any] = {}
    wrong: dict[Column, str] = {}
    for column, cell in cells:
        try:
            _take(data, column, cell)
        except ValueError as error:
            wrong[column] = str(error)
    return data, wrong


def _take(data: dict[str, Any], column: Column, cell: object) -> None:
    # Spreadsheets and web pages bring spaces that do not break; the model knows the plain one.
    value = cell.replace("\u00a0", " ").strip() if isinstance(cell, str) else cell
    if value is None or value == "":
        if column.needed:
            raise ValueError("the cell is empty")
        return
    read = _READERS[column.kind](value, column)
    if column.key == "ports" and data.get("protocol") == "icmp":
        data["icmp_types"] = read
    elif column.key.startswith("approved_by."):
        data.setdefault("approved_by", {})[column.key.partition(".")[2]] = read
    else:
        data[column.key] = read


def _text(value: object, _: Column) -> str:
    if isinstance(value, bool | date):
        message = f"a text was expected, and the cell holds {value}; format the cell as text"
        raise ValueError(message)  # noqa: TRY004  (a bad cell, not a bad call)
    return _number(value) if isinstance(value, int | float) else str(value)


def _number(value: float) -> str:
    if not math.isfinite(value) or value != int(value):
        raise ValueError(f"{value} is no whole number; format the cell as text")
    return str(int(value))


def _list(value: object, column: Column) -> list[str]:
    if isinstance(value, date):
        message = f"the spreadsheet made a date of it ({value:%Y-%m-%d}); format the cell as text"
        raise ValueError(message)  # noqa: TRY004  (a bad cell, not a bad call)
    return [part for part in _SEPARATORS.split(_text(value, column)) if part]


def _choice(value: object, column: Column) -> str:
    meant = _text(value, column).casefold()
    for code, word in (column.words or {}).items():
        if meant in (code, word.casefold()):
            return code
    raise ValueError(f"{value!r} is none of {', '.join(column.words or {})}")


def _yes(value: object, _: Column) -> bool:
    if isinstance(value, bool):
        return value
    for said, words in YES.items():
        if str(value).casefold() in words.values():
            return said
    raise ValueError(f"{value!r} is neither yes nor no")


def _date(value: object, _: Column) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        if match := _DAY.fullmatch(str(value)):
            return date(int(match[3]), int(match[2]), int(match[1]))
        return date.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"{value!r} is no date, such as 2026-03-02 or 2. 3. 2026") from None


_READERS: Mapping[Kind, Callable[[object, Column], Any]] = {
    "text": _text,
    "list": _list,
    "choice": _choice,
    "yes": _yes,
    "date": _date,
}
