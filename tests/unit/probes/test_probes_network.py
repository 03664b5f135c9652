"""The network's observations on what real programs printed, and on files that ought not to fool them."""

from __future__ import annotations

import pytest
from recorded_host import delivered, host_printing, printed, recorded

from plumbline.probes.base import Output, ParseError
from plumbline.probes.host import DeliveredHost
from plumbline.probes.network import CONFIGURATION, LIVE, PROGRAMS
from plumbline.probes.network.configuration import parse_configuration
from plumbline.probes.network.live import parse_live
from plumbline.verify.unknown import Unknown

GATEWAY = {"10.89.6.1"}
STATIC = "[Match]\nName=host0\n[Network]\nAddress=10.89.6.11/24\nGateway=10.89.6.1\nLinkLocalAddressing=no\n"
FIRST = "/etc/systemd/network/10-host0.network"


def output(text: str) -> Output:
    return Output(text.encode(), b"", 0)


def strings(found: object) -> list[str]:
    assert isinstance(found, list)
    return [str(one) for one in found]


# --- as it is now ---


def test_delivered_host_is_seen_as_it_is() -> None:
    network = delivered().network
    assert network.others_now(["host0"])[1] == "eth2: up [veth]"
    assert network.addresses_now(["host0"]) == ["host0: 10.89.6.11/24"]
    assert network.rules_now == ["1000: from 192.168.90.0/24 lookup 90"]
    assert network.routes_now(GATEWAY) == ["192.168.91.0/24 via 10.89.6.1 dev host0 proto static table 90"]
    assert network.dhcp_now(["dhclient"]) == []
    assert "lo: ::1/128" in network.ipv6_now


def test_stacked_and_virtual_interfaces_count_when_up_or_addressed() -> None:
    others = delivered(live="stacked").network.others_now(["host0"])
    named = {line.split(":")[0] for line in others}
    assert named == {"eth1", "eth2", "mv0", "br0"}
    assert any(line.startswith("mv0: up, 10.1.1.1/30") and line.endswith("[macvlan]") for line in others)


def test_second_expiring_and_loopback_addresses_are_told() -> None:
    assert delivered(live="stacked").network.addresses_now(["host0"]) == [
        "host0: 10.89.6.11/24",
        "host0: 10.89.6.77/24 dynamic",
        "lo: 192.0.2.5/32",
    ]


def test_peer_address_is_no_plain_one() -> None:
    assert "br0: 10.9.0.1/32 peer 10.9.0.2" in delivered(live="stacked").network.addresses_now(["br0"])


def test_multipath_routes_count_and_blackholes_do_not() -> None:
    routes = delivered(live="stacked").network.routes_now(GATEWAY)
    assert any(route.startswith("10.55.0.0/16 via 10.89.6.1 via 10.89.6.3") for route in routes)
    assert not any("10.56.0.0/16" in route for route in routes)


def test_default_through_another_gateway_is_a_route_too_many() -> None:
    assert delivered().network.routes_now({"10.89.6.254"})[1].startswith("default via 10.89.6.1")


def test_socket_at_the_clients_port_is_dhcp() -> None:
    live = recorded("network/live.iproute2-6.1.0.delivered.txt")
    with_socket = live.replace("end\n", "bound\t/proc/net/udp\t0B06590A:0044\nend\n")
    host = host_printing(
        {LIVE: with_socket, PROGRAMS: recorded("network/programs.systemd-252.delivered.txt")}
    )
    assert host.network.dhcp_now([]) == ["a socket at a DHCP client's port: 0B06590A:0044 in /proc/net/udp"]


def test_radio_that_nothing_blocks_is_on() -> None:
    live = recorded("network/live.iproute2-6.1.0.delivered.txt")
    radios = "radio\trfkill0\twlan\t0\t0\nradio\trfkill1\tbluetooth\t1\t0\nradio\trfkill2\twwan\t0\t1\nend\n"
    assert host_printing({LIVE: live.replace("end\n", radios)}).network.radios_on == ["rfkill0: wlan"]


def test_bond_of_declared_members_stands_for_them() -> None:
    live = (
        recorded("network/live.iproute2-6.1.0.stacked.txt")
        .replace('"info_kind":"bridge"', '"info_kind":"bond"')
        .replace('"ifname":"eth1"', '"ifname":"eth1","master":"br0"')
        .replace('"ifname":"eth2"', '"ifname":"eth2","master":"br0"')
    )
    network = host_printing({LIVE: live}).network
    assert {line.split(":")[0] for line in network.others_now(["eth1", "eth2"])} == {"host0", "mv0"}
    assert "eth1: 10.9.0.1/32 peer 10.9.0.2" in network.addresses_now(["eth1", "eth2"])
    assert any(line.startswith("br0") for line in network.others_now(["eth1"]))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "end\n",
        recorded("network/live.iproute2-6.1.0.delivered.txt")[:-4],
        recorded("network/live.iproute2-6.1.0.delivered.txt")[:600],
        'links\t[{"ifname":"host0"\nend\n',
        "links\t{}\nrules4\t[]\nroutes4\t[]\nend\n",
        "links\t[]\nrules4\t[]\nroutes4\t[]\nend\n",
        "links\t[1]\nrules4\t[]\nroutes4\t[]\nend\n",
        "links\t[]\nlinks\t[]\nrules4\t[]\nroutes4\t[]\nend\n",
        "something else\nend\n",
    ],
)
def test_what_is_not_understood_is_unknown(text: str) -> None:
    with pytest.raises((ParseError, ValueError, KeyError)):
        parse_live(output(text))
    with pytest.raises(Unknown):
        _ = host_printing({LIVE: text}).network.rules_now


# --- as it will be: systemd-networkd ---


def test_delivered_configuration_is_seen_as_it_is() -> None:
    network = delivered().network
    assert strings(network.others_at_boot(["host0"])) == [
        "eth1: ActivationPolicy=up (/etc/systemd/network/20-maintenance.network:2)",
        "eth2: ActivationPolicy=always-up (/etc/systemd/network/30-spare.network:6)",
    ]
    assert strings(network.addresses_at_boot(["host0"])) == [f"host0: 10.89.6.11/24 ({FIRST}:5)"]
    assert strings(network.dhcp_at_boot(["dhclient"])) == [f"host0: DHCP=ipv4 ({FIRST}:7)"]
    assert len(network.routes_at_boot(GATEWAY)) == 2
    assert network.forwarding_at_boot == []


def test_compliant_configuration_passes() -> None:
    network = delivered(files={FIRST: STATIC}).network
    assert network.addresses_at_boot(["host0"]) == ["host0: 10.89.6.11/24"]
    assert network.dhcp_at_boot([]) == []
    assert network.ipv6_at_boot == []
    assert network.routes_at_boot(GATEWAY) == []
    assert network.others_at_boot(["host0"]) == []


DROP_IN = "/etc/systemd/network/10-host0.network.d/x.conf"


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({DROP_IN: "[Network]\nDHCP=yes\n"}, f"host0: DHCP=yes ({DROP_IN}:2)"),
        (
            {"/usr/lib/systemd/network/10-host0.network.d/x.conf": "[Network]\nDHCP=v4\n"},
            "host0: DHCP=v4 (/usr/lib/systemd/network/10-host0.network.d/x.conf:2)",
        ),
        (
            {"/etc/systemd/network/05-a.network": "[Match]\nName=h*\n[Network]\nDHCP=ipv4\n"},
            "host0: DHCP=ipv4 (/etc/systemd/network/05-a.network:4)",
        ),
        (
            {"/run/systemd/network/05-a.network": "[Match]\nName=h*\n[Network]\nDHCP=ipv4\n"},
            "host0: DHCP=ipv4 (/run/systemd/network/05-a.network:4)",
        ),
    ],
)
def test_dhcp_by_another_file_is_seen(files: dict[str, str], told: str) -> None:
    assert told in strings(delivered(files={FIRST: STATIC, **files}).network.dhcp_at_boot([]))


@pytest.mark.parametrize(
    "files",
    [
        {"/usr/lib/systemd/network/10-host0.network": STATIC + "DHCP=yes\n"},
        {"/etc/systemd/network/20-b.network": "[Match]\nName=host0\n[Network]\nDHCP=yes\n"},
        {DROP_IN: "/dev/null", "/run/systemd/network/10-host0.network.d/x.conf": "[Network]\nDHCP=yes\n"},
        {DROP_IN: "# [Network]\n# DHCP=yes\n"},
        {DROP_IN: "[DHCPv4]\nDHCP=yes\n"},
        {"/etc/systemd/network/05-a.network": "[Network]\nDHCP=yes\n"},
        {"/etc/systemd/network/05-a.network": "[Match]\nName=host9\n[Network]\nDHCP=yes\n"},
        {
            DROP_IN: "[Network]\nDHCP=yes\n",
            "/etc/systemd/network/10-host0.network.d/y.conf": "[Network]\nDHCP=no\n",
        },
    ],
)
def test_dhcp_in_a_file_that_does_not_apply_is_none(files: dict[str, str]) -> None:
    assert delivered(files={FIRST: STATIC, **files}).network.dhcp_at_boot([]) == []


def test_masked_file_lets_the_packaged_one_apply() -> None:
    packaged = "[Match]\nVirtualization=container\nName=host0\n[Network]\nDHCP=yes\n"
    host = delivered(
        files={FIRST: "/dev/null", "/usr/lib/systemd/network/80-container-host0.network": packaged}
    )
    assert "host0: DHCP=yes" in host.network.dhcp_at_boot([])
    assert host.network.addresses_at_boot(["host0"]) == []


def test_address_that_only_run_has_is_none_at_boot() -> None:
    network = delivered(files={"/run/systemd/network/10-host0.network": STATIC}).network
    assert network.addresses_at_boot(["host0"]) == ["host0: 10.89.6.11/24 until the next boot"]


def test_empty_assignment_takes_addresses_back() -> None:
    network = delivered(
        files={FIRST: STATIC, DROP_IN: "[Network]\nAddress=\nAddress=10.89.6.99/24\n"}
    ).network
    assert network.addresses_at_boot(["host0"]) == ["host0: 10.89.6.99/24"]


def test_address_section_adds_an_address() -> None:
    network = delivered(files={FIRST: STATIC, DROP_IN: "[Address]\nAddress=192.0.2.7/24\n"}).network
    assert network.addresses_at_boot(["host0"]) == ["host0: 10.89.6.11/24", "host0: 192.0.2.7/24"]


@pytest.mark.parametrize(
    "text",
    [
        STATIC.replace("LinkLocalAddressing=no\n", ""),
        STATIC + "LinkLocalAddressing=yes\n",
        STATIC + "Address=fd00::1/64\n",
        STATIC + "[Address]\nAddress=fd00::1/64\n",
        STATIC + "[Route]\nGateway=fd00::1\n",
    ],
)
def test_ipv6_that_networkd_switches_on_is_seen(text: str) -> None:
    assert delivered(files={FIRST: text}).network.ipv6_at_boot != []


@pytest.mark.parametrize("text", [STATIC + "IPv6AcceptRA=yes\n", STATIC + "LinkLocalAddressing=ipv4\n"])
def test_ipv6_that_networkd_leaves_off_is_none(text: str) -> None:
    assert delivered(files={FIRST: text}).network.ipv6_at_boot == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[RoutingPolicyRule]\nFrom=10.0.0.0/8\nTable=7\n", "host0: rule From=10.0.0.0/8 Table=7"),
        (
            "[Route]\nDestination=10.5.0.0/16\nGateway=10.89.6.1\n",
            "host0: route Destination=10.5.0.0/16 Gateway=10.89.6.1",
        ),
        ("[Route]\nGateway=10.89.6.9\n", "host0: default via 10.89.6.9"),
        ("[Network]\nGateway=10.89.6.9\n", "host0: default via 10.89.6.9"),
        ("[Route]\nGateway=10.89.6.1\nTable=9\n", "host0: route Gateway=10.89.6.1 Table=9"),
    ],
)
def test_routes_and_rules_are_seen(text: str, told: str) -> None:
    assert delivered(files={FIRST: STATIC, DROP_IN: text}).network.routes_at_boot(GATEWAY) == [told]


@pytest.mark.parametrize(
    "text", ["[Route]\nGateway=10.89.6.1\nMetric=5\n", "[Route]\nDestination=10.5.0.0/16\nType=blackhole\n"]
)
def test_the_default_and_what_forwards_nothing_are_no_routes_too_many(text: str) -> None:
    assert delivered(files={FIRST: STATIC, DROP_IN: text}).network.routes_at_boot(GATEWAY) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (DROP_IN, "[Network]\nIPForward=yes\n"),
        (DROP_IN, "[Network]\nIPv4Forwarding=yes\n"),
        (DROP_IN, "[Network]\nIPMasquerade=ipv4\n"),
        ("/etc/systemd/networkd.conf", "[Network]\nIPv4Forwarding=yes\n"),
        ("/usr/lib/systemd/networkd.conf.d/x.conf", "[Network]\nIPv6Forwarding=yes\n"),
    ],
)
def test_forwarding_by_networkd_is_seen(path: str, text: str) -> None:
    assert len(delivered(files={FIRST: STATIC, path: text}).network.forwarding_at_boot) == 1


@pytest.mark.parametrize(
    "text", ["[Network]\nIPForward=no\n", "[Network]\nIPForward=kernel\nIPMasquerade=no\n"]
)
def test_forwarding_off_is_none(text: str) -> None:
    assert delivered(files={FIRST: STATIC, DROP_IN: text}).network.forwarding_at_boot == []


@pytest.mark.parametrize("policy", ["down", "always-down", "manual"])
def test_interface_kept_down_is_not_brought_up(policy: str) -> None:
    text = f"[Match]\nName=eth*\n[Link]\nActivationPolicy={policy}\n"
    network = delivered(files={FIRST: STATIC, "/etc/systemd/network/20-x.network": text}).network
    assert network.others_up_at_boot(["host0"]) == []


def test_interface_left_unmanaged_is_not_brought_up() -> None:
    text = "[Match]\nName=*\n[Link]\nUnmanaged=yes\n[Network]\nDHCP=yes\n"
    network = delivered(files={FIRST: STATIC, "/etc/systemd/network/20-x.network": text}).network
    assert network.others_at_boot(["host0"]) == []
    assert network.dhcp_at_boot([]) == []


def test_file_for_all_names_brings_every_other_interface_up() -> None:
    network = delivered(
        files={FIRST: STATIC, "/etc/systemd/network/90-x.network": "[Match]\nName=*\n"}
    ).network
    assert [told.split(":")[0] for told in strings(network.others_up_at_boot(["host0"]))] == ["eth1", "eth2"]


def test_interface_that_will_be_made_counts() -> None:
    netdev = {"/etc/systemd/network/30-v.netdev": "[NetDev]\nName=host0.7\nKind=vlan\n[VLAN]\nId=7\n"}
    network = delivered(files={FIRST: STATIC, **netdev}).network
    assert network.others_at_boot(["host0"]) == ["host0.7: Kind=vlan Name=host0.7"]
    assert network.others_at_boot(["host0", "host0.7"]) == []


def test_file_that_may_apply_is_unknown_not_good() -> None:
    network = delivered(
        files={"/etc/systemd/network/05-a.network": "[Match]\nProperty=ID_X=1\n", FIRST: STATIC}
    ).network
    with pytest.raises(Unknown, match="Property="):
        network.dhcp_at_boot([])


def test_manager_that_is_not_read_is_unknown() -> None:
    with pytest.raises(Unknown, match="connman"):
        with_unit("connman", "/usr/sbin/connmand", {}).network.dhcp_at_boot([])


def with_unit(unit: str, program: str, files: dict[str, str]) -> DeliveredHost:
    """Make a host that starts this unit at boot, and systemd-networkd not."""
    rows = [
        f"wanted\t/etc/systemd/system/multi-user.target.wants/{unit}.service",
        f"unit\t/usr/lib/systemd/system/{unit}.service",
        f"start\t/usr/lib/systemd/system/{unit}.service\t{program}",
        "end",
    ]
    return delivered(files=files, programs="\n".join(rows) + "\n")


def test_file_content_cannot_pass_for_another_file() -> None:
    hostile = "file\tfile\t/etc/systemd/network/00-x.network\ntext\t/a\t1\tx\nend\n"
    configuration = parse_configuration(output(printed({"/etc/network/interfaces": hostile})))
    assert set(configuration.files) == {"/etc/network/interfaces"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "file\tfile\t/a\n",
        "text\t/a\t1\tx\nend\n",
        "file\tfile\t/a\ntext\t/a\t2\tx\nend\n",
        "file\tx\nend\n",
    ],
)
def test_damaged_list_of_files_is_not_understood(text: str) -> None:
    with pytest.raises(Unknown):
        _ = host_printing({CONFIGURATION: text}).read(CONFIGURATION)
