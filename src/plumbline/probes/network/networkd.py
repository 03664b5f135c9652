"""What systemd-networkd will configure (systemd.network(5), systemd.netdev(5), networkd.conf(5)).

Of the .network files, sorted by base name over all directories, the first that matches an interface applies,
with its drop-ins; an interface none matches is left as it is. Tried with systemd 252 and 257: networkd sets
disable_ipv6 to 0 on an interface it gives IPv6 (a link-local address by default), whatever sysctl.d says, and
leaves it alone otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from plumbline.probes.files import ConfigFile, effective
from plumbline.probes.network.live import Interface
from plumbline.probes.network.networkd_match import matches
from plumbline.probes.network.plan import Entry, Planned, Section, Surroundings, boolean, in_force, sections
from plumbline.verify.seen import Seen
from plumbline.verify.unknown import Unknown

DIRECTORIES = (
    "/etc/systemd/network",
    "/run/systemd/network",
    "/usr/local/lib/systemd/network",
    "/usr/lib/systemd/network",
)
CONF_DIRECTORIES = ("/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd")
GLOBAL = "networkd.conf"

_KEPT_DOWN = ("down", "always-down", "manual")
_VALUES = {
    "LinkLocalAddressing": ("ipv4", "ipv6", "fallback", "ipv4-fallback"),
    "IPForward": ("ipv4", "ipv6", "kernel"),
    "IPMasquerade": ("ipv4", "ipv6", "both"),
    "ActivationPolicy": ("up", "always-up", "down", "always-down", "manual", "bound"),
}
"""What keys take beside truth values; a line with anything else changes nothing (tried with 252)."""

_DISCARDING = ("blackhole", "unreachable", "prohibit", "throw")
_IPV6_SECTIONS = (
    *("Address", "Route", "Neighbor", "NextHop"),
    *("IPv6Prefix", "IPv6RoutePrefix", "IPv6AddressLabel"),
)
_IPV6_KEYS = ("Address", "Gateway", "IPv6ProxyNDPAddress")


def planned(host: Surroundings) -> list[Planned]:
    """Return what is configured for every interface that exists or that networkd will make.

    Raises Unknown where a file may or may not apply, by what no probe observes.
    """
    made = {plan.interface: plan for plan in _netdevs(host)}
    files = [file for file in effective(host.files, DIRECTORIES, ".network") if file.lines]
    units = [(file.name, _parts(file, host.files)) for file in files]
    for interface in [*host.interfaces.values(), *_not_yet_there(made, host)]:
        applying = _applying(units, interface, host)
        if applying is not None:
            plan = made.setdefault(interface.name, Planned(interface.name))
            plan.file = applying[0]
            _configure(plan, applying[1])
    everywhere = Planned("")
    everywhere.forwarding += _global_forwarding(host.files)
    return [*made.values(), everywhere]


def _netdevs(host: Surroundings) -> Iterator[Planned]:
    for file in effective(host.files, DIRECTORIES, ".netdev"):
        entries = _merged(_parts(file, host.files), "NetDev")
        names, kinds = _last(entries, "Name"), _last(entries, "Kind")
        if names is not None and kinds is not None:
            yield Planned(names.value, created=[Seen(f"Kind={kinds.value} Name={names.value}", names.where)])


def _not_yet_there(made: Mapping[str, Planned], host: Surroundings) -> Iterator[Interface]:
    for name, plan in made.items():
        if name not in host.interfaces:
            kind = plan.created[0].split("=", 1)[1].split(" ")[0] if plan.created else ""
            yield Interface(name, (name,), "ether", kind, kind, False, False, "", "", None, None)


def _parts(file: ConfigFile, files: Mapping[str, ConfigFile]) -> list[Section]:
    """Return the sections of a file and of its drop-ins, in the order they are read."""
    folders = [f"{directory}/{file.name}.d" for directory in DIRECTORIES]
    read = [file, *(drop_in for drop_in in effective(files, folders, ".conf"))]
    return [section for part in read for section in sections(part)]


def _merged(parts: Sequence[Section], name: str) -> list[Entry]:
    return [entry for section in parts if section.name == name for entry in section.entries]


def _last(entries: Sequence[Entry], key: str) -> Entry | None:
    """Return the last entry of a key with one value; networkd passes over one that is empty or no value."""
    known = _VALUES.get(key)
    found = [entry for entry in entries if entry.key == key and entry.value]
    if known is not None:
        found = [entry for entry in found if entry.value in known or boolean(entry.value) is not None]
    return found[-1] if found else None


def _applying(
    units: Sequence[tuple[str, list[Section]]], interface: Interface, host: Surroundings
) -> tuple[str, list[Section]] | None:
    """Return the name of the .network file that applies to an interface, and its sections."""
    for name, parts in units:
        verdict = matches(_merged(parts, "Match"), interface, host)
        if isinstance(verdict, Entry):
            raise Unknown(
                "whether {where} is for {interface} depends on {key}=, which is not observed",
                where=verdict.where,
                interface=interface.name,
                key=verdict.key,
            )
        if verdict:
            return name, parts
    return None


def _configure(plan: Planned, parts: list[Section]) -> None:
    """Add to a plan what the sections of the .network file that applies configure."""
    link, network = _merged(parts, "Link"), _merged(parts, "Network")
    unmanaged = _last(link, "Unmanaged")
    if unmanaged is not None and boolean(unmanaged.value):
        return
    first = next((entry for section in parts for entry in section.entries), None)
    policy = _last(link, "ActivationPolicy")
    if policy is None or policy.value not in _KEPT_DOWN:
        plan.up.append(Seen(f"ActivationPolicy={policy.value if policy else 'up'}", _place(policy or first)))
    addresses = [*in_force(network, "Address"), *_of_each(parts, "Address", "Address")]
    bond = _last(network, "Bond")
    plan.bonds += [Seen(bond.value, bond.where)] if bond else []
    plan.addresses += [Seen(entry.value, entry.where) for entry in addresses if ":" not in entry.value]
    plan.dhcp += _dhcp(network)
    plan.addresses += _link_local(network)
    plan.ipv6 += _ipv6(network, parts, first)
    plan.routes += _routes(network, parts)
    plan.forwarding += _forwarding(network, ("IPForward", "IPv4Forwarding", "IPv6Forwarding", "IPMasquerade"))


def _place(entry: Entry | None) -> str:
    return entry.where if entry else ""


def _of_each(parts: Sequence[Section], name: str, key: str) -> list[Entry]:
    """Return the last entry of a key in each section of that name: each such section is one thing."""
    found = [_last(section.entries, key) for section in parts if section.name == name]
    return [entry for entry in found if entry is not None]


def _dhcp(network: Sequence[Entry]) -> list[Seen]:
    entry = _last(network, "DHCP")
    if entry is None or boolean(entry.value) is False or entry.value == "none":
        return []
    return [Seen(f"DHCP={entry.value}", entry.where)]


def _link_local(network: Sequence[Entry]) -> list[Seen]:
    """Return an IPv4 link-local address that will be chosen: it is not a specified one."""
    entry = _last(network, "LinkLocalAddressing")
    if entry is None or not (boolean(entry.value) or entry.value in ("ipv4", "fallback", "ipv4-fallback")):
        return []
    return [Seen(f"LinkLocalAddressing={entry.value}", entry.where)]


def _ipv6(network: Sequence[Entry], parts: Sequence[Section], first: Entry | None) -> list[Seen]:
    """Return what makes networkd switch IPv6 on: a link-local address, or anything static of IPv6."""
    entry = _last(network, "LinkLocalAddressing")
    if entry is None:
        bridge, keep = _last(network, "Bridge"), _last(network, "KeepMaster")
        enslaved = bridge is not None or (keep is not None and boolean(keep.value) is True)
        found = [] if enslaved else [Seen("LinkLocalAddressing= is not set, so ipv6", _place(first))]
    elif boolean(entry.value) or entry.value in ("ipv6", "fallback"):
        found = [Seen(f"LinkLocalAddressing={entry.value}", entry.where)]
    else:
        found = []
    static = [entry for key in _IPV6_KEYS for entry in in_force(network, key) if ":" in entry.value]
    for section in parts:
        if section.name in _IPV6_SECTIONS:
            static += [
                entry for entry in section.entries if ":" in entry.value and entry.key != "LinkLayerAddress"
            ]
    return found + [Seen(f"{entry.key}={entry.value}", entry.where) for entry in static]


def _routes(network: Sequence[Entry], parts: Sequence[Section]) -> list[Seen]:
    found = [Seen(f"default via {entry.value}", entry.where) for entry in in_force(network, "Gateway")]
    for key in ("DefaultRouteOnDevice", "IPv4LLRoute"):
        entry = _last(network, key)
        if entry is not None and boolean(entry.value):
            found.append(Seen(f"{key}={entry.value}", entry.where))
    for section in parts:
        if not section.entries:
            continue
        told = " ".join(f"{entry.key}={entry.value}" for entry in section.entries)
        where = section.entries[0].where
        if section.name == "RoutingPolicyRule":
            found.append(Seen(f"rule {told}", where))
        if section.name == "Route":
            kind = _last(section.entries, "Type")
            if kind is None or kind.value not in _DISCARDING:
                found.append(Seen(_default(section.entries) or f"route {told}", where))
    return found


def _default(entries: Sequence[Entry]) -> str:
    """Return `default via GATEWAY` of a [Route] that is nothing but that; else nothing."""
    values = {entry.key: entry.value for entry in entries if entry.value}
    gateway = values.pop("Gateway", "")
    plain = values.pop("Destination", "0.0.0.0/0") in ("0.0.0.0/0", "default")
    plain &= values.pop("Table", "main") in ("main", "254")
    for harmless in ("Metric", "GatewayOnLink", "PreferredSource", "Protocol", "Scope", "MTUBytes"):
        values.pop(harmless, None)
    return f"default via {gateway}" if gateway and plain and not values else ""


def _forwarding(entries: Sequence[Entry], keys: Sequence[str]) -> list[Seen]:
    found = []
    for key in keys:
        entry = _last(entries, key)
        if entry is not None and boolean(entry.value) is not False and entry.value not in ("kernel", "none"):
            found.append(Seen(f"{key}={entry.value}", entry.where))
    return found


def _global_forwarding(files: Mapping[str, ConfigFile]) -> list[Seen]:
    """Return what networkd.conf and its drop-ins say of forwarding (since systemd 256)."""
    main = [files[path] for d in CONF_DIRECTORIES if (path := f"{d}/{GLOBAL}") in files][:1]
    drop_ins = effective(files, [f"{directory}/{GLOBAL}.d" for directory in CONF_DIRECTORIES], ".conf")
    entries = _merged([section for file in [*main, *drop_ins] for section in sections(file)], "Network")
    return _forwarding(entries, ("IPv4Forwarding", "IPv6Forwarding"))
