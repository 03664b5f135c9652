"""The antivirus: packages, whether it runs and will run, how old its signatures are, what it leaves out.

The product is a parameter of the site. Packages and units are observed whole, so any product's can be judged;
ClamAV is asked by probes of its own, another product by the site's commands.
"""

from __future__ import annotations

from typing import Any

from plumbline.probes.antivirus import product
from plumbline.probes.antivirus.detection import CLAMAV_DETECTION, CLAMAV_SAYS
from plumbline.probes.antivirus.exclusions import EXCLUSIONS, Exclusion, approved_expressions, exclusions
from plumbline.probes.antivirus.installed import PACKAGES, RUNNING
from plumbline.probes.antivirus.on_access import ON_ACCESS, UNIT
from plumbline.probes.antivirus.signatures import (
    CLAMAV_SIGNATURES,
    LOADED,
    SIGNATURES,
    Loaded,
    Signatures,
    age_in_days,
    broken,
    days,
)
from plumbline.probes.antivirus.starting import STARTING, otherwise
from plumbline.probes.antivirus.updater import SOURCES, UPDATER, elsewhere
from plumbline.probes.base import Probe
from plumbline.probes.subject import Subject
from plumbline.probes.systemd import ON_DISK
from plumbline.spec.site import Antivirus as SiteAntivirus
from plumbline.spec.site import Site
from plumbline.verify.unknown import Unknown

__all__ = [
    "CLAMAV_DETECTION",
    "CLAMAV_SIGNATURES",
    "EXCLUSIONS",
    "LOADED",
    "ON_ACCESS",
    "ON_DISK",
    "PACKAGES",
    "RUNNING",
    "SIGNATURES",
    "SOURCES",
    "STARTING",
    "Antivirus",
    "Exclusion",
    "Loaded",
    "Signatures",
    "of_site",
]


_BENEATH = "the host is a container: whether it is scanned on access, its machine decides"


def of_site(site: Site) -> list[Probe[Any]]:
    """Return the probes that a site's own product needs beside the fixed ones."""
    return product.probes(site.antivirus)


class Antivirus(Subject):
    """The antivirus as the host has it."""

    def missing_packages(self, names: list[str]) -> list[str]:
        """Return which of the packages are not installed."""
        return [name for name in names if name not in self.read(PACKAGES)]

    def states_now(self, services: list[str]) -> dict[str, str]:
        """Return the state of each service now: `active/running` when it runs."""
        running, on_disk = self.read(RUNNING), self.read(ON_DISK)
        return {name: running.get(on_disk.own_name(_full(name)), "not loaded") for name in services}

    def states_at_boot(self, services: list[str]) -> dict[str, str]:
        """Return for each service `enabled` when it starts at boot, as its package has it, else why not."""
        on_disk = self.read(ON_DISK)
        states = {name: on_disk.state(_full(name)) for name in services}
        for name in [name for name, state in states.items() if state == "enabled"]:
            if told := list(otherwise(self.read(STARTING), _full(name))):
                states[name] = f"enabled, but: {'; '.join(told)}"
        return states

    def too_old(self, site: SiteAntivirus) -> list[str]:
        """Return what the site's version command told, if that is older than the site wants or no version."""
        asked = product.version(site)
        if asked is None or site.oldest_version is None:
            raise Unknown(
                "the site gives no command that tells the version of {product}", product=site.product
            )
        return product.older(self.read(asked), site.oldest_version)

    def signature_age_days(self, site: SiteAntivirus) -> int | None:
        """Return how many days old the newest signatures on disk are, rounded up; None if there are none."""
        return age_in_days(*self.read(SIGNATURES if site.is_clamav else product.newest_signatures(site)))

    def broken_signatures(self, site: SiteAntivirus) -> list[str]:
        """Return the files of signatures by which ClamAV will not start again: empty or cut short."""
        return broken(self.read(SIGNATURES)[1]) if site.is_clamav else []

    def not_updated(self, mirror: str) -> list[str]:
        """Return why signatures will not come from the site's mirror: the updater's state, or its sources."""
        now, boot = self.states_now([UPDATER])[UPDATER], self.states_at_boot([UPDATER])[UPDATER]
        found = [f"{UPDATER}, now: {now}"] if now != "active/running" else []
        found += [f"{UPDATER}, at boot: {boot}"] if boot != "enabled" else []
        return found + elsewhere(self.read(SOURCES), mirror)

    def loaded_age_days(self) -> int | None:
        """Return how many days old the signatures are that ClamAV has loaded; None if it has none."""
        loaded = self.read(LOADED)
        return None if loaded.made is None else days(loaded.asked, loaded.made)

    def detection(self, site: SiteAntivirus) -> str:
        """Return `detected` if the scanner finds the test file and nothing harmless, else what it said."""
        if site.is_clamav:
            return self.read(CLAMAV_DETECTION).told(CLAMAV_SAYS)
        asked = product.detects(site)
        if asked is None:
            raise Unknown(
                "the site gives no command that lets {product} scan something", product=site.product
            )
        return self.read(asked).told(site.detection_says)

    def not_watched(self, paths: list[str]) -> list[str]:
        """Return the paths that ClamAV is not set up to scan on access; a path covers what is below it."""
        watched = [path.rstrip("/") for path in self.read(ON_ACCESS).watched]
        return [
            path for path in paths if not any(f"{path.rstrip('/')}/".startswith(f"{one}/") for one in watched)
        ]

    def watches_at_boot(self) -> str:
        """Return `enabled` if the scan on access starts at boot, else why not; Unknown in a container."""
        state = self.read(ON_DISK).state(UNIT)
        if state != "enabled" and self.read(ON_ACCESS).container:
            raise Unknown(_BENEATH)
        return state

    def watches_now(self) -> str:
        """Return `watching` if the kernel tells ClamAV of each access, else why not.

        Unknown in a container, where the machine beneath decides that.
        """
        found = self.read(ON_ACCESS)
        if found.marks:
            return "watching"
        if found.container:
            raise Unknown(_BENEATH)
        return f"{UNIT} watches nothing" if found.running else f"{UNIT} does not run"

    def exclusions_beyond(self, site: SiteAntivirus, approved: list[str]) -> list[Exclusion]:
        """Return what the scanner leaves out beyond the approved paths.

        A path is approved with what is below it. ClamAV's expression for it must be bound to the start and to
        the end of a name, or it leaves out others as well. Unknown for another product without a command.
        """
        if not site.is_clamav:
            asked = product.excluded(site)
            if asked is None:
                raise Unknown(
                    "the site gives no command that tells what {product} leaves out", product=site.product
                )
            command = site.exclusions_command or ""
            return [Exclusion(line, command) for line in self.read(asked) if line not in approved]
        if "clamav-daemon" not in self.read(PACKAGES):
            raise Unknown("ClamAV is not installed, and what another product leaves out cannot be read")
        allowed = {expression for path in approved for expression in approved_expressions(path)}
        allowed |= {f"OnAccessExcludePath {path}" for path in approved}
        found = self.read(EXCLUSIONS)
        return [exclusion for exclusion in exclusions(found) if exclusion.what not in allowed]


def _full(service: str) -> str:
    return service if "." in service else f"{service}.service"
