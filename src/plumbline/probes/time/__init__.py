"""Where the host takes its time from: which service keeps it, and which sources that service asks."""

from __future__ import annotations

from plumbline.probes.subject import Subject
from plumbline.probes.systemd import (
    CLOCK_SETTERS,
    CONDITIONS,
    ON_DISK,
    SCRIPT_LINES,
    UNIT_LINES,
    Line,
    naming,
)
from plumbline.probes.time import chrony, timesyncd
from plumbline.probes.time.chrony import CHRONY_BOOT, CHRONY_NOW
from plumbline.probes.time.services import (
    ACCEPTABLE,
    PROCESSES,
    UNITS,
    at_boot,
    held_back,
    running,
)
from plumbline.probes.time.timesyncd import TIMESYNCD
from plumbline.verify.unknown import Unknown

__all__ = [
    "CHRONY_BOOT",
    "CHRONY_NOW",
    "CONDITIONS",
    "ON_DISK",
    "PROCESSES",
    "SCRIPT_LINES",
    "TIMESYNCD",
    "UNITS",
    "UNIT_LINES",
    "Time",
]


class Time(Subject):
    """The host's time services and their sources; a source other than a plain server carries its kind."""

    @property
    def services_now(self) -> list[str]:
        """Names of the time services that run; what was started by hand is told with its program."""
        return running(self.read(PROCESSES), self.read(UNITS))

    @property
    def services_at_boot(self) -> list[str]:
        """Names of the time services that start at boot."""
        return at_boot(self.read(ON_DISK), self.read(UNIT_LINES))

    @property
    def sources_now(self) -> list[str]:
        """Sources that the running services ask now; Unknown for a service whose sources cannot be read."""
        return [source for service in self.services_now for source in self._asked_now(service)]

    @property
    def sources_at_boot(self) -> list[str]:
        """Sources that the services starting at boot are going to ask."""
        return [source for service in self.services_at_boot for source in self._asked_at_boot(service)]

    @property
    def unusual_start(self) -> list[str]:
        """What lets the service ask others than its configuration names, keep no time, or not start."""
        processes = self.read(PROCESSES)
        found = [f"now: {told}" for told in chrony.unusual_now(processes)]
        units, starting = self.read(UNITS), self.services_at_boot
        for name in ACCEPTABLE:
            if name not in starting:
                continue
            unit = units.get(name)
            if unit is None:
                raise Unknown("systemd told nothing of {unit}", unit=name)
            if unit["NeedDaemonReload"] == "yes":
                raise Unknown("files of {unit} were changed since systemd read them", unit=name)
            unusual = chrony.unusual_at_boot if name == chrony.SERVICE else timesyncd.unusual_at_boot
            found += [f"boot: {told}" for told in unusual(unit, self.read(CHRONY_BOOT), processes)]
            found += [f"boot: {told}" for told in held_back(unit, self.read(CONDITIONS))]
        return found

    @property
    def scripts(self) -> list[Line]:
        """Lines of scripts and scheduled jobs that set the clock."""
        found = self.read(SCRIPT_LINES)
        return naming(found, CLOCK_SETTERS)

    def _asked_now(self, service: str) -> list[str]:
        if service == chrony.SERVICE:
            sources = self.read(CHRONY_NOW)
            if sources is None:
                raise Unknown("chronyd runs but does not answer, so its sources are not known")
            return sources
        if service == timesyncd.SERVICE:
            return timesyncd.asked_now(self.read(TIMESYNCD))
        raise Unknown("the sources of {service} cannot be read", service=service)

    def _asked_at_boot(self, service: str) -> list[str]:
        if service == chrony.SERVICE:
            return chrony.configured(self.read(CHRONY_BOOT))
        if service == timesyncd.SERVICE:
            return timesyncd.configured(self.read(TIMESYNCD))
        raise Unknown("the sources of {service} cannot be read", service=service)
