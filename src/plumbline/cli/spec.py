"""`plumb spec`: validate a specification, show a host of it, make inventories from it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from plumbline.errors import COMPLIANT, NOT_COMPLIANT, NOTHING_CHECKED

if TYPE_CHECKING:
    from plumbline.findings import Finding
    from plumbline.spec.load import Inventory

_directory = click.argument(
    "directory",
    metavar="[DIR]",
    default=lambda: os.environ.get("PLUMBLINE_INVENTORY", "."),
    type=click.Path(path_type=Path),
)
_format = click.option(
    "--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True
)


@click.group()
def spec() -> None:
    """Validate a supplier's specification and make inventories from it.

    DIR is an inventory: site.yml, systems/NAME.yml and perhaps connection.yml. Without it, the one that
    PLUMBLINE_INVENTORY names is taken, or the working directory.
    """


@spec.command()
@_directory
@click.option("--standard", "standard_name", default="mhth-ot", show_default=True, help="The standard.")
@_format
def validate(directory: Path, standard_name: str, output: str) -> int:
    """Check that a specification is whole and agrees with the site and the standard.

    Exit codes: 0 no error (there may be warnings), 2 errors, 1 no such inventory or standard.
    """
    from plumbline.findings import FindingsError
    from plumbline.policy.load import load_standard
    from plumbline.spec.load import load_inventory
    from plumbline.spec.validate import judge_inventory

    standard = load_standard(standard_name)
    inventory: Inventory | None = None
    findings: list[Finding]
    try:
        inventory = load_inventory(directory)
        findings = list(judge_inventory(inventory, standard))
    except FindingsError as error:
        findings = list(error.findings)
    errors = [finding for finding in findings if _severity(finding) == "error"]
    if output == "json":
        click.echo(json.dumps(_result(directory, standard_name, inventory, findings), indent=2))
    else:
        for finding in findings:
            click.echo(str(finding))
        click.echo(_summary(directory, inventory, len(errors), len(findings) - len(errors)))
    return NOT_COMPLIANT if errors else COMPLIANT


@spec.command()
@click.argument("host")
@click.option(
    "-i",
    "--inventory",
    "directory",
    default=".",
    envvar="PLUMBLINE_INVENTORY",
    type=click.Path(path_type=Path),
    help="The inventory the host is in.",
)
@_format
def show(host: str, directory: Path, output: str) -> None:
    """Show what is specified of HOST (a name, a pattern, or a system's name for all its hosts)."""
    from plumbline.spec.load import load_inventory
    from plumbline.spec.sheet import sheet, sheet_data

    inventory = load_inventory(directory)
    selected = inventory.select([host])
    if output == "json":
        click.echo(json.dumps([sheet_data(inventory, *each) for each in selected], indent=2))
    else:
        click.echo("\n".join(sheet(inventory, *each) for each in selected), nl=False)


@spec.command("inventory")
@_directory
@click.option(
    "--to", "tool", type=click.Choice(["ansible", "pyinfra"]), required=True, help="For which tool."
)
@click.option("--host", "names", multiple=True, help="Only this host, system or pattern; may be repeated.")
def make_inventory(directory: Path, tool: str, names: tuple[str, ...]) -> int:
    """Print the inventory that Ansible (JSON) or pyinfra (a Python file) reads.

    pyinfra's has the Linux hosts only; when there are none, the exit code is 5.
    """
    from plumbline.spec.inventories import pyinfra_file, to_ansible
    from plumbline.spec.load import load_inventory

    inventory = load_inventory(directory)
    selected = inventory.select(names)
    if tool == "ansible":
        click.echo(json.dumps(to_ansible(inventory, selected), indent=2))
        return COMPLIANT
    if not any(host.os.family == "linux" for _, host in selected):
        click.echo("plumb: none of the hosts is a Linux host, and pyinfra manages no others", err=True)
        return NOTHING_CHECKED
    click.echo(pyinfra_file(inventory, selected), nl=False)
    return COMPLIANT


@spec.command()
@_directory
@click.option("--host", "names", multiple=True, help="Only this host, system or pattern; may be repeated.")
@click.option("--keys", is_flag=True, help="Print the hosts' keys for the server instead: secrets.")
def monitoring(directory: Path, names: tuple[str, ...], keys: bool) -> int:
    """Print what the central monitoring watches of the hosts, as templates that Zabbix imports (YAML).

    With --keys, a line a host with the identity and the key its agent shows (monitoring.psk is asked for).
    """
    from plumbline.spec.load import load_inventory

    inventory = load_inventory(directory)
    hosts = [host for _, host in inventory.select(names)]
    if keys:
        return _monitoring_keys(inventory, [host.name for host in hosts])
    import yaml

    from plumbline.spec.watched import zabbix_template

    told = zabbix_template(inventory.site, hosts)
    click.echo(yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=1000), nl=False)
    return COMPLIANT


def _monitoring_keys(inventory: Inventory, names: list[str]) -> int:
    from plumbline.errors import UsageError
    from plumbline.monitoring_keys import PSK_SECRET, host_psk
    from plumbline.secrets import Secrets, asked_on_terminal
    from plumbline.spec.monitoring import Psk, ZabbixAgent

    site = inventory.site.monitoring
    if not isinstance(site, ZabbixAgent) or not isinstance(site.tls, Psk):
        raise UsageError("The site's monitoring uses no keys that both sides have.")
    secret = Secrets.load(inventory.path, ask=asked_on_terminal()).get(PSK_SECRET)
    for name in names:
        click.echo(f"{site.tls.identity(name)} {host_psk(secret, site.tls.identity(name))}")
    return COMPLIANT


@spec.command()
@_directory
@click.option("--host", "names", multiple=True, help="Only this host, system or pattern; may be repeated.")
@click.option("--standard", "standard_name", default="mhth-ot", show_default=True, help="The standard.")
@click.option("--lang", type=click.Choice(["en", "sk"]), default="en", show_default=True)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Write a sheet to this file, .xlsx or .csv."
)
def groups(
    directory: Path,
    names: tuple[str, ...],
    standard_name: str,
    lang: Literal["en", "sk"],
    output: Path | None,
) -> None:
    """List the groups of the directory to request from the operator (17.2), with their roles and hosts.

    Nothing makes groups or users in the directory but the operator. Without --output they are printed.
    """
    from plumbline.policy.load import load_standard
    from plumbline.spec.groups import requests, write_groups
    from plumbline.spec.load import load_inventory

    inventory = load_inventory(directory)
    found = requests(inventory, load_standard(standard_name), inventory.select(names))
    if output is not None:
        write_groups(found, output, lang)
        click.echo(f"{_counted(len(found), 'group')} in {output}", err=True)
        return
    for one in found:
        group, role, *_, hosts, _purpose = one.cells(lang)[:8]
        rights = [word for word, has in (("logs on", one.logs_on), ("root", one.becomes_root)) if has]
        click.echo(f"{one.system}: {group} ({role}{''.join(f', {word}' for word in rights)}): {hosts}")


def _severity(finding: Finding) -> str:
    """Return a cross check's own severity; what keeps a file from being read is an error."""
    return getattr(finding, "severity", "error")


def _result(
    directory: Path, standard: str, inventory: Inventory | None, findings: list[Finding]
) -> dict[str, Any]:
    """Return the stable JSON form; `systems` and `hosts` are null when a file could not be read."""
    return {
        "inventory": str(directory),
        "standard": standard,
        "valid": not any(_severity(finding) == "error" for finding in findings),
        "systems": len(inventory.systems) if inventory else None,
        "hosts": len(inventory.hosts()) if inventory else None,
        "findings": [
            {
                "severity": _severity(finding),
                "file": finding.file,
                "line": finding.line or None,
                "message": finding.message,
            }
            for finding in findings
        ],
    }


def _summary(directory: Path, inventory: Inventory | None, errors: int, warnings: int) -> str:
    counted = _counted(warnings, "warning")
    if errors:
        return f"The specification in {directory} has {_counted(errors, 'error')} and {counted}."
    hosts = _counted(len(inventory.hosts()) if inventory else 0, "host")
    systems = _counted(len(inventory.systems) if inventory else 0, "system")
    return f"The specification in {directory} is valid: {systems}, {hosts}, {counted}."


def _counted(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
