"""What a run of apply came to: planned or done, host by host; also the document `--format json` prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from plumbline.errors import COMPLIANT, NOT_REACHED, TOOL_FAILED
from plumbline.model import Strict
from plumbline.verify.results import Verdict

Outcome = Literal["planned", "applied", "not-reached", "refused", "untouched", "failed", "restored", "lost"]
"""`refused`: it must not be changed; `untouched`: the run came to its end, or was ended, before its turn;
`restored`: it is as it was before; `lost`: it was changed, and nobody knows how it is now."""


GOOD = frozenset({Verdict.PASS, Verdict.WAIVED, Verdict.NOT_APPLICABLE})
"""Verdicts that leave nothing to be done."""


class Change(Strict):
    """One operation that changes, or changed, something.

    `details` are sentences, `diff` is a unified diff of a file against what was on the host. `controls` and
    `requirements` are what it serves. `files`: what is written, replaced or removed; `services`: units that
    are started, stopped or restarted; `sessions`: people who are logged in may notice; `reboot`: it is whole
    only after the next boot.
    """

    operation: str
    subject: str
    details: list[str] = []
    diff: str | None = None
    controls: list[str] = []
    requirements: list[str] = []
    files: list[str] = []
    services: list[str] = []
    sessions: bool = False
    reboot: bool = False


class Judged(Strict):
    """One control of a changed subject: its verdict before and after; None where nobody could say."""

    control: str
    subject: str
    before: Verdict | None = None
    after: Verdict | None = None

    @property
    def good(self) -> bool:
        """Whether nothing is left to be done for it."""
        return self.after in GOOD

    @property
    def worse(self) -> bool:
        """Whether it was good before and is not now; what did not apply before can come to be owed."""
        return self.before in (Verdict.PASS, Verdict.WAIVED) and not self.good


class Failed(Strict):
    """The operation at which a host's run ended; `output`: the last lines it printed."""

    operation: str
    subject: str
    output: list[str] = []


class HostResult(Strict):
    """One host. `already`: operations that found everything so; `not_done`: planned and not reached.

    `problem` is a sentence: why the host was not reached, refused, or why its run ended. `unplanned`: names
    of operations that changed something the plan had not said. `run`: the id the host itself has for this
    run. `controls`: how those of the changed subjects were judged. `restored`: what the host put back.
    `then`: what a new plan would hold, where this one had to end before all was done.
    """

    host: str
    address: str
    outcome: Outcome
    changed: list[Change] = []
    already: list[str] = []
    notes: list[str] = []
    problem: str | None = None
    failed: Failed | None = None
    not_done: list[str] = []
    unplanned: list[str] = []
    run: str | None = None
    controls: list[Judged] = []
    restored: list[str] = []
    then: list[str] = []

    def with_more(self, later: HostResult) -> HostResult:
        """Return this and a later round on the same host as one result; what came later was unplanned."""
        operations = later.operations
        return later.model_copy(
            update={
                "changed": [*self.changed, *later.changed],
                "already": [name for name in self.already if name not in operations],
                "notes": [*self.notes, *(note for note in later.notes if note not in self.notes)],
                "unplanned": [*self.unplanned, *(name for name in operations if name not in self.unplanned)],
            }
        )

    @property
    def operations(self) -> list[str]:
        """Names of the operations that change something, with their subject."""
        return [f"{change.subject}: {change.operation}" for change in self.changed]


class ApplyReport(Strict):
    """A whole run; `dry` says that it was a plan only."""

    format: Literal["plumbline-apply/1"] = "plumbline-apply/1"
    dry: bool
    hosts: list[HostResult]

    @property
    def exit_code(self) -> int:
        """1 if a host failed, was restored or left as it is, else 4 if one was not reached or is lost."""
        outcomes = {host.outcome for host in self.hosts}
        if outcomes & {"failed", "refused", "restored", "untouched"}:
            return TOOL_FAILED
        return NOT_REACHED if outcomes & {"not-reached", "lost"} else COMPLIANT

    def host(self, name: str) -> HostResult:
        """Return one host's result; KeyError if it was not in the run."""
        for host in self.hosts:
            if host.host == name:
                return host
        raise KeyError(name)


class Progress(Strict):
    """Where one host is: `step` says it in words, `done` of `total` operations (0 while planning)."""

    host: str
    step: str
    done: int = 0
    total: int = 0


SCHEMA_FILE = Path(__file__).with_name("apply.schema.json")
"""The JSON Schema of an ApplyReport, for those who read `plumb apply --format json`."""


def schema_text() -> str:
    """Return what SCHEMA_FILE holds; a unit test fails when the file says otherwise."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **ApplyReport.model_json_schema(mode="serialization"),
    }
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
