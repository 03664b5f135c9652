"""What is installed, runs and listens, and under which accounts."""

from plumbline.probes.accounts.elevation import ELEVATION
from plumbline.probes.accounts.keys import KEYS
from plumbline.probes.accounts.passwd import LOCAL
from plumbline.probes.programs import PROGRAMS
from plumbline.probes.services.configuration import CONFIGURATION
from plumbline.probes.services.installed import INSTALLED
from plumbline.probes.services.observed import Services
from plumbline.probes.services.running import RUNNING
from plumbline.probes.services.unit_settings import UNIT_SETTINGS
from plumbline.probes.systemd import ON_DISK

__all__ = [
    "CONFIGURATION",
    "ELEVATION",
    "INSTALLED",
    "KEYS",
    "LOCAL",
    "ON_DISK",
    "PROGRAMS",
    "RUNNING",
    "UNIT_SETTINGS",
    "Services",
]
