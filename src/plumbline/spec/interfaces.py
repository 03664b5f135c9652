"""The network interfaces a host may have, and the openings of its firewall."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from plumbline.model import Strict
from plumbline.spec.values import Filled, IPv4, Name, Network, Port


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
