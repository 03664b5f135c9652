"""Who uses a host: directory groups and their roles, declared local accounts, the handover record."""

from __future__ import annotations

from datetime import date
from typing import Literal

from plumbline.model import Strict
from plumbline.spec.values import Filled


class UserRole(Strict):
    """Who uses the host: an AD group and the role of 17.4 it stands for."""

    group: Filled
    role: Literal[
        "os-administrator",
        "os-user",
        "system-user",
        "application-administrator",
        "application-permission-administrator",
        "application-user",
    ]
    description: str = ""


class LocalAccount(Strict):
    """A local account beside the distribution's own, and why the directory cannot hold it (17.1)."""

    name: Filled
    reason: Filled


class Handover(Strict):
    """The record of the handover to the operator (17.1): its day, and which passwords he holds since when."""

    delivered: date
    passwords_held_since: dict[Filled, date] = {}
    """local account -> the day the operator took its password over; never the password."""
