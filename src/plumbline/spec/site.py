"""What the operator provides at one place."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from plumbline.model import Strict
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
    """The operator's Active Directory (17.3): DNS domain, domain controllers, where computers go."""

    domain: HostOrAddress
    controllers: Annotated[list[HostOrAddress], Field(min_length=1)]
    computer_ou: str | None = None


class LogCollector(Strict):
    """Where security events go (16.1.2)."""

    host: HostOrAddress
    port: Port
    protocol: Literal["syslog-tls", "relp-tls"] = "syslog-tls"


class Antivirus(Strict):
    """The operator's antivirus (12); the product is told under an NDA, so everything of it is a parameter.

    `packages` are installed, `services` run and start at boot, `signatures` is the directory the product
    keeps its signatures in.
    """

    product: Name
    packages: Annotated[list[Filled], Field(min_length=1)]
    services: Annotated[list[Filled], Field(min_length=1)]
    signatures: FilePath


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
    active_directory: ActiveDirectory
    time_sources: Annotated[list[HostOrAddress], Field(min_length=1)]
    log_collector: LogCollector
    dns: Annotated[list[IPv4], Field(min_length=1)]
    vlans: Annotated[list[Vlan], Field(min_length=1)]
    management_sources: Annotated[list[Network], Field(min_length=1)]
    antivirus: Antivirus
    updates: Updates = Updates()
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

    def vlan(self, name: str) -> Vlan:
        """Return the VLAN of that name; KeyError if the site has none."""
        for vlan in self.vlans:
            if vlan.name == name:
                return vlan
        raise KeyError(name)
