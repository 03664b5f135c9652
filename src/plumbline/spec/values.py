"""The kinds of values a specification is written in: names, addresses, ranges, ports."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


def _address(value: object) -> object:
    """Refuse what is no IPv4 address; a bare number is none, though it could be counted as one."""
    if isinstance(value, ipaddress.IPv4Address):
        return value
    try:
        ipaddress.IPv4Address(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError(f"{value!r} is not an IPv4 address, such as 10.1.2.3") from None
    return value


def _network(value: object) -> object:
    """Refuse what is no IPv4 range in CIDR notation; its host bits are zero, so that nobody has to guess."""
    if isinstance(value, ipaddress.IPv4Network):
        return value
    try:
        meant = ipaddress.IPv4Network(value if isinstance(value, str) else "", strict=False)
    except ValueError:
        raise ValueError(f"{value!r} is not an IPv4 range, such as 10.1.2.0/24") from None
    address = str(value).split("/", 1)[0]
    if address != str(meant.network_address):
        raise ValueError(f"{value} is an address inside a range; write {meant}, or {address}/32 for it alone")
    return value


def is_host_name(text: str) -> bool:
    """Say whether a text is a host name (RFC 1123); one whose last label is a number would be an address."""
    labels = text.removesuffix(".").split(".")
    return len(text) <= 253 and all(map(_LABEL.fullmatch, labels)) and not labels[-1].isdigit()


def _host_or_address(text: str) -> str:
    if not is_host_name(text):
        try:
            ipaddress.IPv4Address(text)
        except ValueError:
            raise ValueError(f"{text!r} is neither an IPv4 address nor a host name") from None
    return text


def twice(values: Iterable[object]) -> str:
    """Return what stands more than once, joined for a sentence; empty if nothing does."""
    seen = list(values)
    return ", ".join(sorted({str(value) for value in seen if seen.count(value) > 1}))


def _name(text: str) -> str:
    if not re.fullmatch(_NAME, text):
        raise ValueError(f"{text!r} is not a name; write a-z, 0-9 and -, at most 63, no - at either end")
    return text


def _one_line(text: str) -> str:
    if not text.strip():
        raise ValueError("the text is empty")
    if not text.isprintable():
        raise ValueError("the text holds a line break or another control character; write it on one line")
    return text


def _mount(text: str) -> str:
    if not re.fullmatch(_MOUNT, text):
        raise ValueError(
            f"{text!r} is no mount; write a path from / without a final /, a drive as D:, or swap"
        )
    return text


_MOUNT = r"/|(/[^\s/]+)+|[A-Z]:|swap"
_NAME = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
IPv4 = Annotated[ipaddress.IPv4Address, BeforeValidator(_address)]
Network = Annotated[ipaddress.IPv4Network, BeforeValidator(_network)]
HostOrAddress = Annotated[str, AfterValidator(_host_or_address)]
Name = Annotated[str, AfterValidator(_name), Field(json_schema_extra={"pattern": f"^{_NAME}$"})]
Filled = Annotated[str, AfterValidator(_one_line), Field(json_schema_extra={"minLength": 1})]
"""A text on one line, with something in it."""
FilePath = Filled
Mount = Annotated[str, AfterValidator(_mount), Field(json_schema_extra={"pattern": f"^({_MOUNT})$"})]
Port = Annotated[int, Field(strict=True, ge=1, le=65535)]
NumberOf = Annotated[int, Field(strict=True, ge=1)]
