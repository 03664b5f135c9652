"""How `plumb policy` tells a control, a requirement and its coverage: as data and as labelled lines."""

from __future__ import annotations

from typing import Any

from plumbline.cli.policy_words import words
from plumbline.model import Text
from plumbline.policy.coverage import Covered, controls_meeting
from plumbline.policy.standard import Standard


def in_language(text: Text, lang: str) -> str:
    """Return a text in `en` or `sk`."""
    return str(getattr(text, lang))


def control_data(standard: Standard, name: str) -> dict[str, Any]:
    """Return a control as `--format json` prints it."""
    control = standard.controls[name]
    return {
        "control": name,
        "subject": standard.subjects[name],
        **control.model_dump(mode="json", by_alias=True, exclude_defaults=True),
    }


def requirement_data(standard: Standard, name: str) -> dict[str, Any]:
    """Return a requirement, and the controls that meet it, as `--format json` prints it."""
    requirement = standard.requirements[name].model_dump(mode="json", exclude_none=True)
    shown = standard.elsewhere.get(name)
    return {
        **requirement,
        "controls": controls_meeting(standard, name),
        "elsewhere": shown.model_dump(mode="json", include={"by", "what"}) if shown else None,
    }


def covered_data(one: Covered) -> dict[str, Any]:
    """Return a requirement's coverage as `--format json` prints it."""
    return {
        "requirement": one.requirement.id,
        "chapter": one.requirement.chapter,
        "kind": one.requirement.kind,
        "verified_by": one.requirement.verified_by,
        "status": one.status,
        "controls": list(one.controls),
        "profiles": list(one.profiles),
        "elsewhere": one.elsewhere.model_dump() if one.elsewhere else None,
    }


def profile_settings(parameters: dict[str, dict[str, Any]]) -> list[str]:
    """Return a profile's parameters, one a line."""
    return [
        f"{control}.{key} = {value}"
        for control, values in parameters.items()
        for key, value in values.items()
    ]


def control_fields(standard: Standard, name: str, lang: str) -> list[tuple[str, str]]:
    """Return labels and texts of a control."""
    control = standard.controls[name]
    say = words(lang)
    parameters = [
        f"{key}: {parameter.source}"
        if parameter.source
        else f"{key}: {say['default']} {parameter.default}, {say['accepts']} {parameter.accepted()}"
        for key, parameter in control.parameters.items()
    ]
    meets = [f"{met} ({say['chapter']} {standard.requirements[met].chapter})" for met in control.meets]
    return [
        (say["control"], name),
        (say["title"], in_language(control.title, lang)),
        (say["subject"], standard.subjects[name]),
        (say["severity"], say[control.severity]),
        (say["meets"], "\n".join(meets)),
        (say["parameters"], "\n".join(parameters)),
        ("sysctl", "\n".join(f"{key} = {value}" for key, value in control.linux.sysctl.items())),
        (say["modules"], ", ".join(control.linux.modules_disabled)),
        ("registry", "\n".join(f"{key} = {value}" for key, value in control.windows.registry.items())),
        (say["remedy"], in_language(control.remedy, lang)),
    ]


def requirement_fields(standard: Standard, name: str, lang: str) -> list[tuple[str, str]]:
    """Return labels and texts of a requirement."""
    requirement = standard.requirements[name]
    shown = standard.elsewhere.get(name)
    say = words(lang)
    chapter = f"{requirement.chapter} {in_language(standard.info.chapters[requirement.chapter], lang)}"
    return [
        (say["requirement"], name),
        (say["text"], str(getattr(requirement, lang))),
        (say["chapter"], chapter + (f" ({say['inferred']})" if requirement.chapter_inferred else "")),
        (say["applies_to"], ", ".join(requirement.applies_to)),
        (say["kind"], say[requirement.kind]),
        (say["verified_by"], say[requirement.verified_by]),
        (say["values"], "\n".join(f"{key} = {value}" for key, value in requirement.values.items())),
        (say["exception"], say[requirement.exception]),
        ("", "\n".join(requirement.listed_exceptions)),
        ("Linux", requirement.linux or ""),
        ("Windows", requirement.windows or ""),
        (say["note"], requirement.note or ""),
        (say["controls"], ", ".join(controls_meeting(standard, name)) or "—"),
        (say["elsewhere"], in_language(shown.what, lang) if shown else ""),
    ]
