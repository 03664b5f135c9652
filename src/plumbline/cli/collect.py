"""`plumb collect`: ask hosts over SSH and keep what they answer."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plumbline.cli.options import inventory_option
from plumbline.errors import NOT_REACHED, UsageError

if TYPE_CHECKING:
    from plumbline.evidence.gather import Gathered

CLOCK_SECONDS = 300
"""How far a host's clock may be from this one's before the person is told."""


@click.command()
@click.argument("hosts", nargs=-1, required=True, metavar="HOST...")
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE|DIR",
    help="A file for one host; else a directory, which gets NAME.evidence.json of each.",
)
@inventory_option
@click.option(
    "--sign", "key_file", type=click.Path(dir_okay=False, path_type=Path), help="Sign with this key."
)
@click.option(
    "--deadline", type=click.IntRange(5, 3600), default=300, show_default=True, help="Seconds for each host."
)
def collect(
    hosts: tuple[str, ...], output: str, inventory: Path, key_file: Path | None, deadline: int
) -> int:
    """Collect the evidence of hosts of the inventory, one round trip each, changing nothing on them.

    HOST is a host's or a system's name, or a pattern. Exit codes: 0 all gave evidence, 4 some did not (the
    others' evidence is kept), 1 the tool failed, 64 usage.
    """
    from plumbline.cli.evidence import passphrase
    from plumbline.evidence.collector import script
    from plumbline.evidence.gather import gather, targets_of
    from plumbline.probes import all_probes
    from plumbline.spec.load import load_inventory

    declared = load_inventory(inventory)
    targets = targets_of(declared, hosts)
    place = Path(output)
    if len(targets) > 1 and not place.is_dir() and (place.exists() or place.suffix):
        raise UsageError(
            f"{len(targets)} hosts need a directory, and {output} is a file", hint="give -o DIR/"
        )
    key = None
    if key_file is not None:
        from plumbline.evidence.sign import load_key

        key = load_key(key_file, lambda: passphrase(key_file))
    into = len(targets) > 1 or place.is_dir() or output.endswith("/")
    if into:
        place.mkdir(parents=True, exist_ok=True)
    missing = 0
    for gathered in gather(
        targets, script(all_probes(site=declared.site)), deadline=deadline, told=_progress
    ):
        name = gathered.target.name
        if gathered.evidence is None:
            click.echo(f"plumb: {gathered.problem}", err=True)
            missing += 1
            continue
        file = place / f"{name}.evidence.json" if into else place
        keep(gathered, file)
        if key is not None:
            from plumbline.evidence.sign import sign_file

            sign_file(file, gathered.evidence.raw, key)
        click.echo(file)
    return NOT_REACHED if missing else 0


def keep(gathered: Gathered, file: Path) -> None:
    """Write a host's evidence to a file, and tell what of it will make its verdicts unknown or doubtful."""
    from plumbline.evidence.atomic import write
    from plumbline.evidence.bundle import signature_file

    evidence = gathered.evidence
    if evidence is None:
        return
    signature_file(file).unlink(missing_ok=True)  # it belongs to what is being replaced
    write(file, evidence.raw)
    if evidence.uid != 0:
        told = f"collected as {evidence.user}, not as root: every check will be unknown"
        click.echo(f"plumb: {gathered.target}: {told}", err=True)
        click.echo("  connect as root, or set `sudo: true` in the inventory's connection.yml", err=True)
    apart = (evidence.end - datetime.now(UTC)).total_seconds()
    if abs(apart) > CLOCK_SECONDS:
        which = "ahead of" if apart > 0 else "behind"
        click.echo(f"plumb: {gathered.target}: its clock is {abs(apart):.0f} s {which} this one's", err=True)


def _progress(gathered: Gathered) -> None:
    if sys.stderr.isatty():
        what = "no evidence" if gathered.evidence is None else "evidence"
        click.echo(f"{gathered.target.name}: {what} after {gathered.seconds:.1f} s", err=True)
