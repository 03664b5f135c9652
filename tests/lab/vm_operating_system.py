"""What a machine's specification can say wrongly of it, and ways for its kernel to be behind."""

from __future__ import annotations

from typing import Any

OPERATING_SYSTEM = "operating_system"
KERNEL = "no-reboot-owed:newest_kernel_runs"
SIZE, VIRTUAL = "hardware-facts-known:size_is_as_specified", "virtualisation-as-specified:server_is_virtual"

NEWER = ("touch /boot/vmlinuz-6.1.0-999-cloud-amd64", "rm /boot/vmlinuz-6.1.0-999-cloud-amd64")
REBUILT = (
    "cp -a /var/lib/dpkg/status /root/status; sed -i '/^Package: linux-image-[0-9]/,/^Version/"
    "s/^Version: .*/Version: 6.999-1/' /var/lib/dpkg/status",
    "mv /root/status /var/lib/dpkg/status",
)


def as_the_machine(host: dict[str, Any]) -> None:
    """Specify what the lab's machines have."""
    host |= {"vcpu": 2, "ram_gib": 1}


def less_memory(host: dict[str, Any]) -> None:
    """Specify more memory than there is."""
    host["ram_gib"] = 2


def fewer_processors(host: dict[str, Any]) -> None:
    """Specify more processors than there are."""
    host["vcpu"] = 4


def physical(host: dict[str, Any]) -> None:
    """Specify a physical server."""
    del host["vcpu"]
    host |= {"virtual": False, "cpu": {"count": 1, "type": "x"}, "physical_reason": "a card"}
