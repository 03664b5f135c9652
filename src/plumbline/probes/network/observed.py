"""The network as the suites see it: what carries traffic now, and what the next boot will configure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection, Iterable, Sequence

from plumbline.probes.base import ParseError
from plumbline.probes.boot_commands import BOOT_COMMANDS, ON_DISK
from plumbline.probes.network import commands, ifupdown, netplan, networkd, networkmanager
from plumbline.probes.network.configuration import CONFIGURATION
from plumbline.probes.network.live import LIVE, Interface, Live, Route
from plumbline.probes.network.plan import Planned, Surroundings
from plumbline.probes.programs import Programs
from plumbline.probes.subject import Subject
from plumbline.verify.seen import Reading, Seen
from plumbline.verify.unknown import Unknown

DEFAULT_RULES = (
    "0: from all lookup local",
    "32766: from all lookup main",
    "32767: from all lookup default",
    "-6 0: from all lookup local",
    "-6 32766: from all lookup main",
)
"""The rules every kernel starts with (ip-rule(8))."""

UNREAD_MANAGERS = ("connman", "wicked", "wickedd", "netctl", "systemd-netlogd", "dhcpcd-run-hooks")
"""Programs that configure networks and whose files are not read."""

_AGGREGATES = ("bond", "team")
_HARMLESS_ROUTES = ("blackhole", "unreachable", "prohibit", "throw", "broadcast", "anycast", "multicast")


class Network(Subject):
    """Observations of the network; `declared` are the names of the interfaces the specification has."""

    @property
    def live(self) -> Live:
        """The network as it is now."""
        return self.read(LIVE)

    # --- interfaces ---

    def _stand_in(self, declared: Sequence[str]) -> dict[str, str]:
        """Return the bonds that are not declared and whose members all are -> the first of these."""
        members: dict[str, list[str]] = {}
        for link in self.live.interfaces.values():
            if link.master is not None and self.live.interfaces[link.master].kind in _AGGREGATES:
                members.setdefault(link.master, []).append(link.name)
        return {
            bond: next(name for name in declared if name in names)
            for bond, names in members.items()
            if bond not in declared and set(names) <= set(declared)
        }

    def _other(self, declared: Sequence[str]) -> list[Interface]:
        """Return the interfaces besides loopback and the declared ones, and what those are made of.

        A member of a declared bond counts as the bond, a bond of declared members as these, and the
        addressless interface below a declared VLAN as the VLAN.
        """
        links = self.live.interfaces
        under = {link.lower for name, link in links.items() if name in declared and link.kind == "vlan"}
        bonds = {name for name, link in links.items() if name in declared and link.kind in _AGGREGATES}
        return [
            link
            for name, link in links.items()
            if not link.loopback
            and name not in {*declared, *self._stand_in(declared)}
            and link.master not in bonds
            and not (name in under and not link.addresses)
        ]

    def others_now(self, declared: Sequence[str]) -> list[str]:
        """Return the undeclared interfaces that could carry traffic now: they are up or have an address."""
        return [link.state for link in self._other(declared) if link.up or link.addresses]

    def others_up_now(self, declared: Sequence[str]) -> list[str]:
        """Return the undeclared interfaces that are administratively up now."""
        return [link.state for link in self._other(declared) if link.up]

    def others_at_boot(self, declared: Sequence[str]) -> list[Seen]:
        """Return what makes, addresses or brings up an undeclared interface at boot, one finding each."""
        return self._of_others(
            declared, lambda plan: [*plan.created, *plan.up, *plan.addresses, *plan.dhcp][:1]
        )

    def others_up_at_boot(self, declared: Sequence[str]) -> list[Seen]:
        """Return what brings an undeclared interface up at boot."""
        return self._of_others(declared, lambda plan: plan.up[:1])

    def _of_others(self, declared: Sequence[str], of: Callable[[Planned], list[Seen]]) -> list[Seen]:
        known = {link.name for link in self.live.interfaces.values()} - {
            link.name for link in self._other(declared)
        }
        return self._configured(
            lambda plan: [] if not plan.interface or plan.interface in {*known, *declared} else of(plan)
        )

    @property
    def radios_on(self) -> list[str]:
        """The radios that nothing blocks."""
        return [f"{radio.name}: {radio.type}" for radio in self.live.radios if not radio.blocked]

    # --- addresses ---

    def addresses_now(self, declared: Sequence[str]) -> list[str]:
        """Return every IPv4 address of declared interfaces and, beyond 127.0.0.0/8, of loopback."""
        shown = self._stand_in(declared)
        return sorted(
            f"{shown.get(link.name, link.name)}: {address}"
            for link in self.live.interfaces.values()
            for address in link.addresses
            if address.family == "inet" and _counts(link, address.local, {*declared, *shown})
        )

    def addresses_at_boot(self, declared: Sequence[str]) -> list[Seen]:
        """Return every IPv4 address that declared interfaces and loopback will be given."""
        shown = self._stand_in(declared)
        loopbacks = {link.name for link in self.live.interfaces.values() if link.loopback}
        ours = {"*", *loopbacks, *declared, *shown}
        found = self._configured(
            lambda plan: plan.addresses if plan.interface in ours else [], transient=" until the next boot"
        )
        for bond, member in shown.items():
            found = [
                Seen(f"{member}: {told.bare.removeprefix(f'{bond}: ')}", told.where)
                if told.bare.startswith(f"{bond}: ")
                else told
                for told in found
            ]
        return sorted(dict.fromkeys(found))

    def dhcp_now(self, clients: Iterable[str]) -> list[str]:
        """Return the DHCP clients that run, and traces of one inside another program."""
        dynamic = [
            f"{link.name}: {address}"
            for link in self.live.interfaces.values()
            for address in link.addresses
            if "dynamic" in address.marks
        ]
        return [*map(str, self._host.system.programs.running(clients)), *self.live.dhcp, *dynamic]

    def dhcp_at_boot(self, clients: Iterable[str]) -> list[Seen]:
        """Return what will ask for an address by DHCP: configuration, units, the kernel's command line."""
        asking = [
            Seen(parameter, "kernel command line")
            for parameter in self.read(CONFIGURATION).command_line
            if re.search(r"[=:](dhcp6?|on|any|both|auto6?|bootp|rarp|either6|link6)(:|$)", parameter)
        ]
        units = self._host.system.programs.boot_units(clients)
        return [*asking, *units, *self._configured(lambda plan: plan.dhcp)]

    # --- IPv6 ---

    @property
    def ipv6_now(self) -> list[str]:
        """Every IPv6 address of every interface, loopback included."""
        return sorted(
            f"{link.name}: {address}"
            for link in self.live.interfaces.values()
            for address in link.addresses
            if address.family == "inet6"
        )

    @property
    def ipv6_at_boot(self) -> list[Seen]:
        """What switches IPv6 on for an interface at boot against sysctl.d; nothing without IPv6."""
        if not self._host.sysctl.ipv6:
            return []
        return self._configured(lambda plan: plan.ipv6 if plan.interface != "lo" else [])

    # --- routing and forwarding ---

    def routes_now(self, gateways: Collection[str]) -> list[str]:
        """Return the routes beyond the interfaces' own networks and defaults through the given gateways."""
        return [route.text for route in self.live.routes if not self._is_plain(route, gateways)]

    def _is_plain(self, route: Route, gateways: Collection[str]) -> bool:
        """Say whether a route is a default or one the kernel makes of addresses, which anyone may imitate."""
        if not _plain(route, gateways):
            return False
        if route.kind not in ("local", "unicast") or route.destination in ("default", "127.0.0.0/8"):
            return True
        links = self.live.interfaces.values()
        if route.kind == "local":
            return any(route.destination == told.local for link in links for told in link.addresses)
        return any(
            _network(route.destination) == _network(address)
            for link in links
            if link.name == route.interface
            for told in link.addresses
            for address in (f"{told.local}/{told.prefix}", told.peer(told.prefix))
        )

    @property
    def rules_now(self) -> list[str]:
        """The policy rules beyond those every kernel has."""
        return [rule for rule in self.live.rules if rule not in DEFAULT_RULES]

    def routes_at_boot(self, gateways: Collection[str]) -> list[Seen]:
        """Return the routes and rules that will be set beyond defaults through the given gateways."""
        plain = {f"default via {gateway}" for gateway in gateways}
        return [told for told in self._configured(lambda plan: plan.routes) if not _in(told, plain)]

    @property
    def forwarding_at_boot(self) -> list[Seen]:
        """What switches forwarding on at boot besides sysctl.d."""
        return self._configured(lambda plan: plan.forwarding)

    @property
    def multicast_forwarding_now(self) -> list[Reading]:
        """The interfaces that forward multicast: a daemon has switched it on, no setting can."""
        return [
            reading
            for reading in self._host.sysctl.now("net.ipv4.conf.*.mc_forwarding")
            if reading.value != 0
        ]

    # --- configuration ---

    def _configured(self, of: Callable[[Planned], Sequence[Seen]], transient: str = "") -> list[Seen]:
        """Return findings of the configuration for the next boot, then those only /run has.

        Files in /run are gone at boot, but a reload applies them at any moment; `transient` is added to what
        only they say.
        """
        lasting = [_named(plan, told) for plan in self._plans(lasting=True) for told in of(plan)]
        found = list(dict.fromkeys(lasting))
        for plan in self._plans(lasting=False):
            for told in (_named(plan, told) for told in of(plan)):
                if told not in found:
                    found.append(Seen(told.bare + transient, told.where))
        return found

    def _plans(self, *, lasting: bool) -> list[Planned]:
        configuration, facts = self.read(CONFIGURATION), self._host.system.facts
        programs = self._host.system.programs
        files = configuration.lasting() if lasting else configuration.files
        host = Surroundings(files, self.live.interfaces, facts.hostname, facts.virtualization)
        for unit in programs.boot_units(UNREAD_MANAGERS):
            raise Unknown("the network is configured by {unit}, whose files are not read", unit=str(unit))
        by_netplan = configuration.netplan and any(path.endswith(".yaml") for path in files)
        by_commands = self.read(BOOT_COMMANDS).of(self.read(ON_DISK))
        try:
            return [*_planned(host, programs, by_netplan, lasting), *commands.planned(by_commands)]
        except (ParseError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Unknown(
                "the network's configuration is not understood: {error}", error=f"{error}"[:200]
            ) from error


def _planned(host: Surroundings, programs: Programs, by_netplan: bool, lasting: bool) -> list[Planned]:
    """Return what the managers that start at boot will configure."""
    found: list[Planned] = []
    if programs.started_at_boot("systemd-networkd.service") or by_netplan:
        found += networkd.planned(host)
    if by_netplan and lasting:
        # netplan's files are called 10-netplan-…; what networkd reads before them takes their place.
        first = {plan.interface: plan.file for plan in found}
        found += [plan for plan in netplan.planned(host) if first.get(plan.interface, "~") > "10-netplan-"]
    if programs.started_at_boot("networking.service"):
        found += ifupdown.planned(host)
    if programs.started_at_boot("NetworkManager.service"):
        found += networkmanager.planned(host)
    return found


def _named(plan: Planned, told: Seen) -> Seen:
    """Return a finding with its interface before it."""
    return Seen(f"{plan.interface}: {told.bare}", told.where) if plan.interface else told


def _in(told: Seen, plain: Collection[str]) -> bool:
    return told.bare.partition(": ")[2] in plain or told.bare in plain


def _network(text: str) -> object:
    return ipaddress.ip_network(text, strict=False)


def _counts(link: Interface, local: str, declared: Collection[str]) -> bool:
    return not local.startswith("127.") if link.loopback else link.name in declared


def _plain(route: Route, gateways: Collection[str]) -> bool:
    """Say whether a route is one a host has by its addresses, or its default."""
    if route.kind in _HARMLESS_ROUTES:
        return True
    if route.kind == "local":
        return "/" not in route.destination or route.destination == "127.0.0.0/8"
    if route.table != "main" or route.kind != "unicast":
        return False
    if route.destination == "default":
        return route.via in gateways
    return not route.via and route.protocol == "kernel"
