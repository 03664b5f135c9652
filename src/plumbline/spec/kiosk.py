"""The operator visualisation of a host: the application its session shows and nothing else (9.4.2)."""

from __future__ import annotations

import shlex
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator

from plumbline.model import Strict
from plumbline.spec.values import FilePath, Filled

_ACCOUNT = r"[a-z_][a-z0-9_.-]{0,30}"
_SHELLS = ("sh", "ash", "bash", "dash", "ksh", "zsh", "su", "sudo")


def _own_account(name: str) -> str:
    if name == "root":
        raise ValueError("the application's session cannot be root's; give it an account of its own")
    return name


def _command(text: str) -> str:
    try:
        words = shlex.split(text)
    except ValueError:
        raise ValueError(f"{text!r} has a quote that is not closed") from None
    if not words or not words[0].startswith("/"):
        raise ValueError(f"{text!r} does not begin with a program's path, such as /opt/hmi/bin/hmi")
    if words[0].rsplit("/", 1)[-1] in _SHELLS:
        raise ValueError(f"{words[0]} is no application; name the program itself, or a script by its path")
    if "--" in words:
        raise ValueError("the command holds a lone --, which ends the application's words; write a script")
    return text


class Kiosk(Strict):
    """A session that starts one application: as whom, by which command, and what the application starts.

    `command` is the program's path with its words, without a shell. `programs` are the paths of further
    programs that the application starts itself; a path that ends in / stands for all below it. `addresses`
    are what a browser may open beside the addresses in its command (URL patterns of its policies).
    """

    user: Annotated[Filled, Field(pattern=f"^{_ACCOUNT}$"), AfterValidator(_own_account)]
    command: Annotated[Filled, AfterValidator(_command)]
    programs: list[FilePath] = []
    addresses: list[Filled] = []

    @field_validator("programs")
    @classmethod
    def _programs_are_paths(cls, programs: list[str]) -> list[str]:
        for path in programs:
            if not path.startswith("/") or path.rstrip("/").count("/") < 2:
                raise ValueError(f"{path!r} is no program's path, such as /opt/hmi/bin/alarm or /opt/hmi/")
        return programs

    @property
    def words(self) -> list[str]:
        """The command's words, the program's path first."""
        return shlex.split(self.command)
