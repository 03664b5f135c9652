"""Nothing is mounted or started by itself when a medium is plugged in."""

from plumbline.verify import Unknown, control, not_applicable


@control("autorun-off")
def test_udev_starts_nothing_for_a_medium_now(host):
    """No rule of udev mounts a medium or starts a program for it now."""
    assert host.removable_media.started_by_udev_now == []


@control("autorun-off")
def test_udev_starts_nothing_for_a_medium_after_boot(host):
    """No rule of udev will mount a medium or start a program for it after the next boot."""
    assert host.removable_media.started_by_udev_at_boot == []


@control("autorun-off")
def test_no_automounter_runs(host):
    """No service that mounts media by itself runs now."""
    assert host.removable_media.automounters_now == []


@control("autorun-off")
def test_no_automounter_starts_at_boot(host):
    """No service that mounts media by itself starts at boot."""
    assert host.removable_media.automounters_at_boot == []


@control("autorun-off")
def test_systemd_mounts_no_medium_now(host):
    """No mount of a removable medium is made by systemd without being asked for now."""
    assert host.removable_media.mounts_now == []


@control("autorun-off")
def test_fstab_mounts_no_medium_after_boot(host):
    """Neither fstab nor a unit will mount a removable medium by itself after the next boot."""
    assert host.removable_media.mounts_at_boot == []
    if host.removable_media.generators:
        raise Unknown(
            "nobody here knows what {generators} will mount",
            generators=", ".join(host.removable_media.generators),
        )


@control("autorun-off")
def test_desktop_mounts_and_starts_nothing(host):
    """The desktop neither mounts media nor starts what is on them, and users cannot change that."""
    desktop = host.removable_media.desktop
    if desktop.mounting_others:
        raise Unknown(
            "nobody here knows what {desktop} does with media", desktop=", ".join(desktop.mounting_others)
        )
    if not desktop.handles_media:
        not_applicable("no desktop is installed on this host")
    assert host.removable_media.mounting_keys == []


@control("autorun-off")
def test_usb_storage_is_kept_out(host, value):
    """Where USB storage is to be refused, its modules cannot be loaded, or USBGuard keeps it out."""
    if value("usb_storage") == "allowed":
        not_applicable("USB storage is allowed on this host")
    assert host.removable_media.usb_storage == []
