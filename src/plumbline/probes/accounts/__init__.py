"""Who can log on: local accounts, keys, sudo rights, sources of names."""

from plumbline.probes.accounts.anonymous import ANONYMOUS
from plumbline.probes.accounts.elevation import ELEVATION
from plumbline.probes.accounts.keys import KEYS
from plumbline.probes.accounts.observed import Accounts
from plumbline.probes.accounts.passwd import LOCAL
from plumbline.probes.accounts.sources import SOURCES

# Where PAM and the SSH servers' command lines are read already; asked once, whoever needs it.
from plumbline.probes.session.authentication import AUTHENTICATION

__all__ = ["ANONYMOUS", "AUTHENTICATION", "ELEVATION", "KEYS", "LOCAL", "SOURCES", "Accounts"]
