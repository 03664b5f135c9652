"""The site's monitoring: the manager's side, which asks hosts by Zabbix' protocol and by SNMPv3.

Debian has no Zabbix server that runs without a database server, so hosts are asked by the programs the
managers ask with: `zabbix_get`, from the proxy's package, and `snmpget`.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from plumbline.lab.host import LabHost
from plumbline.lab.hostfiles import write
from plumbline.lab.site.place import SitePlace
from plumbline.monitoring_keys import AUTH_SECRET, PRIV_SECRET, PSK_SECRET, host_psk
from plumbline.spec.monitoring import Psk

PACKAGES: tuple[str, ...] = ("snmp", "zabbix-proxy-sqlite3")
UNITS: tuple[str, ...] = ()
MASKED: tuple[str, ...] = ("zabbix-proxy.service",)
AFTER: tuple[str, ...] = ()

IDENTITY = "ot-lab"
USER = "otmonitor"
FOLDER = "/root/monitoring"
"""Where the manager keeps the key of each host, and its passphrases; root alone reads them."""


def configure(root: Path, place: SitePlace) -> None:
    """Give the manager the passphrases of SNMPv3; keys of hosts are made when one is asked."""
    for name in (PSK_SECRET, AUTH_SECRET, PRIV_SECRET):
        place.secret(name, make=lambda: secrets.token_hex(32))
    write(
        root,
        "/root/.snmp/snmp.conf",
        "defVersion 3\ndefSecurityLevel authPriv\n"
        f"defSecurityName {USER}\ndefAuthType SHA-512\ndefPrivType AES-256\n"
        f"defAuthPassphrase {place.secret(AUTH_SECRET)}\ndefPrivPassphrase {place.secret(PRIV_SECRET)}\n",
        0o600,
    )
    (root / FOLDER.lstrip("/")).mkdir(mode=0o700, exist_ok=True)


def ready(host: LabHost, place: SitePlace) -> bool:
    """Tell whether the manager's programs are there; nothing of it has to be started."""
    return host.entry.run("command -v zabbix_get snmpget", check=False).returncode == 0


def declare(site: dict[str, Any], place: SitePlace) -> None:
    """Name the manager as the one server, with Zabbix' agent as the product."""
    site["monitoring"] = {
        "product": "zabbix-agent2",
        "servers": [str(place.address("monitoring"))],
        "tls": {"psk_identity": IDENTITY},
    }


def declare_snmp(site: dict[str, Any], place: SitePlace) -> None:
    """Name the manager with SNMPv3 as the product instead."""
    site["monitoring"] = {
        "product": "snmpv3",
        "servers": [str(place.address("monitoring"))],
        "user": USER,
    }


def zabbix_get(place: SitePlace, manager: LabHost, name: str, address: str, key: str) -> tuple[int, str]:
    """Ask a host's agent for a value as its server does, over TLS with the host's key.

    Returns the exit status of `zabbix_get` and what it printed.
    """
    identity = Psk(psk_identity=IDENTITY).identity(name)
    file = f"{FOLDER}/{name}.psk"
    manager.entry.run(f"umask 077; cat >{file}", input=host_psk(place.secret(PSK_SECRET), identity) + "\n")
    done = manager.entry.run(
        f"timeout 10 zabbix_get -s {address} -k '{key}' --tls-connect psk "
        f"--tls-psk-identity {identity} --tls-psk-file {file} 2>&1",
        check=False,
    )
    return done.returncode, done.stdout.strip()
