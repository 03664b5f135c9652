"""`plumb collector`: the script that collects evidence on a host without a link."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click


@click.command()
@click.argument("system", type=click.Choice(["linux"]))
@click.option(
    "-i",
    "--inventory",
    "directory",
    type=click.Path(path_type=Path),
    help="Ask also what this inventory's site makes a question, such as its own antivirus.",
)
def collector(system: Literal["linux"], directory: Path | None) -> None:
    """Print the collector script of a SYSTEM.

    \b
    plumb collector linux > collect.sh
    sudo sh collect.sh > NAME.evidence.json        (on the host)
    plumb check --evidence NAME.evidence.json

    The script reads and never changes anything; it needs nothing installed but what Debian has.
    """
    from plumbline.evidence.collector import script
    from plumbline.probes import all_probes

    site = None
    if directory is not None:
        from plumbline.spec.load import load_inventory

        site = load_inventory(directory).site
    click.echo(script(all_probes(system, site=site)), nl=False)
