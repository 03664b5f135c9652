"""Whether addresses, interfaces and openings agree with the site's VLANs and with chapters 6 and 12."""

from __future__ import annotations

from collections.abc import Iterator

from plumbline.findings import nearest
from plumbline.spec.declared import Declared, Judgement, judged
from plumbline.spec.load import Inventory
from plumbline.spec.model import Interface, Opening, Vlan
from plumbline.spec.values import IPv4, Network

WIDEST_MANAGEMENT_PREFIX = 16
_MANAGEMENT_PORTS = {22: "SSH", 3389: "remote desktop", 5985: "WinRM", 5986: "WinRM"}
_LINUX_NAME_LENGTH = 15  # IFNAMSIZ of linux/if.h, less the closing zero


def judge_site(inventory: Inventory, hosts: list[Declared]) -> Iterator[Judgement]:
    """A gateway is a host address of its VLAN; management comes from few addresses, none a managed host's."""
    site = inventory.site
    for index, vlan in enumerate(site.vlans):
        if vlan.gateway is not None and (what := _special(vlan.gateway, vlan.network)):
            message = f"the gateway {vlan.gateway} of VLAN {vlan.name} is the {what} of {vlan.network}"
            yield judged(inventory, "site", message, "vlans", index, "gateway")
    for index, source in enumerate(site.management_sources):
        at = ("management_sources", index)
        if source.prefixlen < WIDEST_MANAGEMENT_PREFIX:
            message = f"the management source {source} is too wide; name the administrators' own ranges"
            yield judged(inventory, "site", message, *at)
            continue
        inside = [declared.host.name for declared in hosts if declared.host.address in source]
        if inside:
            held = inside[0] + (f" and {len(inside) - 1} more" if inside[1:] else "")
            message = (
                f"the management source {source} holds the managed host {held}:"
                " once taken over, it could manage the others"
            )
            yield judged(inventory, "site", message, *at, severity="warning")


def judge_addresses(hosts: list[Declared]) -> Iterator[Judgement]:
    """No address is declared twice, in whatever system."""
    first: dict[IPv4, str] = {}
    for declared in hosts:
        for index, interface in declared.interfaces():
            if interface.address is None:
                continue
            at = ("interfaces", index, "address")
            if other := first.get(interface.address):
                yield declared.error(f"the address {interface.address} is also that of {other}", *at)
            first.setdefault(interface.address, f"{declared.host.name}, {interface.name}")


def judge_interfaces(declared: Declared, hosts: list[Declared]) -> Iterator[Judgement]:
    """Each interface has a name of its own, a VLAN of the site, an address in it, and a purpose."""
    names = [interface.name for interface in declared.host.interfaces]
    for index, interface in declared.interfaces():
        if interface.name in names[:index]:
            message = f"the interface {interface.name} is declared twice"
            yield declared.error(message, "interfaces", index, "name")
        elif declared.host.os.family == "linux" and not _is_linux_name(interface.name):
            message = (
                f"{interface.name!r} is no name of a Linux interface:"
                f" at most {_LINUX_NAME_LENGTH} characters, no space, no / and no :"
            )
            yield declared.error(message, "interfaces", index, "name")
        yield from _judge_vlan(declared, index, interface)
        yield from _judge_purpose(declared, index, interface, hosts)


def judge_openings(declared: Declared) -> Iterator[Judgement]:
    """An opening is for sources the site has, for a declared service, and no second way to manage it."""
    served = {listener.port for service in declared.host.services for listener in service.listeners}
    first: dict[tuple[str, int, Network], str] = {}
    for index, opening in enumerate(declared.host.firewall_openings):
        at = ("firewall_openings", index)
        what = f"the opening {opening.id}"
        for number, source in enumerate(opening.sources):
            if problem := _source_problem(declared, source):
                yield declared.error(f"{what} {problem}", *at, "sources", number)
            key = (opening.protocol, opening.port, source)
            if other := first.get(key):
                message = f"{what} opens {opening.port}/{opening.protocol} to {source} as {other} does"
                yield declared.warning(message, *at, "sources", number)
            first.setdefault(key, opening.id)
        if problem := _port_problem(opening, served):
            yield declared.warning(f"{what} {problem}", *at, "port")


def _special(address: IPv4, network: Network) -> str:
    if address == network.network_address:
        return "network address"
    return "broadcast address" if address == network.broadcast_address else ""


def _is_linux_name(name: str) -> bool:
    refused = any(character.isspace() or character in "/:" for character in name)
    return len(name) <= _LINUX_NAME_LENGTH and name not in (".", "..") and not refused


def _vlan_of(declared: Declared, interface: Interface) -> Vlan | None:
    return next((vlan for vlan in declared.site.vlans if vlan.name == interface.vlan), None)


def _judge_vlan(declared: Declared, index: int, interface: Interface) -> Iterator[Judgement]:
    if interface.vlan is None:
        return
    vlan = _vlan_of(declared, interface)
    if vlan is None:
        near = nearest(interface.vlan, [vlan.name for vlan in declared.site.vlans])
        message = f"the site has no VLAN {interface.vlan}{near}"
        yield declared.error(message, "interfaces", index, "vlan")
        return
    address = interface.address
    if address is None:
        return
    at = ("interfaces", index, "address")
    if address not in vlan.network:
        yield declared.error(f"the address {address} is not in VLAN {vlan.name}, {vlan.network}", *at)
    elif what := _special(address, vlan.network):
        yield declared.error(f"the address {address} is the {what} of VLAN {vlan.name}, {vlan.network}", *at)
    elif address == vlan.gateway:
        yield declared.error(f"the address {address} is the gateway of VLAN {vlan.name}", *at)


def _judge_purpose(
    declared: Declared, index: int, interface: Interface, hosts: list[Declared]
) -> Iterator[Judgement]:
    """Chapter 6: one interface; a further one only for redundancy, within its bounds, or a field bus."""
    first = declared.host.interfaces[0]
    at = ("interfaces", index, "purpose")
    if index == 0:
        if interface.purpose != "service":
            yield declared.error("the first interface is the one for service; list it first", *at)
        return
    if interface.purpose == "service":
        message = (
            f"a server has one interface for service; {interface.name} needs another purpose:"
            " redundant-uplink, application-redundancy or industrial-protocol"
        )
        yield declared.error(message, *at)
    elif interface.purpose == "redundant-uplink":
        yield from _judge_uplink(declared, index, interface, first)
    elif interface.purpose == "application-redundancy":
        yield from _judge_redundancy_vlan(declared, index, interface, hosts)


def _judge_uplink(
    declared: Declared, index: int, interface: Interface, first: Interface
) -> Iterator[Judgement]:
    if declared.host.virtual:
        message = f"{interface.name}: a redundant uplink is for a physical server; this one is virtual"
        yield declared.error(message, "interfaces", index, "purpose")
    if interface.vlan != first.vlan:
        message = f"{interface.name}: a redundant uplink is in the VLAN of {first.name}, {first.vlan}"
        yield declared.error(message, "interfaces", index, "vlan")
    if interface.address is not None:
        message = (
            f"{interface.name}: a redundant uplink shares the address of {first.name} and has none itself"
        )
        yield declared.error(message, "interfaces", index, "address")


def _judge_redundancy_vlan(
    declared: Declared, index: int, interface: Interface, hosts: list[Declared]
) -> Iterator[Judgement]:
    """The VLAN for application redundancy is dedicated to it and leads nowhere else."""
    at = ("interfaces", index, "vlan")
    serving = [
        other.host.name
        for other in hosts
        for each in other.host.interfaces
        if each.vlan == interface.vlan and each.purpose != "application-redundancy"
    ]
    if serving:
        message = f"{interface.name}: application redundancy needs a VLAN of its own; {serving[0]} uses"
        yield declared.error(f"{message} {interface.vlan} for something else", *at)
    vlan = _vlan_of(declared, interface)
    if vlan is not None and vlan.gateway is not None:
        message = (
            f"{interface.name}: a VLAN for application redundancy is isolated; {vlan.name} has a gateway"
        )
        yield declared.error(message, *at)


def _source_problem(declared: Declared, source: Network) -> str:
    site = declared.site
    known = [vlan.network for vlan in site.vlans] + list(site.management_sources)
    if source.prefixlen == 0:
        return "is open to every address; name the clients"
    if any(source.subnet_of(network) for network in known):
        return ""
    narrower = [vlan.name for vlan in site.vlans if vlan.network.subnet_of(source)]
    if narrower:
        return f"is open to {source}, which is wider than VLAN {narrower[0]}; name the clients"
    return f"is open to {source}, which lies outside every VLAN of the site"


def _port_problem(opening: Opening, served: set[int]) -> str:
    if opening.protocol == "tcp" and opening.port in _MANAGEMENT_PORTS:
        what = _MANAGEMENT_PORTS[opening.port]
        return f"opens {what} beside the site's management sources; have it approved as such or remove it"
    if opening.port not in served:
        return f"is for port {opening.port}, which no declared service has"
    return ""
