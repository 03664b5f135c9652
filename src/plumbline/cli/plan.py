"""`plumb plan`: write down what apply would do, to be looked at by others and applied as it is."""

from __future__ import annotations

from pathlib import Path

import click

from plumbline.cli.at_work import asking, print_lines, progress
from plumbline.cli.options import inventory_option


@click.command()
@click.argument("hosts", nargs=-1, metavar="[HOST]...")
@inventory_option
@click.option(
    "-o",
    "--output",
    "file",
    metavar="FILE",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the plan to this file.",
)
@click.option("--diff/--no-diff", default=True, show_default=True, help="Show what becomes of files.")
@click.option("--standard", "standard_name", default="mhth-ot", show_default=True, help="The standard.")
def plan(hosts: tuple[str, ...], inventory: Path, file: Path, diff: bool, standard_name: str) -> int:
    """Plan what would change on Linux hosts, show it, and keep it in a file; no host is touched.

    HOST is a host or system of the inventory, or a pattern; without any, all hosts are meant. `plumb apply
    --plan FILE` then does exactly that, or says what has moved since. The file shows what stands in hosts'
    configuration, so only its owner may read it. Exit codes: 0 planned, 1 a host cannot be changed, 4 a host
    was not reached, 64 usage.
    """
    from plumbline.apply.client import plan_hosts
    from plumbline.apply.plan import exit_code, write_plan
    from plumbline.apply.results import ApplyReport
    from plumbline.apply.text import plan_lines

    with progress() as (tell, pause):
        made = plan_hosts(inventory, hosts, standard=standard_name, progress=tell, ask=asking(pause))
    write_plan(made, file)
    print_lines(plan_lines(ApplyReport(dry=True, hosts=made.hosts), diffs=diff))
    click.echo(f"{file}: the plan {made.digest[:16]}", err=True)
    return exit_code(made)
