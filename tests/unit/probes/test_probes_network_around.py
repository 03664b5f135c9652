"""What is around a host's own interfaces: other namespaces, other protocols, engines, bonds, radios."""

from __future__ import annotations

import pytest
from recorded_host import delivered, host_printing, recorded

from plumbline.probes.base import Output, ParseError
from plumbline.probes.network import (
    CONFIGURATION,
    ENGINES,
    LIVE,
    NAMESPACES,
    ON_DISK,
    PROGRAMS,
    SPOKEN,
    SYSTEM,
)
from plumbline.probes.network.engines import parse_engines
from plumbline.probes.network.spoken import parse_spoken
from plumbline.verify.unknown import Unknown

DELIVERED_LIVE = recorded("network/live.iproute2-6.1.0.delivered.txt")
CONTAINER = recorded("network/namespaces.iproute2-6.1.0.container.txt")
FAMILIES = recorded("network/spoken.linux-6.18.delivered.txt")
PACKETS = ["0800", "0004", "0806", "86dd", "88cc"]


def told(text: str) -> Output:
    return Output(text.encode(), b"", 0)


# --- namespaces ---


def test_interface_of_a_container_is_another_one() -> None:
    host = host_printing({LIVE: DELIVERED_LIVE, NAMESPACES: CONTAINER})
    (found,) = [line for line in host.network.others_now(["host0", "eth1", "eth2"]) if "x1" in line]
    assert found.startswith("x1: up, 192.0.2.9/24")
    assert found.endswith("[veth] in the network namespace of /run/netns/box")


def test_declared_device_may_be_in_a_namespace_but_no_copy_of_its_name() -> None:
    device = CONTAINER.replace('"info_kind":"veth"', '"info_kind":""')
    for text, count in ((device, 0), (CONTAINER, 1)):
        host = host_printing({LIVE: DELIVERED_LIVE, NAMESPACES: text})
        found = host.network.others_now(["host0", "eth1", "eth2", "x1"])
        assert len([line for line in found if line.startswith("x1:")]) == count


def test_namespace_that_cannot_be_looked_into_is_unknown_unless_something_is_seen() -> None:
    unseen = "unseen\tprocess 77 (dockerd)\nend\n"
    host = host_printing({LIVE: DELIVERED_LIVE, NAMESPACES: unseen})
    with pytest.raises(Unknown, match="process 77"):
        host.network.others_now([link for link in host.network.live.interfaces if link != "lo"])
    assert host.network.others_now(["host0"]) != []


# --- protocols ---


def test_delivered_kernel_speaks_ipv4_and_what_belongs_to_it() -> None:
    network = delivered().network
    assert network.packet_types_now(PACKETS, []) == []
    families = [name.split("\t")[1] for name in FAMILIES.splitlines() if name.startswith("family")]
    assert network.socket_families_now(families) == []


@pytest.mark.parametrize(
    ("line", "industrial", "found"),
    [
        (
            "8892          packet_rcv [af_packet]",
            [],
            ["packets 8892 (PROFINET) (every interface, by packet_rcv)"],
        ),
        ("88b8 eth1     packet_rcv", [], ["packets 88b8 (GOOSE) (eth1, by packet_rcv)"]),
        ("88b8 eth1     packet_rcv", ["eth1"], []),
        ("8892          packet_rcv", ["eth1"], ["packets 8892 (PROFINET) (every interface, by packet_rcv)"]),
        ("7777 eth1     own_rcv [vendor]", [], ["packets 7777 (eth1, by own_rcv)"]),
        ("ALL  eth1     packet_rcv [af_packet]", [], []),
    ],
)
def test_packet_types_the_kernel_lists(line: str, industrial: list[str], found: list[str]) -> None:
    host = host_printing({SPOKEN: f"type\t{line}\n{FAMILIES}"})
    assert list(map(str, host.network.packet_types_now(PACKETS, industrial))) == found


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ("88b8\t3\t0", ["packets 88b8 (GOOSE) (eth1, by a socket of the user 0)"]),
        ("88b8\t9\t112", ["packets 88b8 (GOOSE) (interface 9, by a socket of the user 112)"]),
        ("0806\t3\t0", []),
        ("0003\t3\t0", []),
        ("0000\t3\t0", []),
    ],
)
def test_sockets_of_one_interface(row: str, found: list[str]) -> None:
    text = f"index\thost0\t2\nindex\teth1\t3\npacket\t{row}\n{FAMILIES}"
    network = host_printing({SPOKEN: text}).network
    assert list(map(str, network.packet_types_now(PACKETS, ["host0"]))) == found


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ("SCTP\t0\tsctp", ["SCTP (0 sockets, module sctp)"]),
        ("TIPC\t2\tkernel", ["TIPC (2 sockets, module kernel)"]),
        ("TIPC\t0\tkernel", []),
        ("TCP\t9\tkernel", []),
    ],
)
def test_socket_families(row: str, found: list[str]) -> None:
    families = ["TCP", *(line.split("\t")[1] for line in FAMILIES.splitlines() if line.startswith("family"))]
    host = host_printing({SPOKEN: f"family\t{row}\nend\n"})
    assert list(map(str, host.network.socket_families_now(families))) == found


def test_adapters_and_virtual_servers_are_told() -> None:
    more = "adapter\t/sys/class/bluetooth/hci0\nserver\tTCP  C0A80001:0050 rr\n"
    host = host_printing({SPOKEN: more + FAMILIES, LIVE: DELIVERED_LIVE.replace("end\n", WLAN)})
    assert host.network.radio_adapters_now == ["/sys/class/bluetooth/hci0", "eth1: wlan"]
    assert host.network.virtual_servers_now == ["TCP  C0A80001:0050 rr"]


WLAN = "devtype\t/sys/class/net/eth1/uevent\twlan\nend\n"


@pytest.mark.parametrize(
    "text", ["", "end\n", FAMILIES[:-4], "type\tnonsense\n" + FAMILIES, "family\tTCP\tx\ty\nend\n"]
)
def test_what_is_not_understood_is_unknown(text: str) -> None:
    with pytest.raises((ParseError, ValueError)):
        parse_spoken(told(text))


# --- engines ---

STARTED = (
    "file\t/etc/systemd/system/{0}.service\t80\n"
    "link\t/etc/systemd/system/multi-user.target.wants/{0}.service\t/etc/systemd/system/{0}.service\n"
)


def with_units(*names: str, settings: str = "", masked: str = "") -> list[str]:
    on_disk = recorded("systemd/on-disk-systemd-252.txt")
    units = "".join(STARTED.format(name) for name in names)
    units += f"link\t/etc/systemd/system/{masked}\t/dev/null\n" if masked else ""
    host = host_printing({ON_DISK: f"{units}{on_disk}", ENGINES: f"{settings}end\n"})
    wanted = ["docker.service", "lxc-net.service", "virtnetworkd.service", "kubelet.service"]
    return list(map(str, host.network.forwarding_engines_at_boot(wanted)))


NETWORK = "setting\t/etc/libvirt/qemu/networks/autostart/default.xml:4:<forward"


@pytest.mark.parametrize(
    ("names", "settings", "count"),
    [
        ((), "", 0),
        (("docker",), "", 1),
        (("docker",), 'setting\t/etc/docker/daemon.json:2:"ip-forward": true\n', 1),
        (("docker",), 'setting\t/etc/docker/daemon.json:2:"ip-forward": false\n', 0),
        (("lxc-net",), "", 0),
        (("lxc-net",), 'setting\t/etc/default/lxc-net:1:USE_LXC_BRIDGE="true"\n', 1),
        (
            ("lxc-net",),
            'setting\t/etc/default/lxc:1:USE_LXC_BRIDGE="true"\n'
            'setting\t/etc/default/lxc-net:1:USE_LXC_BRIDGE="false"\n',
            0,
        ),
        (("virtnetworkd",), "", 0),
        (("virtnetworkd",), f"{NETWORK} mode='nat\n", 1),
        (("virtnetworkd",), f"{NETWORK}/\n", 1),
        (("virtnetworkd",), f"{NETWORK} mode='bridge\n", 0),
        (("kubelet", "docker"), "", 2),
    ],
)
def test_engines_that_forward(names: tuple[str, ...], settings: str, count: int) -> None:
    assert len(with_units(*names, settings=settings)) == count


def test_engine_that_is_not_started_forwards_nothing() -> None:
    assert with_units("docker", masked="docker.service") == []


def test_settings_that_are_not_understood_are_unknown() -> None:
    with pytest.raises(ParseError):
        parse_engines(told("setting\tno place\nend\n"))


# --- bonds ---


def bonded(kind: str = "bond") -> str:
    text = recorded("network/live.iproute2-6.1.0.stacked.txt").replace(
        '"info_kind":"bridge"', f'"info_kind":"{kind}"'
    )
    for name in ("eth1", "eth2"):
        text = text.replace(f'"ifname":"{name}"', f'"ifname":"{name}","master":"br0"')
    return text


@pytest.mark.parametrize(
    ("kind", "uplinks", "beyond", "unbonded"),
    [
        ("bond", ["eth1", "eth2"], [], []),
        ("team", ["eth1", "eth2"], [], []),
        ("bond", ["br0", "eth1", "eth2"], [], []),
        ("bond", ["eth1"], ["eth2"], []),
        ("bond", ["host0"], ["eth1", "eth2"], ["host0"]),
        ("bond", ["host0", "eth1"], ["eth2"], ["host0", "eth1"]),
        ("bond", ["eth1", "eth2", "eth9"], [], ["eth9"]),
        ("bridge", ["eth1", "eth2"], [], ["eth1", "eth2"]),
    ],
)
def test_bonds_join_declared_uplinks(
    kind: str, uplinks: list[str], beyond: list[str], unbonded: list[str]
) -> None:
    network = host_printing({LIVE: bonded(kind)}).network
    assert [line.partition(":")[0] for line in network.bonded_beyond(uplinks)] == beyond
    assert [line.partition(":")[0] for line in network.unbonded(uplinks)] == unbonded


BOND = "[NetDev]\nName=bond0\nKind=bond\n"
MEMBERS = "[Match]\nName=host0 eth1\n[Network]\nBond=bond0\n"


@pytest.mark.parametrize(
    ("files", "beyond", "unbonded"),
    [
        ({"a.network": MEMBERS, "a.netdev": BOND}, [], []),
        ({"a.network": MEMBERS.replace("eth1", "eth1 eth2"), "a.netdev": BOND}, ["eth2"], []),
        ({"a.network": MEMBERS.replace(" eth1", ""), "a.netdev": BOND}, [], ["eth1"]),
        ({"a.network": MEMBERS.replace("Bond=bond0", "Bridge=br0")}, [], ["eth1"]),
    ],
)
def test_bonds_at_boot(files: dict[str, str], beyond: list[str], unbonded: list[str]) -> None:
    there = {f"/etc/systemd/network/{name}": text for name, text in files.items()}
    network = delivered(files=there).network
    found = [told.bare.partition(":")[0] for told in network.bonded_beyond_at_boot(["host0", "eth1"])]
    assert found == beyond
    assert [line.partition(":")[0] for line in network.unbonded_at_boot(["host0", "eth1"])] == unbonded


def test_bond_of_ifupdown_at_boot() -> None:
    text = (
        "auto bond0\niface bond0 inet static\n  address 10.89.6.11/24\n  bond-slaves host0 eth1\n"
        "auto eth2\niface eth2 inet manual\n  bond-master bond0\n"
    )
    units = recorded("network/programs.systemd-252.delivered.txt").replace(
        "end\n",
        "unit\t/usr/lib/systemd/system/networking.service\n"
        "start\t/usr/lib/systemd/system/networking.service\t/sbin/ifup\n"
        "wanted\t/etc/systemd/system/multi-user.target.wants/networking.service\nend\n",
    )
    network = delivered(files={"/etc/network/interfaces": text}, programs=units).network
    assert network.unbonded_at_boot(["host0", "eth1"]) == []
    (told_,) = network.bonded_beyond_at_boot(["host0", "eth1"])
    assert str(told_) == "eth2: bond0 (/etc/network/interfaces:7)"


# --- what systemd-networkd matches by ---


@pytest.mark.parametrize(
    ("match", "up"),
    [
        ("Driver=veth", ["host0", "eth1", "eth2"]),
        ("Driver=e1000e", []),
        ("Driver=virtio_net", ["eth9"]),
        ("Driver=virt* e1000e", ["eth9"]),
        ("Path=pci-0000:00:03.0", ["eth9"]),
        ("Path=pci-0000:00:04*", []),
    ],
)
def test_driver_and_path_decide_which_file_applies(match: str, up: list[str]) -> None:
    links = DELIVERED_LIVE.split("\n", 1)[0].removesuffix("]")
    card = links[links.index('{"ifindex":', links.index('"ifname":"eth1"') - 60) :].split(',{"ifindex"')[0]
    card = card.replace('"ifname":"eth1"', '"ifname":"eth9"').replace('"info_kind":"veth"', '"info_kind":""')
    number = card.split(",")[0].removeprefix('{"ifindex":')
    card = card.replace(f'"ifindex":{number}', '"ifindex":99')
    live = DELIVERED_LIVE.replace(f"{links}]", f"{links},{card}]").replace(
        "end\n",
        "driver\t/sys/class/net/eth9/device/driver\t../../../bus/virtio/drivers/virtio_net\n"
        "udev\t/run/udev/data/n99:E:ID_PATH=pci-0000:00:03.0\nend\n",
    )
    file = "/etc/systemd/network/10-a.network"
    host = host_printing(
        {
            LIVE: live,
            CONFIGURATION: f"file\tfile\t{file}\ntext\t{file}\t1\t[Match]\ntext\t{file}\t2\t{match}\nend\n",
            PROGRAMS: recorded("network/programs.systemd-252.delivered.txt"),
            SYSTEM: "hostname\ta\nkernel\t6\narchitecture\tx\nvirtualization\tkvm\nend\n",
        }
    )
    found = {line.split(":")[0] for line in map(str, host.network.others_up_at_boot([]))}
    assert found == set(up)
