"""rsyslog that forwards everything to the site's collector over TLS, from a queue on disk.

One file, read before all others: what the journal has, and auditd's log, goes to the collector; what rsyslog
keeps in files of its own stays as it is. Over RELP a host must show a certificate, or rsyslog would not look
at the name in the collector's (librelp 1.11); the host makes one for itself.
"""

from __future__ import annotations

import shlex
from collections.abc import Generator

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys.mechanisms.files import no_file, whole_file
from deploys.mechanisms.packages import packages
from deploys.mechanisms.printed import lines
from deploys.mechanisms.units import unit_on, unit_restarted, waited_for
from plumbline.apply.telling import tell, tell_touches
from plumbline.policy.standard import DesiredState, Resolved
from plumbline.spec.site import LogCollector

Commands = Generator[StringCommand, None, None]

CONFIGURATION = "/etc/rsyslog.d/00-plumbline-collector.conf"
DIRECTORY = "/etc/rsyslog.d/plumbline"
ISSUERS = f"{DIRECTORY}/issuers.pem"
CERTIFICATE, KEY = f"{DIRECTORY}/host.pem", f"{DIRECTORY}/host.key"
SYSTEM_ISSUERS = "/etc/ssl/certs/ca-certificates.crt"
SPOOL = "/var/spool/rsyslog"
AUDIT_LOG = "/var/log/audit/audit.log"

CONNECTED = "ss -Htnp state established | grep -q '\"rsyslogd\"'"
"""Succeeds when rsyslog has a connection."""

DAYS, RENEWED = 365, 120
"""How long the host's certificate is valid, and how long before its end it is made anew."""

HEAD = "# Written by Plumbline from the site's log_collector; the whole file is replaced when it differs.\n"

BODY = """\
module(load="imjournal" stateFile="imjournal-plumbline" persistStateInterval="100" ratelimit.interval="0")
module(load="imfile")
{module}
ruleset(name="plumbline-collector") {{
  action(
    name="plumbline-collector"
    {way}
    template="RSYSLOG_SyslogProtocol23Format"
    queue.type="LinkedList" queue.filename="plumbline" queue.spoolDirectory="{spool}"
    queue.size="2000" queue.highWatermark="1200" queue.lowWatermark="400"
    queue.maxDiskSpace="{mib}m" queue.maxFileSize="16m" queue.saveOnShutdown="on"
    action.resumeRetryCount="-1" action.resumeInterval="2" action.resumeIntervalMax="30"
  )
}}
input(
  type="imfile" file="{audit}" tag="audit:" facility="local6" severity="info"
  reopenOnTruncate="on" persistStateInterval="100" ruleset="plumbline-collector"
)
# The journal has what these two bring as well; files of rsyslog's own go on being written from them.
if not ($inputname == "imuxsock" or $inputname == "imklog") then call plumbline-collector
if $inputname == "imjournal" then stop
"""

RELP = """\
type="omrelp" target="{host}" port="{port}"
    tls="on" tls.authMode="name" tls.permittedPeer=["{peer}"] tls.caCert="{issuers}"
    tls.myCert="{certificate}" tls.myPrivKey="{key}\""""

SYSLOG = """\
type="omfwd" target="{host}" port="{port}" protocol="tcp" tcp_framing="octet-counted" keepAlive="on"
    streamDriver="ossl" streamDriverMode="1" streamDriverAuthMode="x509/name"
    streamDriverPermittedPeers="{peer}" streamDriver.permitExpiredCerts="off"
    streamDriver.CAFile="{issuers}\""""


def log_forwarding(desired: DesiredState, forwarded: Resolved) -> None:
    """Forward everything to the site's collector; a site without one needs nothing."""
    collector = desired.site.log_collector
    if collector is None:
        return
    relp = collector.protocol == "relp-tls"
    installed = packages(
        ["rsyslog", "rsyslog-relp" if relp else "rsyslog-openssl", *(["openssl"] if relp else [])]
    )
    trusted = whole_file(ISSUERS, collector.ca) if collector.ca else no_file(ISSUERS)
    changed = [installed, trusted]
    if relp:
        changed.append(
            _own_certificate(who=desired.host.name, name="Make the host's certificate for the collector")
        )
    content = HEAD + configuration(collector, int(str(forwarded.values["queue_mib"])))
    changed.append(whole_file(CONFIGURATION, content))
    unit_on("rsyslog.service")
    unit_restarted("rsyslog.service", when=changed)
    if lines(f"{CONNECTED} && echo so"):
        waited_for(CONNECTED, 10, what="rsyslog is connected again", when=changed)


def configuration(collector: LogCollector, queue_mib: int) -> str:
    """Return rsyslog's statements that forward to a collector."""
    relp = collector.protocol == "relp-tls"
    way = (RELP if relp else SYSLOG).format(
        host=collector.host,
        port=collector.port,
        peer=collector.peer,
        issuers=ISSUERS if collector.ca else SYSTEM_ISSUERS,
        certificate=CERTIFICATE,
        key=KEY,
    )
    module = 'module(load="omrelp" tls.tlslib="openssl")' if relp else 'module(load="lmnsd_ossl")'
    return BODY.format(module=module, way=way, spool=SPOOL, mib=queue_mib, audit=AUDIT_LOG)


@operation()
def _own_certificate(who: str) -> Commands:
    good = f"openssl x509 -checkend {RENEWED * 86_400} -noout -in {CERTIFICATE} >/dev/null && test -s {KEY}"
    if lines(f"{good} && echo good"):
        host.noop(f"{CERTIFICATE} is good for {RENEWED} days and more")
        return
    tell(f"{CERTIFICATE} and its key are made, good for {DAYS} days")
    tell_touches(paths=[CERTIFICATE, KEY])
    yield StringCommand(
        f"umask 077; mkdir -p -m 755 {DIRECTORY} && t=$(mktemp -d {DIRECTORY}/.new.XXXXXX) && "
        f"openssl req -x509 -newkey rsa:3072 -sha256 -nodes -days {DAYS} -subj {shlex.quote(f'/CN={who}')} "
        "-keyout $t/key -out $t/pem 2>/dev/null && chmod 644 $t/pem && "
        f"mv -fT $t/key {KEY} && mv -fT $t/pem {CERTIFICATE}; s=$?; rm -rf $t; exit $s"
    )
