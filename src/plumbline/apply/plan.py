"""A plan kept in a file: what would be done on which host, made from what, and whether it still holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from plumbline import __version__
from plumbline.apply.here import administrator, controller
from plumbline.apply.results import ApplyReport, Change, HostResult
from plumbline.apply.sources import moved
from plumbline.atomic import replace
from plumbline.errors import InputError, PlumblineError
from plumbline.model import Strict

FORMAT = "plumbline-plan/1"
SHOWN_MAX = 5
"""How many of the things that moved are named; the rest is counted."""


class Plan(Strict):
    """A plan for some hosts of an inventory.

    `made_by` is who made it and where; `tool` is the version of Plumbline; `sources` are the files it was
    made from, with their SHA-256; `digest` is the SHA-256 of all the rest of the document.
    """

    format: Literal["plumbline-plan/1"] = "plumbline-plan/1"
    made: datetime
    made_by: str
    tool: str = __version__
    inventory: str
    standard: str
    sources: dict[str, str]
    hosts: list[HostResult]
    digest: str = ""

    @property
    def names(self) -> list[str]:
        """The hosts it is for."""
        return [host.host for host in self.hosts]

    def whole(self) -> Plan:
        """Return the plan with its digest."""
        return self.model_copy(update={"digest": digest(self.model_dump(mode="json"))})


def made(report: ApplyReport, inventory: Path | str, standard: str, made_from: Mapping[str, str]) -> Plan:
    """Return what was planned just now as a plan to keep."""
    return Plan(
        made=datetime.now(UTC).replace(microsecond=0),
        made_by=f"{administrator()} at {controller()}",
        inventory=str(Path(inventory).absolute()),
        standard=standard,
        sources=dict(made_from),
        hosts=report.hosts,
    ).whole()


def write_plan(plan: Plan, path: Path) -> None:
    """Put a plan into a file in one step, for its owner's eyes only; PlumblineError if that fails."""
    try:
        replace(path, (plan.model_dump_json(indent=2) + "\n").encode(), 0o600)
    except OSError as error:
        raise PlumblineError(f"the plan cannot be written: {error.strerror}", file=path) from error


def read_plan(path: Path) -> Plan:
    """Read a plan; InputError, with what to do, for a file that is none, is not whole, or was changed."""
    again = "make a new one with `plumb plan`"
    try:
        found: Any = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"the plan cannot be read: {error.strerror}", file=path) from error
    except ValueError as error:
        raise InputError(
            "it is no whole plan: its end is missing or it is no JSON", file=path, hint=again
        ) from error
    told = found.get("format") if isinstance(found, dict) else None
    if not isinstance(told, str) or not told.startswith("plumbline-plan/"):
        raise InputError("it is no plan of Plumbline", file=path, hint=again)
    if told != FORMAT:
        raise InputError(
            f"it has the format {told}, and Plumbline {__version__} reads {FORMAT}",
            file=path,
            hint=f"apply it with the version that made it ({found.get('tool', 'unknown')}), or {again}",
        )
    if found.get("digest") != digest(found):
        raise InputError("it was changed after it was made: its digest does not fit", file=path, hint=again)
    try:
        return Plan.model_validate(found)
    except ValidationError as error:
        raise InputError(f"it is no plan that {__version__} understands", file=path, hint=again) from error


def digest(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a plan's document without its digest."""
    rest = {key: value for key, value in document.items() if key != "digest"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def sources_moved(plan: Plan, now: Mapping[str, str]) -> str | None:
    """Return a sentence naming the files that are not what the plan was made from, None if all are."""
    names = moved(plan.sources, now)
    if not names:
        return None
    return f"since the plan was made, other files say what hosts shall be: {_some(names)}; make a new plan"


def held_to(plan: Plan, now: HostResult) -> HostResult:
    """Return a host's present plan, or, if the kept one does not equal it, a refusal naming what moved."""
    then = next((host for host in plan.hosts if host.host == now.host), None)
    if now.outcome != "planned":
        return now
    if then is None or then.outcome != "planned":
        return _refused(now, "the plan says nothing of it: when it was made, the host could not be planned")
    return held_to_shown(then, now)


def held_to_shown(then: HostResult, now: HostResult) -> HostResult:
    """Return a host's present plan, or, if it is not what was planned before, a refusal naming what moved."""
    differences = list(_differences(then.changed, now.changed))
    if now.outcome != "planned" or not differences:
        return now
    return _refused(
        now, f"it has moved since the plan was made: {_some(differences)}; look, and make a new plan"
    )


def _refused(host: HostResult, problem: str) -> HostResult:
    return HostResult(host=host.host, address=host.address, outcome="refused", problem=problem)


def _differences(then: Iterable[Change], now: Iterable[Change]) -> Iterable[str]:
    before = {(change.subject, change.operation): change for change in then}
    after = {(change.subject, change.operation): change for change in now}
    for key, change in after.items():
        if key not in before:
            yield f"{_named(change)} is needed now"
        elif change != before[key]:
            yield f"{_named(change)} would do something else now"
    for key, change in before.items():
        if key not in after:
            yield f"{_named(change)} is not needed any more"


def _named(change: Change) -> str:
    files = [file for file in change.files if file not in change.operation]
    where = f" ({', '.join(files[:SHOWN_MAX])})" if files else ""
    return f"“{change.subject}: {change.operation}”{where}"


def _some(names: list[str]) -> str:
    more = len(names) - SHOWN_MAX
    return "; ".join(names[:SHOWN_MAX]) + (f"; and {more} more" if more > 0 else "")


SCHEMA_FILE = Path(__file__).with_name("plan.schema.json")
"""The JSON Schema of a plan, for those who read or review it by other means."""


def schema_text() -> str:
    """Return what SCHEMA_FILE holds; a unit test fails when the file says otherwise."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Plan.model_json_schema(mode="serialization"),
    }
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def exit_code(plan: Plan) -> int:
    """Return the exit code of making it: that of the plan's hosts."""
    return ApplyReport(dry=True, hosts=plan.hosts).exit_code
