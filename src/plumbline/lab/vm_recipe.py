"""What a virtual machine's image has beyond a container's, as data; its digest names it in the cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from plumbline.lab import recipe

# acl, auditd and logrotate are what hardening installs for logs; an emulated processor is spared that.
PACKAGES = (
    "acl",
    "auditd",
    "cryptsetup-bin",
    "e2fsprogs",
    "initramfs-tools",
    "linux-image-cloud-amd64",
    "logrotate",
)

# There before the kernel is installed, which makes its initramfs with them, small so that it is read fast.
EARLY = {
    "/etc/initramfs-tools/conf.d/lab": "MODULES=list\n",
    "/usr/share/initramfs-tools/modules.d/lab": "virtio_pci\nvirtio_blk\next4\n",
}

FILES = {
    "/usr/lib/systemd/network/10-host0.link": "[Match]\nOriginalName=eth0\n\n[Link]\nName=host0\n",
    # A partition's device bears its name, as it does on a container.
    "/usr/lib/udev/rules.d/60-lab.rules": (
        'SUBSYSTEM=="block", KERNEL=="vd*", ATTR{serial}=="?*", SYMLINK+="lab/$attr{serial}"\n'
    ),
}

# What lets a time service run without the right to set the clock; a virtual machine's clock is its own.
CONTAINERS_ONLY = (
    "/usr/lib/systemd/system/chrony.service.d/50-lab.conf",
    "/usr/lib/systemd/system/systemd-timesyncd.service.d/50-lab.conf",
)

KERNEL_WORDS = "root=/dev/vda rw console=ttyS0 net.ifnames=0 quiet"
"""The kernel's command line; its names of interfaces are what the delivered host's files expect."""


def digest(release: str, more: Sequence[str] = ()) -> str:
    """Return twelve hex digits that change with anything the image is made of, `more` packages included."""
    parts = [recipe.digest(release, [*PACKAGES, *more]), EARLY, FILES, CONTAINERS_ONLY]
    code = Path(__file__).with_name("vm_image.py").read_bytes()
    return hashlib.sha256(json.dumps(parts).encode() + code).hexdigest()[:12]
