"""Options that several commands have, worded and named alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def inventory_option(command: F) -> F:
    """Add `--inventory DIR`: where site.yml and systems/ are."""
    return click.option(
        "-i",
        "--inventory",
        envvar="PLUMBLINE_INVENTORY",
        default=".",
        type=click.Path(path_type=Path),
        help="The inventory: site.yml, systems/ and perhaps connection.yml.",
    )(command)


def lang_option(command: F) -> F:
    """Add `--lang en|sk`, the language of what is told."""
    return click.option(
        "--lang",
        envvar="PLUMBLINE_LANG",
        type=click.Choice(["en", "sk"]),
        default="en",
        show_default=True,
        help="The language.",
    )(command)
