"""Removable media as the suites see them."""

from __future__ import annotations

from plumbline.probes.desktop import Desktop, Key, desktop_probe
from plumbline.probes.removable_media.mounts import MOUNTS
from plumbline.probes.removable_media.rules import RULES
from plumbline.probes.removable_media.scripts import SCRIPTS
from plumbline.probes.removable_media.units import UNITS
from plumbline.probes.removable_media.usbguard import USBGUARD
from plumbline.probes.subject import Subject
from plumbline.probes.systemd import ON_DISK

USB_STORAGE = ("usb-storage", "uas")
"""The modules of USB mass storage; the second needs the first."""
_GUARD = "usbguard-daemon"
_OFF = {"automount": "false", "automount-open": "false", "autorun-never": "true"}
DESKTOP = desktop_probe(
    "removable_media.desktop",
    tuple(("org.gnome.desktop.media-handling", name) for name in _OFF),
    (
        *(f"/etc/xdg/{name}" for name in ("kded_device_automounterrc", "kded5rc", "kded6rc")),
        "/etc/xdg/xfce4/xfconf/xfce-perchannel-xml/thunar-volman.xml",
    ),
)


class RemovableMedia(Subject):
    """What happens when a medium is plugged in."""

    @property
    def started_by_udev_now(self) -> list[str]:
        """What udev's rules start for a medium now."""
        return self.read(RULES).now

    @property
    def started_by_udev_at_boot(self) -> list[str]:
        """What the rules that outlive a reboot will start for a medium."""
        return self.read(RULES).boot

    @property
    def automounters_now(self) -> list[str]:
        """Services that mount by themselves and run."""
        return self.read(UNITS).now

    @property
    def automounters_at_boot(self) -> list[str]:
        """Services that mount by themselves and start at boot, and what starts a script that mounts."""
        return [*self.read(UNITS).boot, *self.read(SCRIPTS).started(self.read(ON_DISK))]

    @property
    def mounts_now(self) -> list[str]:
        """Mounts of media that systemd makes without being asked."""
        return self.read(MOUNTS).now

    @property
    def mounts_at_boot(self) -> list[str]:
        """Mounts of media that files will have made without being asked."""
        return self.read(MOUNTS).boot

    @property
    def usb_storage(self) -> list[str]:
        """What lets USB mass storage in: modules that are there or loadable, unless USBGuard keeps it out."""
        programs = self._host.system.programs
        runs, starts = programs.running([_GUARD]), programs.boot_units([_GUARD])
        modules = self._host.kernel_modules
        by_module = [
            str(found) for name in USB_STORAGE for found in [*modules.present(name), *modules.ways_in(name)]
        ]
        if not (runs and starts):
            return by_module
        let_in = self.read(USBGUARD).lets_storage_in
        return by_module and let_in

    @property
    def generators(self) -> list[str]:
        """Programs of this host's own that make units at boot."""
        return self.read(MOUNTS).generators

    @property
    def desktop(self) -> Desktop:
        """The desktops installed and their settings."""
        return self.read(DESKTOP)

    @property
    def mounting_keys(self) -> list[Key]:
        """Desktops' settings that let media mount or start by themselves, or that a user may change so."""
        return self.desktop.mounting(_OFF)
