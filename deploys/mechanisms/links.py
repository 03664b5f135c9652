"""The network as it is on the host now: what is up, addressed, routed or ruled beyond what is specified."""

from __future__ import annotations

import json
import shlex
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import OperationError
from pyinfra.api.facts import FactBase
from pyinfra.api.operation import OperationMeta, operation
from pyinfra.context import host

from plumbline.apply.telling import tell, tell_touches

Commands = Generator[StringCommand, None, None]

KERNEL_RULES = {(0, "local"), (32766, "main"), (32767, "default")}
STACKED = frozenset({"vlan", "bond", "team", "bridge", "macvlan", "ipvlan", "vrf"})
"""Kinds of interfaces made of others, whose configuration is more than an address."""


@dataclass
class LinksOnHost:
    """`ip -json` of links with addresses, of rules and of routes; radios that nothing blocks."""

    links: dict[str, dict[str, Any]] = field(default_factory=dict)
    rules: list[dict[str, Any]] = field(default_factory=list)
    routes: list[dict[str, Any]] = field(default_factory=list)
    radios: list[str] = field(default_factory=list)


class Links(FactBase[LinksOnHost]):
    """Read all of it in one command."""

    def command(self) -> str:
        """Return the command; each line starts with what it is."""
        return (
            'echo "links $(ip -json -details addr show)"; echo "rules $(ip -json -4 rule show)"; '
            'echo "routes $(ip -json -4 route show table all)"; '
            "for d in /sys/class/rfkill/*; do "
            '[ -d "$d" ] && [ "$(cat "$d/soft" "$d/hard" | tr -d "\\n")" = 00 ] && echo "radio $d"; done; :'
        )

    def process(self, output: list[str]) -> LinksOnHost:
        """Parse the lines."""
        found = LinksOnHost()
        for line in output:
            what, _, text = line.partition(" ")
            if what == "radio":
                found.radios.append(text)
            elif what == "links":
                found.links = {link["ifname"]: link for link in json.loads(text or "[]") if link}
            elif what in ("rules", "routes"):
                setattr(found, what, [entry for entry in json.loads(text or "[]") if entry])
        if not found.links:
            raise OperationError("the host does not tell its network interfaces; is iproute2 installed?")
        return found


def refuse_stacked(there: LinksOnHost, names: Sequence[str]) -> None:
    """Raise OperationError where a specified interface is not there, or is made of others."""
    for name in names:
        link = there.links.get(name)
        if link is None:
            raise OperationError(
                f"there is no interface {name} (there: {', '.join(there.links)}); correct the specification"
            )
        kind = link.get("linkinfo", {}).get("info_kind", "")
        if kind in STACKED or "master" in link:
            raise OperationError(
                f"the interface {name} is a {kind or 'part of ' + str(link.get('master'))}: hosts are only "
                "given plain interfaces; configure it by hand and take the network out of this run"
            )


def _others(there: LinksOnHost, declared: Sequence[str]) -> list[str]:
    return [
        name for name, link in there.links.items() if name not in declared and "LOOPBACK" not in link["flags"]
    ]


def _addresses(there: LinksOnHost, name: str) -> list[str]:
    return [f"{entry['local']}/{entry['prefixlen']}" for entry in there.links[name]["addr_info"]]


def _link_commands(there: LinksOnHost, declared: Mapping[str, str]) -> Generator[tuple[str, str], None, None]:
    """Yield what is wrong with links and addresses, in words, and the command that ends it."""
    for name in _others(there, list(declared)):
        link, quoted = there.links[name], shlex.quote(name)
        if "UP" in link["flags"]:
            yield f"{name}: up → down", f"ip link set dev {quoted} down"
        if link["addr_info"]:
            yield f"{name}: its addresses are removed", f"ip addr flush dev {quoted}"
    for name, link in there.links.items():
        for entry in link["addr_info"] if "LOOPBACK" in link["flags"] else []:
            if entry["family"] == "inet" and not entry["local"].startswith("127."):
                address = f"{entry['local']}/{entry['prefixlen']}"
                yield f"{name}: {address} is removed", f"ip addr del {address} dev {shlex.quote(name)}"
    for name, wanted in declared.items():
        if wanted and wanted not in _addresses(there, name):
            yield f"{name}: {wanted} is added", f"ip addr add {wanted} dev {shlex.quote(name)}"
        for entry in there.links[name]["addr_info"]:
            address = f"{entry['local']}/{entry['prefixlen']}"
            if entry["family"] != "inet":
                continue
            if address == wanted and entry.get("dynamic"):
                lasting = f"ip addr change {wanted} dev {name} valid_lft forever preferred_lft forever"
                yield f"{name}: {address} no longer expires", lasting
            if address != wanted and wanted:
                yield f"{name}: {address} is removed", f"ip addr del {address} dev {shlex.quote(name)}"


def _route_commands(there: LinksOnHost, gateways: Sequence[str]) -> Generator[tuple[str, str], None, None]:
    """Yield the rules and routes that are too many, in words, and the commands that remove them."""
    for rule in there.rules:
        if (rule["priority"], rule.get("table")) not in KERNEL_RULES:
            yield f"rule {rule['priority']} is removed", f"ip -4 rule del pref {rule['priority']}"
    for route in there.routes:
        table = str(route.get("table", "main"))
        connected = route.get("protocol") == "kernel" and "gateway" not in route
        default = route["dst"] == "default" and table == "main" and route.get("gateway") in gateways
        of_a_lease = route.get("protocol") == "dhcp" and route.get("gateway", route["dst"]) in gateways
        if table == "local" or (connected and table == "main") or default or of_a_lease:
            continue
        if route.get("type", "unicast") == "unicast":
            told = f"{route['dst']} in table {table}"
            command = f"ip -4 route del {shlex.quote(route['dst'])} table {shlex.quote(table)}"
            yield f"the route to {told} is removed", command


class DhcpClients(FactBase[tuple[list[str], list[int]]]):
    """The units of DHCP clients that start at boot, and the clients that run, by process id."""

    def command(self, names: list[str]) -> str:
        """Return the command; each line starts with what it is."""
        pattern = "|".join(names)
        return (
            f"for u in {' '.join(names)}; do "
            "systemctl -q is-enabled $u.service 2>/dev/null && echo unit $u.service; done; "
            f"ps -e -o pid=,comm=,args= | awk '$2 ~ /^({pattern})$/ || "
            f'($2 == "busybox" && $4 ~ /^({pattern})$/) {{print "process", $1}}\'; :'
        )

    @staticmethod
    def default() -> tuple[list[str], list[int]]:
        """Return what no answer means: none."""
        return [], []

    def process(self, output: list[str]) -> tuple[list[str], list[int]]:
        """Parse the lines."""
        words = [line.split(" ") for line in output]
        units = [line[1] for line in words if line[0] == "unit"]
        return units, [int(line[1]) for line in words if line[0] == "process"]


@operation()
def _no_dhcp_client(names: list[str], declared: dict[str, str], gateways: list[str]) -> Commands:
    units, pids = host.get_fact(DhcpClients, names=names)
    if not units and not pids:
        host.noop("no DHCP client runs or starts at boot")
        return
    tell(*(f"{unit}: disabled" for unit in units), *(f"process {pid}: ended" for pid in pids))
    tell_touches(units=units)
    steps = [f"systemctl disable --now -- {shlex.quote(unit)}" for unit in units]
    for pid in pids:
        steps.append(f"kill {pid} 2>/dev/null; n=0")
        steps.append(f"while [ -e /proc/{pid} ] && [ $n -lt 50 ]; do n=$((n+1)); sleep 0.1; done")
    # A client may take its address along when it ends, so it is set in the same breath, before we need it.
    steps += [
        f"ip addr replace {address} dev {shlex.quote(name)} valid_lft forever preferred_lft forever"
        for name, address in declared.items()
        if address
    ]
    steps += [f"ip route replace default via {gateway}" for gateway in gateways]
    yield StringCommand("; ".join(steps))


def no_dhcp_client(
    names: Sequence[str], declared: Mapping[str, str], gateways: Sequence[str]
) -> OperationMeta:
    """End DHCP clients, by process and unit name, and keep them from starting; addresses stay, for good."""
    return _no_dhcp_client(
        names=list(names), declared=dict(declared), gateways=list(gateways), name="No DHCP client"
    )


@operation()
def _only_these(declared: dict[str, str], gateways: list[str]) -> Commands:
    there = host.get_fact(Links)
    wrong = [*_route_commands(there, gateways), *_link_commands(there, declared)]
    wrong += [(f"{radio}: blocked", f"echo 1 > {shlex.quote(radio)}/soft") for radio in there.radios]
    if not wrong:
        host.noop("no other interface is up; there are no other addresses, routes or rules")
        return
    tell(*(told for told, _ in wrong))
    tell_touches()
    for _, command in wrong:
        # What configures the network may have removed it in the meantime; checking says if it is still there.
        yield StringCommand(f"{command} 2>/dev/null || :")


def only_these(declared: Mapping[str, str], gateways: Sequence[str]) -> OperationMeta:
    """Take down every other interface, and remove other addresses, routes and rules, now.

    `declared`: interface -> its one address with prefix length, which stays whatever happens, or nothing;
    `gateways`: through which a default route may go.
    """
    return _only_these(
        declared=dict(declared), gateways=list(gateways), name="No other interface, address, route"
    )
