"""What is installed, runs and listens, and under which accounts."""

from __future__ import annotations

from plumbline.probes.subject import Subject


class Services(Subject):
    """What is installed, runs and listens, and under which accounts."""
