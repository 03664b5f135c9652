"""The site's servers by name, and what the module of each must have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from plumbline.errors import UsageError
from plumbline.lab.host import LabHost
from plumbline.lab.site import directory, log, mail, mirror, monitoring, time
from plumbline.lab.site.place import SERVERS, SitePlace


class Server(Protocol):
    """A server of the site, as a module.

    `PACKAGES` are installed in its machine's image (a name that ends in `-` is kept out of it); `UNITS` start
    at boot when the server is wanted and not otherwise; `MASKED` are units its packages bring that must not
    start in either case; `AFTER` names the servers that must be ready before its machine is booted.
    """

    PACKAGES: tuple[str, ...]
    UNITS: tuple[str, ...]
    MASKED: tuple[str, ...]
    AFTER: tuple[str, ...]

    def configure(self, root: Path, place: SitePlace) -> None:
        """Write what makes the server into the root of its machine, which is not booted yet."""

    def ready(self, host: LabHost, place: SitePlace) -> bool:
        """Tell whether the server answers as it should, by really asking it; asked until it does."""

    def declare(self, site: dict[str, Any], place: SitePlace) -> None:
        """Write into the data of the lab's site.yml where the server is and how it is trusted."""


MODULES: Mapping[str, Server] = {
    "directory": directory,
    "time": time,
    "log": log,
    "mail": mail,
    "monitoring": monitoring,
    "mirror": mirror,
}


def chosen(wanted: Iterable[str]) -> tuple[str, ...]:
    """Return the wanted servers in the order they are kept in; UsageError for one there is not."""
    names = set(wanted)
    if unknown := sorted(names - set(MODULES)):
        raise UsageError(f"The lab's site has no server {unknown[0]!r}; it has {', '.join(MODULES)}.")
    return tuple(name for name in SERVERS if name in names)


def on(machine: str) -> dict[str, Server]:
    """Return the servers a machine may carry, wanted or not."""
    return {
        name: MODULES[name]
        for name, (carrier, _) in SERVERS.items()
        if carrier == machine and name in MODULES
    }
