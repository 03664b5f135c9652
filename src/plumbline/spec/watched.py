"""What the central monitoring watches of a host (16.2): made from its specification, told as a template.

The operator gives a basic template, and the supplier adapts it so that every fault is recognised. This is
that adaptation: what follows from the specification itself, and what the supplier adds in `watched`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from plumbline.spec.model import HostSpec, Site

GROUP = "Templates/OT"
VERSION = "6.0"
"""The format of Zabbix' templates; later versions import it."""

FULL_PERCENT, LITTLE_MEMORY_PERCENT, BUSY_PERCENT, CERTIFICATE_DAYS = 90, 10, 90, 30
"""When something is a fault; the standard names no numbers, the operator's template may have others."""


@dataclass(frozen=True)
class Parameter:
    """One watched parameter: its item key for Zabbix agent 2, and when its value is a fault.

    `fault` is Zabbix' expression with `ITEM` for the item; `kind` the type of its value, `path` where a
    number stands in a value that is JSON.
    """

    name: str
    key: str
    fault: str
    kind: str = "FLOAT"
    units: str = ""
    path: str | None = None


def parameters(site: Site, host: HostSpec) -> list[Parameter]:
    """Return what is watched of a host, in the order of its specification; each key once."""
    found: dict[str, Parameter] = {}
    for each in (*_of_every_host(), *_of_storage(host), *_of_services(host), *_of_site(site), *_added(host)):
        found.setdefault(each.key, each)
    return list(found.values())


def _of_every_host() -> Iterator[Parameter]:
    yield Parameter("The agent answers", "agent.ping", "nodata(ITEM,5m)=1", "UNSIGNED")
    yield Parameter("The host was restarted", "system.uptime", "last(ITEM)<10m", "UNSIGNED", "uptime")
    yield Parameter("The clock is right", "system.localtime", "fuzzytime(ITEM,60s)=0", "UNSIGNED", "unixtime")
    yield Parameter("Use of the processors", "system.cpu.util", f"min(ITEM,15m)>{BUSY_PERCENT}", units="%")
    yield Parameter(
        "Memory left", "vm.memory.size[pavailable]", f"max(ITEM,5m)<{LITTLE_MEMORY_PERCENT}", units="%"
    )


def _of_storage(host: HostSpec) -> Iterator[Parameter]:
    for partition in host.storage:
        if partition.mount != "swap":
            key = f"vfs.fs.size[{partition.mount},pused]"
            yield Parameter(f"Use of {partition.mount}", key, f"min(ITEM,5m)>{FULL_PERCENT}", units="%")


def _unit(name: str) -> Parameter:
    """Return the state of a unit of systemd."""
    return Parameter(
        f"The unit {name} runs",
        f'systemd.unit.info["{name}",ActiveState]',
        'last(ITEM)<>"active"',
        "CHAR",
    )


def _of_services(host: HostSpec) -> Iterator[Parameter]:
    for service in host.services:
        named = service.units or [f"{service.name}.service"]
        yield from (_unit(name) for name in named if "*" not in name and name.endswith(".service"))
        for listener in service.listeners:
            if listener.protocol != "tcp":
                continue
            address = str(listener.address or host.address)
            key = f"net.tcp.service[tcp,{address},{listener.port}]"
            yield Parameter(
                f"{service.name} takes connections on {listener.port}", key, "max(ITEM,3m)=0", "UNSIGNED"
            )
            if listener.encrypted:
                yield Parameter(
                    f"The certificate of {service.name} on {listener.port} ends",
                    f"web.certificate.get[{address},{listener.port}]",
                    f"last(ITEM)-now()<{CERTIFICATE_DAYS}d",
                    "UNSIGNED",
                    "unixtime",
                    "$.x509.not_after.timestamp",
                )


def _of_site(site: Site) -> Iterator[Parameter]:
    yield from (_unit(name if "." in name else f"{name}.service") for name in site.antivirus.services)


def _added(host: HostSpec) -> Iterator[Parameter]:
    for each in host.watched:
        yield Parameter(each.name, each.key, each.fault, each.kind)


def zabbix_template(site: Site, hosts: list[HostSpec]) -> dict[str, Any]:
    """Return templates for these hosts, one each, in the form Zabbix imports (as YAML or JSON)."""
    return {
        "zabbix_export": {
            "version": VERSION,
            "groups": [{"uuid": _uuid(GROUP), "name": GROUP}],
            "templates": [_template(site, host) for host in hosts],
        }
    }


def _template(site: Site, host: HostSpec) -> dict[str, Any]:
    name = f"OT {host.name}"
    return {
        "uuid": _uuid(name),
        "template": name,
        "name": name,
        "groups": [{"name": GROUP}],
        "items": [_item(name, each) for each in parameters(site, host)],
    }


def _item(template: str, parameter: Parameter) -> dict[str, Any]:
    item: dict[str, Any] = {
        "uuid": _uuid(template, parameter.key),
        "name": parameter.name,
        "key": parameter.key,
        "delay": "1h" if parameter.path else "1m",
        "value_type": parameter.kind,
    }
    if parameter.kind == "CHAR":
        item["trends"] = "0"
    if parameter.units:
        item["units"] = parameter.units
    if parameter.path:
        item["preprocessing"] = [{"type": "JSONPATH", "parameters": [parameter.path]}]
    item["triggers"] = [
        {
            "uuid": _uuid(template, parameter.key, "fault"),
            "expression": parameter.fault.replace("ITEM", f"/{template}/{parameter.key}"),
            "name": f"{parameter.name}: {{ITEM.LASTVALUE}}",
            "priority": "WARNING",
        }
    ]
    return item


def _uuid(*words: str) -> str:
    """Return an identifier that is the same for the same words, in the shape of a random one (RFC 4122)."""
    digits = hashlib.sha256("\n".join(words).encode()).hexdigest()[:32]
    return f"{digits[:12]}4{digits[13:16]}a{digits[17:]}"
