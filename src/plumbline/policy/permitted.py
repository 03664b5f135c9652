"""What one host may run: its distribution's baseline, the site's antivirus, and what is specified of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property

from plumbline.policy.baseline import Baseline, BaselinePackage, load_baseline
from plumbline.policy.standard import DesiredState
from plumbline.spec.services import Listener, Service

KIOSK_UNIT = "plumbline-kiosk.service"
"""The operator visualisation's own unit, where the specification declares one (deploys/hmi.py)."""


@dataclass(frozen=True)
class Permitted:
    """What may be installed, start, run and listen on one host.

    `site_packages` are the operator's own, such as the antivirus; `software` are packages that declared
    software is installed as; `people`: accounts whose sessions a display manager or a kiosk opens.
    """

    baseline: Baseline
    desktop: bool
    site_packages: frozenset[str]
    site_units: frozenset[str]
    software: frozenset[str]
    services: tuple[Service, ...]
    people: frozenset[str] = frozenset()

    @cached_property
    def packages(self) -> dict[str, BaselinePackage]:
        """The baseline's packages, those of a desktop only where there is one."""
        return {**self.baseline.packages, **(self.baseline.desktop if self.desktop else {})}

    def package(self, name: str) -> bool:
        """Say whether a package that brings services may be installed."""
        return name in self.packages or self.brings_freely(name)

    def brings_freely(self, package: str) -> bool:
        """Say whether all that a package brings may run: the site or the specification names it."""
        return package in self._free

    @cached_property
    def _free(self) -> frozenset[str]:
        declared = {package for service in self.services for package in service.packages}
        return self.site_packages | self.software | declared

    def service_of(self, unit: str, package: str | None = None) -> Service | None:
        """Return the declared service that a unit belongs to, by its name or the package that brings it."""
        for service in self.services:
            if matches(unit, service.unit_names):
                return service
        for service in self.services:
            if package is not None and package in service.packages:
                return service
        return None

    def of_baseline(self, unit: str, package: str | None) -> bool:
        """Say whether a unit that this package brings is the distribution's and may run."""
        return package in self.packages and matches(unit, self.packages[package].units)

    def of_site(self, unit: str, package: str | None) -> bool:
        """Say whether a unit is the operator's own, or brought by software that is declared."""
        return unit in self.site_units or (package is not None and self.brings_freely(package))

    def unit(self, unit: str, package: str | None) -> bool:
        """Say whether a unit may start and run; `package` brings it, None if none does."""
        return (
            self.of_baseline(unit, package)
            or self.of_site(unit, package)
            or self.service_of(unit, package) is not None
        )

    def is_software(self, package: str | None) -> bool:
        """Say whether a package is a supplier's software, and neither the distribution's nor the site's."""
        return package in self.software and package not in {*self.packages, *self.site_packages}

    def generated(self, unit: str) -> bool:
        """Say whether a unit is one that the distribution's generators make."""
        return matches(unit, self.baseline.generated)

    def file(self, path: str) -> Service | None:
        """Return the declared service that a file with starts of its own belongs to."""
        return next((service for service in self.services if path in service.files), None)

    def leaves(self, package: str | None, program: str) -> bool:
        """Say whether a package's services may leave this program running on its own."""
        return package in self.packages and program in self.packages[package].leaves

    def baseline_listens(self, package: str | None, protocol: str, port: int) -> bool:
        """Say whether the distribution's package listens there."""
        listens = self.packages[package].listens if package in self.packages else []
        return any((each.protocol, each.port) == (protocol, port) for each in listens)

    def listener(self, protocol: str, address: str, port: int) -> list[tuple[Service, Listener]]:
        """Return the declared listeners at a port that mean this address; one without means any."""
        return [
            (service, listener)
            for service in self.services
            for listener in service.listeners
            if (listener.protocol, listener.port) == (protocol, port)
            and (listener.address is None or str(listener.address) == address)
        ]


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Say whether a name is one of these, in which `*` stands for anything."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def permitted(desired: DesiredState) -> Permitted | None:
    """Return what a host may run; None if the standard has no baseline of its distribution."""
    host, antivirus = desired.host, desired.site.antivirus
    baseline = load_baseline(desired.standard.name, host.os.distribution, host.os.version)
    if baseline is None:
        return None
    return Permitted(
        baseline=baseline,
        desktop=host.desktop or host.kiosk is not None,
        site_packages=frozenset(antivirus.packages),
        site_units=frozenset([*antivirus.services, *([KIOSK_UNIT] if host.kiosk is not None else [])]),
        software=frozenset(package for software in host.software for package in software.packages),
        services=tuple(host.services),
        people=frozenset([*baseline.greeters, *([host.kiosk.user] if host.kiosk is not None else [])]),
    )
