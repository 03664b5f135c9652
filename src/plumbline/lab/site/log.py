"""The site's log collector: rsyslog, which takes entries over TLS, by RELP and as plain syslog.

What a host sends goes to a file of its own, `/var/log/collected/<host>.log`, an entry a line (RFC 5424).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plumbline.lab.host import LabHost
from plumbline.lab.hostfiles import write
from plumbline.lab.site.place import SitePlace

PACKAGES: tuple[str, ...] = ("rsyslog", "rsyslog-openssl", "rsyslog-relp")
UNITS: tuple[str, ...] = ("rsyslog.service",)
MASKED: tuple[str, ...] = ()
AFTER: tuple[str, ...] = ()

COLLECTED = "/var/log/collected"
RELP_PORT, SYSLOG_PORT = 6514, 6515

_CERTIFICATE, _PRIVATE, _CA = "/etc/rsyslog.pem", "/etc/rsyslog.key", "/etc/ssl/lab-ca.pem"

_CONFIGURATION = f"""\
global(
  workDirectory="/var/spool/rsyslog"
  defaultNetstreamDriver="ossl"
  defaultNetstreamDriverCAFile="{_CA}"
  defaultNetstreamDriverCertFile="{_CERTIFICATE}"
  defaultNetstreamDriverKeyFile="{_PRIVATE}"
)
module(load="imtcp" streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="anon")
module(load="imrelp" tls.tlslib="openssl")
template(name="by-host" type="string" string="{COLLECTED}/%HOSTNAME%.log")
ruleset(name="collected") {{
  action(type="omfile" dynaFile="by-host" template="RSYSLOG_SyslogProtocol23Format" fileCreateMode="0640")
}}
input(type="imtcp" port="{SYSLOG_PORT}" ruleset="collected")
input(
  type="imrelp" port="{RELP_PORT}" ruleset="collected" maxDataSize="64k"
  tls="on" tls.caCert="{_CA}" tls.myCert="{_CERTIFICATE}" tls.myPrivKey="{_PRIVATE}"
)
"""


def configure(root: Path, place: SitePlace) -> None:
    """Let rsyslog collect, and nothing else."""
    write(root, "/etc/rsyslog.conf", _CONFIGURATION)
    place.certify(root, "log", _CERTIFICATE, _PRIVATE)


def ready(host: LabHost, place: SitePlace) -> bool:
    """Tell whether both ports are open."""
    listening = host.entry.run("ss -Hltn", check=False).stdout
    return f":{RELP_PORT} " in listening and f":{SYSLOG_PORT} " in listening


def declare(site: dict[str, Any], place: SitePlace) -> None:
    """Name it as the site's collector, by RELP, with who issues its certificate."""
    site["log_collector"] = {
        "host": place.name("log"),
        "port": RELP_PORT,
        "protocol": "relp-tls",
        "ca": place.authority.pem,
    }
