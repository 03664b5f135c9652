"""The operating system: release, host name, kernel, what it runs in."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.programs import PROGRAMS, Programs
from plumbline.probes.subject import Subject
from plumbline.probes.tagged import PRINT_END, Rows

__all__ = ["PROGRAMS", "SYSTEM", "System", "SystemFacts"]

_TAGS = {"hostname": 1, "kernel": 1, "architecture": 1, "virtualization": 1, "release": 1}


CONTAINERS = frozenset(
    {"container-other", "docker", "lxc", "lxc-libvirt", "openvz", "podman", "pouch", "proot", "rkt"}
    | {"systemd-nspawn", "wsl"}
)
"""What systemd-detect-virt(1) calls containers."""


@dataclass(frozen=True)
class SystemFacts:
    """What os-release(5), uname(1) and systemd-detect-virt(1) say; on bare metal the latter says `none`."""

    hostname: str
    kernel: str
    architecture: str
    virtualization: str
    release: dict[str, str] = field(default_factory=dict)


def parse_system(output: Output) -> SystemFacts:
    """Parse the probe's rows."""
    rows = Rows(output, _TAGS)
    single = {}
    for tag in ("hostname", "kernel", "architecture", "virtualization"):
        if len(rows[tag]) != 1:
            raise ParseError(f"{tag} is told {len(rows[tag])} times")
        single[tag] = rows[tag][0][0]
    release = {}
    for (line,) in rows["release"]:
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            release[name] = " ".join(shlex.split(value))
    return SystemFacts(**single, release=release)


SYSTEM: Probe[SystemFacts] = Probe(
    "system.facts",
    "printf 'hostname\\t%s\\n' \"$(cat /proc/sys/kernel/hostname)\"; uname -rm | { read -r r m; "
    'printf \'kernel\\t%s\\narchitecture\\t%s\\n\' "$r" "$m"; }; '
    'v=$(systemd-detect-virt 2>/dev/null) || [ "$v" = none ] || v=unknown; '
    "printf 'virtualization\\t%s\\n' \"$v\"; "
    "f=/etc/os-release; [ -f $f ] || f=/usr/lib/os-release; "
    f"if [ -f $f ]; then sed 's/^/release\t/' $f; fi; {PRINT_END}",
    parse_system,
)


class System(Subject):
    """What the host says of itself."""

    @property
    def facts(self) -> SystemFacts:
        """Release, host name, kernel, virtualisation."""
        return self.read(SYSTEM)

    @property
    def programs(self) -> Programs:
        """What runs now and what starts at boot."""
        return self.read(PROGRAMS)

    @property
    def hostname(self) -> str:
        """The host name the kernel has."""
        return self.facts.hostname

    @property
    def distribution(self) -> str:
        """The distribution's identifier, such as `debian`; empty where nothing tells it."""
        return self.facts.release.get("ID", "")

    @property
    def version(self) -> str:
        """The distribution's version, such as `12`; empty where nothing tells it."""
        return self.facts.release.get("VERSION_ID", "")

    @property
    def is_container(self) -> bool:
        """Whether the kernel is not the host's own (systemd-detect-virt(1))."""
        return self.facts.virtualization in CONTAINERS

    @property
    def virtualization(self) -> str:
        """What the host runs in, such as `kvm` or `systemd-nspawn`; `none`, or `unknown` without systemd."""
        return self.facts.virtualization
