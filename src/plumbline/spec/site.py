"""What the operator provides at one place."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from plumbline.model import Strict
from plumbline.spec.certificates import Certificates
from plumbline.spec.maintenance import Maintenance
from plumbline.spec.monitoring import Monitoring
from plumbline.spec.values import FilePath, Filled, HostOrAddress, IPv4, Name, Network, Port, twice


class Vlan(Strict):
    """A VLAN of the site (4.8.1): its number, what it is for, its range, its gateway if it has one."""

    id: Annotated[int, Field(strict=True, ge=1, le=4094)]
    name: Name
    network: Network
    gateway: IPv4 | None = None

    @model_validator(mode="after")
    def _range_holds_hosts(self) -> Vlan:
        if self.network.prefixlen > 30:
            raise ValueError(
                f"{self.network} has no room for hosts; write the range with its prefix, such as 10.1.2.0/28"
            )
        if self.gateway is not None and self.gateway not in self.network:
            raise ValueError(f"gateway {self.gateway} is not in {self.network}")
        return self


class ActiveDirectory(Strict):
    """The operator's Active Directory (17.3): DNS domain, domain controllers, where computers go.

    `join_account` is the account that joins hosts to it; its password is the secret `directory.join`.
    """

    domain: HostOrAddress
    controllers: Annotated[list[HostOrAddress], Field(min_length=1)]
    computer_ou: str | None = None
    join_account: Filled | None = None


class TimeSource(Strict):
    """A time source (14) that proves who it is: by NTS (RFC 8915), or by a key both sides have.

    The key itself is a secret, `time.key.<number>`. `ca`: who issues the certificates of NTS; left out, those
    the host trusts anyway.
    """

    address: HostOrAddress
    nts: bool = False
    key: Annotated[int, Field(strict=True, ge=1, le=2**32 - 1)] | None = None
    algorithm: Literal["SHA256", "SHA384", "SHA512", "AES128", "AES256"] = "SHA256"
    ca: Certificates | None = None

    @model_validator(mode="after")
    def _proves_in_one_way(self) -> TimeSource:
        if self.nts and self.key is not None:
            raise ValueError("a time source has NTS or a key, not both")
        if self.ca is not None and not self.nts:
            raise ValueError("`ca` is for a source with NTS; add `nts: true`")
        return self

    def __str__(self) -> str:
        return self.address

    @property
    def authentication(self) -> str:
        """How it proves who it is: `nts`, `key 7 SHA256`, or `none`."""
        if self.nts:
            return "nts"
        return "none" if self.key is None else f"key {self.key} {self.algorithm}"


def _how_written(value: object) -> str:
    return "name" if isinstance(value, str) else "source"


Written = Annotated[
    Annotated[HostOrAddress, Tag("name")] | Annotated[TimeSource, Tag("source")], Discriminator(_how_written)
]
"""A time source as sites write it: its name alone, or with what it proves itself by."""


class LogCollector(Strict):
    """Where security events go (16.1.2), over TLS in either protocol.

    `name`: the one its certificate has, where that is not `host`. `ca`: who issues its certificate; left out,
    those the host trusts anyway.
    """

    host: HostOrAddress
    port: Port
    protocol: Literal["syslog-tls", "relp-tls"] = "syslog-tls"
    name: HostOrAddress | None = None
    ca: Certificates | None = None

    @property
    def peer(self) -> str:
        """The name its certificate must have."""
        return self.name or self.host


class MailRelay(Strict):
    """The operator's mail relay (5.3): hosts' mail goes there alone, over TLS, after a logon as `account`.

    The password of the account is the secret `mail.relay`. `ca`: who issues its certificate; left out, those
    the host trusts anyway.
    """

    host: HostOrAddress
    port: Port = 587
    account: Filled | None = None
    ca: Certificates | None = None


def _mirror(text: str) -> str:
    if not re.match(r"(https?|file)://[^/\s]*/?\S*$", text):
        raise ValueError(f"{text!r} is no address of a mirror, such as https://updates.ot.example/clamav")
    return text.rstrip("/")


class Antivirus(Strict):
    """The operator's antivirus (12); the product is told under an NDA, so everything of it is a parameter.

    `packages` are installed, `services` run and start at boot, `signatures` is the directory the product
    keeps its signatures in. ClamAV (`product: clamav`) is known: `mirror` is where it takes signatures from
    (`ca` issues the mirror's certificate, `databases` are the operator's own there; left out, ClamAV's own),
    and `on_access` the paths it scans as they are used.

    Another product is asked by commands, which the operator answers for that they change nothing:
    `version_command` tells a version no older than `oldest_version`; `detection_command` scans its standard
    input and says `detection_says` of malware; `exclusions_command` tells what is left out, a line each.
    """

    product: Name
    packages: Annotated[list[Filled], Field(min_length=1)]
    services: Annotated[list[Filled], Field(min_length=1)]
    signatures: FilePath
    mirror: Annotated[Filled, AfterValidator(_mirror)] | None = None
    ca: Certificates | None = None
    databases: list[Filled] = []
    on_access: list[FilePath] = []
    version_command: Filled | None = None
    oldest_version: Filled | None = None
    detection_command: Filled | None = None
    detection_says: Filled = "FOUND"
    exclusions_command: Filled | None = None

    @property
    def is_clamav(self) -> bool:
        """Whether the product is ClamAV, which needs no commands of the site."""
        return self.product == "clamav"

    @model_validator(mode="after")
    def _has_what_its_product_takes(self) -> Antivirus:
        commands = (self.version_command, self.detection_command, self.exclusions_command)
        if self.is_clamav and any(commands):
            raise ValueError("ClamAV is asked by probes of its own; the commands are for other products")
        if not self.is_clamav and (self.mirror or self.on_access):
            raise ValueError("mirror and on_access are ClamAV's; another product has its own way")
        if self.version_command and not self.oldest_version:
            raise ValueError("version_command needs oldest_version, the oldest one the operator accepts")
        return self


class Updates(Strict):
    """Where hosts take packages and updates from (9.2.2), each source told by how its URI begins.

    Left out, the distribution's own archives and their mirrors; an empty list says that hosts have no source,
    as in a closed segment: a person then records which updates were installed.
    """

    sources: list[Filled] | None = None


class Site(Strict):
    """What the operator provides at one place."""

    name: Name
    domain: HostOrAddress
    active_directory: ActiveDirectory | None = None
    time_sources: Annotated[list[Written], Field(min_length=1)]
    log_collector: LogCollector | None = None
    mail_relay: MailRelay | None = None
    monitoring: Monitoring | None = None
    dns: Annotated[list[IPv4], Field(min_length=1)]
    vlans: Annotated[list[Vlan], Field(min_length=1)]
    management_sources: Annotated[list[Network], Field(min_length=1)]
    antivirus: Antivirus
    updates: Updates = Updates()
    maintenance: Maintenance | None = None
    """When hosts may be changed; left out, at any time."""
    database_servers: list[HostOrAddress] = []
    """The operator's database servers (7): databases belong there, and not beside applications."""

    @model_validator(mode="after")
    def _vlans_are_distinct(self) -> Site:
        for attribute in ("id", "name"):
            if repeated := twice(getattr(vlan, attribute) for vlan in self.vlans):
                raise ValueError(f"VLAN {attribute} declared twice: {repeated}")
        for index, vlan in enumerate(self.vlans):
            for other in self.vlans[index + 1 :]:
                if vlan.network.overlaps(other.network):
                    raise ValueError(
                        f"VLAN {vlan.name} ({vlan.network}) overlaps {other.name} ({other.network})"
                    )
        return self

    @property
    def clocks(self) -> list[TimeSource]:
        """The time sources, each with what it proves itself by."""
        return [
            source if isinstance(source, TimeSource) else TimeSource(address=source)
            for source in self.time_sources
        ]

    @property
    def directory_domain(self) -> str:
        """The DNS domain of the operator's directory; empty where the site names none."""
        return self.active_directory.domain if self.active_directory else ""

    def vlan(self, name: str) -> Vlan:
        """Return the VLAN of that name; KeyError if the site has none."""
        for vlan in self.vlans:
            if vlan.name == name:
                return vlan
        raise KeyError(name)
