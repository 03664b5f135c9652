"""How hosts are observed, a module a subject; `all_probes` is what the collector asks."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from plumbline.probes.base import Probe

if TYPE_CHECKING:
    from plumbline.spec.site import Site

SUBJECTS = (
    "system",
    "sysctl",
    "kernel_modules",
    "network",
    "session",
    "removable_media",
    "time",
    "firewall",
    "antivirus",
    "services",
    "filesystem",
    "operating_system",
    "accounts",
    "crypto",
    "logging",
    "hmi",
    "database",
    "directory",
    "monitoring",
)


def all_probes(
    system: Literal["linux", "windows"] = "linux",
    subjects: Iterable[str] = SUBJECTS,
    site: Site | None = None,
) -> list[Probe[Any]]:
    """Return every probe of an operating system and of these subjects, in the order they are asked.

    With a site, also those that are made of what it declares (a subject's `of_site`).
    """
    found: list[Probe[Any]] = []
    for subject in subjects:
        module = importlib.import_module(f"plumbline.probes.{subject}")
        found += [
            value
            for value in vars(module).values()
            if isinstance(value, Probe) and value.system == system and value not in found
        ]
        if site is not None and hasattr(module, "of_site"):
            found += [probe for probe in module.of_site(site) if probe.system == system]
    names = [probe.name for probe in found]
    if len(names) != len(set(names)):
        raise ValueError(f"probe names are not distinct: {sorted(names)}")
    return found
