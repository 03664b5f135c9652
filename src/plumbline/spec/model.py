"""What a supplier declares of a system, and what the operator declares of a site."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from plumbline.model import Strict
from plumbline.spec.values import (
    FilePath,
    Filled,
    HostOrAddress,
    IPv4,
    Mount,
    Name,
    Network,
    NumberOf,
    Port,
    twice,
)


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


class OperatingSystem(Strict):
    """Type and version, as chapter 6 asks for them."""

    family: Literal["linux", "windows"]
    distribution: Name
    version: Filled


class Cpu(Strict):
    """The processors of a physical server: how many, and of what type (6, offer)."""

    count: NumberOf
    type: Filled


class Partition(Strict):
    """One partition: where it is mounted (`/srv`, `D:`, or `swap`), its size in GiB, what it holds."""

    mount: Mount
    size_gib: Annotated[float, Field(strict=True, gt=0)]
    holds: Literal["system", "application", "data", "log", "swap"]

    @model_validator(mode="after")
    def _swap_is_mounted_nowhere(self) -> Partition:
        if self.mount == "swap" and self.holds != "swap":
            raise ValueError(f"the mount swap holds swap, not {self.holds}")
        return self


class Interface(Strict):
    """A network interface the host may have; all but the first need one of the listed purposes (6).

    A `redundant-uplink` is a member of one bond with the first and has no address of its own; an interface
    for an `industrial-protocol` may have none (Profinet is not IP). The others need one.
    """

    name: Filled
    vlan: Name
    address: IPv4 | None = None
    purpose: Literal["service", "redundant-uplink", "application-redundancy", "industrial-protocol"] = (
        "service"
    )

    @model_validator(mode="after")
    def _has_the_address_it_needs(self) -> Interface:
        if self.address is None and self.purpose in ("service", "application-redundancy"):
            raise ValueError(f"an interface for {self.purpose} needs an address")
        return self


class Opening(Strict):
    """An inbound opening of the local firewall, with the reason for it (12)."""

    id: Name
    protocol: Literal["tcp", "udp"]
    port: Port
    sources: Annotated[list[Network], Field(min_length=1)]
    purpose: Filled


class UserRole(Strict):
    """Who uses the host: an AD group and the role of 17.4 it stands for."""

    group: Filled
    role: Literal[
        "os-administrator",
        "os-user",
        "system-user",
        "application-administrator",
        "application-permission-administrator",
        "application-user",
    ]
    description: str = ""


class ServerRole(Strict):
    """A role of the server, such as file server or terminal server, and how it is configured (6)."""

    name: Filled
    configuration: Filled


class Service(Strict):
    """A service the system needs, under which account it runs, and its configuration in words or files."""

    name: Filled
    account: Filled
    configuration: str = ""
    ports: list[Port] = []


class Software(Strict):
    """Installed software, with the database server it brings if any."""

    name: Filled
    version: Filled
    vendor: Filled
    database: Filled | None = None


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
    parameters: dict[str, dict[str, ParameterValue]] = {}
    """control -> parameter -> value, where this host differs from the default within what is accepted."""

    @field_validator("interfaces")
    @classmethod
    def _first_has_an_address(cls, interfaces: list[Interface]) -> list[Interface]:
        if interfaces[0].address is None:
            raise ValueError("the first interface is the one the host is reached at and needs an address")
        return interfaces

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
            if self.cpu is not None or self.physical_reason is not None:
                raise ValueError("cpu and physical_reason are for a server with `virtual: false`")
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


class WindowsConnection(Strict):
    """How this controller reaches Windows hosts: WinRM over TLS; the password is asked for or vaulted.

    `ca_file`: the certificates that the hosts' own are verified with, if not the controller's.
    """

    user: Filled = "Administrator"
    port: Port = 5986
    transport: Literal["kerberos", "ntlm", "credssp", "certificate"] = "kerberos"
    ca_file: FilePath | None = None


class Connection(Strict):
    """How this controller reaches the hosts; never part of the specification, and never a password.

    Paths start with `/`, `~/`, or `./` which is the inventory's directory. `addresses` replaces the
    specified address of a host for the connection only.
    """

    user: Filled = "root"
    port: Port = 22
    identity_file: FilePath | None = None
    known_hosts: FilePath | None = None
    sudo: Annotated[bool, Field(strict=True)] = False
    windows: WindowsConnection = WindowsConnection()
    addresses: dict[Name, HostOrAddress] = {}

    @field_validator("identity_file", "known_hosts")
    @classmethod
    def _path_says_where_it_starts(cls, path: str | None) -> str | None:
        if path is not None and not path.startswith(("/", "./", "../", "~/")):
            raise ValueError(f"write ./{path} if it lies in the inventory, or a path from /")
        return path
