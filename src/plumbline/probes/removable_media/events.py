"""The events a removable medium makes, and whether a key of a rule matches one (udev(7), fnmatch(3)).

A name the kernel gives is known by its beginning only (`sd…`, `mmcblk…`): which stick is called what is not
known beforehand. What begins otherwise does not match; what may be so, counts as perhaps (None).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

_DIGITS = tuple("0123456789")

_BLOCK = ("sd", "sr", "mmcblk", "nvme", "dm-", "md", "fd", "ub", "mspblk", "msblk")
_OTHERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "usb": ((*_DIGITS, "usb"), ("usb_device", "usb_interface")),
    "scsi": ((*_DIGITS, "host", "target"), ("scsi_device", "scsi_host", "scsi_target")),
    "scsi_disk": (_DIGITS, ()),
    "scsi_device": (_DIGITS, ()),
    "scsi_generic": (("sg",), ()),
    "scsi_host": (("host",), ()),
    "bsg": (_DIGITS, ()),
    "bdi": (_DIGITS, ()),
    "mmc": (("mmc",), ()),
    "mmc_host": (("mmc",), ()),
    "memstick": (("memstick",), ()),
    "memstick_host": (("memstick",), ()),
    "nvme": (("nvme",), ()),
    "nvme-subsystem": (("nvme-subsys",), ()),
    "ata_device": (("dev",), ()),
}
"""By subsystem: how its devices' names begin, and their types."""

_ACTIONS = ("add", "change", "bind")

_UNRELATED = (
    "net tty input sound drm drm_dp_aux_dev graphics hid hidraw leds power_supply backlight rtc misc mem cpu "
    "firmware video4linux media printer usbmisc usb-serial usb-serial-port serio i2c i2c-dev spi spidev gpio "
    "pwm thermal hwmon iio tpm tpmrm watchdog rfkill bluetooth ieee80211 infiniband infiniband_mad kvm vfio "
    "virtio-ports dmi acpi clockevents clocksource workqueue module container node memory vtconsole vc wmi "
    "ptp pps dvb cec lirc rc vhost dax firewire accel wwan typec nd ccw ccwgroup css cio ap iucv"
)
"""Subsystems that have nothing to do with a medium, neither as itself nor as what it is plugged into."""

_OTHER_TYPES = (
    "disk partition usb_device usb_interface scsi_device scsi_host scsi_target "
    "wlan bridge bond vlan wwan vxlan gadget"
)
"""Types the kernel gives to devices."""


@dataclass(frozen=True)
class Event:
    """What the kernel says when a medium comes; an empty field is one that is not known.

    `names` are the beginnings a device's name may have; an action not known is any but `remove`.
    """

    subsystem: str
    names: tuple[str, ...]
    kind: str
    action: str


def _events() -> Iterable[Event]:
    for action in (*_ACTIONS, ""):
        for name in _BLOCK:
            yield Event("block", (name,), "disk", action)
            yield Event("block", (name,), "partition", action)
        for subsystem, (names, kinds) in _OTHERS.items():
            for kind in kinds or ("",):
                yield Event(subsystem, names, kind, action)
        yield Event("", (), "", action)


EVENTS = tuple(_events())


def glob(pattern: str, text: str) -> bool:
    """Match as fnmatch(3) does: `[^…]` means the same as `[!…]`, and a backslash takes a sign as it is."""
    plain = re.sub(r"\\(.)", lambda found: f"[{found[1]}]", pattern)
    return fnmatchcase(text, plain.replace("[^", "[!"))


def matches(key: str, pattern: str, event: Event) -> bool | None:
    """Say whether a key's value, of which patterns are parted by `|`, matches an event; None for perhaps."""
    answer = _ANSWERS.get(key)
    if answer is None:
        return None
    answers = [answer(one, event) for one in pattern.split("|")]
    return True if True in answers else None if None in answers else False


def _action(pattern: str, event: Event) -> bool | None:
    if event.action:
        return glob(pattern, event.action)
    return False if pattern in (*_ACTIONS, "remove") else True if pattern == "*" else None


def _subsystem(pattern: str, event: Event) -> bool | None:
    if event.subsystem:
        return glob(pattern, event.subsystem)
    known = pattern in _UNRELATED.split() or pattern in _OTHERS or pattern == "block"
    return False if known else True if pattern == "*" else None


def _subsystems(pattern: str, _event: Event) -> bool | None:
    return False if pattern in _UNRELATED.split() else None


def _kernel(pattern: str, event: Event) -> bool | None:
    literal = re.split(r"[*?\[\\]", pattern, maxsplit=1)[0]
    if pattern == "*" or (len(event.names) == 1 and pattern == f"{event.names[0]}*"):
        return True
    if not event.names or any(name.startswith(literal) or literal.startswith(name) for name in event.names):
        return None
    return False


def _kind(pattern: str, event: Event) -> bool | None:
    """Match a device's type; a rule may have given it one of its own, which is in no list."""
    if event.kind and glob(pattern, event.kind):
        return True
    return False if event.kind and pattern in _OTHER_TYPES.split() else None


_ANSWERS = {
    "ACTION": _action,
    "SUBSYSTEM": _subsystem,
    "SUBSYSTEMS": _subsystems,
    "KERNEL": _kernel,
    "ENV{DEVTYPE}": _kind,
}
