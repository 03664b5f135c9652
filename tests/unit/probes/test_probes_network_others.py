"""ifupdown, netplan and NetworkManager: what their files will configure, on files as people write them."""

from __future__ import annotations

import pytest
from recorded_host import delivered

from plumbline.probes.host import DeliveredHost
from plumbline.verify.unknown import Unknown

GATEWAY = {"10.89.6.1"}
INTERFACES = "/etc/network/interfaces"

# As the installer of Debian 12 leaves it for a static address, with the interface's name changed.
INSTALLED = """\
# This file describes the network interfaces available on your system
# and how to activate them. For more information, see interfaces(5).

source /etc/network/interfaces.d/*

# The loopback network interface
auto lo
iface lo inet loopback

# The primary network interface
allow-hotplug host0
iface host0 inet static
\taddress 10.89.6.11/24
\tgateway 10.89.6.1
\t# dns-* options are implemented by the resolvconf package, if installed
\tdns-nameservers 10.89.6.1
"""


def with_unit(unit: str, program: str, files: dict[str, str]) -> DeliveredHost:
    """Make a host that starts this unit at boot, and systemd-networkd not."""
    rows = [
        f"wanted\t/etc/systemd/system/multi-user.target.wants/{unit}.service",
        f"unit\t/usr/lib/systemd/system/{unit}.service",
        f"start\t/usr/lib/systemd/system/{unit}.service\t{program}",
        "end",
    ]
    return delivered(files=files, programs="\n".join(rows) + "\n")


def ifupdown(text: str, **more: str) -> DeliveredHost:
    files = {INTERFACES: text} | {
        f"/etc/network/interfaces.d/{name}": content for name, content in more.items()
    }
    return with_unit("networking", "/sbin/ifup", files)


def test_static_host_by_ifupdown_complies() -> None:
    network = ifupdown(INSTALLED).network
    assert network.addresses_at_boot(["host0"]) == ["host0: 10.89.6.11/24"]
    assert network.dhcp_at_boot([]) == []
    assert network.routes_at_boot(GATEWAY) == []
    assert network.others_at_boot(["host0"]) == []
    assert network.others_up_at_boot(["host0"]) == []
    assert network.forwarding_at_boot == []


def test_netmask_gives_the_prefix() -> None:
    text = INSTALLED.replace("10.89.6.11/24", "10.89.6.11\n\tnetmask 255.255.254.0")
    assert ifupdown(text).network.addresses_at_boot(["host0"]) == ["host0: 10.89.6.11/23"]


def test_inet6_stanza_leaves_ipv6_as_sysctl_sets_it() -> None:
    assert ifupdown(INSTALLED + "\niface host0 inet6 auto\n").network.ipv6_at_boot == []


def test_files_of_a_manager_that_is_not_started_do_not_count() -> None:
    assert delivered(files={INTERFACES: INSTALLED}).network.addresses_at_boot(["host0"]) == []


@pytest.mark.parametrize(
    ("text", "sourced"),
    [
        (INSTALLED.replace("inet static", "inet dhcp"), {}),
        (INSTALLED, {"more": "auto eth1\niface eth1 inet dhcp\n"}),
        (INSTALLED + "\tup dhclient host0\n", {}),
        (INSTALLED + "\niface host0 inet6 dhcp\n", {}),
        (
            INSTALLED.replace("source ", "source-directory ").replace("interfaces.d/*", "interfaces.d"),
            {"more": "auto eth1\niface eth1 inet dhcp\n"},
        ),
    ],
)
def test_dhcp_by_ifupdown_is_seen(text: str, sourced: dict[str, str]) -> None:
    assert len(ifupdown(text, **sourced).network.dhcp_at_boot([])) == 1


def test_stanza_nothing_brings_up_configures_nothing() -> None:
    network = ifupdown(INSTALLED, more="iface eth1 inet dhcp\n").network
    assert network.dhcp_at_boot([]) == []
    assert network.others_at_boot(["host0"]) == []


def test_file_that_is_not_sourced_does_not_count() -> None:
    text = INSTALLED.replace("source ", "# source ")
    assert ifupdown(text, more="auto eth1\niface eth1 inet dhcp\n").network.dhcp_at_boot([]) == []


@pytest.mark.parametrize(
    "command",
    [
        "up ip route add 10.5.0.0/16 via 10.89.6.1",
        "post-up /sbin/ip r add 10.5.0.0/16 via 10.89.6.1",
        "pre-up ip rule add from 10.5.0.0/16 table 5",
        "up route add -net 10.5.0.0/16 gw 10.89.6.1",
    ],
)
def test_routes_in_hooks_are_seen(command: str) -> None:
    assert len(ifupdown(f"{INSTALLED}\t{command}\n").network.routes_at_boot(GATEWAY)) == 1


def test_hooks_that_undo_and_other_gateways_are_told_apart() -> None:
    assert ifupdown(INSTALLED + "\tdown ip route del 10.5.0.0/16\n").network.routes_at_boot(GATEWAY) == []
    other = ifupdown(INSTALLED.replace("gateway 10.89.6.1", "gateway 10.89.6.9")).network
    assert other.routes_at_boot(GATEWAY) == ["host0: default via 10.89.6.9"]


@pytest.mark.parametrize(
    "stanza",
    [
        "auto host0.7\niface host0.7 inet static\n\taddress 192.0.2.1/24\n",
        "auto br0\niface br0 inet manual\n\tbridge_ports eth1\n",
        "auto /eth*\niface eth1 inet manual\n",
        "allow-hotplug eth1\niface eth1 inet manual\n\tup ip link set eth1 up\n",
    ],
)
def test_other_interfaces_by_ifupdown_are_seen(stanza: str) -> None:
    assert len(ifupdown(INSTALLED, more=stanza).network.others_at_boot(["host0"])) == 1


def test_second_address_and_forwarding_in_hooks_are_seen() -> None:
    hooks = "\tup ip addr add 192.0.2.9/24 dev host0\n\tup sysctl -w net.ipv4.ip_forward=1\n"
    network = ifupdown(INSTALLED + hooks).network
    assert len(network.addresses_at_boot(["host0"])) == 2
    assert len(network.forwarding_at_boot) == 1


def test_sourced_place_that_is_not_read_is_unknown() -> None:
    with pytest.raises(Unknown):
        ifupdown(INSTALLED + "\nsource /opt/net/*.cfg\n").network.dhcp_at_boot([])


def test_ifupdown_sourcing_itself_is_unknown() -> None:
    with pytest.raises(Unknown):
        ifupdown(f"source {INTERFACES}\n").network.dhcp_at_boot([])


# --- netplan ---

NETPLAN = "/etc/netplan/50-cloud-init.yaml"
STATIC = """\
network:
  version: 2
  ethernets:
    host0:
      addresses: [10.89.6.11/24]
      link-local: []
      routes:
        - {to: default, via: 10.89.6.1}
"""


def netplan(files: dict[str, str]) -> DeliveredHost:
    return delivered(files=files, netplan=True)


def test_static_host_by_netplan_complies() -> None:
    network = netplan({NETPLAN: STATIC}).network
    assert network.addresses_at_boot(["host0"]) == ["host0: 10.89.6.11/24"]
    assert network.dhcp_at_boot([]) == []
    assert network.ipv6_at_boot == []
    assert network.routes_at_boot(GATEWAY) == []


@pytest.mark.parametrize("value", ["true", "yes", "on"])
def test_dhcp_by_a_later_netplan_file_is_seen(value: str) -> None:
    later = f"network: {{ethernets: {{host0: {{dhcp4: {value}}}}}}}\n"
    assert len(netplan({NETPLAN: STATIC, "/etc/netplan/99-x.yaml": later}).network.dhcp_at_boot([])) == 1


def test_netplan_gives_link_local_ipv6_unless_told_otherwise() -> None:
    assert netplan({NETPLAN: STATIC.replace("      link-local: []\n", "")}).network.ipv6_at_boot != []


def test_networkd_file_that_sorts_before_netplans_replaces_it() -> None:
    ours = "[Match]\nName=host0\n[Network]\nAddress=10.89.6.11/24\nLinkLocalAddressing=no\n"
    files = {NETPLAN: STATIC + "      dhcp4: true\n", "/etc/systemd/network/00-ours.network": ours}
    assert netplan(files).network.dhcp_at_boot([]) == []


def test_vlan_by_netplan_counts_as_an_interface() -> None:
    vlan = "network: {vlans: {host0.7: {id: 7, link: host0, link-local: []}}}\n"
    assert netplan({NETPLAN: STATIC, "/etc/netplan/60-v.yaml": vlan}).network.others_at_boot(["host0"]) == [
        "host0.7: netplan vlans host0.7"
    ]


@pytest.mark.parametrize("text", ["network: [", "network: {ethernets: [a]}\n", "- a\n"])
def test_damaged_netplan_is_unknown(text: str) -> None:
    with pytest.raises(Unknown):
        netplan({NETPLAN: text}).network.dhcp_at_boot([])


# --- NetworkManager ---

PROFILE = "/etc/NetworkManager/system-connections/plant.nmconnection"
MANUAL = """\
[connection]
id=plant
type=ethernet
interface-name=host0

[ipv4]
method=manual
address1=10.89.6.11/24,10.89.6.1

[ipv6]
method=disabled
"""


def manager(files: dict[str, str]) -> DeliveredHost:
    return with_unit("NetworkManager", "/usr/sbin/NetworkManager", files)


def test_static_host_by_networkmanager_complies() -> None:
    network = manager({PROFILE: MANUAL}).network
    assert network.addresses_at_boot(["host0"]) == ["host0: 10.89.6.11/24"]
    assert network.dhcp_at_boot([]) == []
    assert network.ipv6_at_boot == []
    assert network.routes_at_boot(GATEWAY) == []


def test_profile_without_methods_is_automatic() -> None:
    network = manager({PROFILE: "[connection]\ntype=ethernet\ninterface-name=host0\n"}).network
    assert network.dhcp_at_boot([]) == ["host0: ipv4 method=auto"]
    assert network.ipv6_at_boot == ["host0: ipv6 method=auto"]


def test_sharing_profile_forwards_and_routes_are_seen() -> None:
    text = MANUAL.replace("method=manual", "method=shared") + "[ipv4]\nroute1=10.5.0.0/16,10.89.6.1\n"
    assert (
        manager({PROFILE: MANUAL.replace("method=manual", "method=shared")}).network.forwarding_at_boot != []
    )
    assert manager({PROFILE: text}).network.routes_at_boot(GATEWAY) != []


def test_profile_of_another_interface_and_of_a_vpn_are_seen() -> None:
    other = MANUAL.replace("host0", "eth1")
    vpn = (
        "[connection]\ntype=wireguard\ninterface-name=wg0\n[ipv4]\nmethod=disabled\n[ipv6]\nmethod=disabled\n"
    )
    folder = "/etc/NetworkManager/system-connections"
    found = manager({PROFILE: MANUAL, f"{folder}/a.nmconnection": other, f"{folder}/b.nmconnection": vpn})
    assert [told.split(":")[0] for told in found.network.others_at_boot(["host0"])] == ["eth1", "wg0"]
