"""What the configuration will do at the next boot, whichever of the network's managers reads it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from plumbline.probes.base import ParseError
from plumbline.probes.boot_commands import BOOT_COMMANDS, ON_DISK
from plumbline.probes.network import commands, ifupdown, netplan, networkd, networkmanager
from plumbline.probes.network.configuration import CONFIGURATION
from plumbline.probes.network.live import LIVE, Live
from plumbline.probes.network.plan import Planned, Surroundings
from plumbline.probes.programs import Programs
from plumbline.probes.subject import Subject
from plumbline.verify.seen import Seen
from plumbline.verify.unknown import Unknown

UNREAD_MANAGERS = ("connman", "wicked", "wickedd", "netctl", "systemd-netlogd", "dhcpcd-run-hooks")
"""Programs that configure networks and whose files are not read."""


class Configured(Subject):
    """The network as it is, and as it is configured."""

    @property
    def live(self) -> Live:
        """The network as it is now."""
        return self.read(LIVE)

    def configured(self, of: Callable[[Planned], Sequence[Seen]], transient: str = "") -> list[Seen]:
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
