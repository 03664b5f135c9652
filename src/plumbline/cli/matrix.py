"""`plumb matrix`: the communication matrix judged, compiled to packet filters, and explained."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from plumbline.cli.options import inventory_option, lang_option
from plumbline.errors import NOT_COMPLIANT, InputError, UsageError

_FILE = click.Path(dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group()
def matrix() -> None:
    """Judge the communication matrix, compile it to packet filters, and explain it."""


@matrix.command("lint")
@inventory_option
@click.option(
    "--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="Judge terms and approvals as of a day."
)
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text")
@lang_option
def lint_(inventory: Path, day: datetime | None, output: str, lang: str) -> None:
    """Say everything that is wrong with the matrix, by file and line; exit code 2 if any is an error."""
    from plumbline.matrix.lint import lint
    from plumbline.matrix.load import load_matrix
    from plumbline.policy.load import load_standard
    from plumbline.policy.protocols import load_protocols
    from plumbline.report.locales import told
    from plumbline.spec.load import load_inventory
    from plumbline.yamlfile import shown

    loaded = load_matrix(inventory)
    today = (day or datetime.now(UTC)).date()
    found = lint(load_inventory(inventory), loaded.matrix, load_protocols(load_standard()), today)
    lines = [0 if one.index is None else loaded.line(one.index, *one.at) for one in found]
    if output == "json":
        click.echo(
            json.dumps(
                [
                    {
                        "rule": one.rule,
                        "severity": one.severity,
                        "row": one.row,
                        "line": line or None,
                        "message": one.message.model_dump(),
                        "exception_possible": not one.final,
                    }
                    for one, line in zip(found, lines, strict=True)
                ],
                indent=2,
                ensure_ascii=False,
            )
        )
    else:
        name = shown(loaded.document.path)
        for one, line in zip(found, lines, strict=True):
            place = f"{name}:{line}" if line else name
            click.echo(f"{place}: {one.severity}: {one.row}: {told(one.message, lang)} [{one.rule}]")
    errors = sum(one.severity == "error" for one in found)
    if output == "text":
        click.echo(f"{len(loaded.matrix.rows)} rows, {errors} errors, {len(found) - errors} warnings")
    if errors:
        raise SystemExit(NOT_COMPLIANT)


@matrix.command("compile")
@click.argument("hosts", nargs=-1)
@inventory_option
@click.option("--to", "target", required=True, type=click.Choice(["nftables", "windows", "ios"]))
@click.option("-o", "--output", type=_FOLDER, help="Write a file a host here instead of printing one.")
def compile_(hosts: tuple[str, ...], inventory: Path, target: str, output: Path | None) -> None:
    """Compile the matrix for HOSTS (by default all), or for the crossing between VLANs (ios)."""
    from plumbline.atomic import replace
    from plumbline.yamlfile import shown

    made = _compiled(inventory, target, hosts)
    if output is None:
        if len(made) != 1:
            raise UsageError(f"{len(made)} files would be printed; name one host, or a folder with -o")
        click.echo(next(iter(made.values())), nl=False)
        return
    output.mkdir(parents=True, exist_ok=True)
    for name, text in made.items():
        replace(output / name, text.encode(), 0o644)
        click.echo(f"wrote {shown(output / name)}")


def _compiled(inventory: Path, target: str, hosts: tuple[str, ...]) -> dict[str, str]:
    from plumbline.matrix.compile import ios, nftables, windows
    from plumbline.matrix.ends import UnknownEndError
    from plumbline.matrix.flows import host_flows
    from plumbline.matrix.load import load_matrix
    from plumbline.spec.load import load_inventory

    read, loaded = load_inventory(inventory), load_matrix(inventory)
    try:
        if target == "ios":
            if hosts:
                raise UsageError("the crossing between VLANs has no hosts; leave them out with --to ios")
            return {"crossing.ios": ios.render(read, loaded.matrix)}
        family = "windows" if target == "windows" else "linux"
        chosen = [host.name for _, host in read.select(hosts) if host.os.family == family]
        if not chosen:
            raise UsageError(f"there is no {family} host among them")
        flows = host_flows(read, loaded.matrix, chosen, today=datetime.now(UTC).date())
    except UnknownEndError as error:
        raise InputError(
            str(error), file=loaded.document.path, hint="plumb matrix lint tells the row"
        ) from error
    for told in dict.fromkeys(one.told().en for name in chosen for one in flows[name].withheld):
        click.echo(f"left out: {told}", err=True)
    if target == "windows":
        return {f"{name}.firewall.json": _json(windows.data(flows[name])) for name in chosen}
    return {f"{name}.nft": nftables.render(flows[name]) for name in chosen}


def _json(data: object) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


@matrix.command("explain")
@click.argument("source")
@click.argument("destination")
@click.argument("port", type=click.IntRange(0, 65535))
@inventory_option
@click.option("--protocol", type=click.Choice(["tcp", "udp", "icmp"]), default="tcp")
def explain_(source: str, destination: str, port: int, inventory: Path, protocol: str) -> None:
    """Say whether a packet from SOURCE to DESTINATION on PORT (of icmp: its type) arrives, and by which row.

    Exit code 2 when one does not arrive.
    """
    from plumbline.matrix.ends import UnknownEndError
    from plumbline.matrix.explain import explain
    from plumbline.matrix.load import load_matrix
    from plumbline.spec.load import load_inventory

    loaded = load_matrix(inventory)
    try:
        today = datetime.now(UTC).date()
        found = explain(load_inventory(inventory), loaded.matrix, source, destination, protocol, port, today)
    except UnknownEndError as error:
        raise UsageError(str(error)) from error
    for one in found:
        click.echo(
            f"{one.source} -> {one.destination} {protocol} {port}: {'passes' if one.passes else 'dies'}"
        )
        for step in one.steps:
            verb = "leaves" if step.way == "out" else "enters"
            if step.host is None:
                click.echo(f"  {step.address} is no declared host; nothing is known of its own filter")
            elif step.row is None:
                why = f"; {step.withheld.told().en}" if step.withheld else ""
                verb = verb.removesuffix("s")
                click.echo(f"  dies at {step.host} ({step.address}): no row lets it {verb}{why}")
                break
            else:
                click.echo(f"  {verb} {step.host} ({step.address}) by row {step.row}")
    if not all(one.passes for one in found):
        raise SystemExit(NOT_COMPLIANT)


@matrix.command("verify")
@click.argument("hosts", nargs=-1, metavar="[HOST|FILE]...")
@inventory_option
@click.option("--evidence", multiple=True, type=_FILE, help="Judge this evidence instead of asking the host.")
@click.option("--trust", type=_FILE, help="Accept only evidence signed by the owner of this key.")
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text")
@lang_option
def verify(
    hosts: tuple[str, ...],
    inventory: Path,
    evidence: tuple[Path, ...],
    trust: Path | None,
    output: str,
    lang: str,
) -> int:
    """Say in what the rules on HOSTS (by default all Linux hosts), now and at boot, differ from the matrix.

    Hosts are asked over SSH, or judged from evidence; after --evidence, further FILEs may follow. Exit code 2
    if anything differs, 4 if a host could not be judged.
    """
    from plumbline.cli.check import split_hosts
    from plumbline.matrix.readback.run import exit_code, verify_hosts
    from plumbline.report.locales import told

    named, files = split_hosts(hosts, evidence)
    if trust and not files:
        raise UsageError("--trust is for evidence that was brought; give it with --evidence")
    found = verify_hosts(inventory, named, files, trust=trust)
    if output == "json":
        click.echo(_json([one.as_data() for one in found]), nl=False)
        return exit_code(found)
    for one in found:
        if one.problem is not None:
            click.echo(f"{one.name}: {told(one.problem, lang)}")
        elif not one.findings:
            click.echo(f"{one.name}: {told(one.agrees(), lang)}")
        for finding in one.findings:
            when, message = told(finding.at, lang), told(finding.message, lang)
            click.echo(f"{one.name}: {when}: {message} [{finding.kind}]")
    return exit_code(found)


@matrix.command("diagram")
@inventory_option
@click.option(
    "-o",
    "--output",
    type=_FILE,
    required=True,
    help="Write it here: one picture as .svg, or sheets as .html.",
)
@lang_option
def diagram(inventory: Path, output: Path, lang: str) -> None:
    """Draw the block diagram of flows: who sends what to whom, by which protocol, how encrypted.

    A .html page holds both languages, and of many rows sheets that can be read on paper.
    """
    from plumbline.atomic import replace
    from plumbline.matrix.ends import UnknownEndError
    from plumbline.matrix.load import load_matrix
    from plumbline.yamlfile import shown

    loaded = load_matrix(inventory)
    try:
        drawn = _drawn(inventory, loaded.matrix, output.suffix, _language(lang))
    except UnknownEndError as error:
        raise InputError(
            str(error), file=loaded.document.path, hint="plumb matrix lint tells the row"
        ) from error
    replace(output, drawn.encode(), 0o644)
    click.echo(f"wrote {shown(output)}")


def _drawn(inventory: Path, matrix: Any, suffix: str, lang: Any) -> str:  # noqa: ANN401  (types imported late)
    from plumbline.matrix.diagram import page, render
    from plumbline.spec.load import load_inventory

    if suffix not in (".svg", ".html"):
        raise UsageError("a diagram is a .svg or a .html")
    return (page if suffix == ".html" else render)(load_inventory(inventory), matrix, lang)


def _language(lang: str) -> Any:  # noqa: ANN401  (a literal type, which is imported only where it is needed)
    return lang


@matrix.command("convert")
@click.argument("source", type=_FILE)
@click.argument("target", type=_FILE)
@lang_option
def convert(source: Path, target: Path, lang: str) -> None:
    """Write the matrix in SOURCE as TARGET; each is .yml, .csv or .xlsx, with headers in --lang."""
    read = _read(source)
    _write(read, target, lang)
    click.echo(f"wrote {len(read.rows)} rows to {target}")


@matrix.command("template")
@click.argument("target", type=_FILE)
@lang_option
def template(target: Path, lang: str) -> None:
    """Write an empty workbook (.xlsx) or table (.csv) for a supplier to fill in."""
    from plumbline.matrix.model import Matrix

    if target.suffix not in (".xlsx", ".csv"):
        raise UsageError("a template is a .xlsx or a .csv")
    _write(Matrix(rows=[]), target, lang)
    click.echo(f"wrote {target}")


def _read(path: Path) -> Any:  # noqa: ANN401  (the model is imported only where it is needed)
    if path.suffix == ".xlsx":
        from plumbline.matrix.table.workbook_read import read_workbook

        return read_workbook(path)
    if path.suffix == ".csv":
        from plumbline.matrix.table.comma import read_csv

        return read_csv(path)
    if path.suffix == ".yml":
        from plumbline.matrix.load import load_matrix

        return load_matrix(path).matrix
    raise UsageError(f"{path}: a matrix is a .yml, a .csv or a .xlsx")


def _write(matrix: Any, path: Path, lang: str) -> None:  # noqa: ANN401  (as above)
    language: Any = lang
    if path.suffix == ".xlsx":
        from plumbline.matrix.table.workbook import write_workbook

        write_workbook(matrix, path, language)
    elif path.suffix == ".csv":
        from plumbline.matrix.table.comma import write_csv

        write_csv(matrix, path, language)
    elif path.suffix == ".yml":
        from plumbline.matrix.writing import write_yaml

        write_yaml(matrix, path)
    else:
        raise UsageError(f"{path}: a matrix is a .yml, a .csv or a .xlsx")
