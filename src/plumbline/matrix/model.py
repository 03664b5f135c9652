"""The communication matrix as a table: who may talk to whom, by what, why, and who approved it (4.8.2, 5)."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from plumbline.model import Strict
from plumbline.spec.values import Filled, HostOrAddress, IPv4, Name, twice

Department = Literal["cyber-security", "infrastructure", "control-systems"]
DEPARTMENTS: tuple[Department, ...] = ("cyber-security", "infrastructure", "control-systems")
"""The three that approve a row; the same as the standard's `approving_departments`, in their order."""
Classification = Literal["public", "internal", "confidential", "strictly-confidential"]
CLASSIFICATIONS: tuple[Classification, ...] = ("public", "internal", "confidential", "strictly-confidential")
"""From the least to the most; beyond `internal` no exception from encryption is possible (5.1)."""
Encryption = Literal["none", "tls", "ssh", "ipsec", "kerberos", "snmpv3", "opc-ua", "nts", "application"]
"""What protects a row's data on its way; `application`: a protocol's own means that none of the others is."""
Direction = Literal["to-destination", "to-source", "both"]
"""Which way the data goes; the connection is opened by the source in any case."""

PORT_MAX = 65535
_PORTS = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")
_END = re.compile(r"(system|vlan|site):[a-z0-9][a-z0-9-]*|[A-Za-z0-9][A-Za-z0-9./-]*")


def _ports(value: object) -> object:
    """Take a port as a number or as text, a range as `first-last`; keep it as text."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not (match := _PORTS.fullmatch(text.strip())):
        raise ValueError(f"{value!r} is neither a port nor a range of ports such as 5000-5010")
    first, last = int(match[1]), int(match[2] or match[1])
    if not 1 <= first <= last <= PORT_MAX:
        raise ValueError(f"{text} is no range of ports; they run from 1 to {PORT_MAX}, the smaller one first")
    return f"{first}-{last}" if first != last else str(first)


def _end(text: str) -> str:
    if not _END.fullmatch(text):
        raise ValueError(
            f"{text!r} is no end of a communication; write a host, an address, a range such as 10.1.2.0/24 or"
            " 10.1.2.3-10.1.2.9, or system:NAME, vlan:NAME, site:SERVICE"
        )
    return text


def _prose(text: str) -> str:
    """Take text of several lines; tables and pages cannot hold other control characters."""
    if not text.replace("\n", "").isprintable():
        raise ValueError("the text holds a control character; write it with letters and line breaks alone")
    return text


Prose = Annotated[str, AfterValidator(_prose)]
Ports = Annotated[str, BeforeValidator(_ports), Field(json_schema_extra={"pattern": r"^\d{1,5}(-\d{1,5})?$"})]
End = Annotated[str, AfterValidator(_end)]
"""A host of the specification, an address, a range, `system:NAME`, `vlan:NAME` or `site:SERVICE`."""
IcmpType = Literal["echo-request", "timestamp-request"]
RowId = Name


class Row(Strict):
    """One approved communication: the source opens it, replies belong to it.

    Without `valid_until` it holds until it is withdrawn. `approved_by`: department -> the day it approved.
    """

    id: RowId
    source: Annotated[list[End], Field(min_length=1)]
    destination: Annotated[list[End], Field(min_length=1)]
    protocol: Literal["tcp", "udp", "icmp"]
    ports: list[Ports] = []
    icmp_types: list[IcmpType] = []
    service: Filled
    direction: Direction
    data: Filled
    encryption: Encryption
    classification: Classification
    credentials: Annotated[bool, Field(strict=True)] = False
    """Whether logon data goes over it."""
    justification: Prose = ""
    requested_by: Prose = ""
    approved_by: dict[Department, date] = {}
    valid_until: date | None = None

    @model_validator(mode="after")
    def _says_what_its_protocol_needs(self) -> Row:
        if self.protocol == "icmp":
            if self.ports or not self.icmp_types:
                raise ValueError("icmp has no ports; a row of it needs icmp_types, such as [echo-request]")
        elif self.icmp_types or not self.ports:
            raise ValueError(f"a row of {self.protocol} needs ports, and has no icmp_types")
        for what in ("source", "destination", "ports", "icmp_types"):
            if repeated := twice(getattr(self, what)):
                raise ValueError(f"{what} names something twice: {repeated}")
        return self

    def spans(self) -> list[tuple[int, int]]:
        """Return the destination ports as ranges, both ends included; empty for icmp."""
        parted = (text.partition("-") for text in self.ports)
        return [(int(first), int(last or first)) for first, _, last in parted]


class Matrix(Strict):
    """The whole matrix of a site. `names`: addresses of what is no host of the specification, by name."""

    names: dict[HostOrAddress, Annotated[list[IPv4], Field(min_length=1)]] = {}
    rows: list[Row]

    @model_validator(mode="after")
    def _ids_are_distinct(self) -> Matrix:
        seen: set[str] = set()
        repeated = sorted({row.id for row in self.rows if row.id in seen or seen.add(row.id)})  # type: ignore[func-returns-value]  # add returns nothing, which is what `or` needs
        if repeated:
            raise ValueError(f"row ids stand twice: {', '.join(repeated)}")
        return self
