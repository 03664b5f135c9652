"""What netplan will have configured (netplan(5)); at every boot it writes the files of another program.

Read from /etc/netplan, as the files it wrote are of the last boot. Taken from its documentation; tried on no
booted host.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

import yaml

from plumbline.probes.base import ParseError
from plumbline.probes.files import ConfigFile, glob_matches
from plumbline.probes.network.plan import Planned, Surroundings
from plumbline.verify.seen import Seen
from plumbline.verify.unknown import Unknown

DIRECTORIES = ("/run/netplan", "/etc/netplan", "/usr/lib/netplan", "/lib/netplan")
_DEVICES = ("ethernets", "wifis", "modems")
_MADE = ("bridges", "bonds", "vlans", "tunnels", "vrfs", "dummy-devices", "virtual-ethernets", "nm-devices")


def planned(host: Surroundings) -> list[Planned]:
    """Return what is configured for every interface that netplan's files name."""
    merged: dict[str, dict[str, Any]] = {}
    places: dict[str, str] = {}
    for file in _in_order(host.files):
        network = _network(file)
        for group in (*_DEVICES, *_MADE):
            for name, settings in _mapping(network.get(group), file).items():
                told = _mapping(settings, file)
                merged.setdefault(str(name), {"group": group}).update(told)
                places[str(name)] = file.path
    plans = []
    for name, settings in merged.items():
        for interface in _interfaces(name, settings, host):
            plans.append(_plan(interface, settings, places[name]))
    for name, settings in merged.items():
        for member in settings.get("interfaces") or [] if settings["group"] == "bonds" else []:
            joining = [plan for plan in plans if plan.interface == member]
            if not joining:
                joining = [Planned(str(member))]
                plans += joining
            joining[0].bonds.append(Seen(name, places[name]))
    return plans


def _in_order(files: Mapping[str, ConfigFile]) -> list[ConfigFile]:
    """Return netplan's files by base name; /etc hides /lib, and what is in /run is gone at boot."""
    named: dict[str, ConfigFile] = {}
    for directory in DIRECTORIES[1:]:
        for path, file in files.items():
            if posixpath.dirname(path) == directory and path.endswith(".yaml"):
                named.setdefault(file.name, file)
    return [named[name] for name in sorted(named)]


def _network(file: ConfigFile) -> dict[str, Any]:
    try:
        told = yaml.safe_load("\n".join(file.lines))
    except yaml.YAMLError as error:
        raise ParseError(f"{file.path} is no YAML: {error}") from error
    return _mapping(_mapping(told, file).get("network"), file)


def _mapping(told: object, file: ConfigFile) -> dict[str, Any]:
    if told is None or isinstance(told, str | int):
        return {}
    if not isinstance(told, dict):
        raise ParseError(f"{file.path} has a list where netplan wants a mapping")
    return {str(key): value for key, value in told.items()}


def _interfaces(name: str, settings: dict[str, Any], host: Surroundings) -> list[str]:
    """Return the interfaces an entry is for: its own name, or those its `match` finds."""
    match = settings.get("match")
    if not isinstance(match, dict):
        return [name]
    drivers = match.get("driver", "*")
    wanted = [str(driver) for driver in (drivers if isinstance(drivers, list) else [drivers])]
    candidates = [interface for interface in host.interfaces.values() if not interface.loopback]
    if "driver" in match and not all(interface.driver for interface in candidates):
        raise Unknown(
            "which interfaces netplan's {name} is for depends on a driver, which is not observed", name=name
        )
    found = [
        interface.name
        for interface in candidates
        if any(glob_matches(interface.driver, driver) for driver in wanted)
        and ("name" not in match or glob_matches(interface.name, str(match["name"])))
        and ("macaddress" not in match or interface.permanent_mac == str(match["macaddress"]).lower())
    ]
    return [str(settings["set-name"])] if found and "set-name" in settings else found


def _plan(name: str, settings: dict[str, Any], where: str) -> Planned:
    plan = Planned(name, up=[Seen(f"netplan {settings['group']}", where)])
    if settings.get("activation-mode") in ("manual", "off"):
        plan.up.clear()
    if settings["group"] in _MADE:
        plan.created.append(Seen(f"netplan {settings['group']} {name}", where))
    for entry in settings.get("addresses") or []:
        address = next(iter(entry)) if isinstance(entry, dict) else str(entry)
        (plan.ipv6 if ":" in address else plan.addresses).append(Seen(address, where))
    for key, found in (("dhcp4", plan.dhcp), ("dhcp6", plan.dhcp), ("accept-ra", plan.ipv6)):
        if settings.get(key) is True or str(settings.get(key)).lower() in ("yes", "on", "true"):
            found.append(Seen(f"{key}: true", where))
    link_local = settings.get("link-local", ["ipv6"])
    if "ipv6" in (link_local or []):
        plan.ipv6.append(Seen("link-local: [ipv6]", where))
    if "ipv4" in (link_local or []):
        plan.addresses.append(Seen("link-local: [ipv4]", where))
    if "gateway4" in settings:
        plan.routes.append(Seen(f"default via {settings['gateway4']}", where))
    if "gateway6" in settings:
        plan.ipv6.append(Seen(f"gateway6: {settings['gateway6']}", where))
    for route in settings.get("routes") or []:
        plan.routes.append(Seen(_route(route), where))
    for rule in settings.get("routing-policy") or []:
        plan.routes.append(Seen(f"rule {rule}", where))
    return plan


def _route(route: object) -> str:
    plain = isinstance(route, dict) and set(route) <= {"to", "via", "metric", "on-link"}
    if isinstance(route, dict) and plain and str(route.get("to")) in ("default", "0.0.0.0/0", "0/0"):
        return f"default via {route.get('via')}"
    return f"route {route}"
