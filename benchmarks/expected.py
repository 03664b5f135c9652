"""What the stock suite holds a host against: the same values that our checks accept, as plain data."""

from __future__ import annotations

from typing import Any

from plumbline.policy.standard import DesiredState


def expected(desired: DesiredState) -> dict[str, Any]:
    """Return the values by the names the stock suite uses."""
    site, host = desired.site, desired.host
    firewall = desired.controls["firewall-openings-approved"].values
    interface = host.interfaces[0]
    if interface.vlan is None:
        raise RuntimeError(f"the first interface of {host.name} is in no VLAN of the site")
    vlan = site.vlan(interface.vlan)
    settings: dict[str, Any] = {}
    modules: list[str] = []
    for resolved in desired.controls.values():
        linux = resolved.control.linux
        settings |= {key: resolved.setting(value) for key, value in linux.sysctl.items()}
        modules += linux.modules_disabled
    return {
        "time_sources": [str(source) for source in site.time_sources],
        "antivirus_packages": site.antivirus.packages,
        "antivirus_services": site.antivirus.services,
        "signatures": site.antivirus.signatures,
        "signature_age_days": desired.controls["antivirus-signatures-current"].values["signature_age_days"],
        "exclusions": host.antivirus_exclusions,
        "idle_seconds": desired.controls["idle-session-lock"].values["idle_seconds"],
        "management_sources": [str(source) for source in site.management_sources],
        "management_port": firewall["management_port"],
        "icmp_types": firewall["icmp_types"],
        "openings": [
            [opening.protocol, opening.port, str(source)]
            for opening in host.firewall_openings
            for source in opening.sources
        ],
        "other_firewalls": desired.controls["firewall-enabled"].values["other_services"],
        "interface": interface.name,
        "address": f"{host.address}/{vlan.network.prefixlen}",
        "network": str(vlan.network),
        "gateway": str(vlan.gateway),
        "sysctl": settings,
        "modules": modules,
    }
