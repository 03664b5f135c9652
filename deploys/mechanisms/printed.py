"""What a read-only command prints on the host, for a deploy to decide by."""

from __future__ import annotations

from pyinfra.api.facts import FactBase
from pyinfra.context import host


class Lines(FactBase[list[str]]):
    """The lines a read-only command prints, none if it fails."""

    def command(self, command: str) -> str:
        """Return the command; failing is no answer, and none is what it gives."""
        return f"{{ {command}; }} 2>/dev/null || true"

    @staticmethod
    def default() -> list[str]:
        """Return what no output means."""
        return []

    def process(self, output: list[str]) -> list[str]:
        """Return the lines without blanks around them."""
        return [line.strip() for line in output if line.strip()]


class Paths(Lines):
    """The paths a command prints, nothing if it finds none."""

    def process(self, output: list[str]) -> list[str]:
        """Return the paths, sorted, each once."""
        return sorted({line for line in output if line.startswith("/")})


def lines(command: str) -> list[str]:
    """Return the lines that a read-only command prints on the host."""
    found: list[str] = host.get_fact(Lines, command=command)
    return found


def paths(command: str) -> list[str]:
    """Return the paths that a read-only command prints on the host, sorted."""
    found: list[str] = host.get_fact(Paths, command=command)
    return found
