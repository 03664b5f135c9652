"""What happens when a medium is plugged in: udev's rules, automounters, mounts that make themselves."""

from plumbline.probes.removable_media.mounts import MOUNTS
from plumbline.probes.removable_media.observed import DESKTOP, RemovableMedia
from plumbline.probes.removable_media.rules import RULES
from plumbline.probes.removable_media.units import UNITS

__all__ = ["DESKTOP", "MOUNTS", "RULES", "UNITS", "RemovableMedia"]
