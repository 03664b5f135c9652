"""The network as the suites see it: what carries traffic now, and what the next boot will configure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence

from plumbline.probes.boot_commands import ON_DISK
from plumbline.probes.network.configuration import CONFIGURATION
from plumbline.probes.network.engines import ENGINES
from plumbline.probes.network.live import Interface
from plumbline.probes.network.namespaces import NAMESPACES
from plumbline.probes.network.plan import Planned
from plumbline.probes.network.routing import Routing
from plumbline.probes.network.spoken import SPOKEN
from plumbline.verify.seen import Seen
from plumbline.verify.unknown import Unknown

_AGGREGATES = ("bond", "team")


class Network(Routing):
    """Observations of the network; `declared` are the names of the interfaces the specification has."""

    # --- interfaces ---

    def _stand_in(self, declared: Sequence[str]) -> dict[str, str]:
        """Return the bonds that are not declared and whose members all are -> the first of these."""
        return {
            bond: next(name for name in declared if name in names)
            for bond, names in self._bonds().items()
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
        """Return the undeclared interfaces that could carry traffic now: they are up or have an address.

        Those of other network namespaces too; `Unknown` if there are such that could not be looked into.
        """
        found = [link.state for link in self._other(declared) if link.up or link.addresses]
        elsewhere = self.read(NAMESPACES)
        found += [
            f"{link.state} in the network namespace of {name}"
            for name, links in elsewhere.interfaces.items()
            for link in links
            if not link.loopback and (link.up or link.addresses)
            if link.kind or link.name not in declared
        ]
        if elsewhere.unseen and not found:
            raise Unknown(
                "the interfaces in the network namespace of {name} cannot be seen", name=elsewhere.unseen[0]
            )
        return found

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
        return self.configured(
            lambda plan: [] if not plan.interface or plan.interface in {*known, *declared} else of(plan)
        )

    # --- bonds ---

    def _bonds(self) -> dict[str, list[str]]:
        """Return the bonds there are now, with their members."""
        links = self.live.interfaces
        members: dict[str, list[str]] = {}
        for link in links.values():
            if link.master is not None and link.master in links and links[link.master].kind in _AGGREGATES:
                members.setdefault(link.master, []).append(link.name)
        return members

    def bonded_beyond(self, uplinks: Collection[str]) -> list[str]:
        """Return the members of bonds that are none of these; a bond of one member joins nothing."""
        return [
            f"{name}: a member of {bond}, with {', '.join(sorted({*members} - {name}))}"
            for bond, members in self._bonds().items()
            for name in members
            if len(members) > 1 and name not in uplinks
        ]

    def bonded_beyond_at_boot(self, uplinks: Collection[str]) -> list[Seen]:
        """Return what will make another interface than these a member of a bond at the next boot."""
        joining = self.configured(lambda plan: plan.bonds)
        return [told for told in joining if told.bare.partition(":")[0] not in uplinks]

    def unbonded(self, uplinks: Sequence[str]) -> list[str]:
        """Return those of the interfaces that are not in one bond with the first, or are the bond."""
        bonds = self._bonds()
        joined = next((names for bond, names in bonds.items() if uplinks[0] in (bond, *names)), [])
        return [
            self.live.interfaces[name].state if name in self.live.interfaces else f"{name}: is not there"
            for name in uplinks
            if name not in joined and not (name == uplinks[0] and name in bonds)
        ]

    def unbonded_at_boot(self, uplinks: Sequence[str]) -> list[str]:
        """Return those of the interfaces that no configuration makes members of one bond with the first."""
        masters: dict[str, str] = {}
        for told in self.configured(lambda plan: plan.bonds):
            name, _, bond = told.bare.partition(": ")
            masters.setdefault(name, bond)
        bond = masters.get(uplinks[0], uplinks[0])
        return [
            f"{name}: {masters.get(name) or 'in no bond'}"
            for name in uplinks
            if name != bond and masters.get(name) != bond
        ]

    # --- radios ---

    @property
    def radio_adapters_now(self) -> list[str]:
        """Adapters of Wi-Fi and Bluetooth that the kernel drives now."""
        wireless = [
            f"{link.name}: {link.devtype}" for link in self.live.interfaces.values() if link.devtype == "wlan"
        ]
        return [*self.read(SPOKEN).adapters, *wireless]

    def radio_programs_at_boot(self, names: Collection[str]) -> list[Seen]:
        """Return the units of programs for radios that start at boot, or that D-Bus starts for anybody."""
        units = [unit for unit in self._host.system.programs.boot_units(names) if "-wired@" not in unit.bare]
        return [*units, *self.read(ENGINES).startable(names, self.read(ON_DISK))]

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
        found = self.configured(
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
        return [*asking, *units, *self.configured(lambda plan: plan.dhcp)]

    # --- other protocols ---

    def packet_types_now(self, accepted: Collection[str], industrial: Collection[str]) -> list[Seen]:
        """Return the kinds of packets taken from the network besides the accepted ones."""
        return self.read(SPOKEN).other_types(accepted, industrial)

    def socket_families_now(self, accepted: Collection[str]) -> list[Seen]:
        """Return the socket families that are used, or that modules brought, besides the accepted ones."""
        return self.read(SPOKEN).other_families(accepted)

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
        return self.configured(lambda plan: plan.ipv6 if plan.interface != "lo" else [])


def _counts(link: Interface, local: str, declared: Collection[str]) -> bool:
    return not local.startswith("127.") if link.loopback else link.name in declared
