"""Programs with rights of their own (setuid, setgid, capabilities) that distributions bring, as data."""

from __future__ import annotations

import fnmatch
from functools import cache
from typing import Annotated

from pydantic import Field

from plumbline.model import Strict, Text
from plumbline.rooms import POLICIES
from plumbline.yamlfile import read_yaml, validated

FILE = "privileged.yml"
_BASE = "debian"


class Program(Strict):
    """A program, the package or packages that bring it, and the most it may have.

    `mode` is octal, of an owner and group (a group `*` may be any); capabilities without `cap_`.
    """

    package: str | list[str]
    mode: Annotated[str, Field(pattern=r"^[2-7][0-7]{3}$")] | None = None
    owner: str = "root"
    group: str = "root"
    capabilities: list[str] = []

    @property
    def packages(self) -> list[str]:
        """The packages that may bring it."""
        return [self.package] if isinstance(self.package, str) else self.package

    @property
    def rights(self) -> int:
        """The setuid and setgid bits it may have."""
        return int(self.mode, 8) & 0o6000 if self.mode else 0


class Privileged(Strict):
    """The file: for each distribution, as os-release calls it, programs by path.

    Debian's count for those made from it too; theirs win.
    """

    title: Text
    distributions: dict[str, dict[str, Program]]

    def of(self, distribution: str) -> dict[str, Program] | None:
        """Return the programs of a distribution; None for one nobody has listed."""
        if distribution not in self.distributions:
            return None
        return {**self.distributions[_BASE], **self.distributions[distribution]}


def find(programs: dict[str, Program], path: str) -> Program | None:
    """Return what is listed for a path; `*` stands for one directory's name."""
    if path in programs:
        return programs[path]
    for pattern, program in programs.items():
        same = pattern.count("/") == path.count("/")
        if "*" in pattern and same and fnmatch.fnmatchcase(path, pattern):
            return program
    return None


@cache
def load_privileged(standard: str) -> Privileged:
    """Load a standard's list; InputError with file and line where it is wrong."""
    return validated(Privileged, read_yaml(POLICIES / standard / FILE))
