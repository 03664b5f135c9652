"""The network, with stock testinfra."""
# mypy: allow-untyped-defs, allow-untyped-calls

import json
import re

import pytest

CLIENTS = ("dhclient", "dhcpcd", "udhcpc")
DAEMONS = ("frr", "bird", "quagga", "babeld", "olsrd")


@pytest.fixture(scope="module")
def names(host):
    return host.interface.names()


@pytest.fixture(scope="module")
def files(host, names):
    """The text of the file systemd-networkd takes for each interface; none for one it leaves alone."""
    found = {}
    for name in set(names) - {"lo"}:
        shown = host.check_output("networkctl status --no-pager --lines=0 %s", name)
        path = re.search(r"Network File: (/\S+)", shown)
        found[name] = host.file(path[1]).content_string if path else ""
    return found


@pytest.fixture(scope="module")
def own(files, expected):
    return files[expected["interface"]]


@pytest.fixture(scope="module")
def others(files, expected):
    return [text for name, text in files.items() if name != expected["interface"]]


@pytest.fixture(scope="module")
def configuration(files):
    return "\n".join(files.values())


def test_no_other_interface_now(host, names, expected):
    for name in set(names) - {"lo", expected["interface"]}:
        assert host.interface(name).addresses == []
        assert "UP" not in host.interface(name).link[0]["flags"]


def test_no_other_interface_at_boot(others):
    for text in others:
        assert "Address=" not in text


def test_no_ipv6_address_now(host, names):
    for name in names:
        assert [address for address in host.interface(name, "inet6").addresses if ":" in address] == []


def test_network_configuration_leaves_ipv6_off(configuration):
    assert not re.search(r"^(IPv6AcceptRA=(yes|true)|Address=.*:)", configuration, re.MULTILINE)


def test_address_is_the_specified_one_now(host, expected):
    shown = host.check_output("ip -j -4 address show dev %s", expected["interface"])
    found = [f"{each['local']}/{each['prefixlen']}" for each in json.loads(shown)[0]["addr_info"]]
    assert found == [expected["address"]]


def test_address_is_the_specified_one_at_boot(own, expected):
    assert re.findall(r"^Address=(.*)$", own, re.MULTILINE) == [expected["address"]]


@pytest.mark.parametrize("name", CLIENTS)
def test_no_dhcp_client_now(host, name):
    assert host.process.filter(comm=name) == []


def test_no_dhcp_client_at_boot(configuration):
    assert not re.search(r"^DHCP=(yes|true|ipv4|ipv6)", configuration, re.MULTILINE)


def test_no_other_routes_now(host, expected):
    routes = json.loads(host.check_output("ip -j -4 route show table all"))
    for route in routes:
        if route.get("type") in ("local", "broadcast"):
            continue
        assert route["dst"] in ("default", expected["network"])
        assert route.get("gateway", expected["gateway"]) == expected["gateway"]


def test_no_policy_rules_now(host):
    rules = json.loads(host.check_output("ip -j rule show"))
    assert [rule["priority"] for rule in rules] == [0, 32766, 32767]


def test_no_other_routes_or_rules_at_boot(configuration, expected):
    assert "[RoutingPolicyRule]" not in configuration
    assert "[Route]" not in configuration
    assert re.findall(r"^Gateway=(.*)$", configuration, re.MULTILINE) == [expected["gateway"]]


@pytest.mark.parametrize("name", DAEMONS)
def test_no_routing_daemon_now(host, name):
    assert not host.service(name).is_running


@pytest.mark.parametrize("name", DAEMONS)
def test_no_routing_daemon_at_boot(host, name):
    assert not host.service(name).is_enabled


def test_network_configuration_leaves_forwarding_off(configuration):
    assert not re.search(r"^(IPForward|IPv[46]Forwarding|IPMasquerade)=(?!no)", configuration, re.MULTILINE)


def test_no_multicast_forwarding_now(host, names):
    for name in names:
        assert host.sysctl(f"net.ipv4.conf.{name}.mc_forwarding") == 0


def test_unused_interfaces_are_down_now(host, names, expected):
    for name in set(names) - {"lo", expected["interface"]}:
        assert "UP" not in host.interface(name).link[0]["flags"]


def test_unused_interfaces_stay_down_at_boot(others):
    for text in others:
        assert re.search(r"^(ActivationPolicy=(always-)?down|Unmanaged=yes)", text, re.MULTILINE)


def test_radios_are_off_now(host):
    assert host.run("cat /sys/class/rfkill/*/state 2>/dev/null").stdout == ""
