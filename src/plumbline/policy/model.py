"""The standard as data: requirements, controls, profiles."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, RootModel, model_validator

from plumbline.model import Sentence, Strict, Text
from plumbline.policy.accepts import Accepts, parse_accepts

ControlName = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
ParameterName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
RequirementId = Annotated[str, Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")]
Bound = Literal[
    "supplier",
    "mhth",
    "system",
    "application",
    "server",
    "physical-server",
    "virtual-server",
    "client",
    "thin-client",
    "any-device",
    "switch",
    "router",
    "converter",
    "network",
    "wlan",
    "cabling",
    "database",
    "licence",
    "plc",
    "hmi",
    "hardware",
    "rack",
]
"""Whom or what a requirement binds; `mhth` is the operator."""
Setting = int | str
"""A setting's value; a text `$name` stands for the parameter of that name."""


class Requirement(Strict):
    """One obligation of the standard, named by meaning, with the chapter it stands in."""

    id: RequirementId
    chapter: str
    chapter_inferred: bool = False
    applies_to: Annotated[list[Bound], Field(min_length=1)]
    kind: Literal["technical", "documentary", "organisational"]
    verified_by: Literal["host", "network", "document", "calculation", "person"]
    en: Sentence
    sk: Sentence
    exception: Literal["allowed", "needs-approval-in-offer", "listed", "never"]
    listed_exceptions: list[str] = []
    os: Literal["any", "linux", "windows"] | None = None
    values: dict[str, Any] = {}
    linux: str | None = None
    windows: str | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _listed_exceptions_are_listed(self) -> Requirement:
        if self.exception == "listed" and not self.listed_exceptions:
            raise ValueError("an exception for listed cases only needs listed_exceptions")
        return self


class RequirementsFile(Strict):
    """A file of `requirements/`."""

    requirements: list[Requirement]


class Parameter(Strict):
    """A typed value of a control.

    Either `default` with what is `accepts`, or `from`: a dotted path into the site or the host
    (`site.time_sources`, `host.interfaces`), so that what is declared there is not declared again.
    """

    model_config = ConfigDict(populate_by_name=False)

    default: int | str | list[str] | None = None
    accepts: int | str | list[int | str] | None = None
    unit: str | None = None
    source: Annotated[str | None, Field(alias="from", pattern=r"^(site|host)(\.[a-z_]+)+$")] = None

    @model_validator(mode="after")
    def _is_whole(self) -> Parameter:
        if self.source is not None:
            if self.default is not None or self.accepts is not None:
                raise ValueError(
                    "a parameter is either taken `from` the site or host, or has a default and accepts"
                )
            return self
        if self.default is None or self.accepts is None:
            raise ValueError("a parameter needs a default and what it accepts, or where it is taken `from`")
        if self.default not in self.accepted():
            raise ValueError(f"the default {self.default!r} is outside what is accepted, {self.accepted()}")
        return self

    def accepted(self) -> Accepts:
        """Return what a parameter with a default accepts; ValueError if the notation is wrong."""
        return parse_accepts(self.accepts, self.unit)


class LinuxSettings(Strict):
    """Regular settings of a Linux host, by mechanism.

    `sysctl`: key -> value, a `*` in the key means every interface. `modules_disabled`: kernel modules that
    cannot be loaded.
    """

    sysctl: dict[str, Setting] = {}
    modules_disabled: list[str] = []


class WindowsSettings(Strict):
    """Regular settings of a Windows host, by mechanism; `registry`: path with value name -> data."""

    registry: dict[str, Setting] = {}


class Control(Strict):
    """What is set and verified on a host to meet requirements."""

    title: Text
    meets: Annotated[list[RequirementId], Field(min_length=1)]
    severity: Literal["low", "medium", "high"]
    parameters: dict[ParameterName, Parameter] = {}
    linux: LinuxSettings = LinuxSettings()
    windows: WindowsSettings = WindowsSettings()
    applied: Text | None = None
    """What `plumb apply` does on Linux to meet it, and what it leaves to a person."""
    remedy: Text

    @model_validator(mode="after")
    def _settings_use_known_parameters(self) -> Control:
        settings = [*self.linux.sysctl.values(), *self.windows.registry.values()]
        for value in settings:
            if isinstance(value, str) and value.startswith("$") and value[1:] not in self.parameters:
                raise ValueError(f"the setting {value} names no parameter of the control")
        return self


class ControlsFile(RootModel[dict[ControlName, Control]]):
    """A file of `controls/`, the controls of one subject by name."""


class Profile(Strict):
    """The controls a kind of host is held to, by name; `parameters` where the kind differs from a default.

    A profile that `extends` others has all their controls and parameters too; its own parameters win.
    `without` names controls of theirs that this kind is not held to. A loaded standard's profiles are whole:
    their `controls` and `parameters` hold what they extend.
    """

    title: Text
    extends: list[ControlName] = []
    without: list[ControlName] = []
    controls: list[ControlName] = []
    parameters: dict[ControlName, dict[ParameterName, int | str | list[str]]] = {}

    @model_validator(mode="after")
    def _holds_a_host_to_something(self) -> Profile:
        if not self.controls and not self.extends:
            raise ValueError("a profile has controls, or extends one that has")
        return self


class StandardInfo(Strict):
    """Title, version and origin of a standard."""

    title: Text
    version: str
    in_force_from: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    issuer: Text
    approving_departments: Annotated[list[Text], Field(min_length=1)]
    chapters: dict[str, Text]
    """chapter number -> what it is about (our words)."""
