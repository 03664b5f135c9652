"""Algorithms, key lengths and lifetimes of what the host offers and keeps."""

from __future__ import annotations

from plumbline.probes.subject import Subject


class Crypto(Subject):
    """Algorithms, key lengths and lifetimes of what the host offers and keeps."""
