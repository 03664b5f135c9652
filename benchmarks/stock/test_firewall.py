"""Firewall, with stock testinfra."""
# mypy: allow-untyped-defs, allow-untyped-calls

import ipaddress
import json

import pytest

BOOT = "unshare -n sh -c 'nft -f /etc/nftables.conf && nft -j list ruleset'"


@pytest.fixture(scope="module")
def now(host):
    return json.loads(host.check_output("nft -j list ruleset"))["nftables"]


@pytest.fixture(scope="module")
def at_boot(host):
    return json.loads(host.check_output(BOOT))["nftables"]


@pytest.fixture(params=["now", "at_boot"])
def ruleset(request, now, at_boot):
    return {"now": now, "at_boot": at_boot}[request.param]


def chains(ruleset, hook):
    return [item["chain"] for item in ruleset if item.get("chain", {}).get("hook") == hook]


def accepting(ruleset, hook):
    """The rules of a hook's chains that accept, each as its matches."""
    names = {chain["name"] for chain in chains(ruleset, hook)}
    rules = [item["rule"] for item in ruleset if item.get("rule", {}).get("chain") in names]
    return [
        [match["match"] for match in rule["expr"] if "match" in match]
        for rule in rules
        if {"accept": None} in rule["expr"]
    ]


def elements(right):
    """The values of one match: a single one, a prefix or a set of them, as text."""
    values = right["set"] if isinstance(right, dict) and "set" in right else right
    values = values if isinstance(values, list) else [values]
    return [
        f"{value['prefix']['addr']}/{value['prefix']['len']}" if isinstance(value, dict) else str(value)
        for value in values
    ]


def inside(source, allowed):
    return any(ipaddress.IPv4Network(source).subnet_of(ipaddress.IPv4Network(network)) for network in allowed)


def opened(matches):
    """What a rule lets in: fields of its matches, by name."""
    found = {}
    for match in matches:
        left = match["left"]
        key = left["payload"]["field"] if "payload" in left else next(iter(left.values()))["key"]
        found[key] = elements(match["right"])
        if key == "dport":
            found["protocol"] = left["payload"]["protocol"]
    return found


def management_and_openings(expected):
    approved = {("tcp", str(expected["management_port"])): list(expected["management_sources"])}
    for protocol, port, source in expected["openings"]:
        approved.setdefault((protocol, str(port)), []).append(source)
    return approved


@pytest.mark.parametrize("hook", ["input", "forward"])
def test_packets_are_dropped_by_default(ruleset, hook):
    assert [chain["policy"] for chain in chains(ruleset, hook)] == ["drop"]


def test_ruleset_is_loaded_at_boot(host):
    assert host.service("nftables").is_enabled
    shown = host.check_output("systemctl show -p ExecStart nftables.service")
    assert "/usr/sbin/nft -f /etc/nftables.conf" in shown


def test_no_other_firewall_service_runs(host, expected):
    for name in expected["other_firewalls"]:
        assert not host.service(name).is_running


def test_no_other_firewall_service_is_enabled(host, expected):
    for name in expected["other_firewalls"]:
        assert not host.service(name).is_enabled


def test_loopback_and_replies_come_in(ruleset):
    rules = [opened(matches) for matches in accepting(ruleset, "input")]
    assert {"iifname": ["lo"]} in rules
    assert any(set(rule.get("state", [])) >= {"established", "related"} for rule in rules)


def test_management_comes_in(ruleset, expected):
    port = str(expected["management_port"])
    sources = [
        source
        for rule in map(opened, accepting(ruleset, "input"))
        if rule.get("dport") == [port]
        for source in rule["saddr"]
    ]
    for source in expected["management_sources"]:
        assert inside(source, sources)


def test_nothing_else_comes_in(ruleset, expected):
    approved = management_and_openings(expected)
    for rule in map(opened, accepting(ruleset, "input")):
        if rule == {"iifname": ["lo"]} or "state" in rule:
            continue
        if "type" in rule:
            assert set(rule["type"]) <= set(expected["icmp_types"])
            continue
        for port in rule["dport"]:
            for source in rule["saddr"]:
                assert inside(source, approved[rule["protocol"], port])


def test_nothing_is_forwarded(ruleset):
    assert accepting(ruleset, "forward") == []


def test_no_rule_rewrites_packets(ruleset):
    words = {next(iter(word)) for item in ruleset for word in item.get("rule", {}).get("expr", [])}
    assert words.isdisjoint(
        {"dnat", "snat", "masquerade", "redirect", "tproxy", "notrack", "mangle", "fwd", "dup"}
    )


def test_no_rules_of_the_old_iptables(host):
    for path in ("/proc/net/ip_tables_names", "/proc/net/ip6_tables_names"):
        names = host.file(path)
        assert not names.exists or names.content_string == ""
