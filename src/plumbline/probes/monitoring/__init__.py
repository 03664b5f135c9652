"""The agent of the operator's monitoring, and what it answers to whom."""

from __future__ import annotations

from plumbline.probes.subject import Subject


class Monitoring(Subject):
    """The agent of the operator's monitoring, and what it answers to whom."""
