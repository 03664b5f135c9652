"""`plumb apply`: show what would change on Linux hosts, ask, and change it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plumbline.cli.options import inventory_option
from plumbline.errors import UsageError

if TYPE_CHECKING:
    from plumbline.apply.results import ApplyReport, Progress
    from plumbline.apply.text import Line


@click.command()
@click.argument("hosts", nargs=-1, metavar="[HOST]...")
@inventory_option
@click.option("--dry", is_flag=True, help="Only show what would change; nothing on the hosts is touched.")
@click.option("--diff/--no-diff", default=True, show_default=True, help="Show what becomes of files.")
@click.option("--yes", is_flag=True, help="Do not ask before changing hosts.")
@click.option("--standard", "standard_name", default="mhth-ot", show_default=True, help="The standard.")
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def apply(
    hosts: tuple[str, ...],
    inventory: Path,
    dry: bool,
    diff: bool,
    yes: bool,
    standard_name: str,
    output: str,
) -> int:
    """Bring Linux hosts to the standard: plan, ask, change, tell.

    HOST is a host or system of the inventory, or a pattern; without any, all hosts are meant. A host is left
    as it is, with the reason, when changing it would cut the way in. Exit codes: 0 done, 1 a host failed or
    was left as it is, 4 a host was not reached, 64 usage.
    """
    from plumbline.apply import apply_hosts
    from plumbline.apply.text import plan_lines, result_lines

    if not (dry or yes or sys.stdin.isatty()):
        raise UsageError(
            "nobody can be asked here: give --yes to change hosts, or --dry to see what would change"
        )
    shown = output == "text"

    def confirmed(plan: ApplyReport) -> bool:
        if not any(host.changed for host in plan.hosts):
            return True
        _print(plan_lines(plan, diffs=diff), error=not shown)
        return yes or click.confirm("Change this?", err=True)

    with _progress() as (tell, pause):
        report = apply_hosts(
            inventory,
            hosts,
            dry=dry,
            standard=standard_name,
            confirm=lambda plan: pause(lambda: confirmed(plan)),
            progress=tell,
        )
    if not shown:
        click.echo(report.model_dump_json(indent=2))
    elif not report.dry:
        _print(result_lines(report))
    elif dry:
        _print(plan_lines(report, diffs=diff))
    else:
        click.echo("Nothing was changed.", err=True)
    return report.exit_code


def _print(lines: Iterable[Line], *, error: bool = False) -> None:
    """Print styled lines; rich leaves colour out where it does not belong (NO_COLOR, a file)."""
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=error, soft_wrap=True, highlight=False)
    for line, style in lines:
        console.print(Text(line, style=style))


Pause = Callable[[Callable[[], bool]], bool]


@contextmanager
def _progress() -> Iterator[tuple[Callable[[Progress], None], Pause]]:
    """Show where each host is, on a terminal only; `pause` clears the display while it asks a question."""
    if not sys.stderr.isatty():
        yield lambda _: None, lambda question: question()
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    bars = Bars(
        TextColumn("{task.fields[host]}"),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[step]}"),
        console=Console(stderr=True),
        transient=True,
    )
    tasks = {}

    def tell(progress: Progress) -> None:
        if progress.host not in tasks:
            tasks[progress.host] = bars.add_task("", total=None, host=progress.host, step="")
        bars.update(
            tasks[progress.host],
            completed=progress.done,
            total=progress.total or None,
            step=progress.step,
        )

    def pause(question: Callable[[], bool]) -> bool:
        bars.stop()
        try:
            return question()
        finally:
            bars.start()

    with bars:
        yield tell, pause
