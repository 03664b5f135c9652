"""Spellings of configuration that a program takes and a careless reader does not."""

from __future__ import annotations

import pytest
from recorded_host import delivered, host_printing, printed, recorded

from plumbline.probes.files import glob_matches
from plumbline.probes.host import DeliveredHost
from plumbline.probes.kernel_modules import KERNEL_MODULES
from plumbline.probes.network import LIVE, PROGRAMS

GATEWAY = {"10.89.6.1"}
FOLDER = "/etc/systemd/network"
STATIC = "[Match]\nName=host0\n[Network]\nAddress=10.89.6.11/24\nGateway=10.89.6.1\nLinkLocalAddressing=no\n"
OTHER = "[Match]\nName=eth1\n[Network]\nLinkLocalAddressing=no\n"


def host(more: str = "", **files: str) -> DeliveredHost:
    named = {f"{FOLDER}/{name}": text for name, text in files.items()}
    return delivered(files={f"{FOLDER}/10-host0.network": STATIC + more, **named})


@pytest.mark.parametrize(
    ("text", "pattern", "matches"),
    [
        ("eth1", "eth[^2]", True),
        ("eth2", "eth[^2]", False),
        ("eth1", "eth[!2]", True),
        ("eth1", "eth[[:digit:]]", True),
        ("e*1", r"e\*1", True),
        ("eth1", r"e\*1", False),
        ("eth1", r"\eth1", True),
    ],
)
def test_globs_as_the_c_library_reads_them(text: str, pattern: str, matches: bool) -> None:
    assert glob_matches(text, pattern) is matches


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + OTHER,
        OTHER.replace("Name=eth1", "Name=eth[^2]"),
        OTHER.replace("Name=eth1", 'Name=eth1\nType="ether"'),
    ],
)
def test_file_of_another_interface_is_seen(text: str) -> None:
    assert len(host(**{"00-a.network": text}).network.others_up_at_boot(["host0"])) == 1


@pytest.mark.parametrize(
    "none", ["LinkLocalAddressing=none", "LinkLocalAddressing=", "LinkLocalAddressing=ipv5"]
)
def test_link_local_addressing_without_a_value_is_the_default(none: str) -> None:
    files = {"00-a.network": STATIC.replace("LinkLocalAddressing=no", none)}
    assert len(host(**files).network.ipv6_at_boot) == 1
    assert host(f"[Network]\n{none}\n").network.ipv6_at_boot == []


@pytest.mark.parametrize("after", ["IPForward=", "IPForward=never"])
def test_forwarding_is_not_taken_back_by_no_value(after: str) -> None:
    found = host(f"[Network]\nIPForward=yes\n{after}\n").network.forwarding_at_boot
    assert found == ["host0: IPForward=yes"]
    assert host("[Network]\nIPForward=yes\nIPForward=no\n").network.forwarding_at_boot == []


@pytest.mark.parametrize("key", ["DefaultRouteOnDevice", "IPv4LLRoute"])
def test_routes_without_a_section_are_seen(key: str) -> None:
    assert host(f"[Network]\n{key}=yes\n").network.routes_at_boot(GATEWAY) == [f"host0: {key}=yes"]
    assert host(f"[Network]\n{key}=no\n").network.routes_at_boot(GATEWAY) == []


def test_ipv6_address_label_switches_ipv6_on() -> None:
    assert len(host("[IPv6AddressLabel]\nLabel=9\nPrefix=fd00::/64\n").network.ipv6_at_boot) == 1


@pytest.mark.parametrize(
    ("route", "seen"),
    [
        ('"dst":"10.99.0.0/16","dev":"host0","protocol":"kernel","scope":"link"', 1),
        ('"type":"local","dst":"10.5.5.5","dev":"lo","table":"local","protocol":"boot"', 1),
        ('"dst":"10.89.6.0/24","dev":"eth1","protocol":"kernel","scope":"link"', 1),
        ('"dst":"10.89.6.0/24","dev":"host0","protocol":"kernel","scope":"link"', 0),
        ('"type":"local","dst":"10.89.6.11","dev":"host0","table":"local","protocol":"kernel"', 0),
    ],
)
def test_route_that_looks_like_one_of_the_kernel(route: str, seen: int) -> None:
    live = recorded("network/live.iproute2-6.1.0.delivered.txt")
    more = live.replace("routes4\t[", f'routes4\t[{{{route},"flags":[]}},')
    before = len(host_printing({LIVE: live}).network.routes_now(GATEWAY))
    assert len(host_printing({LIVE: more}).network.routes_now(GATEWAY)) == before + seen


def test_file_in_run_lets_a_module_in_until_the_next_boot() -> None:
    files = {
        "/etc/modprobe.d/a.conf": "install dccp /bin/false\n",
        "/run/modprobe.d/0.conf": "install dccp /sbin/modprobe -i dccp\n",
    }
    (told,) = host_printing({KERNEL_MODULES: printed(files)}).kernel_modules.ways_in("dccp")
    assert told.where == "/run/modprobe.d/0.conf:1"


def test_negated_range_of_modules_counts() -> None:
    files = {
        "/etc/modprobe.d/0.conf": "install dcc[^x] /sbin/modprobe -i dccp\n",
        "/etc/modprobe.d/a.conf": "install dccp /bin/false\n",
    }
    assert len(host_printing({KERNEL_MODULES: printed(files)}).kernel_modules.ways_in("dccp")) == 1


UNIT = "/etc/systemd/system/edge.service"
WANTED = "wanted\t/etc/systemd/system/multi-user.target.wants/edge.service\n"


@pytest.mark.parametrize(
    ("rows", "seen"),
    [
        (f"{WANTED}unit\t{UNIT}\nstart\t{UNIT}\tsh -c 'exec /usr/sbin/ospfd'\n", 1),
        (f"{WANTED}unit\t{UNIT}\nstart\t{UNIT}\t/usr/bin/env ospfd\n", 1),
        (f"{WANTED}unit\t{UNIT}\nstart\t{UNIT}\t/usr/bin/env true\n", 0),
        (
            "wanted\t/etc/systemd/system/multi-user.target.d/x.conf/edge.service\n"
            f"unit\t{UNIT}\nstart\t{UNIT}\t/usr/sbin/ospfd\n",
            1,
        ),
        (
            "hidden\t/etc/systemd/system/multi-user.target.wants/edge.service\n"
            "wanted\t/usr/lib/systemd/system/multi-user.target.wants/edge.service\n"
            f"unit\t{UNIT}\nstart\t{UNIT}\t/usr/sbin/ospfd\n",
            0,
        ),
    ],
)
def test_daemon_behind_another_program_or_link(rows: str, seen: int) -> None:
    assert len(host_printing({PROGRAMS: rows + "end\n"}).system.programs.boot_units(["ospfd"])) == seen


@pytest.mark.parametrize(
    "command", ["ip link set $IFACE up", 'ip link set dev "${IFACE}" up', "ifconfig host0 up"]
)
def test_hook_for_its_own_interface_is_no_other(command: str) -> None:
    text = f"auto host0\niface host0 inet static\n\taddress 10.89.6.11/24\n\tup {command}\n"
    assert by_ifupdown(text).network.others_at_boot(["host0"]) == []


@pytest.mark.parametrize(
    "text",
    [
        "auto eth1=lab\niface eth1 inet manual\n",
        "auto lo\niface lo inet loopback\n\tup ip link add br7 type bridge\n",
    ],
)
def test_odd_stanzas_of_ifupdown_are_seen(text: str) -> None:
    assert len(by_ifupdown(text).network.others_at_boot(["host0"])) == 1


def by_ifupdown(text: str) -> DeliveredHost:
    unit = "/usr/lib/systemd/system/networking.service"
    programs = (
        "wanted\t/etc/systemd/system/multi-user.target.wants/networking.service\n"
        f"unit\t{unit}\nstart\t{unit}\t/sbin/ifup\nend\n"
    )
    return delivered(files={"/etc/network/interfaces": text}, programs=programs)
