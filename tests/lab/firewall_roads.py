"""More roads past the firewall of a booted host: what stops, delays or changes it from beside, and bans."""

from __future__ import annotations

FILE = "/etc/nftables.conf"
UNIT_D = "/etc/systemd/system/nftables.service.d"
RELOAD = "systemctl daemon-reload"

LOADS = "firewall-enabled:ruleset_is_loaded_at_boot"
OTHER_LOADER = "firewall-enabled:nothing_else_loads_rules"
IN_NOW = "firewall-openings-approved:nothing_else_comes_in_now"

Case = tuple[str, str, set[str]]
"""What makes the host wrong, what undoes it, and the checks that fail meanwhile; none where it is right."""

ADDS = r"#!/bin/sh\nnft add rule inet plumbline input accept\n"
HARMLESS = r"#!/bin/sh\n# not by iptables\ntrue\n"
CALLS = r"#!/bin/sh\n/opt/own/rules.sh\n"
CALLS_BESIDE = r'#!/bin/sh\n. "$(dirname "$0")/rules.sh"\n'
CLEAN = "rm -rf /opt/own /etc/cron.d/own /etc/anacrontab /usr/local/sbin/own-rules"


def script(path: str, text: str) -> str:
    """Write a script."""
    return f"mkdir -p {path.rpartition('/')[0]}; printf '{text}' >{path}; chmod +x {path}"


def drop_in(text: str, *fails: str) -> Case:
    """Give nftables.service a drop-in."""
    return (
        f"mkdir -p {UNIT_D}; printf '{text}' >{UNIT_D}/x.conf; {RELOAD}",
        f"rm -r {UNIT_D}; {RELOAD}",
        set(fails),
    )


def unit(settings: str, *fails: str, of_unit: str = "", before: str = "true") -> Case:
    """Enable a service of one's own."""
    text = rf"[Unit]\n{of_unit}[Service]\nType=oneshot\n{settings}[Install]\nWantedBy=multi-user.target\n"
    return (
        f"{before}; printf '{text}' >/etc/systemd/system/own.service; systemctl -q enable own",
        f"systemctl -q disable own; rm /etc/systemd/system/own.service; {CLEAN}; {RELOAD}",
        set(fails),
    )


def job(line: str, *fails: str, before: str = "true") -> Case:
    """Have cron run something at boot."""
    return f"{before}; echo '@reboot root {line}' >/etc/cron.d/own", CLEAN, set(fails)


def beside(table: str, *fails: str) -> Case:
    """Load a table of somebody else's."""
    return f"nft 'table inet own {{ {table} }}'", "nft delete table inet own", set(fails)


def bans(element: str, port: str) -> str:
    """Return what fail2ban and its like keep in their table."""
    return (
        f"set bans {{ type ipv4_addr; flags timeout; elements = {{ {element} }}; }};"
        f" chain c {{ type filter hook input priority -1; {port} ip saddr @bans reject; }};"
    )


ROADS: dict[str, Case] = {
    "job_that_stops_the_service": job("systemctl stop nftables", OTHER_LOADER),
    "unit_that_stops_the_service": unit(
        r"ExecStart=/usr/bin/systemctl disable --now nftables.service\n", OTHER_LOADER
    ),
    "unit_that_loads_the_rules_anew_is_right": unit(
        r"ExecStart=/usr/bin/systemctl restart nftables.service\n",
        of_unit=r"After=nftables.service\nPartOf=nftables.service\n",
    ),
    "unit_that_conflicts_with_the_service": unit(
        r"ExecStart=/bin/true\n", LOADS, of_unit=r"Conflicts=nftables.service\n"
    ),
    "unit_whose_end_is_the_services": unit(
        r"ExecStart=/bin/true\n", LOADS, of_unit=r"PropagatesStopTo=nftables.service\n"
    ),
    "loaded_when_the_network_is_up_already": drop_in(
        r"[Unit]\nAfter=network-online.target\nWants=network-online.target\n", LOADS
    ),
    "loaded_after_the_modules_is_right": drop_in(
        r"[Unit]\nAfter=systemd-modules-load.service local-fs.target\n"
    ),
    "includes_begin_in_another_directory": drop_in(r"[Service]\nWorkingDirectory=/opt\n", LOADS),
    "program_of_ones_own_by_its_name_alone": job(
        "own-rules", OTHER_LOADER, before=script("/usr/local/sbin/own-rules", ADDS)
    ),
    "job_that_goes_to_its_scripts_directory": job(
        "cd /opt/own && ./rules.sh", OTHER_LOADER, before=script("/opt/own/rules.sh", ADDS)
    ),
    "daily_job_of_anacron": ("echo '1 5 own nft flush ruleset' >/etc/anacrontab", CLEAN, {OTHER_LOADER}),
    "script_in_the_units_directory": unit(
        r"WorkingDirectory=/opt/own\nExecStart=/bin/sh rules.sh\n",
        OTHER_LOADER,
        before=script("/opt/own/rules.sh", ADDS),
    ),
    "script_at_the_next_line": unit(
        r"ExecStart=/bin/sh \\\n  /opt/own/rules.sh\n",
        OTHER_LOADER,
        before=script("/opt/own/rules.sh", ADDS),
    ),
    "script_that_another_one_calls": unit(
        r"ExecStart=/opt/own/start\n",
        OTHER_LOADER,
        before=f"{script('/opt/own/rules.sh', ADDS)}; {script('/opt/own/start', CALLS_BESIDE)}",
    ),
    "script_that_only_speaks_of_rules_is_right": unit(
        r"ExecStart=/opt/own/start\n",
        before=f"{script('/opt/own/rules.sh', HARMLESS)}; {script('/opt/own/start', CALLS)}",
    ),
    "ban_from_a_port_is_right": beside(bans("203.0.113.5", "tcp dport 22")),
    "ban_for_a_while_is_right": beside(bans("203.0.113.5 timeout 1h", "")),
    "named_limit_of_a_drop_is_right": beside(
        "limit fast { rate over 400/second; };"
        " chain c { type filter hook input priority -1; limit name fast drop; };"
    ),
    "opening_at_a_named_rate": (
        "nft add limit inet plumbline slow '{ rate 9/hour; }';"
        " nft add rule inet plumbline input tcp dport 8080 limit name slow accept",
        f"nft flush ruleset; nft -f {FILE}",
        {IN_NOW},
    ),
}
