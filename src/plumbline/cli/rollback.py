"""`plumb rollback`: undo what apply did to a host, as far as nobody has changed it since."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plumbline.cli.at_work import must_be_asked, print_lines, restore_after_option
from plumbline.cli.options import inventory_option

if TYPE_CHECKING:
    from plumbline.apply.rollback import RollbackReport
    from plumbline.apply.text import Line


@click.command()
@click.argument("host")
@inventory_option
@click.option("--to", metavar="RUN", help="Undo all runs back to this one, and it too; see `plumb history`.")
@click.option("--dry", is_flag=True, help="Only show what would be put back; nothing on the host is touched.")
@click.option("--yes", is_flag=True, help="Do not ask before changing the host.")
@restore_after_option
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def rollback(
    host: str, inventory: Path, to: str | None, dry: bool, yes: bool, restore_after: int, output: str
) -> int:
    """Undo the last run on a HOST, or all back to the one named with --to.

    What is still as the run left it is put back; what others have changed since stays, and is told with the
    reason. The host then no longer complies. A new login must work afterwards, else the host takes the
    undoing back. Exit codes: 0 undone, 1 not, 4 the host was not reached or is lost, 64 usage.
    """
    from plumbline.apply.history import Records
    from plumbline.apply.rollback import roll_back

    must_be_asked(yes=yes, dry=dry)
    shown = output == "text"

    def confirmed(report: RollbackReport) -> bool:
        print_lines(_lines(report), error=not shown)
        return yes or click.confirm("Undo this?", err=True)

    report = roll_back(
        inventory,
        host,
        to=to,
        dry=dry,
        restore_after=restore_after,
        confirm=confirmed,
        records=Records(),
    )
    if not shown:
        click.echo(report.model_dump_json(indent=2))
    elif dry or report.outcome != "planned":
        print_lines(_lines(report))
    else:
        click.echo("Nothing was changed.", err=True)
    return report.exit_code


def _lines(report: RollbackReport) -> Iterator[Line]:
    from plumbline.report.words import visible

    told = {
        "planned": "would be undone",
        "undone": "undone",
        "restored": "the undoing was taken back, it is as it was before",
        "lost": "lost: it was changed, and cannot be reached any more",
        "failed": "failed",
    }[report.outcome]
    yield f"{report.host}: {told}", "bold" if report.outcome in ("planned", "undone") else "bold red"
    yield from ((f"  {visible(line)}", "") for line in (report.problem or "").splitlines())
    for undone in report.undone:
        yield f"  {undone.run} by {visible(undone.who)}, began {undone.began}", "bold"
        yield from ((f"    {visible(line)}", "") for line in undone.back or ["nothing is put back"])
        yield from ((f"    stays: {visible(line)}", "yellow") for line in undone.left)
