"""What the shared root image is made of, as data; its digest names the image in the cache."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from plumbline.errors import UsageError
from plumbline.lab.signatures import HASHES

RELEASES = {"bookworm": "12", "trixie": "13"}

PACKAGES = (
    "busybox-static",  # the collector must run under busybox's sh
    "dbus",
    "iproute2",
    "kmod",
    "libpam-systemd",
    "locales",
    "login",
    "nftables",
    "openssh-server",
    "passwd",
    "procps",
    "python3-minimal",
    "sudo",
    "systemd",
    "systemd-sysv",
    "systemd-timesyncd",
    "udev",
)

# What hardening installs; with what it needs, it lies in the image, for the hosts have no internet.
INSTALLABLE = (
    "acl",
    "adcli",
    "auditd",
    "chrony",
    "clamav-daemon",
    "clamav-freshclam",
    "clamdscan",
    "ethtool",
    "krb5-user",
    "libnss-sss",
    "libpam-sss",
    "logrotate",
    "openssl",
    "rsyslog",
    "rsyslog-openssl",
    "rsyslog-relp",
    "snmpd",
    "sssd-ad",
    "sssd-tools",
    "zabbix-agent2",
)

LOCALES = ("sk_SK", "de_DE")

# name -> the group it is in; both enter with the lab's key, only `operator` may use sudo, for everything
USERS = {"operator": "operator", "plain": "users"}

_UNITS = "/usr/lib/systemd/system"
_FRESHCLAM = "/var/cache/lab/signatures/freshclam.conf"

FILES: dict[str, str] = {
    "/etc/apt/sources.list.d/lab.list": "deb [trusted=yes] file:/var/cache/lab/packages ./\n",
    "/etc/sudoers.d/lab-operator": "operator ALL=(ALL:ALL) NOPASSWD: ALL\n",
    "/etc/locale.gen": "".join(f"{locale}.UTF-8 UTF-8\n" for locale in LOCALES),
    # A container may not set the machine's clock: chrony and timesyncd run without the right to.
    f"{_UNITS}/chrony.service.d/50-lab.conf": (
        "[Unit]\nConditionCapability=\n[Service]\nExecStart=\nExecStart=!/usr/sbin/chronyd -x $DAEMON_OPTS\n"
    ),
    f"{_UNITS}/systemd-timesyncd.service.d/50-lab.conf": (
        "[Unit]\nConditionCapability=\nConditionVirtualization=\n"
        "[Service]\nAmbientCapabilities=\nCapabilityBoundingSet=\n"
    ),
    # The lab's signatures are not the vendor's, so they may not bear the names the units wait for.
    f"{_UNITS}/clamav-daemon.service.d/50-lab.conf": "[Unit]\nConditionPathExistsGlob=\n",
    f"{_UNITS}/clamav-daemon.socket.d/50-lab.conf": "[Unit]\nConditionPathExistsGlob=\n",
    f"{_UNITS}/clamav-freshclam.service.d/50-lab.conf": (
        "[Service]\nExecStart=\n"
        f"ExecStart=/usr/bin/freshclam -d --foreground=true --config-file={_FRESHCLAM}\n"
    ),
    _FRESHCLAM: (
        "DatabaseDirectory /var/lib/clamav\nDatabaseOwner clamav\n"
        "UpdateLogFile /var/log/clamav/freshclam.log\n"
        "PrivateMirror file:///var/cache/lab/signatures\nScriptedUpdates no\n"
        "ExcludeDatabase main\nExcludeDatabase daily\nExcludeDatabase bytecode\n"
        "DatabaseCustomURL file:///var/cache/lab/signatures/lab.hdb\nChecks 1\n"
    ),
    "/var/cache/lab/signatures/lab.hdb": HASHES,
}

# Unused units that would hold up a boot: nothing answers DHCP here, so "online" would never come.
MASKED = ("systemd-networkd-wait-online.service",)
ENABLED = ("systemd-networkd.service",)


def digest(release: str, more: Sequence[str] = ()) -> str:
    """Return twelve hex digits that change with anything the image is made of, `more` packages included."""
    recipe = [release, PACKAGES, INSTALLABLE, LOCALES, USERS, FILES, MASKED, ENABLED, *more]
    code = Path(__file__).with_name("image.py").read_bytes()
    return hashlib.sha256(json.dumps(recipe).encode() + code).hexdigest()[:12]


def check_release(release: str) -> None:
    """Raise UsageError for a release the lab cannot make."""
    if release not in RELEASES:
        raise UsageError(f"The lab has no release {release!r}; it has {' and '.join(RELEASES)}.")


def cache() -> Path:
    """Return where images are kept: PLUMBLINE_CACHE, or /var/cache/plumbline."""
    return Path(os.environ.get("PLUMBLINE_CACHE") or "/var/cache/plumbline") / "lab"
