"""How the packet filter comes to be at boot: nftables.service, and whatever else loads rules."""

from __future__ import annotations

import re
from dataclasses import replace

from plumbline.probes.base import Probe
from plumbline.probes.firewall.loaders import Detours
from plumbline.probes.systemd import (
    FILTER_TOOLS,
    Line,
    Unit,
    UnitsOnDisk,
    conditions,
    naming,
    show,
    unit_of,
    units,
)

SERVICE = "nftables.service"
BOOT_FILE = "/etc/nftables.conf"

OTHERS = ("firewalld", "ufw", "netfilter-persistent", "iptables", "ip6tables", "shorewall", "ferm")

_HIDES = (
    "PrivateNetwork",
    "NetworkNamespacePath",
    "RootDirectory",
    "RootImage",
    "BindPaths",
    "BindReadOnlyPaths",
    "TemporaryFileSystem",
    "InaccessiblePaths",
    "User",
    "DynamicUser",
    "PrivateUsers",
    "ExtensionImages",
    "ExtensionDirectories",
    "MountImages",
    "WorkingDirectory",
)
"""Settings with which the unit would load other rules than the boot file's, or load them elsewhere."""

_OTHER_COMMANDS = ("ExecCondition", "ExecStartPre", "ExecStartPost")

_STAYS = {
    "RemainAfterExit": {"yes"},
    "StopWhenUnneeded": {"no"},
    "RuntimeMaxUSec": {"infinity"},
    "BindsTo": set[str](),
    "Requisite": set[str](),
    "PartOf": set[str](),
    "Requires": {"system.slice", "sysinit.target", "-.mount"},
    "Conflicts": {"shutdown.target"},
    "StopPropagatedFrom": set[str](),
}
"""What these settings may say; with others the unit is not started, or stopped, which flushes all rules."""

_NETWORK = ("network-pre.target", "network.target", "network-online.target")
"""What the filter must be loaded before."""
_LATE = {*_NETWORK, "multi-user.target", "graphical.target"}

_PROPERTIES = (
    "ActiveState,NeedDaemonReload,FragmentPath,DropInPaths,Before,After,ConflictedBy,ExecStart,"
    + "CapabilityBoundingSet,"
    + "RestrictAddressFamilies,"
    + ",".join(_STAYS)
    + ","
    + ",".join(_OTHER_COMMANDS)
    + ","
    + ",".join(_HIDES)
)

UNITS = Probe(
    "firewall.units",
    show([SERVICE, *(f"{name}.service" for name in OTHERS), *_NETWORK], _PROPERTIES),
    units,
)

_LISTS = re.compile(r"\bnft\s+(-\S+\s+)*list\b|\bip6?tables(-legacy|-nft)?\s+(-\S+\s+)*(-L|-S|--list\S*)\b")


def obstacles(unit: Unit, on_disk: UnitsOnDisk, conditional: list[Line]) -> list[str]:
    """Return what keeps nftables.service from loading the boot file at the next boot; nothing if it does."""
    state = on_disk.state(SERVICE)
    if state != "enabled":
        return [f"{SERVICE}: {state}"]
    started = unit.commands("ExecStart")
    loads = [("-f", BOOT_FILE), ("--file", BOOT_FILE)]
    found = [
        f"ExecStart={command}"
        for command in started
        if command.path not in {"/usr/sbin/nft", "/sbin/nft"} or command.words[1:] not in loads
    ]
    if not started:
        found.append("ExecStart=")
    found += [f"{name}={command}" for name in _OTHER_COMMANDS for command in unit.commands(name)]
    found += [f"{name}={unit[name]}" for name in _HIDES if unit[name] not in {"", "no", "root", "/"}]
    found += [f"{name}={unit[name]}" for name, may in _STAYS.items() if not set(unit[name].split()) <= may]
    families = unit["RestrictAddressFamilies"]
    if families not in ("", "~") and families.startswith("~") is ("AF_NETLINK" in families):
        found.append(f"RestrictAddressFamilies={families}")
    if unit["CapabilityBoundingSet"] and "cap_net_admin" not in unit["CapabilityBoundingSet"].split():
        found.append("CapabilityBoundingSet= without CAP_NET_ADMIN")
    paths = [unit["FragmentPath"], *unit["DropInPaths"].split()]
    found += [str(line) for line in conditions(conditional, paths)]
    if "network-pre.target" not in unit["Before"].split():
        found.append(f"Before={unit['Before']}")
    if unit["ActiveState"] == "failed":
        found.append("ActiveState=failed")
    return [f"{SERVICE}: {line}" for line in found]


def others_against(found: dict[str, Unit], on_disk: UnitsOnDisk) -> list[str]:
    """Return what other units do to nftables.service at boot: hold it up till the network is up, or stop it.

    It cannot come both before the network and after what comes after the network: systemd then leaves out
    something of these, and the filter may be loaded when hosts talk already, or not at all.
    """
    unit = found[SERVICE]
    late = _LATE.union(*(found[name]["Before"].split() for name in _NETWORK if name in found))
    told = [f"After={name}" for name in unit["After"].split() if name in late]
    told += [f"ConflictedBy={name}" for name in unit["ConflictedBy"].split() if on_disk.starts(name)]
    return [f"{SERVICE}: {line}" for line in told]


def other_services(found: dict[str, Unit], on_disk: UnitsOnDisk) -> list[str]:
    """Return the other firewall services that run or will run, with their state."""
    told = []
    for name, unit in found.items():
        if name == SERVICE or name in _NETWORK or not unit.exists:
            continue
        now, boot = unit["ActiveState"], on_disk.state(name)
        if now in {"active", "activating", "reloading"} or on_disk.starts(name):
            told.append(f"{name}: {now}, {boot}")
    return told


def other_loaders(
    unit_lines: list[Line], script_lines: list[Line], detours: Detours, on_disk: UnitsOnDisk
) -> list[Line]:
    """Return the lines with which something else loads rules at boot or later: of services and of scripts."""
    known = {SERVICE, *(f"{name}.service" for name in OTHERS)}
    found = []
    for line in naming(unit_lines, FILTER_TOOLS):
        unit = on_disk.own_name(unit_of(line))
        is_read = line.file.endswith(".conf") or on_disk.file(unit) == line.file
        if unit not in known and is_read and detours.starts(unit, on_disk):
            found.append(line)
    found += naming(script_lines, FILTER_TOOLS)
    found += [line for line in detours.loaders(on_disk, known) if line not in found]
    # A line that lists rules may go on to load some.
    return [line for line in found if naming([replace(line, text=_LISTS.sub(" ", line.text))], FILTER_TOOLS)]
