"""Monitoring: the site's agent runs, answers the site's servers alone, and over nothing that can be read."""

from __future__ import annotations

from plumbline.probes.monitoring.agents import SNMP, UNIT, ZABBIX
from plumbline.verify import control, not_applicable


def _product(site):
    if site.monitoring is None:
        not_applicable("the site names no monitoring")
    return site.monitoring.product


def _zabbix(host):
    if not host.monitoring.zabbix_is_there:
        not_applicable("the host has no agent of Zabbix")


def _snmp(host):
    if not host.monitoring.snmp_is_there:
        not_applicable("the host has no SNMP agent")


def _servers(site):
    return [] if site.monitoring is None else [server.lower() for server in site.monitoring.servers]


@control("monitoring-connected")
def test_agent_runs_now(host, site):
    """The agent of the site's monitoring runs now."""
    product = _product(site)
    assert host.monitoring.running(product) == [UNIT[product]]


@control("monitoring-connected")
def test_agent_starts_at_boot(host, site):
    """The agent of the site's monitoring starts at boot."""
    product = _product(site)
    assert host.monitoring.at_boot(product) == {UNIT[product]: "enabled"}


@control("monitoring-connected")
def test_agent_starts_with_its_own_configuration(host, site):
    """The agent is started with its own configuration, and nothing holds it back."""
    assert host.monitoring.unusual_start(_product(site)) == []


@control("monitoring-connected")
def test_agent_has_read_its_configuration(host, site):
    """The agent that runs was started after its configuration last changed."""
    assert host.monitoring.changed_since_start(_product(site)) == []


@control("monitoring-connected")
def test_each_server_of_the_site_is_named(host, site):
    """Each of the site's servers may ask the agent, or is reported to."""
    if _product(site) != ZABBIX:
        not_applicable("the site's monitoring is not Zabbix")
    named = {seen.bare for seen in host.monitoring.asking_servers()}
    assert [server for server in _servers(site) if server not in named] == []


@control("monitoring-connected")
def test_the_sites_user_may_ask(host, site):
    """The site's user of SNMPv3 may ask the SNMP agent, and nobody else."""
    if _product(site) != SNMP:
        not_applicable("the site's monitoring is not SNMPv3")
    assert host.monitoring.snmp_readers == [site.monitoring.user]


@control("monitoring-agent-closed")
def test_agent_is_asked_encrypted_only(host, accepts):
    """The agent lets itself be asked over TLS only."""
    _zabbix(host)
    connections = accepts("connections")
    assert [seen for seen in host.monitoring.accepted_connections() if seen.bare not in connections] == []


@control("monitoring-agent-closed")
def test_agent_reports_encrypted_only(host, accepts):
    """The agent reports over TLS only."""
    _zabbix(host)
    connections = accepts("connections")
    assert [seen for seen in host.monitoring.own_connections() if seen.bare not in connections] == []


@control("monitoring-agent-closed")
def test_shared_key_is_strong_and_private(host, accepts):
    """The key that the agent shares with the servers is long enough, and only the agent may read it."""
    _zabbix(host)
    assert host.monitoring.weak_keys(accepts("psk_bits")) == []


@control("monitoring-agent-closed")
def test_only_the_sites_servers(host, site):
    """The agent is asked by the site's servers only, and reports to no others."""
    _zabbix(host)
    servers = _servers(site)
    assert [seen for seen in host.monitoring.asking_servers() if seen.bare not in servers] == []


@control("monitoring-agent-closed")
def test_no_command_of_the_servers_is_run(host):
    """The agent runs no commands that a server chooses."""
    _zabbix(host)
    assert host.monitoring.remote_commands() == []


@control("monitoring-agent-closed")
def test_no_second_agent(host, site):
    """No agent of Zabbix runs or starts at boot beside the site's."""
    assert host.monitoring.second_agents(site.monitoring and site.monitoring.product) == []


@control("snmp-v3-only")
def test_no_version_1_or_2c(host):
    """Versions 1 and 2c of SNMP are not spoken: there is no community, wherever the agent reads."""
    _snmp(host)
    assert host.monitoring.old_snmp == []


@control("snmp-v3-only")
def test_every_grant_needs_authentication_and_encryption(host):
    """Whoever asks the SNMP agent must authenticate and encrypt."""
    _snmp(host)
    assert host.monitoring.weak_grants == []


@control("snmp-v3-only")
def test_nobody_may_write(host):
    """Nobody may write over SNMP."""
    _snmp(host)
    assert host.monitoring.writable == []


@control("snmp-v3-only")
def test_every_user_has_strong_algorithms(host, accepts):
    """Every user of SNMPv3 authenticates and encrypts with accepted algorithms."""
    _snmp(host)
    strong = accepts("authentication"), accepts("privacy")
    assert [
        user
        for user in host.monitoring.snmp_users
        if user.authentication not in strong[0] or user.privacy not in strong[1]
    ] == []


@control("snmp-v3-only")
def test_snmp_agent_starts_with_its_own_configuration(host):
    """The SNMP agent is started with its own configuration and options."""
    _snmp(host)
    assert host.monitoring.unusual_start(SNMP) == []


@control("snmp-v3-only")
def test_snmp_agent_has_read_its_configuration(host):
    """The SNMP agent that runs was started after its configuration last changed."""
    _snmp(host)
    assert host.monitoring.changed_since_start(SNMP) == []
