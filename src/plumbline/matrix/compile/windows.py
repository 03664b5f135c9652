"""A host's rows as data for Windows Firewall: one group of rules, replaced whole, and profiles that block.

Each rule has the arguments of New-NetFirewallRule (NetSecurity module) by their names.
"""

from __future__ import annotations

from typing import Any

from plumbline.matrix.ends import Span
from plumbline.matrix.flows import Flow, HostFlows, Way
from plumbline.probes.firewall.flows import ICMP_TYPES

GROUP = "Plumbline"
_WAYS: dict[Way, str] = {"in": "Inbound", "out": "Outbound"}
_NO_TEMPLATE = str.maketrans("{}", "()")
"""Ansible takes braces in its data for templates and runs what is in them."""


def data(host: HostFlows) -> dict[str, Any]:
    """Return what a host's firewall shall be: rules outside the group that allow something are to go."""
    return {
        "plumbline_firewall": {
            "group": GROUP,
            "profiles": {
                name: {"enabled": True, "inbound": "Block", "outbound": "Block", "log_blocked": True}
                for name in ("Domain", "Private", "Public")
            },
            "rules": [*(_errors(way) for way in _WAYS), *(_rule(flow) for flow in host.flows)],
        }
    }


def _errors(way: Way) -> dict[str, Any]:
    """Let the messages IPv4 needs pass; replies of other protocols belong to their connection by themselves.

    Its name cannot be a row's: theirs go on with the way.
    """
    return {
        "Name": f"{GROUP}-needed-{way}-icmp-errors",
        "DisplayName": "ICMP errors",
        "Group": GROUP,
        "Direction": _WAYS[way],
        "Action": "Allow",
        "Profile": "Any",
        "Protocol": "ICMPv4",
        "IcmpType": ["3", "11", "12"],
    }


def _rule(flow: Flow) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "Name": f"{GROUP}-{flow.way}-{flow.row.id}",
        "DisplayName": f"{flow.row.id}: {flow.row.service.translate(_NO_TEMPLATE)}",
        "Group": GROUP,
        "Direction": _WAYS[flow.way],
        "Action": "Allow",
        "Profile": "Any",
        "LocalAddress": [_range(span) for span in flow.own],
        "RemoteAddress": [_range(span) for span in flow.peers],
    }
    if flow.row.protocol == "icmp":
        return {
            **rule,
            "Protocol": "ICMPv4",
            "IcmpType": [str(ICMP_TYPES[name]) for name in flow.row.icmp_types],
        }
    ports = [str(first) if first == last else f"{first}-{last}" for first, last in flow.spans]
    side = "LocalPort" if flow.way == "in" else "RemotePort"
    return {**rule, "Protocol": flow.row.protocol.upper(), side: ports}


def _range(span: Span) -> str:
    """Return a range as Windows takes it: an address, a network, or `low-high`."""
    return str(span)
