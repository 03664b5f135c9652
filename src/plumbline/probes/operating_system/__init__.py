"""The release, its package sources and updates, a reboot owed, the machine beneath."""

from __future__ import annotations

from plumbline.probes.operating_system.machine import MACHINE
from plumbline.probes.operating_system.observed import OperatingSystem
from plumbline.probes.operating_system.packages import PACKAGES
from plumbline.probes.operating_system.running import RUNNING
from plumbline.probes.operating_system.sources import SOURCES
from plumbline.probes.system import SYSTEM

__all__ = ["MACHINE", "PACKAGES", "RUNNING", "SOURCES", "SYSTEM", "OperatingSystem"]
