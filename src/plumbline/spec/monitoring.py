"""The operator's central monitoring (16.2): which agent watches a host, and who may ask it."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from plumbline.model import Strict
from plumbline.spec.certificates import Certificates
from plumbline.spec.values import FilePath, Filled, HostOrAddress

IDENTITY_MAX = 128
"""Bytes that Zabbix takes of a PSK identity."""


def _user(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]{0,31}", text):
        raise ValueError(f"{text!r} is no user of SNMPv3 here; write letters, digits, _ . -, at most 32")
    return text


class Psk(Strict):
    """Zabbix' TLS with keys that both sides have.

    Each host has an identity of its own, `<psk_identity>/<host>`, and a key of its own, which comes from the
    site's secret `monitoring.psk` (plumbline.monitoring_keys): who takes one host's key has no other's.
    """

    psk_identity: Filled

    def identity(self, host: str) -> str:
        """Return the identity of a host."""
        return f"{self.psk_identity}/{host}"


class AgentCertificate(Strict):
    """Zabbix' TLS with certificates: the issuer of the servers' (PEM), and where the host keeps its own.

    A host's certificate and key are put there by a person; `server_subject` narrows which server is let in.
    """

    ca: Certificates
    certificate: FilePath
    key: FilePath
    server_subject: Filled | None = None


class ZabbixAgent(Strict):
    """Zabbix agent 2: only `servers` may ask it, and it reports to them, in both directions over TLS."""

    product: Literal["zabbix-agent2"]
    servers: Annotated[list[HostOrAddress], Field(min_length=1)]
    tls: Psk | AgentCertificate


class SnmpV3(Strict):
    """SNMPv3 with authentication and encryption: `user` may read, asked by the managers in `servers`.

    The passphrases are the secrets `monitoring.snmp.auth` and `monitoring.snmp.priv`; hosts keep only keys
    made of them that are good for one host.
    """

    product: Literal["snmpv3"]
    servers: Annotated[list[HostOrAddress], Field(min_length=1)]
    user: Annotated[str, AfterValidator(_user)]
    authentication: Literal["SHA-256", "SHA-384", "SHA-512"] = "SHA-512"
    privacy: Literal["AES-128", "AES-256"] = "AES-256"


Monitoring = Annotated[ZabbixAgent | SnmpV3, Field(discriminator="product")]


def _key(text: str) -> str:
    if text.startswith("system.run"):
        raise ValueError("system.run runs commands the server chooses, which hosts refuse; take another item")
    return text


class WatchedValue(Strict):
    """A value the supplier adds to the template (16.2.1, 16.2.2): an item of the agent, and its fault.

    `fault` is an expression of Zabbix with `ITEM` for the item, such as `max(ITEM,5m)=0`.
    """

    name: Filled
    key: Annotated[Filled, AfterValidator(_key)]
    fault: Filled
    kind: Literal["FLOAT", "UNSIGNED", "CHAR", "TEXT"] = "FLOAT"
