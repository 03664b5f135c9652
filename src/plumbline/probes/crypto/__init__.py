"""Algorithms, key lengths and lifetimes of what the host offers and keeps."""

from plumbline.probes.boot_commands import BOOT_COMMANDS, ON_DISK
from plumbline.probes.crypto.certificates import CERTIFICATES
from plumbline.probes.crypto.disks import DISKS
from plumbline.probes.crypto.libraries import LIBRARIES
from plumbline.probes.crypto.listeners import LISTENERS
from plumbline.probes.crypto.observed import Crypto
from plumbline.probes.crypto.ssh_server import SSH_SERVER
from plumbline.probes.crypto.ssh_users import SSH_USERS
from plumbline.probes.kernel_modules import KERNEL_MODULES
from plumbline.probes.system import SYSTEM

__all__ = [
    "BOOT_COMMANDS",
    "CERTIFICATES",
    "DISKS",
    "KERNEL_MODULES",
    "LIBRARIES",
    "LISTENERS",
    "ON_DISK",
    "SSH_SERVER",
    "SSH_USERS",
    "SYSTEM",
    "Crypto",
]
