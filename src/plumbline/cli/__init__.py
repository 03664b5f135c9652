"""The command `plumb`: subcommands are imported only when they run, so that help answers at once."""

from __future__ import annotations

import importlib
import sys

import click

from plumbline import __version__
from plumbline.errors import TOOL_FAILED, USAGE, PlumblineError

# name -> (where the click command is, its short help)
COMMANDS: dict[str, tuple[str, str]] = {
    "policy": ("plumbline.cli.policy:policy", "Show the standard, its requirements, controls and coverage."),
    "spec": ("plumbline.cli.spec:spec", "Validate a supplier's specification and make inventories from it."),
    "matrix": ("plumbline.cli.matrix:matrix", "The communication matrix: judge, compile, explain."),
    "lab": ("plumbline.cli.lab:lab", "Real test hosts on this machine."),
    "collector": (
        "plumbline.cli.collector:collector",
        "Print the collector script for a host without a link.",
    ),
    "collect": ("plumbline.cli.collect:collect", "Collect the evidence of hosts, one round trip each."),
    "check": ("plumbline.cli.check:check", "Check hosts, live or from evidence, and report."),
    "plan": ("plumbline.cli.plan:plan", "Write down what apply would do, to be applied as it is."),
    "apply": ("plumbline.cli.apply:apply", "Bring hosts to the standard; what is not confirmed is undone."),
    "history": ("plumbline.cli.history:history", "Who changed which host when, and what came of it."),
    "rollback": ("plumbline.cli.rollback:rollback", "Undo what apply did to a host."),
    "evidence": ("plumbline.cli.evidence:evidence", "Show, verify and sign evidence."),
}


class LazyGroup(click.Group):
    """A group that knows its commands' names and short help without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click's signature)
        """Return the commands in the order a person meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), name)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}:{name} is not a command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="plumb")
def cli() -> None:
    """Bring hosts to the operator's standard, prove it, and see what has moved.

    Exit codes: 0 compliant, 2 not compliant, 4 some hosts not reached,
    5 nothing checked, 1 the tool failed, 64 usage.
    """


def main() -> None:
    """Run the command line; every expected failure ends in a sentence and an exit code."""
    try:
        code = cli.main(standalone_mode=False)
    except click.UsageError as error:
        error.show()
        sys.exit(USAGE)
    except click.Abort:
        click.echo("stopped", err=True)
        sys.exit(TOOL_FAILED)
    except click.ClickException as error:
        error.show()
        sys.exit(TOOL_FAILED)
    except PlumblineError as error:
        click.echo(f"plumb: {error}", err=True)
        sys.exit(error.exit_code)
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        click.echo(f"plumb: {name}{error.strerror or error}", err=True)
        sys.exit(TOOL_FAILED)
    sys.exit(code if isinstance(code, int) else 0)
