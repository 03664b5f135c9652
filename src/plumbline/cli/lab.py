"""`plumb lab`: real test hosts on this machine."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from plumbline.errors import UsageError
from plumbline.lab import DEFAULT_NAME, Lab, all_names, take_down
from plumbline.lab.delivered import FLAVOURS, Flavour
from plumbline.lab.recipe import RELEASES
from plumbline.lab.requirements import check_rights
from plumbline.lab.site.image import RELEASE as SITE_RELEASE
from plumbline.lab.site.servers import MODULES
from plumbline.lab.state import LabPlace

WIDE_ENOUGH = 300  # columns, so that nothing is cut where nobody sees a screen

_name = click.option("--name", help="The lab's name; several labs can be up side by side.")


@click.group()
def lab() -> None:
    """Real test hosts on this machine: Debian under systemd-nspawn.

    Needs root. Hosts come up as a careless supplier delivers them, on a network
    of their own without internet.
    """


@lab.command()
@click.argument("hosts", type=click.IntRange(min=1), required=False, metavar="[N]")
@_name
@click.option(
    "--inventory",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="The site and systems the hosts are specified in; the worked example without it.",
)
@click.option("--release", type=click.Choice(list(RELEASES)), help="Debian's release; bookworm without it.")
@click.option(
    "--as",
    "flavour",
    type=click.Choice(FLAVOURS),
    help="With a careless supplier's faults (delivered), or clean.",
)
@click.option("--vm", is_flag=True, help="As virtual machines with a kernel of their own, which boot slowly.")
@click.option(
    "--site",
    is_flag=True,
    help="With the site's servers beside them: directory, time, logs, monitoring, mail, updates.",
)
def up(
    hosts: int | None,
    name: str | None,
    inventory: Path | None,
    release: str | None,
    flavour: Flavour | None,
    vm: bool,
    site: bool,
) -> None:
    """Bring up N hosts; print their inventory's path.

    Safe to run twice: hosts that are up stay as they are.
    """
    with _progress() as tell:
        made = Lab.up(
            name or DEFAULT_NAME,
            hosts,
            flavour,
            release,
            inventory,
            tell,
            kind="vm" if vm else None,
            site=tuple(MODULES) if site else None,
        )
    if made.booted:
        hosts_up = ", ".join(f"{host.name} ({host.address})" for host in (*made.site_hosts, *made.hosts))
        click.echo(f"The lab {made.name} is up: {hosts_up}.", err=True)
    else:
        click.echo(
            f"All {len(made.hosts)} hosts of the lab {made.name} are up already; nothing was changed.",
            err=True,
        )
    click.echo(made.inventory)


@lab.command()
@_name
def status(name: str | None) -> None:
    """Show the labs, their hosts and whether each is up."""
    check_rights()
    chosen = [name] if name else all_names()
    if not chosen:
        click.echo("No lab is up.")
        return
    table = Table("lab", "host", "address", "state", "as", "release", box=None, pad_edge=False)
    for each in chosen:
        state = LabPlace(each).load()
        if state is None or not state.ready:
            table.add_row(each, "", "", "broken; plumb lab down", "", "")
            continue
        made = Lab.of(each)
        for host in (*made.site_hosts, *made.hosts):
            word = "down" if not host.running else "up" if host.entry.answers() else "does not answer"
            what = ("site", SITE_RELEASE) if host in made.site_hosts else (state.flavour, state.release)
            table.add_row(each, host.name, host.address, word, *what)
    console = Console()
    if not console.is_terminal:
        console.width = WIDE_ENOUGH
    console.print(table)


@lab.command()
@_name
def secrets(name: str | None) -> None:
    """Print the secrets of a lab's site as variables for `plumb apply`.

    In a shell: eval "$(plumb lab secrets)".
    """
    check_rights()
    variables = Lab.of(name or DEFAULT_NAME).secret_variables
    if not variables:
        raise UsageError(f"The lab {name or DEFAULT_NAME} has no site.", hint="plumb lab up --site")
    for variable, secret in variables.items():
        click.echo(f"export {variable}={shlex.quote(secret)}")


@lab.command(context_settings={"ignore_unknown_options": True})
@click.argument("host")
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND...]")
@_name
@click.option(
    "--user", default="root", show_default=True, help="root, operator (may sudo) or plain (may not)."
)
def ssh(host: str, command: tuple[str, ...], name: str | None, user: str) -> None:
    """Open a shell on a host, or run a command there."""
    check_rights()
    entry = Lab.of(_lab_with(host, name)).host(host).entry
    words = entry.command(user, *command, tty=not command and sys.stdin.isatty(), shared=False)
    os.execvp(words[0], words)  # noqa: S606  (ssh takes over the terminal and gives its own exit code)


@lab.command()
@click.argument("host")
@_name
def reboot(host: str, name: str | None) -> None:
    """Reboot a host and wait until it is there again."""
    check_rights()
    chosen = Lab.of(_lab_with(host, name))
    with _progress() as tell:
        tell(f"Rebooting {host}.")
        state = chosen.reboot(host)
    click.echo(f"{host} has booted anew; systemd calls it {state}.", err=True)


@lab.command()
@_name
@click.option("--all", "everything", is_flag=True, help="Take down every lab of this machine.")
def down(name: str | None, everything: bool) -> None:
    """Take a lab down, also what a crash left of it."""
    if name and everything:
        raise click.UsageError("--all already names every lab; leave --name out.")
    check_rights()
    chosen = all_names() if everything else [name or DEFAULT_NAME]
    for each in chosen:
        there = take_down(each)
        click.echo(
            f"The lab {each} is down." if there else f"There is no lab {each}; nothing to do.", err=True
        )
    if not chosen:
        click.echo("There is no lab; nothing to do.", err=True)


@lab.command()
@click.argument("report", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def judge(report: Path) -> int:
    """Say whether a check's JSON REPORT finds hosts right, but for what a container cannot show.

    Exit codes: 0 they are right, 2 something is amiss.
    """
    from plumbline.errors import COMPLIANT, NOT_COMPLIANT
    from plumbline.lab.containers import CANNOT_SHOW, amiss, verdicts_of

    hosts = verdicts_of(report)
    wrong = {host: amiss(verdicts) for host, verdicts in hosts.items() if amiss(verdicts) or not verdicts}
    for host, found in wrong.items():
        told = ", ".join(f"{control}: {verdict}" for control, verdict in found.items())
        click.echo(f"{host}: {told or 'not judged'}")
    if wrong or not hosts:
        return NOT_COMPLIANT
    unshown = {name for verdicts in hosts.values() for name in CANNOT_SHOW if verdicts.get(name) == "unknown"}
    click.echo(f"{len(hosts)} hosts are right; no container can show: {', '.join(sorted(unshown)) or '—'}")
    return COMPLIANT


def _lab_with(host: str, name: str | None) -> str:
    """Return the lab a host is in: the one named, or the only one that has such a host."""
    if name:
        return name
    states = {each: LabPlace(each).load() for each in all_names()}
    having = [each for each, state in states.items() if state and host in state.names]
    if not having:
        raise UsageError(f"No lab has a host {host!r}.", hint="plumb lab status")
    if len(having) > 1 and DEFAULT_NAME not in having:
        raise UsageError(
            f"Several labs have a host {host!r}: {', '.join(having)}.", hint="Say which with --name."
        )
    return DEFAULT_NAME if DEFAULT_NAME in having else having[0]


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Say on stderr what is being done, on a terminal only."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status("") as line:
        yield line.update
