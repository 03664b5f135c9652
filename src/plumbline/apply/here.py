"""Who is at work, and on which machine: for the hosts' records, the plan and the history."""

from __future__ import annotations

import getpass
import os
import socket


def administrator() -> str:
    """Return the name of the person's account, also behind sudo."""
    return os.environ.get("SUDO_USER") or getpass.getuser()


def controller() -> str:
    """Return the name of this machine."""
    return socket.gethostname()
