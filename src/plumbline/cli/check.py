"""`plumb check`: judge hosts, live or from evidence, and report."""

from __future__ import annotations

from pathlib import Path

import click

from plumbline.cli.options import inventory_option, lang_option
from plumbline.errors import UsageError

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("hosts", nargs=-1, metavar="[HOST|FILE]...")
@inventory_option
@click.option("--evidence", multiple=True, type=_FILE, help="Judge this evidence instead of asking the host.")
@click.option(
    "--trust", type=_FILE, help="Accept only evidence signed by the owner of this key or certificate."
)
@click.option("--standard", "standard_name", default="mhth-ot", show_default=True, help="The standard.")
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--json", "json_file", type=_FILE, help="Write the report as JSON to this file.")
@click.option("--junit", "junit_file", type=_FILE, help="Write the report as JUnit XML to this file.")
@click.option("--html", "html_file", type=_FILE, help="Write the report as one HTML page to this file.")
@click.option(
    "--save", type=click.Path(file_okay=False, path_type=Path), help="Keep collected evidence here."
)
@lang_option
def check(
    hosts: tuple[str, ...],
    inventory: Path,
    evidence: tuple[Path, ...],
    trust: Path | None,
    standard_name: str,
    output: str,
    json_file: Path | None,
    junit_file: Path | None,
    html_file: Path | None,
    save: Path | None,
    lang: str,
) -> int:
    """Check hosts against the standard: live over SSH, or from evidence files.

    HOST is a host or system of the inventory, or a pattern; without any, all hosts are checked. After
    --evidence, further evidence FILEs may follow. Checking changes nothing on a host.
    """
    from plumbline.verify.run import check_hosts

    named, files = split_hosts(hosts, evidence)
    if files and save:
        raise UsageError("--save keeps evidence that is collected now; with --evidence nothing is collected")
    if trust and not files:
        raise UsageError("--trust is for evidence that was brought; give it with --evidence")
    report = check_hosts(inventory, named, files, standard_name=standard_name, trust=trust, save=save)
    from plumbline.report import WRITERS, write

    # Told first: a report that cannot be written must not cost the person the verdicts.
    click.echo(WRITERS[output](report, lang), nl=False)
    for kind, path in (("json", json_file), ("junit", junit_file)):
        if path is not None:
            write(kind, report, path, lang)
    if html_file is not None:
        from plumbline.matrix.diagram import flows_of

        flows = flows_of(inventory, [host.host for host in report.hosts])
        write("html", report, html_file, lang, flows)
    return report.exit_code()


def split_hosts(arguments: tuple[str, ...], evidence: tuple[Path, ...]) -> tuple[list[str], list[Path]]:
    """Tell hosts from evidence files: `--evidence a.json b.json` names two files."""
    if not evidence:
        return list(arguments), []
    named = [argument for argument in arguments if not _looks_like_file(argument)]
    return named, [*evidence, *(Path(argument) for argument in arguments if _looks_like_file(argument))]


def _looks_like_file(argument: str) -> bool:
    return "/" in argument or argument.endswith(".json") or Path(argument).is_file()
