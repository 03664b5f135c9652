"""`python -m benchmarks`: measure ratios on one host, print them as a table, keep them as JSON."""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from benchmarks.applying import converged_against_bare, many_beside_one
from benchmarks.contests import (
    Row,
    check_against_collector,
    check_against_stock,
    collecting,
    help_against_nothing,
)
from benchmarks.cost import HostCost
from benchmarks.ground import Ground, given_ground, lab_ground
from benchmarks.matrix import large_matrices
from plumbline.errors import PlumblineError

SLOWEST = 10


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("host", required=False)
@click.option(
    "-i",
    "--inventory",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Measure on HOST of this inventory, as it is, instead of on a lab host of our own (needs root).",
)
@click.option("--rounds", type=click.IntRange(min=3), default=9, show_default=True, help="Rounds a contest.")
@click.option(
    "--stock-rounds",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Rounds of stock testinfra without a shared connection, which is slow.",
)
@click.option("--cost", "cost_only", is_flag=True, help="Measure only what collecting costs the host.")
@click.option(
    "--matrix",
    "matrix_only",
    is_flag=True,
    help="Measure only lint, compile, loading and reading back of large matrices (needs root).",
)
@click.option("--apply", "apply_only", is_flag=True, help="Measure only what applying costs (needs root).")
@click.option(
    "--hosts",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="With --apply: converge so many hosts beside one; 0 for none.",
)
@click.option(
    "--json", "kept", type=click.Path(path_type=Path, dir_okay=False), help="Write the figures here."
)
def main(
    host: str | None,
    inventory: Path | None,
    rounds: int,
    stock_rounds: int,
    cost_only: bool,
    matrix_only: bool,
    apply_only: bool,
    hosts: int,
    kept: Path | None,
) -> None:
    """Print how fast Plumbline is: ratios of medians, with their spread.

    Nothing is changed on a host that is given.
    """
    if matrix_only:
        _told(large_matrices(rounds), kept)
        return
    if apply_only:
        _told(_applying(rounds, hosts), kept)
        return
    if host and not inventory:
        raise click.UsageError("a HOST is one of an inventory; give it with -i")
    _tell("bringing up and hardening a lab host" if inventory is None else f"measuring on {inventory}")
    with (
        lab_ground() if inventory is None else nullcontext(given_ground(inventory, host)) as ground,
        tempfile.TemporaryDirectory(prefix="plb") as place,
    ):
        if cost_only:
            contests, cost = list[Row](), collecting(ground, Path(place), rounds)
        else:
            contests, cost = _measured(ground, Path(place), rounds, stock_rounds)
    _print(contests, cost)
    if kept is not None:
        kept.write_text(json.dumps(_document(contests, cost), indent=2) + "\n")


def _applying(rounds: int, hosts: int) -> list[Row]:
    _tell("bringing up and hardening a lab host")
    with lab_ground() as ground:
        _tell("plumb apply against pyinfra alone")
        rows = [converged_against_bare(ground, rounds)]
    if hosts:
        _tell(f"converging one host, then {hosts}")
        rows.append(many_beside_one(hosts))
    return rows


def _told(rows: list[Row], kept: Path | None) -> None:
    console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
    for row in rows:
        _print_row(console, row)
    if kept is not None:
        document = {**_head(), "contests": [row.as_data() for row in rows]}
        kept.write_text(json.dumps(document, indent=2) + "\n")


def _measured(ground: Ground, work: Path, rounds: int, stock_rounds: int) -> tuple[list[Row], HostCost]:
    _tell("plumb --help")
    rows = [help_against_nothing(rounds)]
    _tell("plumb check against the bare collector")
    row, cost = check_against_collector(ground, work, rounds)
    rows.append(row)
    _tell("stock testinfra against plumb check; this takes a while")
    rows += check_against_stock(ground, work, max(3, rounds // 2), stock_rounds)
    return rows, cost


def _print(rows: list[Row], cost: HostCost) -> None:
    console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
    for row in rows:
        _print_row(console, row)
    table = Table("probe", "median ms", "most ms", box=None, pad_edge=False)
    for probe in cost.probes[:SLOWEST]:
        table.add_row(probe.name, f"{probe.median:.0f}", f"{probe.most:.0f}")
    total = sum(probe.median for probe in cost.probes)
    table.add_row(f"all {len(cost.probes)}, two at a time", f"{total:.0f}", "")
    console.print("\n[bold]What collecting costs the host[/bold]")
    for line in cost.lines():
        console.print(f"    {line}")
    console.print(f"The dearest {min(SLOWEST, len(cost.probes))} probes:")
    console.print(table)


def _print_row(console: Console, row: Row) -> None:
    console.print(f"[bold]{row.what}[/bold]: {row.ratio}")
    console.print(f"    {row.ratio.of}  against  {row.ratio.to}")
    if row.note:
        console.print(f"    {row.note}")
    if row.target:
        console.print(f"    target: {row.target}: {'holds' if row.holds else 'DOES NOT HOLD'}")


def _head() -> dict[str, Any]:
    return {
        "format": "plumbline-benchmarks/1",
        "machine": {
            "cpus": os.cpu_count(),
            "python": platform.python_version(),
            "kernel": platform.release(),
        },
    }


def _document(rows: list[Row], cost: HostCost) -> dict[str, Any]:
    return {
        **_head(),
        "contests": [row.as_data() for row in rows],
        "collector": cost.as_data(),
        "probes_ms": {probe.name: {"median": probe.median, "most": probe.most} for probe in cost.probes},
    }


def _tell(what: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"benchmarks: {what}", err=True)


if __name__ == "__main__":
    try:
        main(prog_name="python -m benchmarks")
    except PlumblineError as error:
        click.echo(f"benchmarks: {error}", err=True)
        sys.exit(error.exit_code)
    except RuntimeError as error:
        click.echo(f"benchmarks: {error}", err=True)
        sys.exit(1)
