"""Before anything is planned: is this the right host, may we change it, and would we cut our own way in?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_address
from itertools import pairwise
from typing import TYPE_CHECKING

from pyinfra.api.facts import FactBase

from plumbline.errors import PlumblineError
from plumbline.matrix import FILE
from plumbline.policy.accepts import Value
from plumbline.policy.standard import DesiredState, Resolved

if TYPE_CHECKING:
    from plumbline.matrix.flows import HostFlows

DISTRIBUTIONS = frozenset({"debian", "ubuntu"})
"""`ID` of os-release(5) that the deploys are written for."""


_LEADS_NOWHERE = frozenset(
    {"local", "broadcast", "anycast", "multicast", "unreachable", "blackhole", "prohibit", "throw"}
)
"""Routes that lead to no other host (ip-route(8))."""


class RefusedError(PlumblineError):
    """A host is left as it is, because changing it would be wrong or dangerous."""


@dataclass
class Ground:
    """What is seen of the host at first, as the user we connect as.

    `client`, `server`, `port`: the two ends of our SSH connection as the host sees them; `sudo`: empty if
    sudo works without a password, else what it said; `addresses`: interface -> IPv4 addresses; `ways_back`:
    the interfaces by which some route leads to the client.
    """

    uid: int | None = None
    client: str = ""
    server: str = ""
    port: str = ""
    sudo: str = ""
    distribution: str = ""
    pretty: str = ""
    systemd: bool = False
    addresses: dict[str, list[str]] = field(default_factory=dict)
    ways_back: list[str] = field(default_factory=list)


class Look(FactBase[Ground]):
    """Read all of it in one command, without sudo, which hides SSH_CONNECTION."""

    def command(self) -> str:
        """Return the command; each line starts with what it is."""
        return (
            'PATH=$PATH:/usr/sbin:/sbin; echo "connection $SSH_CONNECTION"; echo "uid $(id -u)"; '
            'test -d /run/systemd/system && echo "systemd yes"; '
            'test "$(id -u)" = 0 || said=$(LC_ALL=C sudo -n true 2>&1) || echo "sudo ${said:-refused}"; '
            'ip -o -4 addr show 2>/dev/null | sed "s/^/address /"; '
            'ip -o -4 route show table all match "${SSH_CONNECTION%% *}" 2>/dev/null | sed "s/^/route /"; '
            '. /etc/os-release 2>/dev/null; echo "id $ID"; echo "pretty $PRETTY_NAME"'
        )

    def process(self, output: list[str]) -> Ground:
        """Parse the lines."""
        ground = Ground()
        for line in output:
            what, _, text = line.partition(" ")
            words = text.split()
            if what == "connection" and len(words) == 4:
                ground.client, ground.server, ground.port = words[0], words[2], words[3]
            elif what == "uid" and text.isdigit():
                ground.uid = int(text)
            elif what == "sudo":
                ground.sudo = text
            elif what == "systemd":
                ground.systemd = True
            elif what == "id":
                ground.distribution = text
            elif what == "pretty":
                ground.pretty = text
            elif what == "route" and words and words[0] not in _LEADS_NOWHERE:
                ground.ways_back += [at for key, at in pairwise(words) if key == "dev"]
            elif what == "address" and len(words) > 3:
                interface = words[1].partition("@")[0]
                ground.addresses.setdefault(interface, []).append(words[3].partition("/")[0])
        return ground


def refuse_unsafe(ground: Ground, desired: DesiredState, *, user: str, sudo: bool) -> None:
    """Raise RefusedError, with what to do, if this host must not be changed from here."""
    _refuse_other_system(ground)
    _refuse_without_root(ground, user, sudo)
    for refuse in REFUSALS:
        refuse(ground, desired)


def _refuse_other_system(ground: Ground) -> None:
    if ground.distribution not in DISTRIBUTIONS or not ground.systemd:
        told = ground.pretty or ground.distribution or "a system without /etc/os-release"
        raise RefusedError(f"it runs {told}; only Debian and Ubuntu with systemd can be changed")


def _refuse_without_root(ground: Ground, user: str, sudo: bool) -> None:
    if ground.uid == 0:
        return
    if not sudo:
        raise RefusedError(
            f"the user {user} is not root there",
            hint="connect as root, or set `sudo: true` in connection.yml",
        )
    if ground.sudo:
        raise RefusedError(
            f"sudo does not make {user} root there: {ground.sudo}",
            hint=f"allow {user} to use sudo without a password there",
        )


def _refuse_other_address(ground: Ground, desired: DesiredState) -> None:
    """Refuse what may be another host, and what would be readdressed under our feet."""
    for interface in desired.host.interfaces:
        if interface.address is None:
            continue
        if str(interface.address) not in ground.addresses.get(interface.name, []):
            there = [f"{name} {address}" for name, all_ in ground.addresses.items() for address in all_]
            raise RefusedError(
                f"its interface {interface.name} has not the specified address {interface.address} "
                f"(there: {', '.join(there) or 'no IPv4 address'}); this may be another host",
                hint="correct the specification; if it is this host, say in `addresses` of connection.yml "
                "where it is reached now, and give it its address by --readdress",
            )
    if ground.server and ground.server not in [str(own.address) for own in desired.host.interfaces]:
        raise RefusedError(
            f"it was reached at its address {ground.server}, which is not a specified one",
            hint="connect to the specified address, or correct the specification",
        )


def _refuse_lockout(ground: Ground, desired: DesiredState) -> None:
    firewall = desired.subject("firewall")
    if not firewall:
        return
    if not ground.client:
        raise RefusedError("it does not say from where we are connected, so the firewall could cut us off")
    if desired.flows is not None:
        _refuse_lockout_by_matrix(ground, desired, desired.flows)
        return
    sources = desired.site.management_sources
    shown = ", ".join(str(source) for source in sources)
    client = ip_address(ground.client)
    if not isinstance(client, IPv4Address) or not any(client in source for source in sources):
        raise RefusedError(
            f"this controller is seen there as {client}, which is not among the site's management sources "
            f"({shown}); the firewall would cut the way in",
            hint="add it to management_sources in site.yml, or apply from a management station",
        )
    ports = [values["management_port"] for values in _values(firewall) if "management_port" in values]
    if ports and ground.port not in [str(port) for port in ports]:
        raise RefusedError(
            f"it was reached at its port {ground.port}, the firewall lets management in at {ports[0]} only",
            hint="let sshd listen there, or set the management port in the host's parameters",
        )


def _refuse_lockout_by_matrix(ground: Ground, desired: DesiredState, flows: HostFlows) -> None:
    """Refuse if no row in force lets in the connection we came by; say which is missing, or not in force."""
    from plumbline.matrix.openings import letting_in

    client, server = ip_address(ground.client), ip_address(ground.server)
    missing = f"source {client}, destination {desired.host.name} ({server}), protocol tcp, port {ground.port}"
    if not isinstance(client, IPv4Address) or not isinstance(server, IPv4Address):
        raise RefusedError(
            f"this controller reaches it over IPv6, which no row of the matrix can be for ({missing})",
            hint="connect over IPv4",
        )
    if client == server or client.is_loopback:
        return  # what stays inside the host passes by loopback
    withheld = letting_in(flows, client, server, int(ground.port))
    if withheld is None:
        _refuse_no_way_back(ground)
        return
    if withheld:
        told = "; ".join(one.told().en for one in withheld)
        raise RefusedError(
            f"the matrix would cut the way in: {told} ({missing})",
            hint=f"have row {withheld[0].flow.row.id} of {FILE} approved, with a term that is not over",
        )
    raise RefusedError(
        f"the matrix would cut the way in: it has no row with {missing}",
        hint=f"add such a row to {FILE} and have it approved, or apply from where a row lets management in",
    )


def _refuse_no_way_back(ground: Ground) -> None:
    """Refuse if the rules would take our packets for spoofed: no route to us leads out where they come in."""
    entrances = [name for name, addresses in ground.addresses.items() if ground.server in addresses]
    if not ground.ways_back or not entrances or set(entrances) & set(ground.ways_back):
        return
    raise RefusedError(
        f"the firewall would cut the way in: this controller ({ground.client}) comes in by {entrances[0]}, "
        f"where no route leads back to it (but by {', '.join(dict.fromkeys(ground.ways_back))}); sources "
        "whose way back leads elsewhere are dropped",
        hint="connect to the address at the interface that leads to the controller, or add the route there",
    )


def _values(controls: dict[str, Resolved]) -> list[dict[str, Value]]:
    return [resolved.values for resolved in controls.values()]


REFUSALS: tuple[Callable[[Ground, DesiredState], None], ...] = (_refuse_other_address, _refuse_lockout)
"""Asked of every host that is ours to change, in this order; each raises RefusedError, with what to do."""
