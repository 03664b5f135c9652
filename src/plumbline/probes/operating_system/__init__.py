"""The release, its updates, a reboot owed, the machine beneath."""

from __future__ import annotations

from plumbline.probes.subject import Subject


class OperatingSystem(Subject):
    """The release, its updates, a reboot owed, the machine beneath."""
