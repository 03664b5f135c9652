"""The network: interfaces, addresses, routes; as they are, and as the next boot will configure them."""

from plumbline.probes.boot_commands import BOOT_COMMANDS, ON_DISK
from plumbline.probes.firewall import BOOT as FILTER_AT_BOOT
from plumbline.probes.firewall import LEGACY as OLD_FILTER
from plumbline.probes.firewall import NOW as FILTER_NOW
from plumbline.probes.kernel_modules import KERNEL_MODULES
from plumbline.probes.network.configuration import CONFIGURATION
from plumbline.probes.network.engines import ENGINES
from plumbline.probes.network.live import LIVE
from plumbline.probes.network.namespaces import NAMESPACES
from plumbline.probes.network.observed import Network
from plumbline.probes.network.spoken import SPOKEN
from plumbline.probes.programs import PROGRAMS
from plumbline.probes.sysctl import SYSCTL
from plumbline.probes.system import SYSTEM

__all__ = [
    "BOOT_COMMANDS",
    "CONFIGURATION",
    "ENGINES",
    "FILTER_AT_BOOT",
    "FILTER_NOW",
    "KERNEL_MODULES",
    "LIVE",
    "NAMESPACES",
    "OLD_FILTER",
    "ON_DISK",
    "PROGRAMS",
    "SPOKEN",
    "SYSCTL",
    "SYSTEM",
    "Network",
]
"""The probes of other subjects are those that observations of the network also rest on."""
