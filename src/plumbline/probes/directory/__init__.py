"""Whether the host is in the operator's directory, and whom it lets in."""

# Asked once, whoever needs it.
from plumbline.probes.accounts.elevation import ELEVATION
from plumbline.probes.accounts.passwd import LOCAL
from plumbline.probes.accounts.sources import SOURCES
from plumbline.probes.directory.detours import PINNED
from plumbline.probes.directory.membership import MEMBERSHIP, TRUST
from plumbline.probes.directory.observed import Directory
from plumbline.probes.directory.ssh_logon import SSH_LOGON
from plumbline.probes.directory.sssd import SSSD
from plumbline.probes.session.authentication import AUTHENTICATION
from plumbline.probes.systemd import ON_DISK

__all__ = [
    "AUTHENTICATION",
    "ELEVATION",
    "LOCAL",
    "MEMBERSHIP",
    "ON_DISK",
    "PINNED",
    "SOURCES",
    "SSH_LOGON",
    "SSSD",
    "TRUST",
    "Directory",
]
