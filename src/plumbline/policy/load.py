"""Loading a standard from `policies/<name>/`: everything validated, everything wrong told at once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from plumbline.errors import InputError
from plumbline.findings import At, Finding, FindingsError, nearest
from plumbline.policy.elsewhere import Shown, load_elsewhere
from plumbline.policy.model import (
    Control,
    ControlsFile,
    Profile,
    Requirement,
    RequirementsFile,
    StandardInfo,
)
from plumbline.policy.profiles import extension_problem, whole
from plumbline.policy.resolve import override_problem, source_problem
from plumbline.policy.standard import Standard
from plumbline.rooms import POLICIES
from plumbline.yamlfile import Document, read_yaml, shown, validated

DEFAULT_STANDARD = "mhth-ot"
_SUBJECT = re.compile(r"[a-z][a-z0-9_]*")

M = TypeVar("M", bound=BaseModel)


def load_standard(name: str = DEFAULT_STANDARD, root: Path = POLICIES) -> Standard:
    """Load and validate one standard.

    Raises InputError when there is none of that name, and FindingsError (an InputError) with every finding's
    file and line when anything in it is wrong.
    """
    folder = root / name
    if not (folder / "standard.yml").is_file():
        there = sorted(path.parent.name for path in root.glob("*/standard.yml"))
        raise InputError(
            f"there is no standard {name} in {shown(root)}{nearest(name, there)}",
            hint=f"standards there: {', '.join(there) or 'none'}",
        )
    loading = _Loading(folder)
    standard = loading.load()
    if standard is None or loading.findings:
        raise FindingsError(loading.findings)
    return standard


class _Loading:
    """One load: reads file by file and gathers findings.

    What refers to other files is judged only when those are whole, so that one mistake is told once.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.findings: list[Finding] = []
        self.requirements: dict[str, Requirement] = {}
        self.controls: dict[str, Control] = {}
        self.subjects: dict[str, str] = {}
        self.profiles: dict[str, Profile] = {}
        self._first: dict[str, str] = {}

    def load(self) -> Standard | None:
        """Return the standard, or None when its parts are too wrong to make one."""
        info = self._read(StandardInfo, self.folder / "standard.yml")
        requirements = self._files(RequirementsFile, "requirements")
        controls = self._files(ControlsFile, "controls")
        profiles = self._files(Profile, "profiles")
        if requirements is not None:
            for document, file in requirements:
                self._take_requirements(document, file.requirements, info[1] if info else None)
        if controls is not None:
            for document, controls_file in controls:
                self._take_controls(document, controls_file.root, requirements_known=requirements is not None)
        self._take_profiles(profiles or [], controls_known=controls is not None)
        elsewhere = self._elsewhere() if requirements is not None else {}
        if info is None:
            return None
        return Standard(
            name=self.folder.name,
            info=info[1],
            requirements=self.requirements,
            controls=self.controls,
            subjects=self.subjects,
            profiles=self.profiles,
            elsewhere=elsewhere,
        )

    def _elsewhere(self) -> dict[str, Shown]:
        try:
            return load_elsewhere(self.folder, self.requirements)
        except FindingsError as error:
            self.findings.extend(error.findings)
            return {}

    def _read(self, model: type[M], path: Path) -> tuple[Document, M] | None:
        try:
            document = read_yaml(path)
            return document, validated(model, document)
        except FindingsError as error:
            self.findings.extend(error.findings)
            return None

    def _files(self, model: type[M], room: str) -> list[tuple[Document, M]] | None:
        """Read every file of a room; None when one of them is wrong or none is there."""
        folder = self.folder / room
        paths = sorted(folder.glob("*.yml"))
        for stray in sorted(folder.glob("*.yaml")):
            self.findings.append(Finding(shown(stray), 0, "files here end in .yml; rename it"))
        if not paths:
            self.findings.append(Finding(shown(folder), 0, f"there are no {room} (*.yml) here"))
            return None
        read = [self._read(model, path) for path in paths]
        whole = [one for one in read if one is not None]
        return whole if len(whole) == len(read) else None

    def _is_first(self, kind: str, name: str, document: Document, at: At) -> bool:
        first = self._first.setdefault(f"{kind} {name}", f"{document.file}:{document.line(at)}")
        if first == f"{document.file}:{document.line(at)}":
            return True
        self._found(document, at, f"the {kind} {name} stands here a second time, first in {first}")
        return False

    def _found(self, document: Document, at: At, message: str) -> None:
        self.findings.append(document.finding(message, at))

    def _take_requirements(
        self, document: Document, requirements: list[Requirement], info: StandardInfo | None
    ) -> None:
        for index, requirement in enumerate(requirements):
            at = ("requirements", index)
            if not self._is_first("requirement", requirement.id, document, (*at, "id")):
                continue
            self.requirements[requirement.id] = requirement
            if info is not None and requirement.chapter not in info.chapters:
                message = f"{requirement.id}: chapter {requirement.chapter} is not in standard.yml"
                self._found(document, (*at, "chapter"), message)

    def _take_controls(
        self, document: Document, controls: dict[str, Control], *, requirements_known: bool
    ) -> None:
        subject = document.path.stem
        if not _SUBJECT.fullmatch(subject):
            message = f"the file is named after its subject, and {subject} is no name for one (a-z, 0-9, _)"
            self._found(document, (), message)
        for name, control in controls.items():
            if not self._is_first("control", name, document, (name,)):
                continue
            self.controls[name] = control
            self.subjects[name] = subject
            for index, requirement in enumerate(control.meets):
                if requirements_known and requirement not in self.requirements:
                    message = f"{name} meets {requirement}, which is no requirement of the standard"
                    message += nearest(requirement, self.requirements)
                    self._found(document, (name, "meets", index), message)
            for parameter_name, parameter in control.parameters.items():
                if parameter.source and (problem := source_problem(parameter.source)):
                    at = (name, "parameters", parameter_name, "from")
                    self._found(document, at, f"{name}.{parameter_name}: {problem}")

    def _take_profiles(self, read: list[tuple[Document, Profile]], *, controls_known: bool) -> None:
        written = {document.path.stem: profile for document, profile in read}
        for document, profile in read:
            name = document.path.stem
            if problem := extension_problem(name, written):
                at = ("without",) if "is without" in problem else ("extends",)
                self._found(document, at, problem)
                continue
            self.profiles[name] = whole(name, written)
            if controls_known:
                self._judge_profile(document, profile)

    def _judge_profile(self, document: Document, profile: Profile) -> None:
        """Find what a profile, as it is written, says of controls that are not there or not its own."""
        name = document.path.stem
        held = self.profiles[name].controls
        for index, control in enumerate(profile.controls):
            at = ("controls", index)
            if control not in self.controls:
                message = f"profile {name}: there is no control {control}{nearest(control, self.controls)}"
                self._found(document, at, message)
            elif control in profile.controls[:index]:
                self._found(document, at, f"profile {name}: {control} is listed a second time")
        for control, parameters in profile.parameters.items():
            if control not in held:
                message = f"profile {name}: {control} is not among its controls"
                self._found(document, ("parameters", control), message + nearest(control, held))
            elif control in self.controls:
                for parameter, value in parameters.items():
                    problem = override_problem(control, self.controls[control], parameter, value)
                    if problem:
                        at_parameter = ("parameters", control, parameter)
                        self._found(document, at_parameter, f"profile {name}: {problem}")
