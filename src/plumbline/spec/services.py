"""What runs on a host: its roles, services and software."""

from __future__ import annotations

from plumbline.model import Strict
from plumbline.spec.values import Filled, Port


class ServerRole(Strict):
    """A role of the server, such as file server or terminal server, and how it is configured (6)."""

    name: Filled
    configuration: Filled


class Service(Strict):
    """A service the system needs, under which account it runs, and its configuration in words or files."""

    name: Filled
    account: Filled
    configuration: str = ""
    ports: list[Port] = []


class Software(Strict):
    """Installed software, with the database server it brings if any."""

    name: Filled
    version: Filled
    vendor: Filled
    database: Filled | None = None
