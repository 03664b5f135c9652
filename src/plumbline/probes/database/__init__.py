"""Database servers, and who authenticates their users."""

from __future__ import annotations

from plumbline.probes.subject import Subject


class Database(Subject):
    """Database servers, and who authenticates their users."""
