"""`plumb collector`: the script that collects evidence on a host without a link."""

from __future__ import annotations

from typing import Literal

import click


@click.command()
@click.argument("system", type=click.Choice(["linux"]))
def collector(system: Literal["linux"]) -> None:
    """Print the collector script of a SYSTEM.

    \b
    plumb collector linux > collect.sh
    sudo sh collect.sh > NAME.evidence.json        (on the host)
    plumb check --evidence NAME.evidence.json

    The script reads and never changes anything; it needs nothing installed but what Debian has.
    """
    from plumbline.evidence.collector import script
    from plumbline.probes import all_probes

    click.echo(script(all_probes(system)), nl=False)
