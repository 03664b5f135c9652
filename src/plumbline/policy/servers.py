"""Servers told by their packages and programs: which of them speak unencrypted, as data (5.3, 6, 8)."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

from plumbline.model import Strict
from plumbline.policy.model import ControlName
from plumbline.rooms import POLICIES
from plumbline.spec.values import Filled
from plumbline.yamlfile import read_yaml, validated


class Server(Strict):
    """A kind of server, by its packages and the names of its programs.

    `offers`: a protocol of protocols.yml, or words. `unencrypted`: `always`, or as it is `configured`.
    """

    offers: Filled
    unencrypted: Literal["always", "configured"]
    packages: list[Filled]
    programs: list[Filled]


class Mail(Strict):
    """What sends or takes mail."""

    packages: list[Filled]


class ServersFile(Strict):
    """`servers.yml`: servers by kind."""

    servers: dict[ControlName, Server]
    mail: Mail

    @property
    def unencrypted(self) -> dict[str, Server]:
        """The kinds that always speak unencrypted, or a protocol that is forbidden in any form."""
        return {name: server for name, server in self.servers.items() if server.unencrypted == "always"}


@cache
def load_servers(standard: str, root: Path = POLICIES) -> ServersFile:
    """Return the servers a standard knows. Raises FindingsError with file and line when the file is wrong."""
    return validated(ServersFile, read_yaml(root / standard / "servers.yml"))
