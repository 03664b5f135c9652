"""Which events leave an entry, whether it stays, and who can read or change it."""

from __future__ import annotations

from plumbline.probes.logging.audit import AUDIT
from plumbline.probes.logging.files import FILES
from plumbline.probes.logging.forwarding import FORWARDING
from plumbline.probes.logging.journal import JOURNAL
from plumbline.probes.logging.observed import Logging
from plumbline.probes.logging.secrets import SECRETS
from plumbline.probes.system import SYSTEM
from plumbline.probes.systemd import ON_DISK

__all__ = ["AUDIT", "FILES", "FORWARDING", "JOURNAL", "ON_DISK", "SECRETS", "SYSTEM", "Logging"]
