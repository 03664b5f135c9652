"""Removable media, with stock testinfra."""
# mypy: allow-untyped-defs, allow-untyped-calls

import re

import pytest

AUTOMOUNTERS = ("autofs", "usbmount", "udevil", "udiskie", "devmon", "media-automount")
RULES = (
    "cat /etc/udev/rules.d/*.rules /run/udev/rules.d/*.rules /usr/lib/udev/rules.d/*.rules 2>/dev/null; true"
)
STARTS = re.compile(r'^(?!#).*RUN[^=]*=\s*"[^"]*mount', re.MULTILINE | re.IGNORECASE)


def test_udev_starts_nothing_for_a_medium_now(host):
    assert not STARTS.search(host.run(RULES).stdout)


def test_udev_starts_nothing_for_a_medium_after_boot(host):
    assert not STARTS.search(host.run(RULES.replace("/run/udev/rules.d/*.rules ", "")).stdout)


@pytest.mark.parametrize("name", AUTOMOUNTERS)
def test_no_automounter_runs(host, name):
    assert not host.service(name).is_running


@pytest.mark.parametrize("name", AUTOMOUNTERS)
def test_no_automounter_starts_at_boot(host, name):
    assert not host.service(name).is_enabled


def test_systemd_mounts_no_medium_now(host):
    units = host.check_output("systemctl list-units --all --plain --no-legend --type=mount,automount")
    assert not re.search(r"^(media|run-media|mnt)-", units, re.MULTILINE)


def test_fstab_mounts_no_medium_after_boot(host):
    fstab = host.file("/etc/fstab")
    lines = fstab.content_string.splitlines() if fstab.exists else []
    entries = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    assert [
        entry for entry in entries if entry[1].startswith(("/media", "/mnt")) and "noauto" not in entry[3]
    ] == []
    assert host.run("ls /etc/systemd/system/media-*.mount /etc/systemd/system/*.automount").stdout == ""


def test_desktop_mounts_and_starts_nothing(host):
    assert not host.exists("gnome-session")
    assert not host.exists("startplasma-x11")
    assert not host.file("/usr/share/xsessions").exists
    assert not host.file("/usr/share/wayland-sessions").exists
