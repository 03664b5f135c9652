"""A plan and a result as text for a person; the same words on a terminal and in a file, colour aside."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from plumbline.apply.results import ApplyReport, Change, HostResult
from plumbline.report.words import VERDICT, visible

TAB = "\t"

Line = tuple[str, str]
"""A line, and rich's style for it, empty for none."""


def plan_lines(report: ApplyReport, *, diffs: bool) -> Iterator[Line]:
    """Yield the plan: what would change on each host, `diffs` with what becomes of files."""
    for host in report.hosts:
        yield from _heading(host)
        yield from _changes(host, diffs=diffs)
        yield from _notes(host)
        yield "", ""


def result_lines(report: ApplyReport) -> Iterator[Line]:
    """Yield what was done: a line a host, and where one failed, how far it came and what it printed."""
    for host in report.hosts:
        yield from _heading(host)
        if host.failed is not None:
            yield from ((f"    | {visible(line)}", "red") for line in host.failed.output)
        if host.outcome in ("failed", "restored", "lost"):
            yield from _named("done before that" if host.failed else "done", host.operations)
        yield from _named("not done", host.not_done)
        yield from _named("put back", host.restored)
        yield from _judged(host)
        for name in host.unplanned:
            yield f"  changed without being planned: {visible(name)}", "yellow"
        yield from _named("packages brought more to do; a new plan would hold", host.then)
        yield from _notes(host)


def _named(head: str, names: list[str]) -> Iterator[Line]:
    if names:
        yield f"  {head}:", ""
        yield from ((f"    {visible(name)}", "") for name in names)


def _judged(host: HostResult) -> Iterator[Line]:
    """Tell how the changed subjects' controls stand, those that are not good by name."""
    if not host.controls:
        return
    good = [judged for judged in host.controls if judged.good]
    yield (
        f"  confirmed by a new login; {len(good)} of {len(host.controls)} controls of what was changed pass",
        "",
    )
    for judged in host.controls:
        if not judged.good:
            told = VERDICT[judged.after] if judged.after else "not judged"
            yield f"    {judged.control}: {told}", "yellow"


def _heading(host: HostResult) -> Iterator[Line]:
    told = {
        "planned": f"{_count(host, 'to change')}",
        "applied": f"{_count(host, 'changed')}",
        "not-reached": "not reached",
        "refused": "left as it is",
        "untouched": "left untouched, its turn did not come",
        "failed": "failed",
        "restored": "restored, it is as it was before",
        "lost": "lost: it was changed, and cannot be reached any more",
    }[host.outcome]
    style = {"planned": "bold", "applied": "bold green"}.get(host.outcome, "bold red")
    yield f"{host.host}: {told}", style
    for line in (host.problem or "").splitlines():
        yield f"  {visible(line.strip())}", ""


def _count(host: HostResult, word: str) -> str:
    if not host.changed:
        return f"0 {word}: already to the standard ({len(host.already)} of {len(host.already)} so)"
    return f"{len(host.changed)} {word}, {len(host.already)} already so"


def _changes(host: HostResult, *, diffs: bool) -> Iterator[Line]:
    for subject, changes in groupby(host.changed, key=lambda change: change.subject):
        yield f"  {subject}", "bold"
        serves: list[str] = []
        for change in changes:
            if change.controls != serves:
                serves = change.controls
                yield f"    for {', '.join(serves)} ({', '.join(change.requirements)})", "dim"
            yield f"    {visible(change.operation)}", ""
            yield from ((f"      {visible(detail)}", "") for detail in change.details)
            yield from ((f"      {line}", "yellow") for line in _consequences(change))
            if diffs:
                yield from _diff(change)


def _consequences(change: Change) -> Iterator[str]:
    if change.services:
        yield f"touches the service{'s' * (len(change.services) > 1)} {visible(', '.join(change.services))}"
    if change.sessions:
        yield "whoever is logged in may notice"
    if change.reboot:
        yield "whole only after a reboot"


def _diff(change: Change) -> Iterator[Line]:
    for line in (change.diff or "").splitlines():
        head = line.startswith(("---", "+++"))
        style = "bold" if head else {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
        yield f"      {visible(line.replace(TAB, '    '))}", style


def _notes(host: HostResult) -> Iterator[Line]:
    yield from ((f"  note: {visible(note)}", "yellow") for note in host.notes)
