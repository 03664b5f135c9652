"""The kiosk: what an operator can reach beside the application."""

from __future__ import annotations

from plumbline.probes.subject import Subject


class Hmi(Subject):
    """The kiosk: what an operator can reach beside the application."""
