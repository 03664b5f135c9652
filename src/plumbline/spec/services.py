"""What runs on a host: its roles, services and software."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from plumbline.model import Strict
from plumbline.spec.database import DatabaseHere
from plumbline.spec.values import FilePath, Filled, IPv4, Port


class ServerRole(Strict):
    """A role of the server, such as file server or terminal server, and how it is configured (6)."""

    name: Filled
    configuration: Filled


class Listener(Strict):
    """Where a service listens: protocol and port, at one address or, without one, at any.

    `encrypted` says whether what goes over it is, before any credential does; left out, the service's own
    `encrypted` counts, and where that and the host tell nothing, the verdict is unknown.
    """

    protocol: Literal["tcp", "udp", "sctp"] = "tcp"
    port: Port
    address: IPv4 | None = None
    encrypted: Annotated[bool, Field(strict=True)] | None = None

    def __str__(self) -> str:
        place = f"{self.address}:{self.port}" if self.address else str(self.port)
        return f"{self.protocol} {place}"


class Privilege(Strict):
    """Why a service needs root's or an administrator's rights, and who of the operator approved that."""

    reason: Filled
    approved_by: Filled


class Service(Strict):
    """A service the system needs, under which account it runs, and its configuration in words or files.

    `units`: names of its systemd units, globs allowed; left out, `NAME.service` with its instances, timer,
    socket and path. `packages` bring it; `files`: jobs and other starts of its own (a file of cron.d, a
    crontab, inetd.conf, rc.local). `ports` are TCP ports; `listens` says more of each. `encrypted`: whether
    all of them are. `capabilities`: those of capabilities(7) it needs without being root. `privileged`: only
    where the maker cannot do without.
    """

    name: Filled
    account: Filled
    configuration: str = ""
    ports: list[Port] = []
    units: list[Filled] = []
    packages: list[Filled] = []
    files: list[FilePath] = []
    listens: list[Listener] = []
    encrypted: Annotated[bool, Field(strict=True)] | None = None
    capabilities: list[Filled] = []
    privileged: Privilege | None = None

    @field_validator("units")
    @classmethod
    def _units_have_their_kind(cls, units: list[str]) -> list[str]:
        for unit in units:
            if unit.strip("*") == "" or "." not in unit:
                raise ValueError(f"{unit!r} is no name of a unit, such as opcua-server.service")
        return units

    @field_validator("capabilities")
    @classmethod
    def _capabilities_are_named_so(cls, capabilities: list[str]) -> list[str]:
        for name in capabilities:
            if not name.startswith("cap_") or name != name.lower():
                raise ValueError(f"{name!r} is no capability, such as cap_net_bind_service")
        return capabilities

    @property
    def listeners(self) -> list[Listener]:
        """Where it may listen: what `listens` says, and the TCP ports of `ports` beside."""
        said = {(each.protocol, each.port) for each in self.listens}
        more = [Listener(port=port) for port in self.ports if ("tcp", port) not in said]
        return [
            each if each.encrypted is not None else each.model_copy(update={"encrypted": self.encrypted})
            for each in [*self.listens, *more]
        ]

    @property
    def unit_names(self) -> list[str]:
        """Names of its units, globs among them."""
        if self.units:
            return self.units
        kinds = ("service", "socket", "timer", "path")
        return [*(f"{self.name}.{kind}" for kind in kinds), f"{self.name}@*.service"]


class Software(Strict):
    """Installed software, with the database server it brings if any; `packages` it is installed as.

    `database_here`: why that database server stands on this host and not on the operator's own.
    """

    name: Filled
    version: Filled
    vendor: Filled
    database: Filled | None = None
    database_here: DatabaseHere | None = None
    packages: list[Filled] = []
