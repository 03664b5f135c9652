"""The state hosts are handed over in, as data: what a careless supplier leaves, and what every lab host has.

`delivered` is stock Debian with the faults below, so that every control of the first profile fails on it;
`clean` is stock Debian without them. Both have what the lab itself needs: an address, a key, two local users.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import Literal

Flavour = Literal["delivered", "clean"]
FLAVOURS: tuple[Flavour, ...] = ("delivered", "clean")


@dataclass(frozen=True)
class Place:
    """Where a host stands: its name, domain, address, network, gateway and resolvers."""

    name: str
    domain: str
    address: IPv4Address
    network: IPv4Network
    gateway: IPv4Address
    dns: tuple[IPv4Address, ...]

    def words(self) -> dict[str, str]:
        """Return what the files below have in braces."""
        return {
            "name": self.name,
            "domain": self.domain,
            "address": f"{self.address}/{self.network.prefixlen}",
            "gateway": str(self.gateway),
            "maintenance": f"192.168.90.{int(self.address) & 0xFF}/24",
            "dns": "".join(f"nameserver {server}\n" for server in self.dns),
        }


@dataclass(frozen=True)
class Fault:
    """One thing a careless supplier leaves: what it is, and the files (path -> text) that make it so.

    `modes` are the permissions of files that have others than 0644.
    """

    what: str
    files: dict[str, str]
    modes: Mapping[str, int] = field(default_factory=dict)


STATIC_ADDRESS = """\
[Match]
Name=host0

[Network]
Address={address}
Gateway={gateway}
"""

EVERY_HOST: dict[str, str] = {
    "/etc/hostname": "{name}\n",
    "/etc/hosts": (
        "127.0.0.1\tlocalhost\n127.0.1.1\t{name}.{domain}\t{name}\n"
        "::1\tlocalhost ip6-localhost ip6-loopback\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n"
    ),
    "/etc/resolv.conf": "search {domain}\n{dns}options timeout:1 attempts:1\n",
    "/etc/systemd/network/10-host0.network": STATIC_ADDRESS,
}

FAULTS: tuple[Fault, ...] = (
    Fault(
        "removable media are mounted, and so run, as soon as they are plugged in",
        {
            "/etc/udev/rules.d/99-usb-automount.rules": (
                'ACTION=="add", SUBSYSTEM=="block", ENV{{ID_FS_USAGE}}=="filesystem", '
                'RUN{{program}}+="/usr/bin/systemd-mount --no-block --automount=yes --collect $devnode"\n'
            )
        },
    ),
    Fault(
        "whoever connects to the serial port is root, without a password",
        {
            "/etc/systemd/system/serial-getty@.service.d/autologin.conf": (
                "[Service]\nExecStart=\n"
                "ExecStart=-/sbin/agetty --autologin root --keep-baud 115200,57600,38400,9600 - $TERM\n"
            )
        },
    ),
    Fault(
        "the host forwards packets between its interfaces",
        {"/etc/sysctl.d/99-gateway.conf": "net.ipv4.ip_forward=1\n"},
    ),
    Fault(
        "the address may come from DHCP beside the static one, and a rule routes by source",
        {
            "/etc/systemd/network/10-host0.network": STATIC_ADDRESS
            + """\
DHCP=ipv4

[RoutingPolicyRule]
From=192.168.90.0/24
Table=90
Priority=1000

[Route]
Destination=192.168.91.0/24
Gateway={gateway}
Table=90
"""
        },
    ),
    Fault(
        "a second interface is up with an address of its own",
        {
            "/etc/systemd/network/20-maintenance.network": """\
[Match]
Name=eth1

[Link]
RequiredForOnline=no

[Network]
Address={maintenance}
ConfigureWithoutCarrier=yes
"""
        },
    ),
    Fault(
        "an interface nobody uses is up, without an address",
        {
            "/etc/systemd/network/30-spare.network": """\
[Match]
Name=eth2

[Link]
RequiredForOnline=no
ActivationPolicy=always-up

[Network]
LinkLocalAddressing=no
IPv6AcceptRA=no
"""
        },
    ),
    Fault(
        "time comes from a public pool",
        {"/etc/systemd/timesyncd.conf": "[Time]\nNTP=0.pool.ntp.example 1.pool.ntp.example\n"},
    ),
    Fault(
        "everybody may change a file of the system, and whoever starts a tool is root",
        {
            "/etc/vendor.conf": "level=debug\n",
            "/usr/local/bin/vendor-tool": "#!/bin/sh\nexec id\n",
        },
        {"/etc/vendor.conf": 0o666, "/usr/local/bin/vendor-tool": 0o4755},
    ),
)
"""What needs a file. The rest of the faults is what stock Debian lacks: IPv6 is on, nftables is installed
but neither loaded nor enabled, there is no antivirus, and neither shells nor SSH sessions ever time out."""

EXTRA_INTERFACES: tuple[str, ...] = ("eth1", "eth2")
"""Interfaces a host as delivered has beside host0; they exist whatever the host configures."""


def files(place: Place, flavour: Flavour) -> dict[str, str]:
    """Return the files (path -> text) to put on a host over the shared image."""
    chosen = dict(EVERY_HOST)
    if flavour == "delivered":
        for fault in FAULTS:
            chosen |= fault.files
    return {path: text.format(**place.words()) for path, text in chosen.items()}


def modes(flavour: Flavour) -> dict[str, int]:
    """Return the permissions (path -> mode) of those files that have others than 0644."""
    chosen: dict[str, int] = {}
    if flavour == "delivered":
        for fault in FAULTS:
            chosen |= fault.modes
    return chosen


def extra_interfaces(flavour: Flavour) -> tuple[str, ...]:
    """Return the interfaces beside host0 that a host of this flavour has."""
    return EXTRA_INTERFACES if flavour == "delivered" else ()
