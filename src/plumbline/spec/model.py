"""What a supplier declares of a system; its parts stand in the modules beside this one."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from plumbline.model import Strict
from plumbline.spec.connection import Connection, WindowsConnection
from plumbline.spec.interfaces import Interface, Opening
from plumbline.spec.kiosk import Kiosk
from plumbline.spec.maintenance import Maintenance
from plumbline.spec.monitoring import WatchedValue
from plumbline.spec.people import Handover, LocalAccount, UserRole
from plumbline.spec.services import ServerRole, Service, Software
from plumbline.spec.site import ActiveDirectory, Antivirus, LogCollector, MailRelay, Site, Vlan
from plumbline.spec.storage import Partition
from plumbline.spec.values import FilePath, Filled, IPv4, Name, NumberOf, twice

__all__ = [
    "ActiveDirectory",
    "Antivirus",
    "Connection",
    "Cpu",
    "Handover",
    "HostSpec",
    "Interface",
    "Kiosk",
    "LocalAccount",
    "LogCollector",
    "MailRelay",
    "Opening",
    "OperatingSystem",
    "ParameterValue",
    "Partition",
    "ServerRole",
    "Service",
    "Site",
    "Software",
    "System",
    "UserRole",
    "Vlan",
    "WindowsConnection",
]


class OperatingSystem(Strict):
    """Type and version, as chapter 6 asks for them.

    `agreed` is the day the version was agreed on: it must be the latest long-term one known that day (9.2.2).
    Without it the day of the delivery counts, and before that the day of the check.
    """

    family: Literal["linux", "windows"]
    distribution: Name
    version: Filled
    agreed: date | None = None


class Cpu(Strict):
    """The processors of a physical server: how many, and of what type (6, offer)."""

    count: NumberOf
    type: Filled


ParameterValue = Annotated[int, Field(strict=True)] | str | list[str]


class HostSpec(Strict):
    """One host as chapter 6 wants it: size, storage, network, exceptions, users, services, software.

    A virtual server is sized by `vcpu`; a physical one by `cpu`, and gives the `physical_reason` why it
    cannot be virtual. An empty list says that there is none of something; leaving the list out says
    nothing, and the specification is then not complete (plumbline.spec.validate).
    """

    name: Name
    profile: Name
    os: OperatingSystem
    virtual: Annotated[bool, Field(strict=True)] = True
    physical_reason: Filled | None = None
    vcpu: NumberOf | None = None
    cpu: Cpu | None = None
    firmware: Filled | None = None
    """The version that was its maker's current stable one at the handover, of a physical server (9.2.4)."""
    ram_gib: Annotated[float, Field(strict=True, gt=0)]
    storage: Annotated[list[Partition], Field(min_length=1)]
    interfaces: Annotated[list[Interface], Field(min_length=1)]
    antivirus_exclusions: list[FilePath] = []
    firewall_openings: list[Opening] = []
    users: list[UserRole] = []
    server_roles: list[ServerRole] = []
    services: list[Service] = []
    software: list[Software] = []
    desktop: Annotated[bool, Field(strict=True)] = False
    kiosk: Kiosk | None = None
    local_accounts: list[LocalAccount] = []
    handover: Handover | None = None
    redundancy_group: Name | None = None
    """Hosts of one group stand in for one another: they are never changed at one time."""
    maintenance: Maintenance | None = None
    """When this host may be changed, where that is not the site's maintenance."""
    log_readers: list[Filled] = []
    """Accounts that may read logs beside administrators (16.1)."""
    watched: list[WatchedValue] = []
    """What the central monitoring watches beside what follows from the rest (16.2.1, 16.2.2)."""
    certificate_stores: list[FilePath] = []
    """Where applications keep certificates and keys, beside the distribution's own places (16.1)."""
    parameters: dict[str, dict[str, ParameterValue]] = {}
    """control -> parameter -> value, where this host differs from the default within what is accepted."""

    @field_validator("interfaces")
    @classmethod
    def _first_has_an_address(cls, interfaces: list[Interface]) -> list[Interface]:
        if interfaces[0].address is None:
            raise ValueError("the first interface is the one the host is reached at and needs an address")
        return interfaces

    @field_validator("local_accounts")
    @classmethod
    def _local_accounts_are_distinct(cls, accounts: list[LocalAccount]) -> list[LocalAccount]:
        if repeated := twice(account.name for account in accounts):
            raise ValueError(f"local account declared twice: {repeated}")
        return accounts

    @field_validator("firewall_openings")
    @classmethod
    def _openings_are_distinct(cls, openings: list[Opening]) -> list[Opening]:
        if repeated := twice(opening.id for opening in openings):
            raise ValueError(f"opening declared twice: {repeated}")
        return openings

    @model_validator(mode="after")
    def _is_sized_as_its_kind(self) -> HostSpec:
        if self.virtual:
            if self.vcpu is None:
                raise ValueError("a virtual server needs vcpu")
            if self.cpu is not None or self.physical_reason is not None or self.firmware is not None:
                raise ValueError("cpu, physical_reason and firmware are for a server with `virtual: false`")
            return self
        if self.cpu is None or self.physical_reason is None:
            raise ValueError("a physical server needs cpu (count and type) and physical_reason")
        if self.vcpu is not None:
            raise ValueError("a physical server has cpu, not vcpu")
        return self

    @property
    def address(self) -> IPv4:
        """The address the host is reached at: its first interface's."""
        address = self.interfaces[0].address
        if address is None:
            raise ValueError(f"the first interface of {self.name} has no address")
        return address


class System(Strict):
    """A supplier's approved specification: one system and its hosts."""

    name: Name
    supplier: Filled
    description: str = ""
    hosts: Annotated[list[HostSpec], Field(min_length=1)]
