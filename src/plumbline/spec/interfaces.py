"""The network interfaces a host may have, and the openings of its firewall."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from plumbline.model import Strict
from plumbline.spec.values import Filled, IPv4, Name, Network, Port


class Interface(Strict):
    """A network interface the host may have; all but the first need one of the listed purposes (6).

    A `redundant-uplink` is a member of one bond with the first and has no address of its own; an interface
    for an `industrial-protocol` may have none (Profinet is not IP), and says which `protocol` it is for. A
    CAN bus is in no VLAN. The others need both, an address and a VLAN.
    """

    name: Filled
    vlan: Name | None = None
    address: IPv4 | None = None
    purpose: Literal["service", "redundant-uplink", "application-redundancy", "industrial-protocol"] = (
        "service"
    )
    protocol: Name | None = None
    """The industrial protocol, such as `profinet`, `ethercat` or `can`."""

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Interface:
        if self.protocol is not None and self.purpose != "industrial-protocol":
            raise ValueError("protocol is for an interface whose purpose is industrial-protocol")
        if self.vlan is None and not (self.is_can and self.address is None):
            raise ValueError(
                "an interface is in a VLAN; only one for the protocol can, without address, is in none"
            )
        if self.address is None and self.purpose in ("service", "application-redundancy"):
            raise ValueError(f"an interface for {self.purpose} needs an address")
        return self

    @property
    def is_can(self) -> bool:
        """Whether it is a CAN bus, which has a socket family of its own (AF_CAN)."""
        return self.purpose == "industrial-protocol" and self.protocol == "can"


class Opening(Strict):
    """An inbound opening of the local firewall, with the reason for it (12)."""

    id: Name
    protocol: Literal["tcp", "udp"]
    port: Port
    sources: Annotated[list[Network], Field(min_length=1)]
    purpose: Filled
