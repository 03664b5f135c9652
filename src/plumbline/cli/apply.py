"""`plumb apply`: show what would change on Linux hosts, ask, change it, and confirm it or undo it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from plumbline.cli.at_work import asking, must_be_asked, print_lines, progress, restore_after_option
from plumbline.cli.options import inventory_option
from plumbline.errors import UsageError

if TYPE_CHECKING:
    from plumbline.apply.history import Options
    from plumbline.apply.results import ApplyReport


@click.command()
@click.argument("hosts", nargs=-1, metavar="[HOST]...")
@inventory_option
@click.option("--dry", is_flag=True, help="Only show what would change; nothing on the hosts is touched.")
@click.option(
    "--plan",
    "plan_file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Do exactly what this plan of `plumb plan` holds; a host that has moved since is left as it is.",
)
@click.option("--diff/--no-diff", default=True, show_default=True, help="Show what becomes of files.")
@click.option("--yes", is_flag=True, help="Do not ask before changing hosts.")
@restore_after_option
@click.option("--canary", "canaries", metavar="HOST", multiple=True, help="Change this host first, alone.")
@click.option(
    "--wave", metavar="SIZE", help="Change so many hosts at a time, in hosts or a share of them (10%)."
)
@click.option(
    "--allowed-failures",
    metavar="N",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Begin no further wave when more hosts than this have failed.",
)
@click.option("--resume", is_flag=True, help="Go on with the last run here that was interrupted.")
@click.option(
    "--outside-window", metavar="REASON", help="Change hosts outside their maintenance windows; recorded."
)
@click.option(
    "--readdress",
    is_flag=True,
    help="Give hosts that connection.yml reaches at another address (`addresses`) the specified one.",
)
@click.option("--despite-owed-reboot", is_flag=True, help="Change hosts that owe a reboot from before.")
@click.option(
    "--accept-worse",
    metavar="CONTROL",
    multiple=True,
    help="Keep the change also if this control passed before and does not any more; recorded.",
)
@click.option("--standard", "standard_name", help="The standard.  [default: mhth-ot, or the plan's]")
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def apply(
    hosts: tuple[str, ...],
    inventory: Path,
    dry: bool,
    plan_file: Path | None,
    diff: bool,
    yes: bool,
    restore_after: int,
    canaries: tuple[str, ...],
    wave: str | None,
    allowed_failures: int,
    resume: bool,
    outside_window: str | None,
    readdress: bool,
    despite_owed_reboot: bool,
    accept_worse: tuple[str, ...],
    standard_name: str | None,
    output: str,
) -> int:
    """Bring Linux hosts to the standard: plan, ask, change, confirm, tell.

    HOST is a host or system of the inventory, or a pattern; without any, all hosts are meant. A host is left
    as it is, with the reason, when changing it would cut the way in. Each host keeps what it was, and puts it
    back unless a new login and the checks confirm the change. Two hosts of a redundancy group are never
    changed at one time. Exit codes: 0 done, 1 a host failed, was restored or left as it is, 4 a host was not
    reached or is lost, 64 usage.
    """
    from plumbline.apply import apply_hosts
    from plumbline.apply.history import Options, Records, interrupted
    from plumbline.apply.plan import read_plan
    from plumbline.apply.text import plan_lines, result_lines

    must_be_asked(yes=yes, dry=dry)
    if outside_window is not None and not outside_window.strip():
        raise UsageError("--outside-window wants a reason, which is recorded")
    if readdress and plan_file is not None:
        raise UsageError(
            "--readdress makes its plan anew at the new address", hint="leave out --plan, or --readdress"
        )
    records = Records()
    options = Options(
        canaries=list(canaries),
        wave=wave,
        allowed_failures=allowed_failures,
        restore_after=restore_after,
        plan_file=None if plan_file is None else str(plan_file.absolute()),
        outside_window=outside_window,
        despite_owed_reboot=despite_owed_reboot,
        readdress=readdress,
        accept_worse=list(accept_worse),
    )
    if resume:
        _alone(hosts, options)
        begun = interrupted(records, inventory)
        click.echo(f"Going on with the run {begun.run}: {', '.join(begun.left)}.", err=True)
        options, hosts = begun.options.of_rest(begun), tuple(begun.left)
        standard_name = standard_name or begun.standard
        plan_file = None if options.plan_file is None else Path(options.plan_file)
    kept = None if plan_file is None else read_plan(plan_file)
    if kept is not None and standard_name not in (None, kept.standard):
        raise UsageError(f"the plan is for the standard {kept.standard}, not for {standard_name}")
    shown = output == "text"

    def confirmed(plan: ApplyReport) -> bool:
        if not any(host.changed for host in plan.hosts):
            return True
        print_lines(plan_lines(plan, diffs=diff), error=not shown)
        return yes or click.confirm("Change this?", err=True)

    with progress() as (tell, pause):
        report = apply_hosts(
            inventory,
            hosts,
            dry=dry,
            plan=kept,
            standard=standard_name or "mhth-ot",
            restore_after=options.restore_after or restore_after,
            rollout=options.rollout,
            outside_window=options.outside_window,
            despite_owed_reboot=options.despite_owed_reboot,
            readdress=options.readdress,
            accept_worse=options.accept_worse,
            options=options,
            confirm=lambda plan: pause(lambda: confirmed(plan)),
            progress=tell,
            ask=asking(pause),
            record=records,
        )
    if not shown:
        click.echo(report.model_dump_json(indent=2))
    elif not report.dry:
        print_lines(result_lines(report))
    elif dry:
        print_lines(plan_lines(report, diffs=diff))
    else:
        click.echo("Nothing was changed.", err=True)
    return report.exit_code


def _alone(hosts: tuple[str, ...], options: Options) -> None:
    """Refuse to mix `--resume`, which takes hosts and options of the run it goes on with, with others."""
    from plumbline.apply.history import Options as Default

    if hosts or options != Default(restore_after=options.restore_after):
        raise UsageError("--resume takes hosts and options of the run that was interrupted; give it alone")
