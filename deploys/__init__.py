"""How Linux hosts are made to comply: a deploy a subject, in an order that never cuts the way in.

`apply(desired)` runs inside pyinfra's context, once a host, and only the subjects the host is held to.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable

from pyinfra.api.deploy import deploy

from deploys.mechanisms.kernel_modules import modules_disabled
from deploys.mechanisms.sysctl import sysctl_settings
from plumbline.apply.serving import serving
from plumbline.policy.standard import DesiredState

ORDER = (
    "operating_system",
    "accounts",
    "services",
    "time",
    "directory",
    "antivirus",
    "logging",
    "monitoring",
    "database",
    "hmi",
    "filesystem",
    "crypto",
    "session",
    "removable_media",
    "network",
    "firewall",
)
"""What installs packages comes first, while the network is as it was; the firewall, which can shut, last."""


def subjects_of(desired: DesiredState) -> list[str]:
    """Return the subjects this host has controls of, in the order they are applied; others go first."""
    held = {resolved.subject for resolved in desired.controls.values()}
    return sorted(held - set(ORDER)) + [subject for subject in ORDER if subject in held]


def apply(desired: DesiredState) -> None:
    """Declare the operations that make the host comply; pyinfra runs those that have something to change."""
    for subject in subjects_of(desired):
        deploy(name=subject)(_make_so(subject, desired))()


def _make_so(subject: str, desired: DesiredState) -> Callable[[], None]:
    def make_so() -> None:
        if importlib.util.find_spec(f"deploys.{subject}") is not None:
            importlib.import_module(f"deploys.{subject}").apply(desired)
        regular_settings(subject, desired)

    return make_so


def regular_settings(subject: str, desired: DesiredState) -> None:
    """Apply what the subject's controls say of sysctl and kernel modules as data."""
    settings: dict[str, int | str] = {}
    modules: list[str] = []
    held = desired.subject(subject)
    for resolved in held.values():
        linux = resolved.control.linux
        for key, value in linux.sysctl.items():
            wanted = resolved.setting(value)
            if isinstance(wanted, list):
                wanted = " ".join(wanted)
            settings[key] = wanted
        modules += linux.modules_disabled
    if settings:
        with serving(*(name for name, resolved in held.items() if resolved.control.linux.sysctl)):
            sysctl_settings(subject, settings)
    if modules:
        with serving(*(name for name, resolved in held.items() if resolved.control.linux.modules_disabled)):
            modules_disabled(subject, modules)
