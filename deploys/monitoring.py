"""Monitoring on Linux: the site's agent, encrypted, for the site's servers alone."""

from __future__ import annotations

from pyinfra.api.operation import OperationMeta

from deploys.mechanisms.files import no_file, secret_file, whole_file
from deploys.mechanisms.packages import packages
from deploys.mechanisms.snmp_users import snmp_user
from deploys.mechanisms.units import drop_in, unit_masked, unit_on, unit_restarted
from plumbline.monitoring_keys import AUTH_SECRET, PRIV_SECRET, PSK_SECRET, engine_id, host_psk, usm_user
from plumbline.policy.standard import DesiredState
from plumbline.secrets import secret
from plumbline.spec.monitoring import AgentCertificate, Psk, SnmpV3, ZabbixAgent

ZABBIX, ZABBIX_FILE = "zabbix-agent2.service", "/etc/zabbix/zabbix_agent2.conf"
PSK_FILE, ISSUER_FILE = "/etc/zabbix/plumbline.psk", "/etc/zabbix/plumbline-issuer.pem"
SNMP, SNMP_FILE = "snmpd.service", "/etc/snmp/snmpd.conf"
ALSO_READ = (
    "/etc/snmp/snmpd.local.conf",
    "/usr/share/snmp/snmpd.conf",
    "/usr/share/snmp/snmpd.local.conf",
)
"""What snmpd reads beside its configuration, and no package brings."""
OLD_AGENT = "zabbix-agent.service"

UNTIL_IT_LISTENS = """\
# Written by Plumbline: the agent listens at the host's own address, which may come only after it is started.
[Unit]
StartLimitIntervalSec=0

[Service]
Restart=on-failure
RestartSec=2s
"""

ZABBIX_HEAD = """\
# Written by Plumbline from the site; the whole file is replaced when it differs.
# Nothing is included: what a package or a person drops elsewhere does not count.
LogType=system
ControlSocket=/run/zabbix/agent2.sock
PidFile=/run/zabbix/agent2.pid
Timeout=10
"""

ZABBIX_FOOT = """\
DenyKey=system.run[*]
UnsafeUserParameters=0
"""

SNMP_HEAD = """\
# Written by Plumbline from the site; the whole file is replaced when it differs.
# No community: versions 1 and 2c are not spoken. The user's keys are in /var/lib/snmp/snmpd.conf.
"""


def apply(desired: DesiredState) -> None:
    """Install and configure the agent of the site's monitoring; nothing where the site names none."""
    monitoring = desired.site.monitoring
    if isinstance(monitoring, ZabbixAgent):
        _zabbix(desired, monitoring)
    elif isinstance(monitoring, SnmpV3):
        _snmp(desired, monitoring)


def _zabbix(desired: DesiredState, monitoring: ZabbixAgent) -> None:
    installed = packages(["zabbix-agent2"])
    written = [installed, _secured(desired, monitoring)]
    written.append(whole_file(ZABBIX_FILE, zabbix_configuration(desired, monitoring)))
    written.append(drop_in(ZABBIX, UNTIL_IT_LISTENS))
    unit_masked(OLD_AGENT)
    unit_on(ZABBIX)
    unit_restarted(ZABBIX, when=written)


def _secured(desired: DesiredState, monitoring: ZabbixAgent) -> OperationMeta:
    """Put what TLS needs in place: the host's own key, or the issuer of the servers' certificates."""
    if isinstance(monitoring.tls, AgentCertificate):
        return whole_file(ISSUER_FILE, monitoring.tls.ca)
    identity = monitoring.tls.identity(desired.host.name)
    return secret_file(
        PSK_FILE,
        lambda: host_psk(secret(PSK_SECRET).reveal(), identity) + "\n",
        mode="0400",
        owner="zabbix",
        group="zabbix",
    )


def zabbix_configuration(desired: DesiredState, monitoring: ZabbixAgent) -> str:
    """Return zabbix_agent2.conf for a host: TLS in both directions, the site's servers, its own name."""
    servers = ",".join(monitoring.servers)
    lines = {
        "Hostname": desired.host.name,
        "ListenIP": str(desired.host.address),
        "Server": servers,
        "ServerActive": servers,
        **_tls(desired, monitoring.tls),
    }
    return ZABBIX_HEAD + "".join(f"{key}={value}\n" for key, value in lines.items()) + ZABBIX_FOOT


def _tls(desired: DesiredState, tls: Psk | AgentCertificate) -> dict[str, str]:
    if isinstance(tls, Psk):
        return {
            "TLSAccept": "psk",
            "TLSConnect": "psk",
            "TLSPSKIdentity": tls.identity(desired.host.name),
            "TLSPSKFile": PSK_FILE,
        }
    subject = {"TLSServerCertSubject": tls.server_subject} if tls.server_subject else {}
    return {
        "TLSAccept": "cert",
        "TLSConnect": "cert",
        "TLSCAFile": ISSUER_FILE,
        "TLSCertFile": tls.certificate,
        "TLSKeyFile": tls.key,
        **subject,
    }


def _snmp(desired: DesiredState, monitoring: SnmpV3) -> None:
    host = desired.host
    written = [packages(["snmpd"])]
    written.append(
        whole_file(
            SNMP_FILE,
            SNMP_HEAD
            + f"agentAddress udp:{host.address}:161\n"
            + f"exactEngineID {engine_id(host.name)}\n"
            + f"rouser {monitoring.user} priv\n",
            mode="0640",
            group="Debian-snmp",
        )
    )
    written += [no_file(path) for path in ALSO_READ]
    written.append(drop_in(SNMP, UNTIL_IT_LISTENS))
    snmp_user(
        SNMP,
        lambda: usm_user(
            host.name,
            monitoring.user,
            monitoring.authentication,
            monitoring.privacy,
            (secret(AUTH_SECRET).reveal(), secret(PRIV_SECRET).reveal()),
        ),
    )
    unit_on(SNMP)
    unit_restarted(SNMP, when=written)
