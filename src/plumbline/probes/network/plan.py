"""What will be configured at boot, whichever program does it: the form all readers of configuration give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from plumbline.probes.files import ConfigFile
from plumbline.probes.ini import Entry, Section, boolean, in_force, sections
from plumbline.probes.network.live import Interface
from plumbline.verify.seen import Seen

__all__ = ["Entry", "Planned", "Section", "Surroundings", "boolean", "in_force", "sections"]


@dataclass
class Planned:
    """What is configured for one interface; every finding knows its file and line.

    `file`: base name of the file that applies, where one of several does;
    `up`: what brings it up; `created`: what makes it, if it is no device; `ipv6`: what switches IPv6 on;
    `bonds`: the bond it becomes a member of;
    `routes`: routes and rules but those the kernel makes of addresses, defaults as `default via GATEWAY`.
    """

    interface: str
    file: str = ""
    up: list[Seen] = field(default_factory=list)
    created: list[Seen] = field(default_factory=list)
    bonds: list[Seen] = field(default_factory=list)
    addresses: list[Seen] = field(default_factory=list)
    dhcp: list[Seen] = field(default_factory=list)
    ipv6: list[Seen] = field(default_factory=list)
    routes: list[Seen] = field(default_factory=list)
    forwarding: list[Seen] = field(default_factory=list)


@dataclass(frozen=True)
class Surroundings:
    """What decides which configuration applies: the files, the interfaces there are, and the host itself."""

    files: Mapping[str, ConfigFile]
    interfaces: Mapping[str, Interface]
    hostname: str
    virtualization: str
