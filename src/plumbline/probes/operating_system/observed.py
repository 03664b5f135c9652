"""The operating system as the suites see it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

from plumbline.policy.releases import Distribution, Release, ReleasesFile
from plumbline.probes.operating_system.machine import MACHINE, Machine
from plumbline.probes.operating_system.packages import PACKAGES, Beside, Packages, State
from plumbline.probes.operating_system.running import RUNNING, Running, order_of_kernels
from plumbline.probes.operating_system.sources import SOURCES, Source, Sources, has_security
from plumbline.probes.subject import Subject
from plumbline.verify.seen import Seen
from plumbline.verify.unknown import Unknown

CONTAINERS = frozenset(
    {"openvz", "lxc", "lxc-libvirt", "systemd-nspawn", "docker", "podman", "rkt", "wsl", "proot", "pouch"}
    | {"container-other"}
)
"""What systemd-detect-virt(1) calls a container."""

_DAY = 86_400


class SeenDay(date):
    """A day, told with what was seen that day."""

    seen: str

    @classmethod
    def of(cls, day: date, seen: str) -> SeenDay:
        """Make it of a day."""
        made = cls(day.year, day.month, day.day)
        made.seen = seen
        return made

    def __str__(self) -> str:
        return f"{self.isoformat()} ({self.seen})"


class OperatingSystem(Subject):
    """The release, its updates, a reboot owed, the machine beneath."""

    @property
    def distribution(self) -> Seen:
        """The distribution's identifier (os-release(5), ID)."""
        return Seen(self._host.system.distribution, "/etc/os-release")

    @property
    def other_base(self) -> list[str]:
        """The package that shows the host to run another release than it says; Unknown without it."""
        packages = self.read(PACKAGES)
        if not packages.base:
            raise Unknown("no package here tells the release, and os-release alone can be edited")
        fits = packages.of_release(self.distribution.bare, self.version.bare)
        return [] if fits else [f"base-files {packages.base}"]

    @property
    def codename(self) -> str:
        """The release's name in its archive; empty where nothing tells it."""
        return self._host.system.facts.release.get("VERSION_CODENAME", "")

    @property
    def version(self) -> Seen:
        """The release's version (VERSION_ID); empty for what never was released."""
        facts = self._host.system.facts.release
        return Seen(facts.get("VERSION_ID", ""), facts.get("PRETTY_NAME", "/etc/os-release"))

    def known_in(self, releases: ReleasesFile) -> Distribution:
        """Return the releases of the host's distribution; Unknown if the one it runs is not known there."""
        known = releases.distributions.get(self.distribution.bare)
        if known is None:
            raise Unknown(
                "no releases of {distribution} are known here; a document of its maker shows their support",
                distribution=self.distribution.bare or "—",
            )
        version = self.version.bare
        if known.known_as(version) is None and known.is_newer_than_known(version):
            raise Unknown(
                "{version} is newer than the releases known here on {day}; renew releases.yml",
                version=f"{self.distribution.bare} {version}",
                day=releases.as_of,
            )
        return known

    def release(self, known: Distribution) -> Seen:
        """Return the release as it is known, such as 9 of 9.4; what was never released as it calls itself."""
        return Seen(known.known_as(self.version.bare) or self.version.bare, self.version.where)

    def day_of(self, release: Release) -> SeenDay:
        """Return the day of the collection; Unknown if the host's clock stands before its release."""
        if self.day < release.released:
            raise Unknown(
                "the host's clock says {day}, before its release was there; set it right and collect again",
                day=self.day.isoformat(),
            )
        return self.day

    @property
    def day(self) -> SeenDay:
        """The day of the collection, by the host's clock in UTC."""
        seen = f"{self.distribution.bare} {self.version.bare}"
        return SeenDay.of(datetime.fromtimestamp(self.machine.now, UTC).date(), seen)

    @property
    def machine(self) -> Machine:
        """The machine beneath."""
        return self.read(MACHINE)

    @property
    def container(self) -> str | None:
        """The kind of container the host is; None if it is none."""
        found = self._host.system.virtualization
        return found if found in CONTAINERS else None

    @property
    def kind(self) -> Seen:
        """`virtual` or `physical`; Unknown in a container, and where nothing tells it."""
        found = self._host.system.virtualization
        if found in CONTAINERS:
            raise Unknown("the host is a container ({kind}), which does not show its machine", kind=found)
        if found in ("unknown", ""):
            raise Unknown("the host does not tell whether it is virtual")
        told = ", ".join(filter(None, (found, self.machine.told)))
        return Seen("physical" if found == "none" else "virtual", told)

    @property
    def running(self) -> Running:
        """The kernel and programs that run."""
        return self.read(RUNNING)

    @property
    def sources(self) -> Sources:
        """The package sources; Unknown on a host without apt, whose packages nobody here can judge."""
        found = self.read(SOURCES)
        if not found.has_apt:
            raise Unknown(
                "{distribution} has no apt; what it takes packages from is not read here",
                distribution=self.distribution.bare,
            )
        return found

    @property
    def packages(self) -> Packages:
        """The packages that stand out, where there are sources to compare them with."""
        if not self.sources.sources:
            raise Unknown(
                "the host has no package source, so nothing tells what is missing or where it is from"
            )
        return self.read(PACKAGES)

    def kernel_behind(self, newest: str) -> list[str]:
        """Return what runs of the kernel with what is installed, where that is newer or another build."""
        running = self.running
        if order_of_kernels(running.kernel) != order_of_kernels(newest):
            return [f"{running.kernel} runs; {running.installed[newest]} is the newest installed"]
        return running.other_build()

    @property
    def reboot_asked_for(self) -> list[str]:
        """The packages that ask for a reboot, or what does where they are not named."""
        asked = self.running.required
        return [] if asked is None else asked or ["/run/reboot-required"]

    @property
    def firmware(self) -> Seen:
        """The version of the machine's firmware."""
        return Seen(self.machine.firmware, self.machine.told)

    def memory_near(self, gib: float) -> float:
        """Return the memory in GiB: the size given where it can be that, else the one it seems to be."""
        there = self.machine
        fits = there.memory_gib - there.less_gib <= gib <= there.memory_gib + there.more_gib
        return gib if fits else round(there.memory_gib, 2)

    def foreign_sources(self, known: Distribution) -> list[Source]:
        """Return the sources of another release of the host's distribution, or of its development."""
        own = [source for source in self.sources.sources if self._is_of(source, known)]
        return [source for source in own if source.suite_of(self.codename) is None]

    def unapproved_sources(
        self, known: Distribution, approved: Sequence[str] | None, suites: Sequence[str]
    ) -> list[Source]:
        """Return the sources nobody approved.

        Approved are those whose URI begins as one of `approved`; if the site names none (None), those of the
        distribution. Of the distribution's, only the release itself and `suites` (`-security`, …) count.
        """
        found = []
        for source in self.sources.sources:
            of_distribution = self._is_of(source, known)
            named = of_distribution if approved is None else source.lies_below(approved)
            if not named or (of_distribution and source.suite_of(self.codename) not in ("", *suites)):
                found.append(source)
        return found

    def archives_without_security(self, known: Distribution) -> list[Source]:
        """Return the distribution's sources if none brings the security updates of this release."""
        archives = [source for source in self.sources.sources if self._is_of(source, known)]
        return [] if has_security(archives, self.codename) else archives

    def unlisted(self) -> list[Source]:
        """Return the sources whose lists are not there."""
        return [source for source in self.sources.sources if not source.listed]

    @property
    def list_age_days(self) -> int | None:
        """How many days old the lists are that decide, rounded down; None if there are none.

        Archives that sign anew every day, such as those of security updates, say themselves when their lists
        are from. Where none does, and of sources that sign nothing, it counts when they last answered.
        """
        found = self.sources
        decisive = [one.moment("Date") for one in found.sources if one.is_renewed]
        decisive += [max(one.changed or 0.0, found.stamp or 0.0) for one in found.sources if not one.said]
        told = [moment for moment in decisive if moment is not None]
        if not told:
            answers = [moment for one in found.sources if (moment := one.changed) is not None]
            told = [max([*answers, found.stamp or 0.0])]
        return max(0, math.floor((found.now - min(told)) / _DAY)) if min(told) else None

    @property
    def pending(self) -> list[str]:
        """Updates that a source has and the host has not, with the versions and the source."""
        return [
            package.update_to(one)
            for package in self.packages.packages
            for one in package.newer()
            if one.version == package.candidate and not one.phased
        ] + self._more()

    def withheld(self, known: Distribution, approved: Sequence[str] | None) -> list[str]:
        """Updates of the host's own release that apt is told not to take, and the lines that may tell it."""
        own = {
            (source.uri.rstrip("/"), source.release)
            for source in self.sources.sources
            if self._brings_updates(source, known, approved or ())
        }
        told = [f"; {', '.join(self.sources.pins)}"] if self.sources.pins else [""]
        return [
            f"{package.update_to(one)}{told[0]}"
            for package in self.packages.packages
            for one in package.above_candidate()
            if not one.phased and any((uri.rstrip("/"), release) in own for uri, release in one.sources)
        ]

    def held(self) -> list[State]:
        """Packages that are kept from being updated."""
        return self.read(PACKAGES).held()

    def broken(self) -> list[State]:
        """Packages that are not whole."""
        return self.read(PACKAGES).broken()

    def of_no_source(self, declared: Iterable[str]) -> list[str]:
        """Installed packages that no source has, beyond those a specification declares."""
        names = set(declared)
        found = [
            package.told_with_others()
            for package in self.packages.of_no_source()
            if package.name not in names and package.name.split(":")[0] not in names
        ]
        return found + self._more()

    def not_free(self, areas: list[str], declared: Iterable[str]) -> list[str]:
        """Installed packages of areas that are not free, beyond accepted ones and declared ones."""
        names = set(declared)
        return [
            f"{one.name} {one.version} ({one.section})"
            for one in self.read(PACKAGES).outside(areas)
            if one.name.split(":")[0] not in names
        ]

    def beside(self, declared: Iterable[str]) -> list[Beside]:
        """Software installed beside the packages, beyond what a specification declares."""
        names = set(declared)
        return [one for one in self.read(PACKAGES).beside if one.declared_as not in names]

    def _more(self) -> list[str]:
        more = self.packages.more
        return [f"… +{more}"] if more else []

    def _brings_updates(self, source: Source, known: Distribution, approved: Sequence[str]) -> bool:
        """Say whether a source has updates of the host's own release, or is a plain one that was approved."""
        if self._is_of(source, known):
            return source.suite_of(self.codename) in ("", "-security", "-updates")
        return not source.said and source.lies_below(approved)

    def _is_of(self, source: Source, known: Distribution) -> bool:
        """Say whether a source is of the distribution's own archive, by what it says or is called."""
        origin = source.said.get("Origin")
        if origin is not None:
            own = rf"{re.escape(self.distribution.bare)}( backports|esm|esmapps)?"
            return re.fullmatch(own, origin.lower()) is not None
        return source.release.partition("-")[0].partition("/")[0] in known.suites()
