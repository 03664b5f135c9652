"""The network: declared interfaces only, IPv4 only, static addresses, no routing, no forwarding."""

from __future__ import annotations

from plumbline.verify import control


def declared(spec) -> list[str]:
    """Return the interfaces the host may have: the first, and others that serve a listed purpose."""
    first, *others = spec.interfaces
    return [first.name, *(other.name for other in others if other.purpose != "service")]


def addresses(spec, site) -> list[str]:
    """Return the specified addresses, with the prefix length of their VLAN."""
    return sorted(
        f"{interface.name}: {interface.address}/{site.vlan(interface.vlan).network.prefixlen}"
        for interface in spec.interfaces
        if interface.name in declared(spec) and interface.address is not None
    )


def gateways(spec, site) -> set[str]:
    """Return the gateways that a default route of the host may go through."""
    vlans = (site.vlan(interface.vlan) for interface in spec.interfaces)
    return {str(vlan.gateway) for vlan in vlans if vlan.gateway is not None}


@control("single-interface")
def test_no_other_interface_now(host, spec):
    """Besides loopback, no interface but the declared ones is up or has an address now."""
    assert host.network.others_now(declared(spec)) == []


@control("single-interface")
def test_no_other_interface_at_boot(host, spec):
    """Besides loopback, no interface but the declared ones is configured for the next boot."""
    assert host.network.others_at_boot(declared(spec)) == []


@control("ipv4-only")
def test_no_ipv6_address_now(host):
    """No interface has an IPv6 address now, loopback included."""
    assert host.network.ipv6_now == []


@control("ipv4-only")
def test_network_configuration_leaves_ipv6_off(host):
    """The network configuration does not switch IPv6 on for an interface at the next boot."""
    assert host.network.ipv6_at_boot == []


@control("static-address")
def test_address_is_the_specified_one_now(host, spec, site):
    """Declared interfaces have the specified addresses now, lasting ones, and no others."""
    assert host.network.addresses_now(declared(spec)) == addresses(spec, site)


@control("static-address")
def test_address_is_the_specified_one_at_boot(host, spec, site):
    """Declared interfaces will have the specified addresses after the next boot, and no others."""
    assert host.network.addresses_at_boot(declared(spec)) == addresses(spec, site)


@control("static-address")
def test_no_dhcp_client_now(host, value):
    """Nothing asks for an address by DHCP now."""
    assert host.network.dhcp_now(value("dhcp_clients")) == []


@control("static-address")
def test_no_dhcp_client_at_boot(host, value):
    """Nothing will ask for an address by DHCP after the next boot."""
    assert host.network.dhcp_at_boot(value("dhcp_clients")) == []


@control("no-routing")
def test_no_other_routes_now(host, spec, site):
    """There are no routes now but to the host's own networks and the default through its VLAN's gateway."""
    assert host.network.routes_now(gateways(spec, site)) == []


@control("no-routing")
def test_no_policy_rules_now(host):
    """There are no routing policy rules now beyond those every kernel starts with."""
    assert host.network.rules_now == []


@control("no-routing")
def test_no_other_routes_or_rules_at_boot(host, spec, site):
    """No rules, and no routes but the default through the VLAN's gateway, are set for the next boot."""
    assert host.network.routes_at_boot(gateways(spec, site)) == []


@control("no-routing")
def test_no_routing_daemon_now(host, value):
    """No routing daemon runs now."""
    assert host.system.programs.running(value("routing_daemons")) == []


@control("no-routing")
def test_no_routing_daemon_at_boot(host, value):
    """No routing daemon starts at the next boot."""
    assert host.system.programs.boot_units(value("routing_daemons")) == []


@control("no-forwarding")
def test_network_configuration_leaves_forwarding_off(host):
    """The network configuration does not switch forwarding on at the next boot."""
    assert host.network.forwarding_at_boot == []


@control("no-forwarding")
def test_no_multicast_forwarding_now(host):
    """No interface forwards multicast now."""
    assert host.network.multicast_forwarding_now == []


@control("unused-interfaces-down")
def test_unused_interfaces_are_down_now(host, spec):
    """Interfaces that the specification does not have are administratively down now."""
    assert host.network.others_up_now(declared(spec)) == []


@control("unused-interfaces-down")
def test_unused_interfaces_stay_down_at_boot(host, spec):
    """Nothing will bring up an interface that the specification does not have at the next boot."""
    assert host.network.others_up_at_boot(declared(spec)) == []


@control("unused-interfaces-down")
def test_radios_are_off_now(host):
    """Every radio is blocked now."""
    assert host.network.radios_on == []
