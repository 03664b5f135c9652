"""The releases of Linux distributions as data: since when they are there, until when they are supported."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from plumbline.model import Strict
from plumbline.policy.model import ControlName
from plumbline.rooms import POLICIES
from plumbline.spec.values import Filled
from plumbline.yamlfile import read_yaml, validated

Version = Annotated[str, Field(pattern=r"^\d+(\.\d+)*$")]


class Release(Strict):
    """One release; `supported_until` is the last day its faults are mended for everybody."""

    codename: ControlName
    released: date
    supported_until: date
    lts: bool = True

    @model_validator(mode="after")
    def _is_supported_when_it_comes(self) -> Release:
        if self.supported_until <= self.released:
            raise ValueError(f"{self.codename} is supported until before it was released")
        return self


class Distribution(Strict):
    """One distribution's releases by version, oldest first, and where their dates are from.

    `development` are suites of its archive that are never a release.
    """

    source: Filled
    preferred: bool = False
    releases: Annotated[dict[Version, Release], Field(min_length=1)]
    development: list[ControlName] = []

    @model_validator(mode="after")
    def _oldest_first(self) -> Distribution:
        days = [release.released for release in self.releases.values()]
        if days != sorted(days):
            raise ValueError("releases stand oldest first")
        return self

    def known_as(self, version: str) -> str | None:
        """Return under which version a host's is known here, itself or its first number (9.4 is 9)."""
        return next((name for name in (version, version.split(".")[0]) if name in self.releases), None)

    def is_newer_than_known(self, version: str) -> bool:
        """Say whether a version is newer than every one known here; one that is no number is not."""
        numbers = version.split(".")
        if not all(number.isdigit() for number in numbers):
            return False
        newest = list(self.releases)[-1].split(".")
        return [int(number) for number in numbers] > [int(number) for number in newest]

    def latest(self, day: date) -> str | None:
        """Return the newest long-term release there was on a day; None before the first one known here."""
        there = [name for name, one in self.releases.items() if one.lts and one.released <= day]
        return there[-1] if there else None

    def long_term(self) -> tuple[str, ...]:
        """Return the versions that are long-term releases, supported or not."""
        return tuple(name for name, one in self.releases.items() if one.lts)

    def since(self, version: str) -> tuple[str, ...]:
        """Return a release and the long-term ones that came after it."""
        names = list(self.releases)
        return tuple(name for name in names[names.index(version) :] if self.releases[name].lts)

    def suites(self) -> frozenset[str]:
        """Return the names of suites that are of this distribution alone: codenames and development."""
        return frozenset({one.codename for one in self.releases.values()} | set(self.development))


class ReleasesFile(Strict):
    """`releases.yml`: distributions by the ID of their os-release(5), as known on the day `as_of`."""

    as_of: date
    distributions: dict[ControlName, Distribution]


@cache
def load_releases(standard: str, root: Path = POLICIES) -> ReleasesFile:
    """Return the releases known to a standard, by its name; FindingsError with file and line if wrong."""
    return validated(ReleasesFile, read_yaml(root / standard / "releases.yml"))
