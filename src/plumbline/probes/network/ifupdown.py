"""What ifupdown will configure (interfaces(5)): stanzas of /etc/network/interfaces and what it sources."""

from __future__ import annotations

import ipaddress
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from plumbline.probes.base import ParseError
from plumbline.probes.files import ConfigFile, glob_matches
from plumbline.probes.network.commands import interface_of, sort_in
from plumbline.probes.network.plan import Planned, Surroundings
from plumbline.verify.seen import Seen

MAIN = "/etc/network/interfaces"
DIRECTORY = "/etc/network/interfaces.d"

_NESTED = 8
_COMMANDS = ("up", "pre-up", "post-up", "down", "pre-down", "post-down")
_STARTS = (
    "iface",
    "auto",
    "mapping",
    "source",
    "source-directory",
    "template",
    "no-auto-down",
    "no-scripts",
    "rename",
)
_MAKING = {
    "vlan-raw-device": "vlan",
    "vlan_raw_device": "vlan",
    "bridge_ports": "bridge",
    "bridge-ports": "bridge",
    "bond-slaves": "bond",
    "bond_slaves": "bond",
}


@dataclass
class Stanza:
    """One `iface` stanza: name, address family, method, and its options in order."""

    name: str
    family: str
    method: str
    where: str
    options: list[tuple[str, Seen]] = field(default_factory=list)

    def value(self, key: str) -> Seen | None:
        """Return the last value of an option."""
        found = [value for name, value in self.options if name == key]
        return found[-1] if found else None


def planned(host: Surroundings) -> list[Planned]:
    """Return what is configured for every interface that is brought up at boot or plugged in."""
    stanzas, patterns = _read(host.files)
    plans: dict[str, Planned] = {}
    others: list[Planned] = []
    for stanza in stanzas:
        brought = next(
            (p for p in patterns if glob_matches(stanza.name, p.partition("=")[0].lstrip("/"))), None
        )
        if brought is None:
            continue
        if stanza.method == "loopback":
            others += _run_hooks(plans.setdefault(stanza.name, Planned(stanza.name)), stanza)
            continue
        plan = plans.setdefault(stanza.name, Planned(stanza.name))
        plan.up.append(Seen(f"{stanza.family} {stanza.method}", stanza.where))
        for key, value in stanza.options:
            if key in ("bond-master", "bond_master"):
                plan.bonds.append(Seen(value.bare, value.where))
            if key in ("bond-slaves", "bond_slaves") and value.bare != "none":
                for name in value.bare.split():
                    member = plans.setdefault(name, Planned(name))
                    member.bonds.append(Seen(stanza.name, value.where))
        _configure(plan, stanza)
        others += _run_hooks(plan, stanza)
    return [*plans.values(), *others]


def _read(files: Mapping[str, ConfigFile]) -> tuple[list[Stanza], list[Seen]]:
    stanzas: list[Stanza] = []
    patterns: list[Seen] = []
    for where, line in _lines(files, MAIN, 0):
        words = line.split()
        if words[0] == "iface" and len(words) >= 2:
            family, method = (*words[2:4], "inet", "manual")[:2] if len(words) >= 4 else ("inet", "manual")
            stanzas.append(Stanza(words[1], family, method, where))
        elif words[0] == "auto" or words[0].startswith("allow-"):
            patterns += [Seen(word, where) for word in words[1:]]
        elif words[0] not in _STARTS and stanzas:
            stanzas[-1].options.append((words[0], Seen(line.partition(words[0])[2].strip(), where)))
    return stanzas, patterns


def _lines(files: Mapping[str, ConfigFile], path: str, depth: int) -> Iterator[tuple[str, str]]:
    """Yield the lines that mean something, with their place; what is sourced stands where it is sourced."""
    if depth > _NESTED:
        raise ParseError(f"{path} is sourced more than {_NESTED} deep")
    begun, start = "", 0
    for number, raw in enumerate(files[path].lines if path in files else (), 1):
        start = start if begun else number
        if raw.endswith("\\"):
            begun += raw[:-1] + " "
            continue
        line, begun = (begun + raw).strip(), ""
        if not line or line.startswith("#"):
            continue
        words = line.split()
        if words[0] in ("source", "source-directory"):
            for sourced in _sourced(files, words, path):
                yield from _lines(files, sourced, depth + 1)
        else:
            yield f"{path}:{start}", line


def _sourced(files: Mapping[str, ConfigFile], words: list[str], path: str) -> list[str]:
    """Return the files a `source` line names, in order.

    Raises ParseError for a place the probe does not print: what stands there is not known.
    """
    found: list[str] = []
    for word in words[1:]:
        full = posixpath.join(posixpath.dirname(path), word)
        folder = full.rstrip("/") if words[0] == "source-directory" else posixpath.dirname(full)
        if folder not in (DIRECTORY, "/etc/network", "/run/network/interfaces.d", "/run/network"):
            raise ParseError(f"{path} sources {word}, which is not read")
        for candidate in sorted(files):
            name = posixpath.basename(candidate)
            if posixpath.dirname(candidate) != folder:
                continue
            if words[0] == "source-directory":
                if re.fullmatch(r"[a-zA-Z0-9_-]+", name):
                    found.append(candidate)
            elif glob_matches(candidate, full):
                found.append(candidate)
    return found


def _configure(plan: Planned, stanza: Stanza) -> None:
    for key, kind in _MAKING.items():
        value = stanza.value(key)
        if value is not None:
            plan.created.append(Seen(f"{kind} {stanza.name}", value.where))
    if not plan.created and re.search(r"\.\d+$|^vlan\d+$", stanza.name):
        plan.created.append(Seen(f"vlan {stanza.name}", stanza.where))
    # inet6 stanzas do not count as IPv6: ifupdown leaves disable_ipv6 as sysctl.d sets it.
    if stanza.method == "dhcp" or (stanza.family == "inet" and stanza.method in ("bootp", "auto", "ipv4ll")):
        plan.dhcp.append(Seen(f"{stanza.family} {stanza.method}", stanza.where))
    if stanza.method in ("tunnel", "ppp"):
        plan.created.append(Seen(f"{stanza.method} {stanza.name}", stanza.where))
    address = stanza.value("address")
    if address is not None and stanza.family == "inet" and stanza.method != "manual":
        plan.addresses.append(Seen(_with_prefix(address, stanza.value("netmask")), address.where))
    gateway = stanza.value("gateway")
    if gateway is not None and stanza.family == "inet":
        plan.routes.append(Seen(f"default via {gateway.bare}", gateway.where))


def _run_hooks(plan: Planned, stanza: Stanza) -> list[Planned]:
    """Add what hooks do to a plan; return those that make or bring up other interfaces, a plan each."""
    others = []
    for key, value in stanza.options:
        if key in _COMMANDS and not key.endswith("down"):
            other = Planned(interface_of(re.sub(r'"?\$\{?(IFACE|LOGICAL)\}?"?', stanza.name, value.bare)))
            sort_in(other, value)
            if (other.created or other.up) and other.interface != plan.interface:
                others.append(other)
            else:
                sort_in(plan, value)
    return others


def _with_prefix(address: Seen, netmask: Seen | None) -> str:
    """Return ADDRESS/PREFIX from the two ways to write it; the address alone where there is no mask."""
    text = address.bare
    if "/" in text or netmask is None:
        return text
    mask = netmask.bare
    try:
        return f"{text}/{ipaddress.IPv4Network(f'0.0.0.0/{mask}').prefixlen}"
    except ValueError:
        return f"{text}/{mask}"
