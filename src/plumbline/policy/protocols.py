"""The restricted protocols (5.3) as data: what is forbidden, what is allowed when, what takes its place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from plumbline.findings import Finding, FindingsError, nearest
from plumbline.model import Sentence, Strict, Text
from plumbline.policy.model import ControlName, RequirementId
from plumbline.policy.standard import Standard
from plumbline.rooms import POLICIES
from plumbline.spec.values import Port
from plumbline.yamlfile import read_yaml, validated


class Protocol(Strict):
    """One protocol; without ports it cannot be told by its port."""

    title: Text
    use: Literal["forbidden", "conditional", "allowed"]
    condition: Text | None = None
    """When a conditional protocol may be used."""
    transport: Literal["tcp", "udp"]
    ports: list[Port]
    also: list[Sentence] = []
    """What else a service of it is called, beside its name and titles."""
    replacement: ControlName | None = None
    """The protocol of this file that takes its place."""
    requirements: Annotated[list[RequirementId], Field(min_length=1)]
    note: Sentence | None = None

    @model_validator(mode="after")
    def _condition_where_conditional(self) -> Protocol:
        if (self.condition is not None) != (self.use == "conditional"):
            raise ValueError("a conditional protocol has a condition, and no other has one")
        if self.replacement is not None and self.use != "forbidden":
            raise ValueError("only a forbidden protocol has a replacement")
        return self


class ProtocolsFile(Strict):
    """`protocols.yml`: protocols by name."""

    protocols: dict[ControlName, Protocol]


def load_protocols(standard: Standard, root: Path = POLICIES) -> dict[str, Protocol]:
    """Return the restricted protocols of a loaded standard, by name.

    Raises FindingsError with file and line, also for a replacement or requirement that does not exist and for
    one port claimed by two protocols of one transport.
    """
    document = read_yaml(root / standard.name / "protocols.yml")
    protocols = validated(ProtocolsFile, document).protocols
    findings: list[Finding] = []
    owners: dict[tuple[str, int], str] = {}
    for name, protocol in protocols.items():
        at = ("protocols", name)
        if protocol.replacement and protocol.replacement not in protocols:
            message = f"{name}: there is no protocol {protocol.replacement} here"
            message += nearest(protocol.replacement, protocols)
            findings.append(document.finding(message, (*at, "replacement")))
        for index, requirement in enumerate(protocol.requirements):
            if requirement not in standard.requirements:
                message = f"{name}: {requirement} is no requirement of the standard"
                message += nearest(requirement, standard.requirements)
                findings.append(document.finding(message, (*at, "requirements", index)))
        for index, port in enumerate(protocol.ports):
            owner = owners.setdefault((protocol.transport, port), name)
            if owner != name:
                message = f"{name}: {protocol.transport} port {port} is already that of {owner}"
                findings.append(document.finding(message, (*at, "ports", index)))
    if findings:
        raise FindingsError(findings)
    return protocols
