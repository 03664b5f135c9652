"""One host's specification as a sheet to read, in the order chapter 6 asks for things."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from plumbline.spec.load import Inventory
from plumbline.spec.model import HostSpec, System

_WIDTH = 22
_NONE = "none"


def sheet(inventory: Inventory, system: System, host: HostSpec) -> str:
    """Return the sheet of one host as lines of text."""
    return "".join(f"{line}\n" for line in _lines(inventory, system, host))


def sheet_data(inventory: Inventory, system: System, host: HostSpec) -> dict[str, Any]:
    """Return the same as data: the host's specification with its site, system and where it is reached."""
    return {
        "site": inventory.site.name,
        "system": system.name,
        "supplier": system.supplier,
        "reached_at": inventory.address_of(host.name),
        "host": host.model_dump(mode="json"),
    }


def _lines(inventory: Inventory, system: System, host: HostSpec) -> Iterator[str]:
    yield f"{host.name}: {system.name}, {system.supplier}"
    yield from _rows("profile", [host.profile])
    yield from _rows("kind", [_kind(host)])
    yield from _rows("operating system", [f"{host.os.distribution} {host.os.version} ({host.os.family})"])
    yield from _rows("processors", [_processors(host)])
    yield from _rows("memory", [f"{host.ram_gib:g} GiB"])
    yield from _rows(
        "storage", (f"{each.mount}  {each.size_gib:g} GiB  {each.holds}" for each in host.storage)
    )
    yield from _rows("network interfaces", _interfaces(inventory, host))
    reached = inventory.address_of(host.name)
    if reached != str(host.address):
        yield from _rows("reached at", [reached])
    yield from _rows("antivirus exceptions", host.antivirus_exclusions)
    yield from _rows("firewall exceptions", _openings(host))
    yield from _rows("users and roles", (f"{user.group}  {user.role}" for user in host.users))
    yield from _rows("server roles", (f"{role.name}: {role.configuration}" for role in host.server_roles))
    yield from _rows("services", _services(host))
    yield from _rows("software", _software(host))
    yield from _rows("desktop", ["yes" if host.desktop else "no"])
    yield from _rows("parameters", _parameters(host))


def _rows(title: str, values: Iterable[str]) -> Iterator[str]:
    for number, value in enumerate(list(values) or [_NONE]):
        yield f"  {'' if number else title:<{_WIDTH}}{value}"


def _kind(host: HostSpec) -> str:
    return "virtual" if host.virtual else f"physical: {host.physical_reason}"


def _processors(host: HostSpec) -> str:
    return f"{host.cpu.count} × {host.cpu.type}" if host.cpu else f"{host.vcpu} vCPU"


def _interfaces(inventory: Inventory, host: HostSpec) -> Iterator[str]:
    for interface in host.interfaces:
        vlan = next((each for each in inventory.site.vlans if each.name == interface.vlan), None)
        where = f"VLAN {interface.vlan}" if interface.vlan else "no VLAN"
        where += f" ({vlan.id}, {vlan.network})" if vlan else ""
        purpose = f"{interface.purpose} ({interface.protocol})" if interface.protocol else interface.purpose
        yield f"{interface.name}  {interface.address or 'no address'}  {where}  {purpose}"


def _openings(host: HostSpec) -> Iterator[str]:
    for opening in host.firewall_openings:
        sources = ", ".join(map(str, opening.sources))
        yield f"{opening.id}: {opening.port}/{opening.protocol} from {sources}: {opening.purpose}"


def _services(host: HostSpec) -> Iterator[str]:
    for service in host.services:
        told = [str(each).removeprefix("tcp ") for each in service.listeners]
        ports = f"  ports {', '.join(told)}" if told else ""
        yield f"{service.name}  as {service.account}{ports}: {service.configuration}"


def _software(host: HostSpec) -> Iterator[str]:
    for each in host.software:
        database = f"  database {each.database}" if each.database else ""
        yield f"{each.name} {each.version}  {each.vendor}{database}"


def _parameters(host: HostSpec) -> Iterator[str]:
    for control, values in host.parameters.items():
        for name, value in values.items():
            told = ", ".join(value) if isinstance(value, list) else value
            yield f"{control}.{name}: {told}"
