"""A standard in memory: everything of `policies/<name>/`, and the desired state of one host made from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from plumbline.policy.accepts import Accepts, Value
from plumbline.policy.elsewhere import Shown
from plumbline.policy.model import Control, Profile, Requirement, StandardInfo
from plumbline.spec.model import HostSpec, Site, System

if TYPE_CHECKING:
    from plumbline.matrix.flows import HostFlows


@dataclass(frozen=True)
class Standard:
    """A loaded and validated standard.

    `subjects`: control name -> subject (the file it stands in). `elsewhere`: requirement -> what shows it
    where no host can.
    """

    name: str
    info: StandardInfo
    requirements: dict[str, Requirement]
    controls: dict[str, Control]
    subjects: dict[str, str]
    profiles: dict[str, Profile]
    elsewhere: dict[str, Shown] = field(default_factory=dict)


@dataclass(frozen=True)
class Resolved:
    """One control for one host: its parameters' values and what is accepted of them."""

    name: str
    subject: str
    control: Control
    values: dict[str, Value] = field(default_factory=dict)
    accepts: dict[str, Accepts] = field(default_factory=dict)

    def setting(self, value: int | str) -> Value:
        """Return a setting's value with `$parameter` replaced by that parameter's value."""
        if isinstance(value, str) and value.startswith("$"):
            return self.values[value[1:]]
        return value


@dataclass(frozen=True)
class DesiredState:
    """What one host shall be: read by enforcement and by verification alike.

    `flows`: what the site's communication matrix opens on the host; None where the site has no matrix.
    """

    standard: Standard
    site: Site
    system: System
    host: HostSpec
    controls: dict[str, Resolved]
    flows: HostFlows | None = None

    def subject(self, name: str) -> dict[str, Resolved]:
        """Return the controls of one subject that this host is held to."""
        return {key: resolved for key, resolved in self.controls.items() if resolved.subject == name}
