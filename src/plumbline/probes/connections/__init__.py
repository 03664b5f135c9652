"""Whom the host talks to now, and what listens for others, with the processes that do."""

from __future__ import annotations

from plumbline.probes.connections.seen import SEEN, Seen
from plumbline.probes.services.running import RUNNING, Running
from plumbline.probes.subject import Subject

__all__ = ["RUNNING", "SEEN", "Connections"]


class Connections(Subject):
    """Sockets as they are now; those that listen are read with the services."""

    @property
    def seen(self) -> Seen:
        """The connections there are."""
        return self.read(SEEN)

    @property
    def running(self) -> Running:
        """What runs, and what listens."""
        return self.read(RUNNING)
