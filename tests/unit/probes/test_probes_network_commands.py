"""Commands that a boot runs: what they would set, address, route, make or load, by their words."""

from __future__ import annotations

import pytest
from recorded_host import delivered, host_printing, printed

from plumbline.probes.boot_commands import sets
from plumbline.probes.host import DeliveredHost
from plumbline.probes.kernel_modules import KERNEL_MODULES
from plumbline.probes.network import BOOT_COMMANDS
from plumbline.probes.systemd import Line
from plumbline.verify.unknown import Unknown

GATEWAY = {"10.89.6.1"}
STATIC = "[Match]\nName=host0\n[Network]\nAddress=10.89.6.11/24\nGateway=10.89.6.1\nLinkLocalAddressing=no\n"
FORWARD, IPV6 = "net/ipv4/ip_forward", "net/ipv6/conf/all/disable_ipv6"
EVERY = "net/ipv6/conf/*/disable_ipv6"
RC = "/etc/rc.local"


def host(*lines: str, file: str = RC, named: str = "") -> DeliveredHost:
    rows = "".join(f"line\t{file}:{number}:{line}\n" for number, line in enumerate(lines, 1))
    rows += f"named\t{named}\n" if named else ""
    made = delivered(files={"/etc/systemd/network/10-host0.network": STATIC})
    made.backend.answers[BOOT_COMMANDS.command] = rows + "end\n"
    return made


@pytest.mark.parametrize(
    ("line", "key", "values"),
    [
        ("/sbin/sysctl -w net.ipv4.ip_forward=1", FORWARD, ("1",)),
        ("sysctl -q net/ipv4/ip_forward = 1", FORWARD, ("1",)),
        ("sysctl -w net.ipv4.conf.all.forwarding=1", FORWARD, ("1",)),
        ("sysctl -w net.ipv4.ip_forward=0", FORWARD, ("0",)),
        ("sysctl -w net.ipv4.ip_forward=0 net.ipv4.ip_forward=1", FORWARD, ("0", "1")),
        ("sysctl -p /opt/more.conf", FORWARD, ("?",)),
        ("sysctl --system", FORWARD, ("?",)),
        ("/lib/systemd/systemd-sysctl /etc/late.conf", FORWARD, ("?",)),
        ("sysctl -n net.ipv4.conf.eth0.rp_filter", FORWARD, ()),
        ("echo 1 > /proc/sys/net/ipv4/ip_forward", FORWARD, ("1",)),
        ("echo 1 | tee /proc/sys/net/ipv4/ip_forward", FORWARD, ("1",)),
        ("cp /opt/one /proc/sys/net/ipv4/ip_forward", FORWARD, ("?",)),
        ("[ -e /proc/sys/net/ipv4/ip_forward ] || exit", FORWARD, ()),
        ("for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do", IPV6, ("?",)),
        ("echo 0 >/proc/sys/net/ipv6/conf/$i/disable_ipv6", IPV6, ("0",)),
        ("w /proc/sys/net/ipv4/ip_forward - - - - 1", FORWARD, ("1",)),
        ('SUBSYSTEM=="net", SYSCTL{net/ipv4/ip_forward}="1"', FORWARD, ("1",)),
        ("sysctl -w kernel.panic=10", FORWARD, ()),
        ('RUN+="/sbin/sysctl -q --pattern ^sunrpc --system"', FORWARD, ()),
        ('RUN+="/sbin/sysctl -q --pattern ^sunrpc --system"', EVERY, ()),
        ("sysctl --system -r '^net.ipv6'", FORWARD, ()),
        ("sysctl --system -r '^net.ipv6'", EVERY, ("?",)),
        ("sysctl --system --pattern=^net.ipv6.conf.eth1", EVERY, ("?",)),
        ("sysctl --system -r eth1", EVERY, ("?",)),
        ("sysctl --system -r ^net.ipv4.ip_forward", FORWARD, ("?",)),
        ("sysctl --system -r conf/all/forwarding", FORWARD, ("?",)),
        ("sysctl --system -r ^-net", FORWARD, ("?",)),
        ("sysctl --system -r '^(sunrpc|net)'", FORWARD, ("?",)),
        ("sysctl --system -r $KEYS", FORWARD, ("?",)),
        ("sysctl -r ^sunrpc --system; sysctl --system", FORWARD, ("?",)),
        ("sysctl -r ^sunrpc -w net.ipv4.ip_forward=1", FORWARD, ("1",)),
    ],
)
def test_what_a_line_sets(line: str, key: str, values: tuple[str, ...]) -> None:
    assert sets(Line(RC, 1, line), key) == values


def test_setting_of_a_script_counts_with_that_of_the_files() -> None:
    readings = host("sysctl -w net.ipv4.ip_forward=1").sysctl.boot("net.ipv4.ip_forward")
    assert str(readings[-1]) == f"net.ipv4.ip_forward = 1 ({RC}:1: sysctl -w net.ipv4.ip_forward=1)"


@pytest.mark.parametrize(
    "line",
    [
        "ip addr add 192.0.2.7/24 dev host0",
        "/sbin/ip -4 address replace 192.0.2.7/24 dev host0",
        "ip a a 192.0.2.7/24 dev host0",
        "ifconfig host0 192.0.2.7 netmask 255.255.255.0",
        "ip -batch /opt/net",
    ],
)
def test_address_of_a_script_is_seen(line: str) -> None:
    assert len(host(line).network.addresses_at_boot(["host0"])) == 2


def test_specified_address_and_default_route_by_a_script_are_as_good() -> None:
    network = host("ip addr add 10.89.6.11/24 dev host0", "ip route add default via 10.89.6.1").network
    assert network.addresses_at_boot(["host0"]) == ["host0: 10.89.6.11/24"]
    assert network.routes_at_boot(GATEWAY) == []
    assert network.others_at_boot(["host0"]) == []


@pytest.mark.parametrize(
    "line",
    [
        "ip route add 10.5.0.0/16 via 10.89.6.1",
        "ip ru add from 10.1.1.1 table 5",
        "route add -net 10.0.0.0/8",
    ],
)
def test_routes_of_a_script_are_seen(line: str) -> None:
    assert len(host(line).network.routes_at_boot(GATEWAY)) == 1


@pytest.mark.parametrize(
    "line", ["ip link add br7 type bridge", "brctl addbr br7", "ip link set dev eth1 up", "ifup eth1"]
)
def test_other_interfaces_of_a_script_are_seen(line: str) -> None:
    assert len(host(line).network.others_at_boot(["host0"])) == 1


def test_dhcp_and_ipv6_of_a_script_are_seen() -> None:
    network = host("nohup udhcpc -i host0", "ip -6 addr add fd00::1/64 dev host0").network
    assert len(network.dhcp_at_boot([])) == 1
    assert len(network.ipv6_at_boot) == 1


UNIT = "/etc/systemd/system/x.service"


def test_unit_that_nothing_starts_does_not_count() -> None:
    line = "ExecStart=/sbin/ip route add 10.5.0.0/16 via 10.89.6.1"
    assert host(line, file=UNIT).network.routes_at_boot(GATEWAY) == []
    assert len(host(line, file=UNIT, named="a.service x.service").network.routes_at_boot(GATEWAY)) == 1
    drop_in = "/etc/systemd/system/ssh.service.d/x.conf"
    assert len(host(line, file=drop_in).network.routes_at_boot(GATEWAY)) == 1


def test_script_of_a_run_level_counts_where_no_unit_stands_for_it() -> None:
    line = "ip route add 10.5.0.0/16 via 10.89.6.1"
    assert len(host(line, file="/etc/rc2.d/S01plc").network.routes_at_boot(GATEWAY)) == 1
    assert len(host(line, file="/etc/rcS.d/S02own.sh").network.routes_at_boot(GATEWAY)) == 1
    assert host(line, file="/etc/rc2.d/S01ssh").network.routes_at_boot(GATEWAY) == []
    assert host(line, file="/etc/rc2.d/S01ssh.sh").network.routes_at_boot(GATEWAY) == []


def test_hook_of_a_package_does_what_the_stanza_says() -> None:
    hook = "/etc/network/if-pre-up.d/bridge"
    assert host('brctl addbr "$IFACE"', file=hook).network.others_at_boot(["host0"]) == []
    assert len(host("brctl addbr br7", file=hook).network.others_at_boot(["host0"])) == 1
    assert len(host('brctl addbr "$X"', file=hook + "2").network.others_at_boot(["host0"])) == 1


def test_script_of_wpasupplicant_acts_on_what_the_stanza_says() -> None:
    script, up = "/etc/wpa_supplicant/functions.sh", '\t\tip link set "$WPA_IFACE" up'
    assert host("ifup () {", up, file=script).network.others_at_boot(["host0"]) == []
    assert len(host("ip link set eth1 up", file=script).network.others_at_boot(["host0"])) == 1
    assert len(host(up, file="/etc/wpa_supplicant/own.sh").network.others_at_boot(["host0"])) == 1


@pytest.mark.parametrize(
    ("line", "seen"),
    [("insmod /opt/dccp.ko", 1), ("modprobe -i dccp", 1), ("modprobe -i sctp", 0), ("insmod $m", 1)],
)
def test_module_loaded_past_modprobe_d_is_seen(line: str, seen: int) -> None:
    answers = {
        KERNEL_MODULES: printed({"/etc/modprobe.d/a.conf": "install dccp /bin/false\n"}),
        BOOT_COMMANDS: f"line\t{RC}:1:{line}\nend\n",
    }
    assert len(host_printing(answers).kernel_modules.ways_in("dccp")) == seen


@pytest.mark.parametrize("text", ["", "line\tno place\nend\n", "line\t/a:1:ip\n", "odd\nend\n"])
def test_damaged_output_is_unknown(text: str) -> None:
    made = host()
    made.backend.answers[BOOT_COMMANDS.command] = text
    with pytest.raises(Unknown):
        made.sysctl.boot("net.ipv4.ip_forward")
