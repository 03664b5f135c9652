"""Profiles made whole: each with the controls and parameters of those it extends."""

from __future__ import annotations

from collections.abc import Mapping

from plumbline.findings import nearest
from plumbline.policy.model import Profile


def extension_problem(name: str, profiles: Mapping[str, Profile]) -> str | None:
    """Say in a sentence why a profile cannot be made whole: it extends itself or none; None if it can."""
    waiting, seen = list(profiles[name].extends), {name}
    while waiting:
        other = waiting.pop()
        if other == name:
            return f"profile {name} extends itself"
        if other not in profiles:
            return f"profile {name} extends {other}, and there is none{nearest(other, profiles)}"
        if other not in seen:
            seen.add(other)
            waiting += profiles[other].extends
    inherited = {control for other in seen - {name} for control in profiles[other].controls}
    for control in profiles[name].without:
        if control not in inherited:
            return f"profile {name} is without {control}, which those it extends have not either"
    return None


def whole(name: str, profiles: Mapping[str, Profile]) -> Profile:
    """Return a profile with everything of those it extends, theirs first, each control once."""
    profile = profiles[name]
    controls: dict[str, None] = {}
    parameters: dict[str, dict[str, int | str | list[str]]] = {}
    for other in profile.extends:
        base = whole(other, profiles)
        controls |= dict.fromkeys(base.controls)
        for control, values in base.parameters.items():
            parameters[control] = {**parameters.get(control, {}), **values}
    for control in profile.without:
        controls.pop(control, None)
        parameters.pop(control, None)
    controls |= dict.fromkeys(profile.controls)
    for control, values in profile.parameters.items():
        parameters[control] = {**parameters.get(control, {}), **values}
    return profile.model_copy(update={"controls": list(controls), "parameters": parameters})
