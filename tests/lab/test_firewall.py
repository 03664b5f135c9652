"""The firewall of a site without a matrix on a booted host: roads past it are seen, packets prove it."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import judging
import pytest
from conftest import lab_name
from firewall_roads import ROADS
from hardened import HOST, deploys_of, harden, sabotaged
from judging import checks, failing, observed

from plumbline.lab import Lab
from plumbline.rooms import LAB_INVENTORY
from plumbline.verify.results import ControlResult, Verdict

OTHER = "srv-hist-01"
FILE = "/etc/nftables.conf"
KEPT = "/root/nftables.kept"
LOADED = f"nft flush ruleset; nft -f {FILE}"
RELOAD = "systemctl daemon-reload"
UNIT_D = "/etc/systemd/system/nftables.service.d"

E, O = "firewall-enabled:", "firewall-openings-approved:"  # noqa: E741  (the two controls)
DEFAULT_NOW = f"{E}inbound_and_forwarded_packets_are_dropped_by_default_now"
DEFAULT_BOOT = f"{E}inbound_and_forwarded_packets_are_dropped_by_default_after_boot"
LOADS = f"{E}ruleset_is_loaded_at_boot"
REPLIES_NOW, REPLIES_BOOT = (
    f"{E}loopback_and_replies_come_in_now",
    f"{E}loopback_and_replies_come_in_after_boot",
)
OTHER_SERVICE, OTHER_LOADER = f"{E}no_other_firewall_service", f"{E}nothing_else_loads_rules"
IN_NOW, IN_BOOT = f"{O}nothing_else_comes_in_now", f"{O}nothing_else_comes_in_after_boot"
MANAGED_BOOT = f"{O}management_comes_in_after_boot"
THROUGH_NOW, THROUGH_BOOT = f"{O}nothing_is_forwarded_now", f"{O}nothing_is_forwarded_after_boot"
REWRITTEN_NOW, REWRITTEN_BOOT = f"{O}no_rule_rewrites_packets_now", f"{O}no_rule_rewrites_packets_after_boot"

NOTHING_AT_BOOT = {DEFAULT_BOOT, IN_BOOT, THROUGH_BOOT}

Case = tuple[str, str, set[str]]
"""What makes the host wrong, what undoes it, and the checks that fail meanwhile."""


def live(wrong: str, *fails: str) -> Case:
    """Change what is loaded."""
    return wrong, LOADED, set(fails)


def loaded_instead(edit: str, *fails: str) -> Case:
    """Load the boot file edited, without writing it."""
    return f"sed '{edit}' {FILE} | nft -f -", LOADED, set(fails)


def written(wrong: str, *fails: str) -> Case:
    """Change the boot file, without loading it."""
    undo = f"cp {KEPT} {FILE}; rm -rf /etc/nftables.d /root/fw.nft"
    return f"cp {FILE} {KEPT}; {wrong}", undo, set(fails)


def drop_in(text: str, *fails: str) -> Case:
    wrong = f"mkdir -p {UNIT_D}; printf '%b' '{text}' >{UNIT_D}/x.conf; {RELOAD}"
    return wrong, f"rm -r {UNIT_D}; {RELOAD}", set(fails)


def table(chain: str, rule: str) -> str:
    """Load a table of its own with one chain and one rule."""
    return f"printf '%b' 'table ip x {{\\nchain c {{\\ntype {chain};\\n{rule}\\n}}\\n}}\\n' | nft -f -"


EARLY = "filter hook prerouting priority raw"


ELSEWHERE = "[Install]\\nWantedBy=never.target\\n"
UFW = "[Service]\\nType=oneshot\\nExecStart=/bin/true\\n[Install]\\nWantedBy=multi-user.target\\n"
LATE = '[Service]\\nType=oneshot\\nExecStart=/bin/sh -c "nft add rule inet plumbline input accept"\\n'

CASES: dict[str, Case] = {
    "flushed_now_but_loaded_at_boot": live("nft flush ruleset", DEFAULT_NOW, IN_NOW, THROUGH_NOW),
    "rule_added_by_hand": live("nft add rule inet plumbline input tcp dport 8080 accept", IN_NOW),
    "policy_accept": live("nft chain inet plumbline input '{ policy accept; }'", DEFAULT_NOW, IN_NOW),
    "dormant_table_filters_nothing": live(
        "nft add table inet plumbline '{ flags dormant; }'", DEFAULT_NOW, IN_NOW, THROUGH_NOW
    ),
    "untracked_in_another_table": live(
        table(EARLY, "udp dport 9 notrack"),
        REWRITTEN_NOW,
    ),
    "redirected_to_an_open_port": live(
        table("nat hook prerouting priority dstnat", "tcp dport 8080 redirect to :22"),
        REWRITTEN_NOW,
    ),
    "destination_port_overwritten": live(
        table(EARLY, "tcp dport 8080 tcp dport set 22"),
        REWRITTEN_NOW,
    ),
    "accepting_table_behind_ours_opens_nothing": live(
        table("filter hook input priority -300", "accept")
    ),
    "set_that_packets_fill_opens_to_anybody": live(
        "nft add set inet plumbline k '{ type ipv4_addr; flags dynamic, timeout; timeout 1m; }'; "
        "nft add rule inet plumbline input udp dport 7000 add @k '{ ip saddr }'; "
        "nft add rule inet plumbline input ip saddr @k tcp dport 8080 accept",
        IN_NOW,
    ),
    "accepted_on_another_interface": live("nft add rule inet plumbline input iifname eth9 accept", IN_NOW),
    "forwarding_rule": live("nft add rule inet plumbline forward accept", THROUGH_NOW),
    "loopback_shut": loaded_instead("/loopback/d", REPLIES_NOW),
    "replies_shut": loaded_instead("/established/d", REPLIES_NOW),
    "opening_in_the_boot_file": written(f"sed -i '/loopback/a tcp dport 23 accept' {FILE}", IN_BOOT),
    "management_on_another_port_at_boot": written(
        f"sed -i 's/tcp dport 22 accept/tcp dport 2222 accept/' {FILE}", IN_BOOT, MANAGED_BOOT
    ),
    "early_drop_in_another_table": written(
        f"printf '%b' 'table ip x {{\\nchain c {{\\ntype filter hook prerouting priority raw;\\n"
        f"iifname host0 tcp dport 22 drop\\n}}\\n}}\\n' >>{FILE}",
        MANAGED_BOOT,
    ),
    "included_directory": written(
        "mkdir /etc/nftables.d; "
        "echo 'add rule inet plumbline input tcp dport 23 accept' >/etc/nftables.d/a.nft; "
        f"echo 'include \"/etc/nftables.d/*.nft\"' >>{FILE}",
        IN_BOOT,
    ),
    "syntax_error_means_no_firewall_at_boot": written(f"echo nonsense >>{FILE}", LOADS, *NOTHING_AT_BOOT),
    "boot_file_absent": written(f"rm {FILE}", LOADS, *NOTHING_AT_BOOT),
    "boot_file_empty": written(f": >{FILE}", *NOTHING_AT_BOOT),
    "boot_file_loads_only_over_itself": written(
        f"sed -i '1a flush chain inet plumbline input' {FILE}", LOADS, *NOTHING_AT_BOOT
    ),
    "include_from_a_home_is_hidden_from_the_unit": written(
        f"mv {FILE} /root/fw.nft; echo 'include \"/root/fw.nft\"' >{FILE}",
        LOADS,
        OTHER_LOADER,
        *NOTHING_AT_BOOT,
    ),
    "forward_chain_missing_at_boot": written(
        f"sed -i 's/hook forward priority filter; policy drop/hook output priority 0; policy accept/' {FILE}",
        DEFAULT_BOOT,
        THROUGH_BOOT,
    ),
    "unit_disabled": ("systemctl disable nftables", "systemctl enable nftables", {LOADS}),
    "unit_masked": ("systemctl mask nftables", "systemctl unmask nftables", {LOADS}),
    "mask_that_systemd_has_not_read": (
        "ln -s /dev/null /etc/systemd/system/nftables.service",
        "rm /etc/systemd/system/nftables.service",
        {LOADS},
    ),
    "unit_enabled_until_boot_only": (
        "systemctl disable nftables; systemctl enable --runtime nftables",
        "systemctl disable --runtime nftables; systemctl enable nftables",
        {LOADS},
    ),
    "unit_wanted_by_a_target_that_never_starts": (
        f"systemctl disable nftables; mkdir -p {UNIT_D}; mkdir /etc/systemd/system/never.target.wants; "
        "printf '[Unit]\\n' >/etc/systemd/system/never.target; "
        f"ln -s /lib/systemd/system/nftables.service /etc/systemd/system/never.target.wants/; {RELOAD}",
        f"rm -r {UNIT_D} /etc/systemd/system/never.target*; {RELOAD}; systemctl enable nftables",
        {LOADS},
    ),
    "drop_in_loads_another_file": drop_in(
        "[Service]\\nExecStart=\\nExecStart=/usr/sbin/nft -f /etc/x.nft\\n", LOADS
    ),
    "drop_in_flushes_afterwards": drop_in(
        "[Service]\\nExecStartPost=/usr/sbin/nft flush ruleset\\n", LOADS
    ),
    "drop_in_makes_it_conditional": drop_in("[Unit]\\nConditionPathExists=/nowhere\\n", LOADS),
    "drop_in_loads_into_a_network_of_its_own": drop_in("[Service]\\nPrivateNetwork=yes\\n", LOADS),
    "drop_in_of_no_matter": drop_in("[Unit]\\nDescription=Filter\\n[Service]\\nOOMScoreAdjust=-500\\n"),
    "another_firewall_service": (
        f"printf '{UFW}' >/etc/systemd/system/ufw.service; systemctl enable ufw",
        f"systemctl disable ufw; rm /etc/systemd/system/ufw.service; {RELOAD}",
        {OTHER_SERVICE},
    ),
    "unit_of_ones_own_adds_rules_at_boot": (
        f"printf '{LATE}[Install]\\nWantedBy=multi-user.target\\n' >/etc/systemd/system/late.service; "
        "systemctl enable late",
        f"systemctl disable late; rm /etc/systemd/system/late.service; {RELOAD}",
        {OTHER_LOADER},
    ),
    "unit_that_a_timer_starts_adds_rules": (
        f"printf '{LATE}' >/etc/systemd/system/late.service; printf '[Timer]\\nOnBootSec=1h\\n"
        "[Install]\\nWantedBy=timers.target\\n' >/etc/systemd/system/late.timer; systemctl enable late.timer",
        f"systemctl disable late.timer; rm /etc/systemd/system/late.*; {RELOAD}",
        {OTHER_LOADER},
    ),
    "disabled_unit_that_could_add_rules": (
        f"printf '{LATE}' >/etc/systemd/system/late.service; {RELOAD}",
        f"rm /etc/systemd/system/late.service; {RELOAD}",
        set(),
    ),
    "script_of_an_interface_adds_rules": (
        "mkdir -p /etc/network/if-up.d; echo '/usr/sbin/iptables -A INPUT -j ACCEPT' >/etc/network/if-up.d/x",
        "rm -r /etc/network",
        {OTHER_LOADER},
    ),
    **ROADS,
}  # fmt: skip

WITH_SETS = """table inet site
delete table inet site
table inet site {
  set management { type ipv4_addr; flags interval; elements = { ADMIN } }
  set clients { type ipv4_addr . inet_service; flags interval; elements = { NETWORK . 4840 } }
  map states { type ct_state : verdict; elements = { established : accept, related : accept } }
  chain messages { icmp type vmap { echo-request : accept, destination-unreachable : accept }; }
  chain input {
    type filter hook input priority filter; policy drop
    ct state vmap @states
    iif lo accept
    meta l4proto icmp jump messages
    icmpv6 type { nd-neighbor-solicit, nd-router-advert } accept
    tcp flags & (fin|syn) == fin|syn drop
    tcp flags & (fin|syn|rst|ack) != syn ct state new drop
    ip frag-off & 0x1fff != 0 drop
    fib saddr . iif oif missing drop
    ip daddr ADDRESS ip saddr @management tcp dport 22 ct state new limit rate 9/second accept
    ip saddr . tcp dport @clients accept
  }
  chain forward { type filter hook forward priority 0; policy drop; ct state established,related accept; }
}
"""
FINAL_DROP = """flush ruleset
table ip site {
  chain input {
    type filter hook input priority 0; policy accept
    iifname "lo" counter accept
    ct state { established, related } accept
    ip saddr ADMIN tcp dport { 22 } log accept
    counter reject with icmp type admin-prohibited
  }
  chain forward { type filter hook forward priority 0; policy accept; drop; }
}
"""


@pytest.fixture(scope="module")
def deploys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deploys_of(tmp_path_factory.mktemp("firewall"), ["firewall"])


@pytest.fixture(scope="module")
def lab(deploys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    inventory = tmp_path_factory.mktemp("site") / "inventory"
    shutil.copytree(LAB_INVENTORY, inventory)
    (inventory / "matrix.yml").unlink()
    with Lab.up(lab_name(), hosts=2, flavour="clean", inventory=inventory) as up:
        assert harden(up, deploys).changed
        yield up


def verdicts(lab: Lab, host: str) -> dict[str, ControlResult]:
    """Return the controls that apply where a site has no matrix."""
    found = judging.verdicts(lab, host, "firewall")
    beside = {name for name, control in found.items() if control.verdict is Verdict.NOT_APPLICABLE}
    assert beside >= {"firewall-as-matrix"}
    assert not any(name.startswith("firewall-") for name in beside - {"firewall-as-matrix"})
    return {name: control for name, control in found.items() if name not in beside}


def test_untouched_host_has_no_firewall(lab: Lab) -> None:
    found = failing(verdicts(lab, OTHER))
    assert set(found) == {DEFAULT_NOW, IN_NOW, THROUGH_NOW, LOADS, *NOTHING_AT_BOOT}


def test_hardened_host_passes_and_a_second_apply_changes_nothing(lab: Lab, deploys: Path) -> None:
    assert failing(verdicts(lab, HOST)) == []
    again = harden(lab, deploys)
    assert again.changed == []


@pytest.mark.parametrize("name", CASES)
def test_sabotage_is_seen_by_its_checks_and_by_no_other(lab: Lab, name: str) -> None:
    wrong, right, expected = CASES[name]
    with sabotaged(lab, wrong, right):
        assert set(failing(verdicts(lab, HOST))) == expected


def test_the_rule_at_fault_is_named(lab: Lab) -> None:
    wrong, right, _ = CASES["rule_added_by_hand"]
    with sabotaged(lab, wrong, right):
        found = observed(verdicts(lab, HOST), IN_NOW)
    assert {line.partition(" (")[2] for line in found} == {"inet plumbline input: tcp dport 8080 accept)"}
    assert all(line.startswith("tcp 8080 from ") for line in found)


def test_what_nft_says_of_a_boot_file_it_refuses_is_told(lab: Lab) -> None:
    wrong, right, _ = CASES["syntax_error_means_no_firewall_at_boot"]
    with sabotaged(lab, wrong, right):
        (told,) = observed(verdicts(lab, HOST), LOADS)
    assert told.startswith(FILE)
    assert "syntax error" in told


def test_rules_by_the_index_of_an_interface_are_not_known_before_it_is_there(lab: Lab) -> None:
    wrong, right, _ = written(f"sed -i '/loopback/a iif host0 tcp dport 23 accept' {FILE}")
    with sabotaged(lab, wrong, right):
        results = verdicts(lab, HOST)
    unknown = checks(results, Verdict.UNKNOWN)
    assert {LOADS, DEFAULT_BOOT, IN_BOOT} <= set(unknown)
    assert checks(results, Verdict.FAIL) == {}
    reason = unknown[IN_BOOT].reason
    assert reason is not None
    assert "Interface does not exist" in reason.en


@pytest.mark.parametrize("style", [WITH_SETS, FINAL_DROP], ids=["sets_and_maps", "accept_and_a_last_drop"])
def test_compliant_rules_of_another_style_pass(lab: Lab, style: str) -> None:
    words = {
        "ADMIN": str(lab.state.gateway),
        "NETWORK": str(lab.state.network),
        "ADDRESS": lab.host(HOST).address,
    }
    for word, value in words.items():
        style = style.replace(word, value)
    wrong, right, _ = written(
        f"cat >{FILE} <<'RULES'\n{style}RULES\nnft delete table inet plumbline; nft -f {FILE}"
    )
    with sabotaged(lab, wrong, f"{right}; {LOADED}"):
        assert failing(verdicts(lab, HOST)) == []


def test_element_added_to_a_set_is_an_opening(lab: Lab) -> None:
    style = WITH_SETS.replace("ADMIN", str(lab.state.gateway)).replace("NETWORK", str(lab.state.network))
    style = style.replace("ADDRESS", lab.host(HOST).address)
    load = f"cat >{FILE} <<'RULES'\n{style}RULES\nnft delete table inet plumbline; nft -f {FILE}"
    wrong, right, _ = written(f"{load}; nft add element inet site clients '{{ 192.0.2.7 . 22 }}'")
    with sabotaged(lab, wrong, f"{right}; {LOADED}"):
        results = verdicts(lab, HOST)
    assert failing(results) == [IN_NOW]
    assert observed(results, IN_NOW)[0].startswith("tcp 22 from 192.0.2.7 ")


def test_apply_heals_what_is_loaded_written_and_enabled(lab: Lab, deploys: Path) -> None:
    lab.run(HOST, f"nft flush ruleset; echo nonsense >>{FILE}; systemctl mask nftables")
    assert set(failing(verdicts(lab, HOST))) == {
        DEFAULT_NOW, IN_NOW, THROUGH_NOW, LOADS, *NOTHING_AT_BOOT,
    }  # fmt: skip
    harden(lab, deploys)
    assert failing(verdicts(lab, HOST)) == []


LISTEN = (
    "import socket,selectors,time\n"
    "held=[socket.create_server(('0.0.0.0',p)) for p in (4840,8080)]\n"
    "print(flush=True)\n"
    "time.sleep(600)\n"
)


def reaches(address: str, port: int, source: str) -> bool:
    with socket.socket() as one:
        one.settimeout(1)
        one.bind((source, 0))
        return one.connect_ex((address, port)) == 0


def test_packets_come_in_as_declared_and_no_others(lab: Lab) -> None:
    address, gateway, stranger = lab.host(HOST).address, str(lab.state.gateway), "198.51.100.7"
    subprocess.run(["ip", "address", "add", f"{stranger}/32", "dev", lab.place.bridge], check=True)
    lab.run(HOST, f'systemd-run -q -u listen -p Type=exec python3 -c "{LISTEN}"')
    lab.run(HOST, "until ss -Hltn | grep -q :8080; do :; done")
    from_other = "timeout 1 bash -c '</dev/tcp/{}/{}' 2>/dev/null"
    try:
        came = {
            (source, port): reaches(address, port, source)
            for source in (gateway, stranger)
            for port in (22, 4840, 8080)
        }
        for port in (22, 4840, 8080):
            done = lab.run(OTHER, from_other.format(address, port), check=False)
            came["neighbour", port] = done.returncode == 0
        lab.run(HOST, "nft flush ruleset")
        came["anyone without a firewall", 8080] = reaches(address, 8080, stranger)
    finally:
        lab.run(HOST, f"{LOADED}; systemctl stop listen")
        subprocess.run(["ip", "address", "del", f"{stranger}/32", "dev", lab.place.bridge], check=True)
    assert {key for key, reached in came.items() if reached} == {
        (gateway, 22),
        (gateway, 4840),
        ("neighbour", 4840),
        ("anyone without a firewall", 8080),
    }


def test_reboot_keeps_it(lab: Lab) -> None:
    lab.reboot(HOST)
    assert failing(verdicts(lab, HOST)) == []
