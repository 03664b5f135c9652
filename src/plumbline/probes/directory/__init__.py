"""Whether the host is in the operator's directory, and whom it lets in."""

from __future__ import annotations

from plumbline.probes.subject import Subject


class Directory(Subject):
    """Whether the host is in the operator's directory, and whom it lets in."""
