"""Coverage: how each requirement of a standard is verified, or what it waits for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from plumbline.model import Text
from plumbline.policy.model import Requirement
from plumbline.policy.standard import Standard


class Status(StrEnum):
    """How a requirement stands."""

    CONTROL = "control"
    DOCUMENT = "document"
    PERSON = "person"
    NETWORK_TEST = "network-test"
    NOT_YET = "not-yet"


LABELS: dict[Status, Text] = {
    Status.CONTROL: Text(en="verified by a control", sk="overuje opatrenie"),
    Status.DOCUMENT: Text(en="waits for a document", sk="čaká na dokument"),
    Status.PERSON: Text(en="waits for a person", sk="čaká na človeka"),
    Status.NETWORK_TEST: Text(en="waits for a network test", sk="čaká na skúšku v sieti"),
    Status.NOT_YET: Text(en="not yet", sk="zatiaľ nie"),
}


@dataclass(frozen=True)
class Covered:
    """One requirement with its status; `controls` meet it and stand in at least one of `profiles`.

    `elsewhere` says what else shows it, in place of a control or beside one.
    """

    requirement: Requirement
    status: Status
    controls: tuple[str, ...]
    profiles: tuple[str, ...]
    elsewhere: Text | None = None


def coverage(standard: Standard, chapter: str | None = None) -> list[Covered]:
    """Return how each requirement is verified, in the standard's order.

    `chapter` leaves only one chapter and those inside it (`4.8.1` is inside `4`). A control that no profile
    holds a host to verifies nothing. A requirement that a host, the network or a calculation would have to
    show, and no control does, is `not-yet`, unless the standard says what else shows it.
    """
    return [
        _covered(standard, requirement)
        for requirement in standard.requirements.values()
        if chapter is None or is_within(requirement.chapter, chapter)
    ]


def is_within(chapter: str, around: str) -> bool:
    """Say whether a chapter is another one or a part of it."""
    return chapter == around or chapter.startswith(f"{around}.")


def counts(covered: Iterable[Covered]) -> dict[Status, int]:
    """Return how many requirements have each status, every status present."""
    found = Counter(one.status for one in covered)
    return {status: found[status] for status in Status}


def controls_meeting(standard: Standard, requirement: str) -> list[str]:
    """Return the controls that meet a requirement, whether or not a profile has them."""
    return [name for name, control in standard.controls.items() if requirement in control.meets]


def profiles_with(standard: Standard, control: str) -> list[str]:
    """Return the profiles that hold a host to a control."""
    return [name for name, profile in standard.profiles.items() if control in profile.controls]


def _covered(standard: Standard, requirement: Requirement) -> Covered:
    used = {
        control: profiles
        for control in controls_meeting(standard, requirement.id)
        if (profiles := profiles_with(standard, control))
    }
    shown = standard.elsewhere.get(requirement.id)
    what = shown.what if shown else None
    if used:
        holding = dict.fromkeys(profile for names in used.values() for profile in names)
        return Covered(requirement, Status.CONTROL, tuple(used), tuple(holding), what)
    if shown:
        return Covered(requirement, Status(shown.by), (), (), what)
    waits = {"document": Status.DOCUMENT, "person": Status.PERSON}
    return Covered(requirement, waits.get(requirement.verified_by, Status.NOT_YET), (), ())
