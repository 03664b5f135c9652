"""Which events leave an entry, and who can read or change it."""

from __future__ import annotations

from plumbline.probes.subject import Subject


class Logging(Subject):
    """Which events leave an entry, and who can read or change it."""
