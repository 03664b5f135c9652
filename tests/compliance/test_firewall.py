"""Firewall: default deny; replies, loopback and management let in; nothing beyond what is approved."""

from __future__ import annotations

import ipaddress

from plumbline.probes.firewall import Entrance
from plumbline.probes.firewall.flows import ICMP_TYPES, Box, less, of_network
from plumbline.verify import control

DROPPED = {"input": "drop", "forward": "drop"}


def entrance(spec) -> Entrance:
    """Return where packets come in: the interface the host is reached at."""
    return Entrance(spec.interfaces[0].name, spec.address)


def management(value) -> list[Box]:
    """Return the flows from the site's management sources to the management port."""
    port = value("management_port")
    return [of_network("tcp", ipaddress.IPv4Network(s), port, port) for s in value("management_sources")]


def approved(value, spec) -> list[Box]:
    """Return every flow that may come in: management, the messages IPv4 needs, the specified openings."""
    everywhere = ipaddress.IPv4Network("0.0.0.0/0")
    messages = [
        of_network("icmp", everywhere, n, n) for n in (ICMP_TYPES[name] for name in value("icmp_types"))
    ]
    openings = [
        of_network(opening.protocol, source, opening.port, opening.port)
        for opening in spec.firewall_openings
        for source in opening.sources
    ]
    return management(value) + messages + openings


def beyond(openings, allowed) -> list[Box]:
    """Return the openings that are wider than what is allowed, whole, as the rules have them."""
    return [opening for opening in openings if less([opening], allowed)]


@control("firewall-enabled")
def test_inbound_and_forwarded_packets_are_dropped_by_default_now(host):
    """Inbound and forwarded packets that no rule speaks of are dropped now."""
    assert host.firewall.defaults_now() == DROPPED


@control("firewall-enabled")
def test_inbound_and_forwarded_packets_are_dropped_by_default_after_boot(host):
    """Inbound and forwarded packets that no rule speaks of will be dropped after the next boot."""
    assert host.firewall.defaults_at_boot() == DROPPED


@control("firewall-enabled")
def test_ruleset_is_loaded_at_boot(host):
    """The ruleset in /etc/nftables.conf is loaded at boot by nftables.service."""
    assert host.firewall.boot_obstacles == []


@control("firewall-enabled")
def test_no_other_firewall_service(host):
    """No other firewall service runs or is enabled beside nftables."""
    assert host.firewall.other_services == []


@control("firewall-enabled")
def test_nothing_else_loads_rules(host):
    """No other service, script or scheduled job loads rules of its own, at boot or later."""
    assert host.firewall.other_loaders == []


@control("firewall-enabled")
def test_loopback_and_replies_come_in_now(host, spec):
    """Loopback traffic and replies to the host's own connections come in now."""
    assert host.firewall.shut_out_now(entrance(spec)) == []


@control("firewall-enabled")
def test_loopback_and_replies_come_in_after_boot(host, spec):
    """Loopback traffic and replies to the host's own connections will come in after the next boot."""
    assert host.firewall.shut_out_at_boot(entrance(spec)) == []


@control("firewall-openings-approved")
def test_management_comes_in_now(host, value, spec):
    """The site's management sources reach the management port now."""
    assert host.firewall.closed_now(entrance(spec), management(value)) == []


@control("firewall-openings-approved")
def test_management_comes_in_after_boot(host, value, spec):
    """The site's management sources will reach the management port after the next boot."""
    assert host.firewall.closed_at_boot(entrance(spec), management(value)) == []


@control("firewall-openings-approved")
def test_nothing_else_comes_in_now(host, value, spec):
    """Nothing else comes in now: management, the messages IPv4 needs, specified openings."""
    assert beyond(host.firewall.openings_now(), approved(value, spec)) == []


@control("firewall-openings-approved")
def test_nothing_else_comes_in_after_boot(host, value, spec):
    """Nothing else will come in after a boot: management, the messages IPv4 needs, specified openings."""
    assert beyond(host.firewall.openings_at_boot(), approved(value, spec)) == []


@control("firewall-openings-approved")
def test_nothing_is_forwarded_now(host):
    """No rule lets a packet through from one network to another now."""
    assert host.firewall.forwarded_now() == []


@control("firewall-openings-approved")
def test_nothing_is_forwarded_after_boot(host):
    """No rule will let a packet through from one network to another after the next boot."""
    assert host.firewall.forwarded_at_boot() == []


@control("firewall-openings-approved")
def test_no_rule_rewrites_packets_now(host):
    """No rule changes where packets go, or hides them from connection tracking, now."""
    assert host.firewall.rewriting_now() == []


@control("firewall-openings-approved")
def test_no_rule_rewrites_packets_after_boot(host):
    """No rule will change where packets go, or hide them from connection tracking, after the next boot."""
    assert host.firewall.rewriting_at_boot() == []


@control("firewall-openings-approved")
def test_no_rules_of_the_old_iptables(host):
    """No tables of the old iptables are loaded: nft does not show their rules."""
    assert host.firewall.legacy_tables == []
