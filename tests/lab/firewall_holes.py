"""Ways to open a hole behind the matrix' back on a booted host, and what each must be named by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FILE = "/etc/nftables.conf"
KEPT = "/root/nftables.kept"
RELOAD = "systemctl daemon-reload"
UNIT_D = "/etc/systemd/system/nftables.service.d"
SCRIPT = "/usr/local/sbin/tune"
STRANGER = "198.51.100.7"
INGRESS = "filter hook ingress device host0"

NOW = "firewall-as-matrix:rules_are_the_matrix_now"
BOOT = "firewall-as-matrix:rules_are_the_matrix_after_boot"


@dataclass(frozen=True)
class Hole:
    """`wrong` opens it; a line that the check observes must hold each of the words of `named`."""

    wrong: str
    check: str
    named: tuple[str, ...]


@dataclass(frozen=True)
class Round:
    """Holes that do not hide each other, opened at once, and the command that shuts them."""

    holes: Mapping[str, Hole]
    right: str


def now(wrong: str, *named: str) -> Hole:
    """Open something in what is loaded."""
    return Hole(wrong, NOW, named)


def boot(wrong: str, *named: str) -> Hole:
    """Open something that the next boot brings."""
    return Hole(wrong, BOOT, named)


def nft(rules: str, *named: str) -> Hole:
    """Load rules."""
    return now(f"nft '{rules}'", *named)


def base(family: str, table: str, chain: str, rule: str) -> str:
    """Return a table of its own with one base chain and one rule."""
    return f"table {family} {table} {{ chain c {{ type {chain}; {rule}; }}; }}"


def oneshot(command: str) -> str:
    """Return a unit that runs a command at boot."""
    return (
        f"[Unit]\\nDescription=tune\\n[Service]\\nType=oneshot\\nExecStart={command}\\n"
        "[Install]\\nWantedBy=multi-user.target\\n"
    )


LOADED = f"nft flush ruleset; nft -f {FILE}"

NARROW = {
    "rule_by_hand": nft(
        "add rule inet plumbline input tcp dport 7101 accept", "open", "tcp dport 7101 accept"
    ),
    "allowed_port_for_another_source": nft(
        "add rule inet plumbline input ip saddr 10.7.0.0/16 tcp dport 4840 accept", "open", "10.7.0.0/16"
    ),
    "element_added_to_a_set_of_ours": nft(
        f'add element inet plumbline SET {{ {STRANGER} comment "opcua-clients" }}', "open", STRANGER, "@SET"
    ),
    "element_in_a_set_of_ones_own": nft(
        "add set inet plumbline s { type ipv4_addr . inet_service; };"
        f" add element inet plumbline s {{ {STRANGER} . 7102 }};"
        " add rule inet plumbline input ip saddr . tcp dport @s accept",
        "open", STRANGER, "7102", "@s",
    ),
    "jump_to_a_chain_that_accepts": nft(
        "add chain inet plumbline more; add rule inet plumbline more accept;"
        " add rule inet plumbline input udp dport 7103 jump more",
        "open", "udp 7103", "inet plumbline more: accept",
    ),
    "element_of_a_verdict_map": nft(
        "add map inet plumbline m { type inet_service : verdict; };"
        " add rule inet plumbline input tcp dport vmap @m; add element inet plumbline m { 7104 : accept }",
        "open", "tcp 7104", "vmap",
    ),
    "only_with_a_mark": nft(
        "add rule inet plumbline input meta mark 7 tcp dport 7105 accept", "open", "meta mark 7"
    ),
    "only_at_a_rate": nft(
        "add rule inet plumbline input tcp dport 7106 limit rate 1/hour accept", "open", "tcp 7106"
    ),
    "set_that_packets_fill": nft(
        "add set inet plumbline knock { type ipv4_addr; flags dynamic, timeout; timeout 1m; };"
        " add rule inet plumbline input udp dport 7107 add @knock { ip saddr };"
        " add rule inet plumbline input ip saddr @knock tcp dport 7108 accept",
        "open", "7108", "@knock",
    ),
    "over_ipv6": nft(
        "add rule inet plumbline input meta nfproto ipv6 tcp dport 7109 accept", "open", "IPv6", "7109"
    ),
    "multicast": nft(
        "add rule inet plumbline input ip daddr 224.0.0.251 udp dport 5353 accept", "open", "224.0.0.251"
    ),
    "let_out": nft(
        f"add rule inet plumbline output ip daddr {STRANGER} tcp dport 443 accept",
        "open", "out", f"ip daddr {STRANGER}",
    ),
    "forwarded": nft(
        "add rule inet plumbline forward iifname host0 accept", "open", "forwarded", "meta iifname host0"
    ),
    "another_table": nft(
        base("ip", "mine", "filter hook input priority 10", "tcp dport 7110 accept"),
        "a rule without a row", "ip mine c: tcp dport 7110 accept",
    ),
    "another_table_earlier": nft(
        base("inet", "early", "filter hook prerouting priority raw", "tcp dport 7111 accept"),
        "a rule without a row", "inet early c: tcp dport 7111 accept",
    ),
    "not_tracked": nft(
        base("ip", "raw", "filter hook prerouting priority raw", "udp dport 7112 notrack"),
        "not tracked", "ip raw c: udp dport 7112 notrack",
    ),
    "netdev_table_that_forges_the_source": nft(
        base("netdev", "nd", f"{INGRESS} priority 0", "tcp dport 22 ip saddr set MANAGER"),
        "changed", "netdev nd c: tcp dport 22",
    ),
    "ingress_hook_that_changes_the_port": nft(
        base("inet", "ing", f"{INGRESS} priority 0", "tcp dport 7113 tcp dport set 22"),
        "changed", "inet ing c: tcp dport 7113",
    ),
    "answers_of_a_forged_connection": nft(
        "table ip help { ct helper ftp { type \"ftp\" protocol tcp; };"
        " chain c { type filter hook prerouting priority 0; tcp dport 7114 ct helper set \"ftp\"; }; }",
        "changed", "ip help c: tcp dport 7114 ct helper",
    ),
    "address_that_the_host_should_not_have": nft(
        "add rule inet plumbline input ip daddr 10.7.7.7 tcp dport 7117 accept", "open", "ip daddr 10.7.7.7"
    ),
    "source_that_the_host_should_not_have": nft(
        "add rule inet plumbline output ip saddr 10.7.7.7 accept", "open", "out", "ip saddr 10.7.7.7"
    ),
    "answered_in_the_hosts_place": nft(
        "insert rule inet plumbline input tcp dport 7118 synproxy mss 1460 wscale 7 timestamp sack-perm",
        "changed", "tcp dport 7118 synproxy",
    ),
    "iptables_of_today": now(
        "iptables-nft -A INPUT -p tcp --dport 7115 -j ACCEPT", "ip filter INPUT: tcp dport 7115"
    ),
}  # fmt: skip

DOCKER = (
    "iptables-nft -t nat -N DOCKER; iptables-nft -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER;"
    " iptables-nft -t nat -A DOCKER ! -i docker0 -p tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80"
)
CONTAINER = {
    "container_published_a_port": now(DOCKER, "changed", "ip nat DOCKER", "8080", "DNAT"),
    "container_masked_as_the_host": now(
        "iptables-nft -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE",
        "changed", "ip nat POSTROUTING", "MASQUERADE",
    ),
    "container_forwarded": now(
        "iptables-nft -A FORWARD -i docker0 ! -o docker0 -j ACCEPT",
        "a rule without a row", "forwarded", "ip filter FORWARD", "docker0",
    ),
}  # fmt: skip

WIDE = {
    "new_connections_accepted": nft(
        "insert rule inet plumbline input ct state new accept", "open", "ct state new"
    ),
    "everything_let_out": nft(
        "insert rule inet plumbline output accept", "open", "out", "inet plumbline output: accept"
    ),
    "forward_by_policy": nft(
        "chain inet plumbline forward { policy accept; }",
        "forwarded", "inet plumbline forward: policy accept",
    ),
}  # fmt: skip
POLICIES = {
    "policy_accept": nft(
        "chain inet plumbline input { policy accept; }", "inet plumbline input: policy accept"
    ),
    "policy_accept_outward": nft(
        "chain inet plumbline output { policy accept; }", "inet plumbline output: policy accept"
    ),
    "shut_by_a_jump_to_an_empty_chain": nft(
        "add chain inet plumbline empty; insert rule inet plumbline forward goto empty;"
        + base("ip", "shut", "filter hook input priority -5", "tcp dport 4840 drop"),
        "approved but closed", "opcua-clients",
    ),
}  # fmt: skip
CHAIN_FLUSHED = {
    "chain_flushed_and_left_to_an_empty_one": nft(
        "chain inet plumbline input { policy accept; }; flush chain inet plumbline input;"
        " add chain inet plumbline empty; add rule inet plumbline input jump empty",
        "open", "inet plumbline input: policy accept",
    )
}  # fmt: skip
FLUSHED = {"flushed": nft("flush ruleset", "open", "the lack of any filter")}
DORMANT = {"table_switched_off": now("nft 'add table inet plumbline { flags dormant; }'", "open")}
LEGACY = {
    "iptables_of_old": now(
        "iptables-legacy -A INPUT -p tcp --dport 7116 -j ACCEPT", "old iptables", "ip_tables_names: filter"
    )
}

WRITTEN = {
    "boot_file_edited": boot(
        f"sed -i 's/4840 : jump/4840-4841 : jump/' {FILE}", "open", "tcp 4840-4841", "inet plumbline in_tcp"
    ),
    "second_include": boot(
        "mkdir /etc/nftables.d; echo 'add rule inet plumbline output tcp dport 7201 accept'"
        f" >/etc/nftables.d/a.nft; echo 'include \"/etc/nftables.d/*.nft\"' >>{FILE}",
        "open", "out", "tcp dport 7201",
    ),
    "second_table_in_the_boot_file": boot(
        f"echo '{base('ip', 'other', 'filter hook input priority 1', 'udp dport 7202 accept')}' >>{FILE}",
        "a rule without a row", "ip other c: udp dport 7202",
    ),
    "unit_that_adds_a_rule_at_boot": boot(
        f"printf '{oneshot('/usr/sbin/nft add rule inet plumbline input tcp dport 7203 accept')}'"
        " >/etc/systemd/system/tune.service; systemctl -q enable tune",
        "/etc/systemd/system/tune.service", "7203",
    ),
    "script_of_an_interface": boot(
        "mkdir -p /etc/network/if-up.d; cd /etc/network/if-up.d;"
        " printf '#!/bin/sh\\niptables -I INPUT -p tcp --dport 7204 -j ACCEPT\\n' >tune; chmod +x tune",
        "/etc/network/if-up.d/tune", "7204",
    ),
    "unit_that_runs_a_script": boot(
        f"printf '#!/bin/sh\\nnft add rule inet plumbline input tcp dport 7205 accept\\n' >{SCRIPT};"
        f" chmod +x {SCRIPT}; printf '{oneshot(SCRIPT)}' >/etc/systemd/system/tuned.service;"
        " systemctl -q enable tuned",
        "/etc/systemd/system/tuned.service", SCRIPT, "7205",
    ),
    "unit_that_another_one_wants": boot(
        f"printf '{oneshot('/usr/sbin/nft add rule inet plumbline input tcp dport 7206 accept')}'"
        " >/etc/systemd/system/wanted.service; mkdir -p /etc/systemd/system/ssh.service.d;"
        " printf '[Unit]\\nWants=wanted.service\\n' >/etc/systemd/system/ssh.service.d/wants.conf",
        "/etc/systemd/system/wanted.service", "7206",
    ),
    "instance_of_a_template": boot(
        f"printf '{oneshot('/usr/sbin/nft add rule inet plumbline input tcp dport 7207 accept')}'"
        " >/etc/systemd/system/port@.service; systemctl -q enable port@1",
        "/etc/systemd/system/port@.service", "7207",
    ),
    "rule_of_the_device_manager": boot(
        "mkdir -p /etc/udev/rules.d; echo 'SUBSYSTEM==\"net\", RUN+=\"/usr/sbin/nft -f /opt/7208\"'"
        " >/etc/udev/rules.d/90-tune.rules",
        "/etc/udev/rules.d/90-tune.rules", "7208",
    ),
    "include_of_what_the_boot_writes": boot(
        f"echo 'include \"/run/nftables/*.nft\"' >>{FILE}", FILE, "/run/nftables/*.nft"
    ),
    "drop_in_by_which_the_unit_ends_and_flushes": boot(
        f"mkdir -p {UNIT_D}; printf '[Service]\\nRemainAfterExit=no\\n' >{UNIT_D}/y.conf; {RELOAD}",
        "nftables.service", "RemainAfterExit=no",
    ),
    "drop_in_that_flushes_afterwards": boot(
        f"mkdir -p {UNIT_D}; echo '[Service]' >{UNIT_D}/x.conf;"
        f" echo 'ExecStartPost=/usr/sbin/nft flush chain inet plumbline output' >>{UNIT_D}/x.conf; {RELOAD}",
        "nftables.service", "ExecStartPost", "flush chain",
    ),
}  # fmt: skip
WRITTEN_RIGHT = (
    f"cp {KEPT} {FILE}; rm -rf /etc/nftables.d /etc/network {UNIT_D};"
    " systemctl -q disable tune tuned port@1;"
    " cd /etc/systemd/system; rm tune.service tuned.service wanted.service port@.service"
    " ssh.service.d/wants.conf;"
    f" rm {SCRIPT} /etc/udev/rules.d/90-tune.rules; {RELOAD}"
)
OTHER_FILE = {
    "drop_in_with_another_exec_start": boot(
        f"mkdir {UNIT_D}; printf '[Service]\\nExecStart=\\nExecStart=/usr/sbin/nft -f /etc/open.nft\\n'"
        f" >{UNIT_D}/x.conf; {RELOAD}",
        "nftables.service", "ExecStart", "/etc/open.nft",
    ),
}  # fmt: skip
DISABLED = {"unit_disabled": boot("systemctl -q disable nftables", "nftables.service: disabled")}
MASKED = {"unit_masked": boot("systemctl -q mask nftables", "nftables.service: masked")}
ABSENT = {"boot_file_is_a_link_to_nothing": boot(f"ln -sf /dev/null {FILE}", "open", "lack of any filter")}

ROUNDS: dict[str, Round] = {
    "narrow": Round(NARROW, LOADED),
    "container": Round(CONTAINER, LOADED),
    "wide": Round(WIDE, LOADED),
    "policies": Round(POLICIES, LOADED),
    "chain_flushed": Round(CHAIN_FLUSHED, LOADED),
    "flushed": Round(FLUSHED, LOADED),
    "dormant": Round(DORMANT, LOADED),
    "written": Round(WRITTEN, WRITTEN_RIGHT),
    "other_file": Round(OTHER_FILE, f"rm -r {UNIT_D}; {RELOAD}"),
    "disabled": Round(DISABLED, "systemctl -q enable nftables"),
    "masked": Round(MASKED, "systemctl -q unmask nftables"),
    "absent": Round(ABSENT, f"rm {FILE}; cp {KEPT} {FILE}"),
    # Its tables stay until the host boots anew, so this is the last one.
    "legacy": Round(LEGACY, "true"),
}
