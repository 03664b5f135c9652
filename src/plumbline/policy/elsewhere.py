"""What a delivered host cannot show: which document, network test or person shows it instead."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from plumbline.findings import Finding, FindingsError, nearest
from plumbline.model import Strict, Text
from plumbline.policy.model import Requirement, RequirementId
from plumbline.yamlfile import read_yaml, validated

FILE = "elsewhere.yml"


class Shown(Strict):
    """Who shows that some requirements are met, and what exactly that is."""

    requirements: Annotated[list[RequirementId], Field(min_length=1)]
    by: Literal["document", "network-test", "person"]
    what: Text


class ElsewhereFile(Strict):
    """`elsewhere.yml`: what is shown without a host, or beside one."""

    elsewhere: list[Shown]


def load_elsewhere(folder: Path, requirements: dict[str, Requirement]) -> dict[str, Shown]:
    """Return what shows a requirement elsewhere, by requirement; empty if a standard says nothing.

    Raises FindingsError with file and line, also for a requirement that does not exist or stands there twice.
    """
    if not (folder / FILE).is_file():
        return {}
    document = read_yaml(folder / FILE)
    found: dict[str, Shown] = {}
    findings: list[Finding] = []
    for index, shown in enumerate(validated(ElsewhereFile, document).elsewhere):
        for place, name in enumerate(shown.requirements):
            at = ("elsewhere", index, "requirements", place)
            if name not in requirements:
                message = f"{name} is no requirement of the standard{nearest(name, requirements)}"
                findings.append(document.finding(message, at))
            elif name in found:
                findings.append(document.finding(f"{name} stands here a second time", at))
            found[name] = shown
    if findings:
        raise FindingsError(findings)
    return found
