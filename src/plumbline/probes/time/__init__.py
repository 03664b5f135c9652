"""Where the host takes its time from: which service keeps it, and which sources that service asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
from plumbline.probes.time import chrony, directives, measured, timesyncd
from plumbline.probes.time.chrony import CHRONY_BOOT, CHRONY_NOW
from plumbline.probes.time.measured import MEASURED, milliseconds
from plumbline.probes.time.services import (
    ACCEPTABLE,
    PROCESSES,
    UNITS,
    at_boot,
    held_back,
    running,
)
from plumbline.probes.time.timesyncd import TIMESYNCD
from plumbline.verify.seen import Reading
from plumbline.verify.unknown import Unknown

__all__ = [
    "CHRONY_BOOT",
    "CHRONY_NOW",
    "CONDITIONS",
    "MEASURED",
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

    def authenticated_otherwise_now(self, demanded: Mapping[str, str]) -> list[str]:
        """Sources that do not prove themselves as demanded (`nts`, `key 7 SHA256`), and how they do."""
        wanted = _named(demanded)
        if not any(how != "none" for how in wanted.values()):
            return []
        if chrony.SERVICE not in self.services_now:
            return [f"{name}: none, {how} is demanded" for name, how in wanted.items() if how != "none"]
        seen = measured.authentication(self.read(MEASURED))
        return _otherwise(wanted, seen)

    def authenticated_otherwise_at_boot(self, demanded: Mapping[str, str]) -> list[str]:
        """Sources that will not prove themselves as demanded after a boot."""
        wanted = _named(demanded)
        if not any(how != "none" for how in wanted.values()):
            return []
        if chrony.SERVICE not in self.services_at_boot:
            return [f"{name}: none, {how} is demanded" for name, how in wanted.items() if how != "none"]
        return _otherwise(wanted, directives.trusted(self.read(CHRONY_BOOT)))

    @property
    def open_keys(self) -> list[str]:
        """The file of keys, where others can read or change it."""
        return measured.open_keys(self.read(MEASURED))

    @property
    def altered(self) -> list[str]:
        """Settings by which the time of sources is not taken as it is."""
        return directives.altered(self.read(CHRONY_BOOT))

    @property
    def served_now(self) -> list[str]:
        """Where time is served to others now."""
        return measured.listening(self.read(MEASURED))

    @property
    def served_at_boot(self) -> list[str]:
        """Settings by which time will be served to others."""
        return directives.serving(self.read(CHRONY_BOOT))

    @property
    def hypervisor(self) -> list[str]:
        """Tools of the hypervisor that set the clock."""
        return measured.hypervisor(self.read(MEASURED))

    def silent(self, declared: Sequence[str]) -> list[str]:
        """Sources that do not answer, and declared ones that are not asked; timesyncd asks one at a time."""
        if timesyncd.SERVICE in self.services_now:
            return timesyncd.silent(self.read(TIMESYNCD))
        found = {source.name: source for source in self._measured()}
        asked = [name for name, source in found.items() if not source.reach]
        missing = [name for name in _named(dict.fromkeys(declared, "")) if name not in found]
        if asked and not missing and not measured.is_settled(self.read(MEASURED)):
            raise Unknown(
                "the time service has just started; {sources} may still answer", sources=", ".join(asked)
            )
        return [f"{name}: no answer" for name in asked] + [f"{name}: not asked" for name in missing]

    @property
    def selected(self) -> list[str]:
        """Sources the clock follows now; none where it follows none."""
        if timesyncd.SERVICE in self.services_now:
            return timesyncd.selected(self.read(TIMESYNCD))
        found = [source.name for source in self._measured() if source.is_selected]
        if not found and not measured.is_settled(self.read(MEASURED)):
            raise Unknown("the time service has just started and has not chosen a source yet")
        return found

    @property
    def offsets(self) -> list[Reading]:
        """How far the clock is off, in ms: by its own reckoning, and by each source that answers."""
        if timesyncd.SERVICE in self.services_now:
            return timesyncd.offsets(self.read(TIMESYNCD))
        own = measured.tracking(self.read(MEASURED))
        found = [
            milliseconds(f"away from {source.name}", source.offset, "chronyc sources")
            for source in self._measured()
            if source.reach
        ]
        if own is None or not found:
            raise Unknown("no source has answered, so nothing says how far the clock is off")
        return [milliseconds("to be corrected", own.offset, "chronyc tracking"), *found]

    @property
    def stratum(self) -> Reading:
        """The host's own stratum; 16 stands for not synchronised."""
        if timesyncd.SERVICE in self.services_now:
            return timesyncd.stratum(self.read(TIMESYNCD))
        own = self._tracked()
        return Reading("stratum", own.stratum or 16, "chronyc tracking")

    @property
    def leap(self) -> str:
        """The leap status: `Normal`, `Insert second`, `Delete second`, or `Not synchronised`."""
        if timesyncd.SERVICE in self.services_now:
            return timesyncd.leap(self.read(TIMESYNCD))
        return self._tracked().leap

    def _measured(self) -> list[measured.Source]:
        if chrony.SERVICE not in self.services_now:
            raise Unknown("no time service runs of which is known what it measures")
        return measured.sources(self.read(MEASURED))

    def _tracked(self) -> measured.Tracking:
        own = measured.tracking(self.read(MEASURED))
        if own is None:
            raise Unknown("no time service runs of which is known what it measures")
        if own.leap == "Not synchronised" and not measured.is_settled(self.read(MEASURED)):
            raise Unknown("the time service has just started and has not chosen a source yet")
        return own

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


def _named(demanded: Mapping[str, str]) -> dict[str, str]:
    return {name.lower().rstrip("."): how for name, how in demanded.items()}


def _otherwise(wanted: Mapping[str, str], seen: Mapping[str, str]) -> list[str]:
    return [
        f"{name}: {seen.get(name, 'not asked')}, {how} is demanded"
        for name, how in wanted.items()
        if how != "none" and seen.get(name) != how
    ]
