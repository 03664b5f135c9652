"""Interactive sessions: how long they may sit idle, and what opens them again."""

from plumbline.probes.session.accounts import ACCOUNTS
from plumbline.probes.session.authentication import AUTHENTICATION
from plumbline.probes.session.console import CONSOLE
from plumbline.probes.session.keepers import KEEPERS
from plumbline.probes.session.logind import LOGIND
from plumbline.probes.session.observed import DESKTOP, Session
from plumbline.probes.session.shells import SHELLS

__all__ = ["ACCOUNTS", "AUTHENTICATION", "CONSOLE", "DESKTOP", "KEEPERS", "LOGIND", "SHELLS", "Session"]
