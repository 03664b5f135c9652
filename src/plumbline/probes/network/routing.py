"""Routing and forwarding: routes, policy rules, what passes packets on, now and at the next boot."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

from plumbline.probes.boot_commands import ON_DISK
from plumbline.probes.firewall import BOOT, LEGACY, NOW
from plumbline.probes.firewall.ruleset import Rule, Ruleset
from plumbline.probes.network.configured import Configured
from plumbline.probes.network.engines import ENGINES
from plumbline.probes.network.live import Route
from plumbline.probes.network.spoken import SPOKEN
from plumbline.verify.seen import Reading, Seen

DEFAULT_RULES = (
    "0: from all lookup local",
    "32766: from all lookup main",
    "32767: from all lookup default",
    "-6 0: from all lookup local",
    "-6 32766: from all lookup main",
)
"""The rules every kernel starts with (ip-rule(8))."""

_HARMLESS_ROUTES = ("blackhole", "unreachable", "prohibit", "throw", "broadcast", "anycast", "multicast")
_TRANSLATING = {"masquerade", "snat", "dnat"}
_TRANSLATING_TARGETS = {"MASQUERADE", "SNAT", "DNAT", "NETMAP"}
_NAT_TABLE = ": nat"


class Routing(Configured):
    """What leads packets further than the host itself."""

    def routes_now(self, gateways: Collection[str]) -> list[str]:
        """Return the routes beyond the interfaces' own networks and defaults through the given gateways."""
        return [route.text for route in self.live.routes if not self._is_plain(route, gateways)]

    def _is_plain(self, route: Route, gateways: Collection[str]) -> bool:
        """Say whether a route is a default or one the kernel makes of addresses, which anyone may imitate."""
        if not _plain(route, gateways):
            return False
        if route.kind not in ("local", "unicast") or route.destination in ("default", "127.0.0.0/8"):
            return True
        if route.protocol == "dhcp":
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

    def routes_through_now(self, names: Collection[str]) -> list[str]:
        """Return the routes that lead through one of these interfaces, beyond its own network."""
        return [
            route.text
            for route in self.live.routes
            if set(route.interface.split(",")) & set(names)
            and (route.destination == "default" or not self._is_plain(route, ()))
        ]

    def routes_through_at_boot(self, names: Collection[str]) -> list[Seen]:
        """Return the routes, defaults among them, that will be set for one of these interfaces."""
        return self.configured(lambda plan: plan.routes if plan.interface in names else [])

    @property
    def rules_now(self) -> list[str]:
        """The policy rules beyond those every kernel has."""
        return [rule for rule in self.live.rules if rule not in DEFAULT_RULES]

    def routes_at_boot(self, gateways: Collection[str]) -> list[Seen]:
        """Return the routes and rules that will be set beyond defaults through the given gateways."""
        plain = {f"default via {gateway}" for gateway in gateways}
        return [told for told in self.configured(lambda plan: plan.routes) if not _in(told, plain)]

    @property
    def forwarding_at_boot(self) -> list[Seen]:
        """What switches forwarding on at boot besides sysctl.d."""
        return self.configured(lambda plan: plan.forwarding)

    def forwarding_engines_at_boot(self, units: Collection[str]) -> list[Seen]:
        """Return those of the units that start at boot and switch forwarding on themselves."""
        return self.read(ENGINES).forwarding(units, self.read(ON_DISK))

    @property
    def translating_now(self) -> list[str]:
        """The rules that translate addresses now, and the old iptables' table for that."""
        legacy = [table for table in self.read(LEGACY) if table.endswith(_NAT_TABLE)]
        return [*_translating(self.read(NOW)), *legacy]

    @property
    def translating_at_boot(self) -> list[str]:
        """The rules of the boot file that translate addresses."""
        return _translating(self.read(BOOT).ruleset)

    @property
    def virtual_servers_now(self) -> list[str]:
        """The virtual servers of IPVS, which pass packets on to others."""
        return self.read(SPOKEN).servers

    @property
    def multicast_forwarding_now(self) -> list[Reading]:
        """The interfaces that forward multicast: a daemon has switched it on, no setting can."""
        return [
            reading
            for reading in self._host.sysctl.now("net.ipv4.conf.*.mc_forwarding")
            if reading.value != 0
        ]


def _translating(ruleset: Ruleset | None) -> list[str]:
    return [] if ruleset is None else [str(rule) for rule in ruleset.rules() if _translates(rule)]


def _translates(rule: Rule) -> bool:
    return any(
        kind in _TRANSLATING or (kind == "xt" and value.get("name") in _TRANSLATING_TARGETS)
        for statement in rule.statements
        for kind, value in statement.items()
    )


def _in(told: Seen, plain: Collection[str]) -> bool:
    return told.bare.partition(": ")[2] in plain or told.bare in plain


def _network(text: str) -> object:
    return ipaddress.ip_network(text, strict=False)


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
    if route.protocol == "dhcp" and "/" not in route.destination:
        # To the gateway itself and, through it, to the servers a lease names (systemd.network(5)).
        return route.via in gateways if route.via else route.destination in gateways
    return not route.via and route.protocol == "kernel"
