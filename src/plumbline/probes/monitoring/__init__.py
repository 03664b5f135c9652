"""The agent of the operator's monitoring, and what it answers to whom."""

from __future__ import annotations

from collections.abc import Container

from plumbline.probes.monitoring import agents, snmp, zabbix
from plumbline.probes.monitoring.agents import PROCESSES, SNMP, STARTING, UNITS, ZABBIX
from plumbline.probes.subject import Subject
from plumbline.probes.systemd import ON_DISK
from plumbline.verify.seen import Seen
from plumbline.verify.unknown import Unknown

ZABBIX_CONFIGURATION, SNMP_CONFIGURATION = zabbix.CONFIGURATION, snmp.CONFIGURATION

__all__ = [
    "ON_DISK",
    "PROCESSES",
    "SNMP",
    "SNMP_CONFIGURATION",
    "STARTING",
    "UNITS",
    "ZABBIX",
    "ZABBIX_CONFIGURATION",
    "Monitoring",
]


class Monitoring(Subject):
    """The agent of the operator's monitoring; products are named as the site names them."""

    def running(self, product: str) -> list[str]:
        """The agent's unit where it runs, told with its state where it does not."""
        processes, units = self.read(PROCESSES), self.read(UNITS)
        return agents.running(product, processes, units)

    def at_boot(self, product: str) -> dict[str, str]:
        """Whether the agent's unit starts at boot: `enabled`, else why not."""
        unit = agents.UNIT[product]
        return {unit: self.read(ON_DISK).state(unit)}

    def unusual_start(self, product: str) -> list[str]:
        """What lets the agent read another configuration than its own, or not start at all."""
        unit = self.read(UNITS).get(agents.UNIT[product])
        processes, starting = self.read(PROCESSES), self.read(STARTING)
        found = agents.unusual_now(product, processes)
        if unit is None or not unit.exists or unit["LoadState"] == "masked":
            return found
        if unit["NeedDaemonReload"] == "yes":
            raise Unknown("files of {unit} were changed since systemd read them", unit=agents.UNIT[product])
        return found + agents.unusual_at_boot(product, unit, starting)

    def changed_since_start(self, product: str) -> list[str]:
        """Files of the configuration that changed after the agent that runs was started."""
        if product == ZABBIX:
            changed = self.read(ZABBIX_CONFIGURATION).changed
        else:
            changed = self.read(SNMP_CONFIGURATION).changed
        return sorted(
            f"{path} (after {process} was started)"
            for process in self.read(PROCESSES)
            if process.name == agents.PROCESS[product]
            for path, when in changed.items()
            if when > process.started + agents.RESOLUTION
        )

    def second_agents(self, product: str | None) -> list[str]:
        """Agents of Zabbix that run, or start at boot, beside the site's."""
        on_disk, processes = self.read(ON_DISK), self.read(PROCESSES)
        at_boot = [
            f"{name} (starts at boot)"
            for name in agents.OTHER_UNITS
            if name != agents.UNIT.get(product or "") and on_disk.starts(name)
        ]
        return agents.second_now(product, processes) + at_boot

    def asking_servers(self) -> list[Seen]:
        """Who may ask Zabbix' agent, and whom it reports to."""
        return zabbix.servers(self.read(ZABBIX_CONFIGURATION))

    def accepted_connections(self) -> list[Seen]:
        """How Zabbix' agent lets itself be asked: `psk`, `cert`, `unencrypted`."""
        return zabbix.accepted_connections(self.read(ZABBIX_CONFIGURATION))

    def own_connections(self) -> list[Seen]:
        """How Zabbix' agent reports, in the same words; nothing where it reports to nobody."""
        return zabbix.own_connections(self.read(ZABBIX_CONFIGURATION))

    def weak_keys(self, bits: Container[object]) -> list[str]:
        """What is wrong with the key of Zabbix' agent, where it uses one."""
        found = self.read(ZABBIX_CONFIGURATION)
        uses = "psk" in {*zabbix.accepted_connections(found), *zabbix.own_connections(found)}
        return zabbix.weak_keys(found, bits, uses_psk=uses)

    def remote_commands(self) -> list[str]:
        """What lets a server of Zabbix run commands of its own choice."""
        return zabbix.commands(self.read(ZABBIX_CONFIGURATION))

    @property
    def zabbix_is_there(self) -> bool:
        """Whether Zabbix' agent 2 runs, or has a configuration it would run with."""
        named = any(process.name == agents.PROCESS[ZABBIX] for process in self.read(PROCESSES))
        return named or self.read(ZABBIX_CONFIGURATION).there

    @property
    def snmp_is_there(self) -> bool:
        """Whether Net-SNMP's agent runs or is installed."""
        named = any(process.name == agents.PROCESS[SNMP] for process in self.read(PROCESSES))
        return named or self.read(SNMP_CONFIGURATION).installed

    @property
    def old_snmp(self) -> list[str]:
        """What lets versions 1 and 2c of SNMP be spoken."""
        return snmp.communities(self.read(SNMP_CONFIGURATION))

    @property
    def weak_grants(self) -> list[str]:
        """Grants of SNMP that ask for less than authentication with encryption."""
        return snmp.weak_grants(self.read(SNMP_CONFIGURATION))

    @property
    def writable(self) -> list[str]:
        """Grants of SNMP that let somebody write."""
        return snmp.writable(self.read(SNMP_CONFIGURATION))

    @property
    def snmp_readers(self) -> list[Seen]:
        """The users that may ask SNMP's agent."""
        return snmp.readers(self.read(SNMP_CONFIGURATION))

    @property
    def snmp_users(self) -> list[snmp.User]:
        """The users of SNMPv3 with their algorithms."""
        return snmp.users(self.read(SNMP_CONFIGURATION))
