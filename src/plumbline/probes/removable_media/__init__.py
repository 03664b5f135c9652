"""What happens when a medium is plugged in: udev's rules, automounters, mounts that make themselves."""

from plumbline.probes.boot_commands import BOOT_COMMANDS, ON_DISK
from plumbline.probes.kernel_modules import KERNEL_MODULES
from plumbline.probes.programs import PROGRAMS
from plumbline.probes.removable_media.mounts import MOUNTS
from plumbline.probes.removable_media.observed import DESKTOP, RemovableMedia
from plumbline.probes.removable_media.rules import RULES
from plumbline.probes.removable_media.scripts import SCRIPTS
from plumbline.probes.removable_media.units import UNITS
from plumbline.probes.removable_media.usbguard import USBGUARD

__all__ = [
    "BOOT_COMMANDS",
    "DESKTOP",
    "KERNEL_MODULES",
    "MOUNTS",
    "ON_DISK",
    "PROGRAMS",
    "RULES",
    "SCRIPTS",
    "UNITS",
    "USBGUARD",
    "RemovableMedia",
]
"""The probes of other subjects are those that USB storage is judged by."""
