"""One operation of a host as it is told: its name, what it serves and does to people; a mistake in it."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from plumbline.apply.results import Change
from plumbline.apply.telling import Told
from plumbline.policy.standard import Resolved

SESSION_UNITS = frozenset(
    {
        *("ssh.service", "ssh.socket", "systemd-logind.service", "systemd-networkd.service"),
        *("networking.service", "NetworkManager.service", "display-manager.service", "lightdm.service"),
        *("gdm3.service", "sddm.service", "sssd.service", "dbus.service"),
    }
)
"""Units that people who are logged in, or who log in, depend on."""


@dataclass
class Step:
    """One operation of one host: what was planned of it, and what it told when it was planned."""

    key: str
    subject: str
    name: str
    planned: bool
    conditional: bool
    told: Told

    def __str__(self) -> str:
        return f"{self.subject}: {self.name}"


def change_of(step: Step, told: Told, serves: Sequence[Resolved]) -> Change:
    """Return the change that an operation is, by what it told and the controls it serves."""
    return Change(
        operation=step.name,
        subject=step.subject,
        details=told.details,
        diff=told.diff,
        controls=[resolved.name for resolved in serves],
        requirements=list(dict.fromkeys(met for each in serves for met in each.control.meets)),
        files=sorted(told.touches.paths | told.touches.access),
        services=sorted(told.touches.units),
        sessions=not told.touches.units.isdisjoint(SESSION_UNITS),
        reboot=told.reboot,
    )


def mistake(error: Exception) -> str:
    """Name a programming mistake and the place nearest to it in our own code."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "site-packages" not in frame.filename] or frames
    place = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}"
    return f"a mistake in Plumbline: {type(error).__name__}: {error} ({place})"
