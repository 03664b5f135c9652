"""Resolving: the standard, the site and a supplier's specification make the desired state of one host."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from plumbline.annotations import inside, keys, kinds
from plumbline.errors import InputError
from plumbline.findings import nearest
from plumbline.policy.accepts import Accepts, OneOf, Value
from plumbline.policy.model import Control, Parameter, Profile
from plumbline.policy.standard import DesiredState, Resolved, Standard
from plumbline.spec.model import HostSpec, Site, System
from plumbline.spec.site import TimeSource

if TYPE_CHECKING:
    from plumbline.matrix.flows import HostFlows

_ADDRESSES = (ipaddress.IPv4Address, ipaddress.IPv6Address, ipaddress.IPv4Network, ipaddress.IPv6Network)
_SOURCES: dict[str, type[BaseModel]] = {"site": Site, "host": HostSpec}


@dataclass(frozen=True)
class Misfit:
    """What a host's specification asks for that the standard does not have or accept.

    `at` is the path inside the host's mapping, so that whoever read the file can name the line.
    """

    at: tuple[str, ...]
    message: str


def resolve(
    standard: Standard, site: Site, system: System, host: HostSpec, flows: HostFlows | None = None
) -> DesiredState:
    """Return what a host shall be: defaults, then the profile's parameters, then the host's.

    `flows`: what the site's matrix opens on it, if the site has one.

    Raises InputError when the host's profile is unknown, when it sets a parameter outside what is accepted,
    or when a control needs something of the site or host that is not declared.
    """
    if wrong := misfits(standard, host):
        raise InputError(
            "\n  ".join(f"host {host.name} of system {system.name}: {misfit.message}" for misfit in wrong),
            hint=f"correct it in the specification of {system.name}, or ask for an exception",
        )
    profile = standard.profiles[host.profile]
    controls = {
        name: _resolved(standard, name, _overrides(profile, host, name), site, host)
        for name in profile.controls
    }
    return DesiredState(standard, site, system, host, controls, flows)


def misfits(standard: Standard, host: HostSpec) -> list[Misfit]:
    """Return everything in a host's specification that the standard does not know or accept."""
    profile = standard.profiles.get(host.profile)
    if profile is None:
        known = ", ".join(standard.profiles)
        message = (
            f"there is no profile {host.profile}{nearest(host.profile, standard.profiles)}; known: {known}"
        )
        return [Misfit(("profile",), message)]
    found = []
    for name, parameters in host.parameters.items():
        if name not in profile.controls:
            message = f"{name} is no control of profile {host.profile}{nearest(name, profile.controls)}"
            found.append(Misfit(("parameters", name), message))
            continue
        for parameter, value in parameters.items():
            problem = override_problem(name, standard.controls[name], parameter, value)
            if problem:
                found.append(Misfit(("parameters", name, parameter), problem))
    return found


def override_problem(name: str, control: Control, parameter: str, value: Value) -> str | None:
    """Say in a sentence why a profile or host may not set a parameter to a value; None if it may."""
    known = control.parameters.get(parameter)
    if known is None:
        return f"{name} has no parameter {parameter}{nearest(parameter, control.parameters)}"
    if known.source is not None:
        return f"{name}.{parameter} is taken from {known.source}; declare it there"
    accepted = known.accepted()
    if isinstance(value, list) != isinstance(known.default, list):
        wanted = "a list" if isinstance(known.default, list) else "one value"
        return f"{name}.{parameter} is {wanted}, found {value!r}"
    if value not in accepted:
        return f"{name}.{parameter} is {value!r}, accepted is {accepted}"
    return None


def source_problem(source: str) -> str | None:
    """Say why a `from` path leads to nothing that can be a parameter's value; None if it does."""
    first, *steps = source.split(".")
    annotation: Any = _SOURCES[first]
    for step in steps:
        known = [key for kind in kinds(annotation) if isinstance(kind, type) for key in _keys(kind)]
        if step not in known:
            return f"{source}: there is no {step} there{nearest(step, known)}"
        annotation = inside(annotation, step)
    leaves = [leaf for kind in kinds(annotation) for leaf in kinds(inside(kind, 0) or kind)]
    if all(leaf in (str, int, type(None), TimeSource, *_ADDRESSES) for leaf in leaves):
        return None
    return f"{source} is not a text, a whole number, an address or a list of these"


def _keys(kind: type) -> list[str]:
    return keys(kind) if issubclass(kind, BaseModel) else []


def _overrides(profile: Profile, host: HostSpec, control: str) -> dict[str, Value]:
    return {**profile.parameters.get(control, {}), **host.parameters.get(control, {})}


def _resolved(
    standard: Standard, name: str, overrides: dict[str, Value], site: Site, host: HostSpec
) -> Resolved:
    control = standard.controls[name]
    values: dict[str, Value] = {}
    accepts: dict[str, Accepts] = {}
    for key, parameter in control.parameters.items():
        if parameter.source is None:
            values[key], accepts[key] = _of_default(parameter, overrides.get(key)), parameter.accepted()
            continue
        value = _declared(parameter.source, site, host)
        if value is None:
            raise InputError(
                f"{name} needs {parameter.source}, which is not declared for host {host.name}",
                hint=f"declare it in the {'site' if parameter.source.startswith('site.') else 'host'}",
            )
        values[key] = value
        accepts[key] = OneOf(tuple(value) if isinstance(value, list) else (value,), parameter.unit)
    return Resolved(name, standard.subjects[name], control, values, accepts)


def _of_default(parameter: Parameter, override: Value | None) -> Value:
    value = parameter.default if override is None else override
    if value is None:
        raise ValueError("a parameter without a source has a default")
    return value


def _declared(source: str, site: Site, host: HostSpec) -> Value | None:
    """Return what stands at a dotted path as texts and whole numbers; None where nothing is declared."""
    first, *steps = source.split(".")
    value: Any = site if first == "site" else host
    for step in steps:
        value = getattr(value, step, None)
    if isinstance(value, list | tuple):
        return [str(element) for element in value]
    if value is None or isinstance(value, int | str):
        return value
    return str(value)
