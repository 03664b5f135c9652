"""How a controller reaches the hosts of an inventory."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from plumbline.model import Strict
from plumbline.spec.values import FilePath, Filled, HostOrAddress, Name, Port


class WindowsConnection(Strict):
    """How this controller reaches Windows hosts: WinRM over TLS; the password is asked for or vaulted.

    `ca_file`: the certificates that the hosts' own are verified with, if not the controller's.
    """

    user: Filled = "Administrator"
    port: Port = 5986
    transport: Literal["kerberos", "ntlm", "credssp", "certificate"] = "kerberos"
    ca_file: FilePath | None = None


class Connection(Strict):
    """How this controller reaches the hosts; never part of the specification, and never a password.

    Paths start with `/`, `~/`, or `./` which is the inventory's directory. `addresses` replaces the
    specified address of a host for the connection only.
    """

    user: Filled = "root"
    port: Port = 22
    identity_file: FilePath | None = None
    known_hosts: FilePath | None = None
    sudo: Annotated[bool, Field(strict=True)] = False
    windows: WindowsConnection = WindowsConnection()
    addresses: dict[Name, HostOrAddress] = {}

    @field_validator("identity_file", "known_hosts")
    @classmethod
    def _path_says_where_it_starts(cls, path: str | None) -> str | None:
        if path is not None and not path.startswith(("/", "./", "../", "~/")):
            raise ValueError(f"write ./{path} if it lies in the inventory, or a path from /")
        return path
