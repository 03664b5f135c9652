"""Removable media on Linux: nothing mounts or starts them by itself.

A later rule of udev cannot take back what an earlier one starts without taking back what others start too, so
a rule file that only mounts is moved aside, or masked if a package brought it. A file with other rules beside
stays: the check names its line, and a person decides.
"""

from __future__ import annotations

import re

from pyinfra.api.exceptions import OperationError
from pyinfra.context import host

from deploys.mechanisms.aside import masked_file, moved_aside
from deploys.mechanisms.dconf import locked_settings
from deploys.mechanisms.files import WholeFile, whole_file
from deploys.mechanisms.kernel_modules import modules_disabled
from deploys.mechanisms.printed import paths
from deploys.mechanisms.units import daemon_reloaded, unit_masked, unit_off
from deploys.mechanisms.xfconf import locked_channel
from plumbline.policy.standard import DesiredState

AUTOMOUNTERS = (
    "autofs automount devmon ivman ldm media-automount udev-media-automount udevil udiskie usbmount"
)

KDE = "/etc/xdg/kded_device_automounterrc"
HEAD = "# Written by Plumbline; the whole file is replaced when it differs.\n"
VOLMAN = (
    "automount-drives automount-media autobrowse autorun autoopen autoplay-audio-cds autoplay-video-cds "
    "autophoto autoipod autoburn"
)

USB_STORAGE = ("uas", "usb-storage")

_STARTS_MOUNT = re.compile(r"""(RUN|SYSTEMD_WANTS)(\{\w+\})?\s*[+:]?=\s*"[^"]*mount""", re.IGNORECASE)
_STARTS_NOTHING = re.compile(r"(GOTO|LABEL)=")

_UNITS = (
    "for d in /etc/systemd/system /usr/local/lib/systemd/system /usr/lib/systemd/system; do "
    "for n in {names}; do ls -d $d/$n.service $d/$n@.service $d/$n.socket $d/$n.path $d/$n.timer; done; done"
)


def apply(desired: DesiredState) -> None:
    """Take away automounters and rules that mount, and lock the desktop's settings for media."""
    if "autorun-off" not in desired.subject("removable_media"):
        return
    if desired.controls["autorun-off"].values.get("usb_storage") == "refused":
        _no_usb_storage()
    _no_rule_that_mounts()
    _no_automounter()
    locked_settings(
        "removable-media",
        {
            "org/gnome/desktop/media-handling": {
                "automount": "false",
                "automount-open": "false",
                "autorun-never": "true",
            }
        },
    )
    if paths("ls /usr/lib/*/qt*/plugins/kf*/kded/device_automounter.so"):
        whole_file(KDE, f"{HEAD}[$i]\n[General]\nAutomountEnabled=false\n")
    if paths("command -v thunar-volman"):
        locked_channel("thunar-volman", {f"/{name}/enabled": False for name in VOLMAN.split()})


def _no_usb_storage() -> None:
    """Keep the modules of USB storage out, unless the host itself lives on such a device."""
    used = paths('lsblk -nro TRAN,MOUNTPOINT | awk \'$1 == "usb" && $2 != "" {print $2}\'')
    if used:
        raise OperationError(
            f"{used[0]} is on a USB device, and without USB storage the host would lose it; "
            "set usb_storage to allowed, or move it to another disk"
        )
    modules_disabled("removable_media", USB_STORAGE)


def _no_rule_that_mounts() -> None:
    found = paths(
        "grep -lEi '(RUN|SYSTEMD_WANTS).*mount' /etc/udev/rules.d/*.rules /run/udev/rules.d/*.rules"
    )
    for path in found:
        if only_mounts(host.get_fact(WholeFile, path=path).content.decode(errors="replace")):
            moved_aside(path, "its rules mount what is plugged in, and do nothing else")
    for path in paths("grep -lEi '(RUN|SYSTEMD_WANTS).*mount' /usr/lib/udev/rules.d/*.rules"):
        above = f"/etc/udev/rules.d/{path.rsplit('/', 1)[1]}"
        taken = host.get_fact(WholeFile, path=above).kind != "none"
        if not taken and only_mounts(host.get_fact(WholeFile, path=path).content.decode(errors="replace")):
            masked_file(above)


def only_mounts(text: str) -> bool:
    """Say whether every rule of a file starts something that mounts, jumps, or is where a jump goes to."""
    rules = [line.strip() for line in text.replace("\\\n", "").splitlines()]
    speaking = [rule for rule in rules if rule and not rule.startswith("#")]
    mounting = [rule for rule in speaking if _STARTS_MOUNT.search(rule)]
    others = [rule for rule in speaking if rule not in mounting and not _STARTS_NOTHING.search(rule)]
    return bool(mounting) and not others


def _no_automounter() -> None:
    """Mask automounters that are installed; one an administrator wrote cannot be masked, and is disabled."""
    found = paths(_UNITS.format(names=AUTOMOUNTERS))
    templates = []
    written_here = {path.rsplit("/", 1)[1] for path in found if path.startswith("/etc/")}
    for unit in sorted({path.rsplit("/", 1)[1] for path in found}):
        is_mask = host.get_fact(WholeFile, path=f"/etc/systemd/system/{unit}").target == "/dev/null"
        if unit in written_here and not is_mask:
            unit_off(unit)
        elif "@." in unit:
            templates.append(masked_file(f"/etc/systemd/system/{unit}"))
        else:
            unit_masked(unit)
    if templates:
        daemon_reloaded(when=templates)
