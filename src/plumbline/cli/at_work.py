"""What the commands that work on hosts show: styled lines, and on a terminal where each host is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click

from plumbline.secrets import Ask, asked_on_terminal

if TYPE_CHECKING:
    from plumbline.apply.results import Progress
    from plumbline.apply.text import Line

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


class Pause(Protocol):
    """Clears the display of progress while a question is asked."""

    def __call__(self, question: Callable[[], T], /) -> T:
        """Return what the question returns."""


def restore_after_option(command: F) -> F:
    """Add `--restore-after SECONDS`: how long a host waits for a sign of us."""
    return click.option(
        "--restore-after",
        metavar="SECONDS",
        type=click.IntRange(10, 3600),
        default=300,
        show_default=True,
        help="A host that hears nothing of us for so long puts itself back as it was.",
    )(command)


def must_be_asked(*, yes: bool, dry: bool) -> None:
    """Raise UsageError where a person must agree and nobody can be asked."""
    from plumbline.errors import UsageError

    if not (dry or yes or sys.stdin.isatty()):
        raise UsageError(
            "nobody can be asked here: give --yes to change hosts, or --dry to see what would change"
        )


def print_lines(lines: Iterable[Line], *, error: bool = False) -> None:
    """Print styled lines; rich leaves colour out where it does not belong (NO_COLOR, a file)."""
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=error, soft_wrap=True, highlight=False)
    for line, style in lines:
        console.print(Text(line, style=style))


def asking(pause: Pause) -> Ask | None:
    """Return what asks for a secret on this terminal, without the display of progress in between."""
    ask = asked_on_terminal()
    return ask and (lambda question: pause(lambda: ask(question)))


@contextmanager
def progress() -> Iterator[tuple[Callable[[Progress], None], Pause]]:
    """Show where each host is, on a terminal only; `pause` clears the display while it asks a question."""
    if not sys.stderr.isatty():
        yield lambda _: None, lambda question: question()
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    bars = Bars(
        TextColumn("{task.fields[host]}"),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[step]}"),
        console=Console(stderr=True),
        transient=True,
    )
    tasks = {}

    def tell(progress: Progress) -> None:
        if progress.host not in tasks:
            tasks[progress.host] = bars.add_task("", total=None, host=progress.host, step="")
        bars.update(
            tasks[progress.host],
            completed=progress.done,
            total=progress.total or None,
            step=progress.step,
        )

    def pause(question: Callable[[], T], /) -> T:
        bars.stop()
        try:
            return question()
        finally:
            bars.start()

    with bars:
        yield tell, pause
