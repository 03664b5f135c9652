"""Sabotages of the monitoring's agents: what makes a host wrong, what undoes it, which checks must see it."""

from __future__ import annotations

C, A, V = "monitoring-connected:", "monitoring-agent-closed:", "snmp-v3-only:"
RUNS, STARTS = f"{C}agent_runs_now", f"{C}agent_starts_at_boot"
OWN, READ = f"{C}agent_starts_with_its_own_configuration", f"{C}agent_has_read_its_configuration"
NAMED, READERS = f"{C}each_server_of_the_site_is_named", f"{C}the_sites_user_may_ask"
ASKED, REPORTS = f"{A}agent_is_asked_encrypted_only", f"{A}agent_reports_encrypted_only"
KEY, SERVERS = f"{A}shared_key_is_strong_and_private", f"{A}only_the_sites_servers"
COMMANDS, SECOND = f"{A}no_command_of_the_servers_is_run", f"{A}no_second_agent"
OLD, GRANTS = f"{V}no_version_1_or_2c", f"{V}every_grant_needs_authentication_and_encryption"
WRITES, ALGORITHMS = f"{V}nobody_may_write", f"{V}every_user_has_strong_algorithms"
SNMP_OWN = f"{V}snmp_agent_starts_with_its_own_configuration"
SNMP_READ = f"{V}snmp_agent_has_read_its_configuration"

Case = tuple[str, str, set[str]]

ZABBIX, SNMP = "zabbix-agent2", "snmpd"
CONF, PSK = "/etc/zabbix/zabbix_agent2.conf", "/etc/zabbix/plumbline.psk"
SNMP_CONF, STATE = "/etc/snmp/snmpd.conf", "/var/lib/snmp/snmpd.conf"
RELOAD = "systemctl daemon-reload"
LATER = 's=$(date +%s); until [ "$(date +%s)" -gt "$s" ]; do :; done'
"""Waits for the next second, so that a change does not fall into the hundredth an agent started in."""
AGAIN = (
    f"systemctl kill -s KILL {ZABBIX}; rm -f /run/zabbix/agent2.sock; "
    f"systemctl reset-failed {ZABBIX}; systemctl restart {ZABBIX}"
)
"""Killed before it is started anew, for it takes a second to end by itself."""
SNMP_AGAIN = f"systemctl reset-failed {SNMP}; systemctl restart {SNMP}"


def edited(edit: str, *fails: str, file: str = CONF) -> Case:
    """Edit Zabbix' configuration by sed and restart its agent."""
    return (
        f"cp -p {file} /root/kept; sed -i -e '{edit}' {file}; {AGAIN}",
        f"cp -p /root/kept {file}; {AGAIN}",
        set(fails),
    )


def included(line: str, *fails: str) -> Case:
    """Put a line into a file that Zabbix' configuration includes, and restart its agent."""
    extra = "/etc/zabbix/zabbix_agent2.d/x.conf"
    return (
        f"cp -p {CONF} /root/kept; echo '{line}' >{extra}; "
        f"sed -i '1iInclude=./zabbix_agent2.d/*.conf' {CONF}; {AGAIN}",
        f"rm {extra}; cp -p /root/kept {CONF}; {AGAIN}",
        set(fails),
    )


def drop_in(unit: str, lines: str, *fails: str, before: str = ":", after: str = ":") -> Case:
    """Add a drop-in to a unit and restart it."""
    folder = f"/etc/systemd/system/{unit}.service.d"
    return (
        f"{before}; mkdir -p {folder}; printf '[Service]\\n{lines}\\n' >{folder}/x.conf; {RELOAD}; "
        f"{AGAIN if unit == ZABBIX else SNMP_AGAIN}",
        f"rm -r {folder}; {after}; {RELOAD}; {AGAIN if unit == ZABBIX else SNMP_AGAIN}",
        set(fails),
    )


ZABBIX_CASES: dict[str, Case] = {
    "stopped": (f"systemctl stop {ZABBIX}", f"systemctl start {ZABBIX}", {RUNS}),
    "disabled": (f"systemctl disable {ZABBIX}", f"systemctl enable {ZABBIX}", {STARTS}),
    "masked_where_systemd_has_not_looked_yet": (
        f"ln -s /dev/null /etc/systemd/system/{ZABBIX}.service",
        f"rm /etc/systemd/system/{ZABBIX}.service",
        {STARTS},
    ),
    "unencrypted_accepted_beside_the_key": edited("s/^TLSAccept=.*/TLSAccept=psk,unencrypted/", ASKED),
    "unencrypted_accepted_by_a_later_line": edited("$aTLSAccept=unencrypted", ASKED),
    "state_told_in_the_clear": edited("$aStatusPort=9999", ASKED),
    "site_s_server_as_a_network_of_one": edited("s/^Server=.*/&\\/32/"),
    "tls_left_out_when_asked": edited("/^TLSAccept=/d", ASKED),
    "tls_left_out_when_reporting": edited("/^TLSConnect=/d", REPORTS),
    "foreign_server_may_ask": edited("s/^Server=.*/&,192.0.2.9/", SERVERS),
    "everybody_may_ask": edited("s/^Server=.*/&,0.0.0.0\\/0/", SERVERS),
    "foreign_server_is_reported_to": edited("s/^ServerActive=.*/&,192.0.2.9:10051/", SERVERS),
    "foreign_cluster_node_is_reported_to": edited("s/^ServerActive=.*/&;192.0.2.9/", SERVERS),
    "only_foreign_servers": edited("$aServer=192.0.2.9\\nServerActive=192.0.2.9", SERVERS, NAMED),
    # The agent reads an included file where it is included, so the later line of the main file counts.
    "foreign_server_in_an_include_that_is_overruled": included("Server=192.0.2.9"),
    "commands_allowed": edited("s/^DenyKey/AllowKey=system.run[*]\\n&/", COMMANDS),
    "commands_allowed_in_an_include": included("AllowKey=system.run[*]", COMMANDS),
    "one_command_allowed": edited("s/^DenyKey/AllowKey=sys*.run[reboot*]\\n&/", COMMANDS),
    "allowed_after_they_are_denied": edited("$aAllowKey=system.run[id]"),
    "commands_of_the_asker_in_a_parameter": edited("$aUserParameter=run[*],sh -c $1", COMMANDS),
    "parameter_with_a_fixed_command": edited("$aUserParameter=ours.count,ls /srv | wc -l"),
    "parameters_that_take_any_letter": edited("s/^Unsafe.*/UnsafeUserParameters=1/", COMMANDS),
    "key_that_others_may_read": (
        f"chmod 0444 {PSK}; {AGAIN}", f"chmod 0400 {PSK}; {AGAIN}", {KEY},
    ),
    "short_key": (
        f"cp -p {PSK} /root/kept; head -c 32 /root/kept >{PSK}; {AGAIN}",
        f"cp -p /root/kept {PSK}; {AGAIN}",
        {KEY},
    ),
    "changed_and_not_restarted": (
        f"{LATER}; echo '# changed' >>{CONF}", f"sed -i '$d' {CONF}; {AGAIN}", {READ},
    ),
    "other_configuration_by_a_drop_in": drop_in(
        ZABBIX,
        "ExecStart=\\nExecStart=/usr/sbin/zabbix_agent2 -f -c /etc/other.conf",
        OWN,
        before=f"cp {CONF} /etc/other.conf",
        after="rm /etc/other.conf",
    ),
    "other_configuration_by_the_environment_file": (
        f"cp {CONF} /etc/other.conf; echo 'DAEMON_ARGS=-c /etc/other.conf' >/etc/default/{ZABBIX}",
        f"rm /etc/default/{ZABBIX} /etc/other.conf",
        {OWN},
    ),
    "second_agent": (
        "cp /usr/sbin/zabbix_agent2 /usr/local/sbin/zabbix_agentd; "
        "printf 'Server=0.0.0.0/0\\nListenIP=127.0.0.1\\nListenPort=10060\\nHostname=x\\nLogType=console\\n"
        "PidFile=/tmp/x.pid\\nControlSocket=/tmp/x.sock\\n' >/etc/x.conf; "
        "systemd-run -q --unit=x /usr/local/sbin/zabbix_agentd -f -c /etc/x.conf",
        "systemctl stop x; rm -f /usr/local/sbin/zabbix_agentd /etc/x.conf /tmp/x.*",
        {SECOND},
    ),
}  # fmt: skip


def written(path: str, lines: str, *fails: str) -> Case:
    """Append lines to a file that snmpd may read, and restart it; what it remembers of them goes again."""
    return (
        f"systemctl stop {SNMP}; rm -rf /root/kept; cp -p {STATE} /root/state; "
        f"[ ! -f {path} ] || cp -p {path} /root/kept; printf '%b\\n' '{lines}' >>{path}; {SNMP_AGAIN}",
        f"systemctl stop {SNMP}; rm {path}; [ ! -f /root/kept ] || cp -p /root/kept {path}; "
        f"cp -p /root/state {STATE}; {SNMP_AGAIN}",
        set(fails),
    )


PUBLIC = "rocommunity public default"
SNMP_V2C: dict[str, Case] = {
    "community_in_the_configuration": written(SNMP_CONF, PUBLIC, OLD),
    "community_in_capitals_after_blanks": written(SNMP_CONF, "  ROcommunity\\tpublic", OLD),
    "community_by_a_quoted_word": written(SNMP_CONF, '"rocommunity" public default', OLD),
    "community_by_an_escaped_word": written(SNMP_CONF, "\\\\rocommunity public", OLD),
    "community_in_a_file_that_is_looked_for": (
        f"cp -p {SNMP_CONF} /root/kept; echo '{PUBLIC}' >/usr/share/snmp/more.conf; "
        f"echo 'includeSearch more' >>{SNMP_CONF}; {SNMP_AGAIN}",
        f"rm /usr/share/snmp/more.conf; cp -p /root/kept {SNMP_CONF}; {SNMP_AGAIN}",
        {OLD},
    ),
    "community_by_its_parts": written(
        SNMP_CONF,
        "com2sec old default public\\ngroup old v2c old\\nview all included .1\\n"
        'access old "" v2c noauth exact all none none',
        OLD,
        GRANTS,
        READERS,
    ),
    "community_in_the_shared_directory": written("/usr/share/snmp/snmpd.conf", PUBLIC, OLD),
    "community_in_the_local_file": written("/etc/snmp/snmpd.local.conf", PUBLIC, OLD),
    "community_in_the_agents_own_memory": written("/var/lib/snmp/snmpd.local.conf", PUBLIC, OLD),
    "community_in_an_included_directory": (
        f"cp -p {SNMP_CONF} /root/kept; echo '{PUBLIC}' >/etc/snmp/snmpd.conf.d/x.conf; "
        f"echo 'includeDir /etc/snmp/snmpd.conf.d' >>{SNMP_CONF}; {SNMP_AGAIN}",
        f"rm /etc/snmp/snmpd.conf.d/x.conf; cp -p /root/kept {SNMP_CONF}; {SNMP_AGAIN}",
        {OLD},
    ),
    "community_in_the_clients_file": written("/etc/snmp/snmp.conf", f"[snmpd] {PUBLIC}", OLD),
    "community_in_another_file": drop_in(
        SNMP,
        "ExecStart=\\nExecStart=/usr/sbin/snmpd -LOw -f -c /etc/x.conf",
        OWN,
        SNMP_OWN,
        before=f"echo '{PUBLIC}' >/etc/x.conf",
        after="rm /etc/x.conf",
    ),
    "community_on_the_command_line": drop_in(
        SNMP, "ExecStart=\\nExecStart=/usr/sbin/snmpd -LOw -f --rocommunity=public", OWN, SNMP_OWN
    ),
    "community_by_another_search_path": drop_in(
        SNMP,
        "Environment=SNMPCONFPATH=/etc/x:/etc/snmp",
        OWN,
        SNMP_OWN,
        before=f"mkdir /etc/x; echo '{PUBLIC}' >/etc/x/snmpd.conf",
        after="rm -r /etc/x",
    ),
}
"""Each lets the manager really ask in version 2c."""

SNMP_CASES: dict[str, Case] = {
    "stopped": (f"systemctl stop {SNMP}", f"systemctl start {SNMP}", {RUNS}),
    "disabled": (f"systemctl disable {SNMP}", f"systemctl enable {SNMP}", {STARTS}),
    "community_commented_out": written(SNMP_CONF, f"# {PUBLIC}"),
    "user_without_authentication": written(
        SNMP_CONF, "createUser anyone\\nrouser anyone noauth", GRANTS, ALGORITHMS, READERS
    ),
    "level_left_out_is_without_encryption": written(SNMP_CONF, "rouser otmonitor", GRANTS),
    "weak_algorithms": written(
        STATE, 'createUser weak MD5 "a passphrase" DES "another one"', ALGORITHMS
    ),
    "shorter_aes": written(STATE, "createUser weak SHA-512 passphrase1 AES passphrase2", ALGORITHMS),
    "second_user_may_read": written(
        SNMP_CONF, "createUser other SHA-512 passphrase1 AES-256 passphrase2\\nrouser other priv", READERS
    ),
    "users_may_write": written(SNMP_CONF, "rwuser otmonitor priv", WRITES),
    "traps_with_a_community": written(SNMP_CONF, "trap2sink 192.0.2.9 public", OLD),
    "changed_and_not_restarted": (
        f"{LATER}; echo '# changed' >>{SNMP_CONF}",
        f"sed -i '$d' {SNMP_CONF}; {SNMP_AGAIN}",
        {READ, SNMP_READ},
    ),
}  # fmt: skip
