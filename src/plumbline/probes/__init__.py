"""How hosts are observed, a module a subject; `all_probes` is what the collector asks."""

from __future__ import annotations

import importlib
from typing import Any, Literal

from plumbline.probes.base import Probe

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
)


def all_probes(system: Literal["linux", "windows"] = "linux") -> list[Probe[Any]]:
    """Return every probe of an operating system, in the order they are asked."""
    found: list[Probe[Any]] = []
    for subject in SUBJECTS:
        module = importlib.import_module(f"plumbline.probes.{subject}")
        found += [
            value for value in vars(module).values() if isinstance(value, Probe) and value.system == system
        ]
    names = [probe.name for probe in found]
    if len(names) != len(set(names)):
        raise ValueError(f"probe names are not distinct: {sorted(names)}")
    return found
