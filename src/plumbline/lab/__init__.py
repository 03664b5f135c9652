"""Real test hosts on one machine: Debian under systemd-nspawn or qemu, as a supplier would deliver them."""

from __future__ import annotations

from plumbline.lab.host import LabHost
from plumbline.lab.lab import DEFAULT_NAME, Lab, all_names, take_down
from plumbline.lab.vm import VmHost

__all__ = ["DEFAULT_NAME", "Lab", "LabHost", "VmHost", "all_names", "take_down"]
