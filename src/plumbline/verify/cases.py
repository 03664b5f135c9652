"""What is judged: a host's evidence against its desired state, and the cases made of it for pytest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from plumbline.model import Text
from plumbline.policy.accepts import Accepts, OneOf, Value
from plumbline.policy.standard import DesiredState, Resolved

if TYPE_CHECKING:
    from plumbline.evidence.bundle import Evidence


@dataclass(frozen=True)
class Target:
    """One host to judge: what it shall be, and the evidence of what it is or why there is none."""

    desired: DesiredState
    evidence: Evidence | None = None
    problem: Text | None = None
    signed_by: str | None = None

    @property
    def name(self) -> str:
        """The host's name in the specification."""
        return self.desired.host.name


@dataclass(frozen=True)
class Unjudged:
    """Something that was to be judged but belongs to no host of the specification, and why not."""

    name: str
    problem: Text


@dataclass(frozen=True)
class Setting:
    """One regular setting of a control: `key` as its mechanism writes it, and what is accepted there."""

    key: str
    accepts: Accepts
    value: Value


@dataclass(frozen=True)
class Case:
    """One check to run: on which host, for which control, of which setting if a mechanism is checked."""

    target: Target
    control: str
    setting: Setting | None = None

    @property
    def resolved(self) -> Resolved:
        """The control as resolved for the host."""
        return self.target.desired.controls[self.control]

    def __str__(self) -> str:
        setting = f"-{self.setting.key}" if self.setting else ""
        return f"{self.target.name}-{self.control}{setting}"


def settings(resolved: Resolved, mechanism: str) -> Iterator[Setting]:
    """Yield the settings a control makes by one mechanism."""
    if mechanism == "modules_disabled":
        for module in resolved.control.linux.modules_disabled:
            yield Setting(module, OneOf(("disabled",)), "disabled")
        return
    found: dict[str, int | str] = getattr(resolved.control.linux, mechanism)
    for key, raw in found.items():
        value = resolved.setting(raw)
        if isinstance(raw, str) and raw.startswith("$"):
            yield Setting(key, resolved.accepts[raw[1:]], value)
        elif isinstance(value, int | str):
            yield Setting(key, OneOf((value,)), value)
