"""The network: interfaces, addresses, routes; as they are, and as the next boot will configure them."""

from plumbline.probes.boot_commands import BOOT_COMMANDS, ON_DISK
from plumbline.probes.network.configuration import CONFIGURATION
from plumbline.probes.network.live import LIVE
from plumbline.probes.network.observed import Network
from plumbline.probes.programs import PROGRAMS
from plumbline.probes.sysctl import SYSCTL
from plumbline.probes.system import SYSTEM

__all__ = ["BOOT_COMMANDS", "CONFIGURATION", "LIVE", "ON_DISK", "PROGRAMS", "SYSCTL", "SYSTEM", "Network"]
"""The probes of other subjects are those that observations of the network also rest on."""
