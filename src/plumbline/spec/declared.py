"""One declared host with the lines it stands on: what the cross checks look at and make findings of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from plumbline.findings import Finding, Step
from plumbline.spec.load import Inventory
from plumbline.spec.model import HostSpec, Interface, Site, System

Severity = Literal["error", "warning"]


@dataclass(frozen=True, order=True)
class Judgement(Finding):
    """A finding of the cross checks: an error must be mended, a warning wants a person's eye."""

    severity: Severity = "error"

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        mark = "warning: " if self.severity == "warning" else ""
        return f"{place}: {mark}{self.message}"


def judged(
    inventory: Inventory, document: str, message: str, *at: Step, severity: Severity = "error"
) -> Judgement:
    """Make a finding at a key of one of the inventory's files, `document` being its key in the inventory."""
    known = inventory.documents.get(document)
    if known is None:
        return Judgement(document, 0, message, severity)
    return Judgement(known.file, known.line(at), message, severity)


@dataclass(frozen=True)
class Declared:
    """A host as its system declares it, the `index`-th of the system's hosts."""

    inventory: Inventory
    system: System
    host: HostSpec
    index: int

    @property
    def site(self) -> Site:
        """The site the host stands at."""
        return self.inventory.site

    def error(self, message: str, *at: Step) -> Judgement:
        """Make an error at a key of the host; the message is told after the host's name."""
        return self._judged(message, *at, severity="error")

    def warning(self, message: str, *at: Step) -> Judgement:
        """Make a warning at a key of the host."""
        return self._judged(message, *at, severity="warning")

    def interfaces(self) -> Iterator[tuple[int, Interface]]:
        """Yield the host's interfaces with their place in the list."""
        yield from enumerate(self.host.interfaces)

    def _judged(self, message: str, *at: Step, severity: Severity) -> Judgement:
        key, place = f"systems/{self.system.name}", ("hosts", self.index, *at)
        told = f"{self.host.name}: {message}"
        return judged(self.inventory, key, told, *place, severity=severity)


def declared_hosts(inventory: Inventory) -> list[Declared]:
    """Return every host of the inventory, in the order they are declared."""
    return [
        Declared(inventory, system, host, index)
        for system in inventory.systems.values()
        for index, host in enumerate(system.hosts)
    ]
