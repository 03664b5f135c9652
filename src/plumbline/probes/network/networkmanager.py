"""What NetworkManager will configure (nm-settings-keyfile(5), NetworkManager.conf(5)).

Written from its documentation and tried on no booted host. It makes a connection with DHCP by itself for
every wired interface that no profile is for, unless `no-auto-default` or `unmanaged-devices` keeps it off.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from plumbline.probes.files import glob_matches
from plumbline.probes.network.live import Interface
from plumbline.probes.network.plan import Entry, Planned, Surroundings, boolean, in_force, sections
from plumbline.verify.seen import Seen

PROFILES = (
    "/etc/NetworkManager/system-connections",
    "/usr/lib/NetworkManager/system-connections",
)
CONF = "/etc/NetworkManager/NetworkManager.conf"
CONF_DIRECTORIES = ("/usr/lib/NetworkManager/conf.d", "/etc/NetworkManager/conf.d")

_DEVICES = ("ethernet", "802-3-ethernet", "wifi", "802-11-wireless", "")


def planned(host: Surroundings) -> list[Planned]:
    """Return what the profiles configure, and the connections NetworkManager makes by itself."""
    plans = []
    for path, file in sorted(host.files.items()):
        if posixpath.dirname(path) in PROFILES:
            plans.append(_profile({s.name: s.entries for s in sections(file)}, path))
    for interface in host.interfaces.values():
        known = any(plan.interface in ("*", interface.name) for plan in plans)
        wired = interface.link_type == "ether" and not interface.kind
        if not known and wired and not _left_alone(interface, host):
            told = Seen("a connection that NetworkManager makes by itself", CONF)
            plans.append(Planned(interface.name, up=[told], dhcp=[told], ipv6=[told]))
    return plans


def _value(entries: Sequence[Entry], key: str) -> Entry | None:
    found = in_force(entries, key)
    return found[-1] if found else None


def _profile(parts: dict[str, tuple[Entry, ...]], path: str) -> Planned:
    connection = parts.get("connection", ())
    name, kind = _value(connection, "interface-name"), _value(connection, "type")
    plan = Planned(name.value if name else "*")
    automatic = _value(connection, "autoconnect")
    if automatic is None or boolean(automatic.value) is not False:
        plan.up.append(Seen("autoconnect", path))
    if kind is not None and kind.value not in _DEVICES:
        plan.created.append(Seen(f"type={kind.value}", kind.where))
    port = _value(connection, "port-type") or _value(connection, "slave-type")
    master = _value(connection, "controller") or _value(connection, "master")
    if port is not None and port.value in ("bond", "team") and master is not None:
        plan.bonds.append(Seen(master.value, master.where))
        return plan
    ipv4, ipv6 = parts.get("ipv4", ()), parts.get("ipv6", ())
    method = _value(ipv4, "method")
    if method is None or method.value not in ("manual", "disabled"):
        told = f"ipv4 method={method.value if method else 'auto'}"
        (plan.addresses if method and method.value == "link-local" else plan.dhcp).append(
            Seen(told, method.where if method else path)
        )
    method6 = _value(ipv6, "method")
    if method6 is None or method6.value not in ("disabled", "ignore"):
        told = f"ipv6 method={method6.value if method6 else 'auto'}"
        plan.ipv6.append(Seen(told, method6.where if method6 else path))
    for entry in ipv4:
        if re.fullmatch(r"address(es)?\d*", entry.key):
            address, _, gateway = entry.value.partition(",")
            plan.addresses.append(Seen(address.strip(), entry.where))
            if gateway.strip():
                plan.routes.append(Seen(f"default via {gateway.strip()}", entry.where))
        if entry.key == "gateway" and entry.value:
            plan.routes.append(Seen(f"default via {entry.value}", entry.where))
        if re.fullmatch(r"(route|routing-rule)\d+", entry.key):
            plan.routes.append(Seen(f"{entry.key}={entry.value}", entry.where))
    if method is not None and method.value == "shared":
        plan.forwarding.append(Seen("ipv4 method=shared", method.where))
    return plan


def _left_alone(interface: Interface, host: Surroundings) -> bool:
    """Say whether the configuration keeps NetworkManager from making a connection for an interface."""
    main = [host.files[CONF]] if CONF in host.files else []
    drop_ins = [
        file
        for directory in CONF_DIRECTORIES
        for path, file in sorted(host.files.items())
        if posixpath.dirname(path) == directory
    ]
    words = [
        word
        for file in [*drop_ins, *main]
        for section in sections(file)
        for entry in section.entries
        if entry.key == "unmanaged-devices" or (section.name == "main" and entry.key == "no-auto-default")
        for word in re.split(r"[;,]", entry.value)
    ]
    return any(_names(word, interface) for word in words)


def _names(word: str, interface: Interface) -> bool:
    spec = word.strip()
    if spec in ("*", interface.mac):
        return True
    kind, _, value = spec.partition(":")
    if kind == "interface-name":
        return glob_matches(interface.name, value.removeprefix("="))
    return kind == "mac" and value.lower() == interface.permanent_mac
