"""Firewall: default deny; replies, loopback and management let in; nothing beyond what is approved.

Where the site has a communication matrix, its rows say what is approved, both ways; where it has none, the
openings of the host's specification do, and only what comes in is judged.
"""

from __future__ import annotations

import ipaddress

import pytest

from plumbline.matrix.readback.sockets import Sockets
from plumbline.probes.firewall import Entrance
from plumbline.probes.firewall.flows import ICMP_TYPES, Box, less, of_network
from plumbline.verify import control, not_applicable
from plumbline.verify.unknown import Unknown

UNSAID = ("unknown", "unclear")
DROPPED = {"input": "drop", "forward": "drop"}


def entrance(spec) -> Entrance:
    """Return where packets come in: the interface the host is reached at."""
    own = tuple(face.address for face in spec.interfaces if face.address is not None)
    return Entrance(spec.interfaces[0].name, spec.address, own)


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


def by_openings(desired) -> None:
    """Leave to the matrix what it decides."""
    if desired.flows is not None:
        not_applicable("the site has a communication matrix; firewall-as-matrix holds the rules against it")


def differing(host, desired, when) -> list[str]:
    """Return in what the rules differ from the matrix, now or at boot; Unknown if all that cannot be said."""
    if desired.flows is None:
        not_applicable("the site has no communication matrix; the specified openings are judged instead")
    from plumbline.matrix.readback.host import rules_read_back

    found = rules_read_back(host, desired.host, desired.flows, [when])
    unsaid = [one for one in found if one.kind in UNSAID]
    if found and len(unsaid) == len(found):
        raise Unknown("{reason}", reason=unsaid[0].message)
    # What cannot be said comes last: there may be more of it than a report has lines.
    return [one.message.en for one in sorted(found, key=lambda one: one.kind in UNSAID)]


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
def test_management_comes_in_now(host, value, spec, desired):
    """The site's management sources reach the management port now."""
    by_openings(desired)
    assert host.firewall.closed_now(entrance(spec), management(value)) == []


@control("firewall-openings-approved")
def test_management_comes_in_after_boot(host, value, spec, desired):
    """The site's management sources will reach the management port after the next boot."""
    by_openings(desired)
    assert host.firewall.closed_at_boot(entrance(spec), management(value)) == []


@control("firewall-openings-approved")
def test_nothing_else_comes_in_now(host, value, spec, desired):
    """Nothing else comes in now: management, the messages IPv4 needs, specified openings."""
    by_openings(desired)
    assert beyond(host.firewall.openings_now(), approved(value, spec)) == []


@control("firewall-openings-approved")
def test_nothing_else_comes_in_after_boot(host, value, spec, desired):
    """Nothing else will come in after a boot: management, the messages IPv4 needs, specified openings."""
    by_openings(desired)
    assert beyond(host.firewall.openings_at_boot(), approved(value, spec)) == []


@control("firewall-openings-approved")
def test_nothing_is_forwarded_now(host, desired):
    """No rule lets a packet through from one network to another now."""
    by_openings(desired)
    assert host.firewall.forwarded_now() == []


@control("firewall-openings-approved")
def test_nothing_is_forwarded_after_boot(host, desired):
    """No rule will let a packet through from one network to another after the next boot."""
    by_openings(desired)
    assert host.firewall.forwarded_at_boot() == []


@control("firewall-openings-approved")
def test_no_rule_rewrites_packets_now(host, desired):
    """No rule changes where packets go, or hides them from connection tracking, now."""
    by_openings(desired)
    assert host.firewall.rewriting_now() == []


@control("firewall-openings-approved")
def test_no_rule_rewrites_packets_after_boot(host, desired):
    """No rule will change where packets go, or hide them from connection tracking, after the next boot."""
    by_openings(desired)
    assert host.firewall.rewriting_at_boot() == []


@control("firewall-openings-approved")
def test_no_rules_of_the_old_iptables(host, desired):
    """No tables of the old iptables are loaded: nft does not show their rules."""
    by_openings(desired)
    assert host.firewall.legacy_tables == []


@control("firewall-as-matrix")
def test_rules_are_the_matrix_now(host, desired):
    """The rules loaded now let through what rows of the matrix in force say, both ways, and nothing else."""
    assert differing(host, desired, "now") == []


@control("firewall-as-matrix")
def test_rules_are_the_matrix_after_boot(host, desired):
    """The rules of the next boot let through what rows of the matrix in force say, and nothing else."""
    assert differing(host, desired, "boot") == []


@pytest.fixture
def sockets(host, desired):
    """The host's sockets, and its rows of the communication matrix."""
    if desired.flows is None:
        not_applicable("the site has no communication matrix")
    return Sockets.of(host.connections, desired.flows)


@control("listeners-in-matrix")
def test_what_listens_has_a_row(sockets):
    """Nothing listens for other hosts at a port that no row of the matrix lets in."""
    assert sockets.unapproved_listeners() == []


@control("connections-in-matrix")
def test_only_approved_connections(sockets):
    """No connection is there now with a peer or a port that no row of the matrix allows."""
    assert sockets.strangers() == []


@control("matrix-rows-served")
def test_every_row_is_served(sockets):
    """At every port that a row of the matrix lets in, something listens."""
    assert sockets.unserved() == []
