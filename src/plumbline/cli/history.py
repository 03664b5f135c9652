"""`plumb history`: who changed which host when, by which plan, and what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from plumbline.cli.options import inventory_option
from plumbline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plumbline.apply.guard import HistoryEntry
    from plumbline.apply.history import RunRecord


@click.command()
@click.argument("host", required=False)
@inventory_option
@click.option("--on-host", is_flag=True, help="Ask the host for its own record, of whatever controller.")
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def history(host: str | None, inventory: Path, on_host: bool, output: str) -> int:
    """Show the runs on the hosts of an inventory, the newest first; those on one HOST if it is named.

    They are recorded on this machine, for the person who ran them, in ~/.local/state/plumbline/runs (or
    below XDG_STATE_HOME). Each host has a record of its own, which knows of all controllers: --on-host.
    """
    if on_host:
        if host is None:
            raise UsageError("name the HOST whose own record shall be asked for")
        from plumbline.apply.rollback import on_host as asked

        entries = asked(inventory, host)
        _show(entries, [line for entry in entries for line in _of_host(entry)], output)
        return 0
    from plumbline.apply.history import Records

    runs = Records().runs(inventory, host)
    _show(runs, [line for run in runs for line in _of_run(run, host)], output)
    return 0


def _show(found: list[HistoryEntry] | list[RunRecord], lines: list[str], output: str) -> None:
    if output == "json":
        import json

        click.echo(json.dumps([each.model_dump(mode="json") for each in found], indent=2))
    elif not lines:
        click.echo("no run is recorded")
    for line in lines if output == "text" else []:
        click.echo(line)


def _of_run(run: RunRecord, host: str | None) -> Iterator[str]:
    plan = f", plan {run.plan[:16]}" if run.plan else ""
    what = f" of {run.of}" if run.of else ""
    yield f"{run.run}  {run.what}{what} by {run.who} at {run.controller}{plan}"
    if run.options.resumes:
        yield f"  went on with {run.options.resumes}"
    if run.options.outside_window:
        yield f"  outside maintenance windows: {run.options.outside_window}"
    if run.options.accept_worse:
        yield f"  accepted to get worse: {', '.join(run.options.accept_worse)}"
    for each in run.hosts:
        if host not in (None, each.host):
            continue
        told = "not ended, as far as is known here" if each.outcome == "begun" else each.outcome
        yield f"  {each.host}: {told}, {len(each.changed)} changed"
        yield from (f"    {line.strip()}" for line in (each.problem or "").splitlines())


def _of_host(entry: HistoryEntry) -> Iterator[str]:
    from plumbline.report.words import visible

    what = f", {visible(entry.plan)}" if " " in entry.plan else f", plan {visible(entry.plan[:16])}"
    yield f"{entry.run}  {entry.state} by {visible(entry.who)} at {visible(entry.controller)}{what}"
    told = [f"began {entry.began}", f"ended {entry.ended or '—'}", f"{entry.changed} paths changed"]
    if entry.by:
        told.append(f"restored by {entry.by}")
    if entry.rolled_back:
        told.append(f"undone {entry.rolled_back}")
    yield f"  {', '.join(told)}{'' if entry.undoable or entry.rolled_back else '; cannot be undone'}"
