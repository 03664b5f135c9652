"""Who can log on: local accounts, keys, sudo rights, sources of names."""

from __future__ import annotations

from plumbline.probes.subject import Subject


class Accounts(Subject):
    """Who can log on: local accounts, keys, sudo rights, sources of names."""
