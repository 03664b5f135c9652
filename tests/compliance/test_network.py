"""The network: declared interfaces only, IPv4 only, static addresses, no routing or forwarding, no radio."""

from __future__ import annotations

from plumbline.verify import Unknown, control, not_applicable

NO_UPLINK = "no redundant uplink is declared"
NO_REDUNDANCY = "no interface for application redundancy is declared"
NO_CONTAINER = "a container has no hardware of its own; the machine it runs on has to be looked at"
CAN = "a CAN bus is declared"


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
    """Return the gateway that a default route of the host may go through: that of the first interface."""
    gateway = site.vlan(spec.interfaces[0].vlan).gateway
    return set() if gateway is None else {str(gateway)}


def serving(spec, purpose: str) -> list[str]:
    """Return the interfaces declared for a purpose."""
    return [interface.name for interface in spec.interfaces if interface.purpose == purpose]


def uplinks(spec) -> list[str]:
    """Return the first interface and those that are redundant to it."""
    return [spec.interfaces[0].name, *serving(spec, "redundant-uplink")]


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


@control("ipv4-only")
def test_no_other_packets_are_taken_now(host, spec, value):
    """Nothing takes packets of other protocols than IPv4 from the network now, industrial buses aside."""
    industrial = serving(spec, "industrial-protocol")
    assert host.network.packet_types_now(value("packet_types"), industrial) == []


@control("ipv4-only")
def test_no_other_socket_family_now(host, spec, value):
    """Sockets of no other protocol are open now, and no module has brought another family of sockets."""
    can = ["CAN", "CAN_BCM", "CAN_ISOTP", "CAN_J1939", "CAN_RAW"] if declares_can(spec) else []
    assert host.network.socket_families_now([*value("socket_families"), *can]) == []


@control("ipv4-only")
def test_can_is_not_in_the_kernel_now(host, spec):
    """The socket family of CAN is not in the kernel now, unless a CAN bus is declared."""
    if declares_can(spec):
        not_applicable(CAN)
    assert host.kernel_modules.present("can") == []


@control("ipv4-only")
def test_can_cannot_be_loaded(host, spec):
    """The socket family of CAN cannot be loaded, also after the next boot, unless a CAN bus is declared."""
    if declares_can(spec):
        not_applicable(CAN)
    assert host.kernel_modules.ways_in("can") == []


def declares_can(spec) -> bool:
    """Say whether an interface of the host is a CAN bus."""
    return any(interface.is_can for interface in spec.interfaces)


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


@control("no-routing")
def test_no_address_translation_now(host):
    """No rule of the packet filter translates addresses now."""
    assert host.network.translating_now == []


@control("no-routing")
def test_no_address_translation_at_boot(host):
    """The rules loaded at the next boot translate no addresses."""
    assert host.network.translating_at_boot == []


@control("no-forwarding")
def test_no_engine_forwards_at_boot(host, value):
    """No engine of containers or virtual machines that starts at boot switches forwarding on."""
    assert host.network.forwarding_engines_at_boot(value("forwarding_units")) == []


@control("no-forwarding")
def test_no_virtual_server_now(host):
    """No virtual server passes packets on to other hosts now."""
    assert host.network.virtual_servers_now == []


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


@control("redundant-uplink")
def test_bonds_join_declared_uplinks_only_now(host, spec):
    """A bond joins the first interface and its declared redundant uplinks now, and no other interface."""
    assert host.network.bonded_beyond(uplinks(spec)) == []


@control("redundant-uplink")
def test_bonds_join_declared_uplinks_only_at_boot(host, spec):
    """A bond will join the first interface and its declared redundant uplinks only after the next boot."""
    assert host.network.bonded_beyond_at_boot(uplinks(spec)) == []


@control("redundant-uplink")
def test_uplinks_are_one_bond_now(host, spec):
    """The first interface and its redundant uplinks are members of one bond now."""
    if not serving(spec, "redundant-uplink"):
        not_applicable(NO_UPLINK)
    assert host.network.unbonded(uplinks(spec)) == []


@control("redundant-uplink")
def test_uplinks_are_one_bond_at_boot(host, spec):
    """The first interface and its redundant uplinks will be members of one bond after the next boot."""
    if not serving(spec, "redundant-uplink"):
        not_applicable(NO_UPLINK)
    assert host.network.unbonded_at_boot(uplinks(spec)) == []


@control("redundant-uplink")
def test_redundant_uplinks_are_of_a_physical_machine(host, spec):
    """A host with a redundant uplink is a physical machine."""
    if not serving(spec, "redundant-uplink"):
        not_applicable(NO_UPLINK)
    if host.system.is_container:
        raise Unknown(NO_CONTAINER)
    assert host.system.virtualization == "none"


@control("redundancy-network-isolated")
def test_no_route_leaves_the_redundancy_network_now(host, spec):
    """No route leads through an interface for application redundancy now, but to its own network."""
    names = serving(spec, "application-redundancy")
    if not names:
        not_applicable(NO_REDUNDANCY)
    assert host.network.routes_through_now(names) == []


@control("redundancy-network-isolated")
def test_no_route_leaves_the_redundancy_network_at_boot(host, spec):
    """No route is set through an interface for application redundancy at the next boot."""
    names = serving(spec, "application-redundancy")
    if not names:
        not_applicable(NO_REDUNDANCY)
    assert host.network.routes_through_at_boot(names) == []


@control("wireless-off")
def test_no_radio_adapter_now(host):
    """The kernel drives no adapter of Wi-Fi or Bluetooth now."""
    assert host.network.radio_adapters_now == []


@control("wireless-off")
def test_no_wireless_program_now(host, value):
    """No program for Wi-Fi or Bluetooth runs now."""
    assert host.system.programs.running(value("wireless_programs")) == []


@control("wireless-off")
def test_no_wireless_program_at_boot(host, value):
    """No program for Wi-Fi or Bluetooth starts at the next boot, nor when D-Bus is asked for it."""
    assert host.network.radio_programs_at_boot(value("wireless_programs")) == []
