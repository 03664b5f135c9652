"""Who may write where, what is packaged and unchanged, what lies on which partition."""

from __future__ import annotations

from plumbline.probes.subject import Subject


class Filesystem(Subject):
    """Who may write where, what is packaged and unchanged, what lies on which partition."""
