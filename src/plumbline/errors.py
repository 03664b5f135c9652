"""Errors that speak to a person: what was wrong, in which file and line, and what to do."""

from __future__ import annotations

from pathlib import Path

COMPLIANT = 0
TOOL_FAILED = 1
NOT_COMPLIANT = 2
NOT_REACHED = 4
NOTHING_CHECKED = 5
USAGE = 64


class PlumblineError(Exception):
    """A failure to tell the person about, without a traceback.

    `hint` says what to do about it; `file` and `line` (from 1) say where it is.
    """

    exit_code = TOOL_FAILED

    def __init__(
        self,
        message: str,
        *,
        file: Path | str | None = None,
        line: int | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.file = str(file) if file is not None else None
        self.line = line
        self.hint = hint

    def __str__(self) -> str:
        place = (
            f"{self.file}:{self.line}: " if self.file and self.line else f"{self.file}: " if self.file else ""
        )
        return f"{place}{self.message}" + (f"\n  {self.hint}" if self.hint else "")


class InputError(PlumblineError):
    """A file of the person's is wrong; may carry several findings, one a line."""


class UsageError(PlumblineError):
    """The command was called in a way it does not understand."""

    exit_code = USAGE


class NotReachedError(PlumblineError):
    """A host could not be reached, or gave no evidence."""

    exit_code = NOT_REACHED
