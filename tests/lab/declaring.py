"""Changing what a lab's own inventory declares of a host."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from plumbline.lab import Lab
from plumbline.rooms import LAB_INVENTORY

Change = Callable[[dict[str, Any]], None]


def with_a_client(folder: Path, name: str) -> Path:
    """Copy the worked example into a folder, with one of its hosts a client without the services it had."""
    inventory = folder / "inventory"
    shutil.copytree(LAB_INVENTORY, inventory)
    as_client = {"profile": "client", "services": [], "software": [], "server_roles": []}
    as_client |= {"firewall_openings": [], "antivirus_exclusions": [], "parameters": {}}
    respecified(inventory, lambda host: host.update(as_client) if host["name"] == name else None)
    return inventory


def respecified(inventory: Path, change: Change) -> None:
    """Change each host of an inventory's systems, or leave it, as `change` does."""
    for path in sorted((inventory / "systems").glob("*.yml")):
        system = yaml.safe_load(path.read_text(encoding="utf-8"))
        for host in system["hosts"]:
            change(host)
        _write(path, system)


def declare(lab: Lab, host: str, **changes: object) -> None:
    """Change what the lab's inventory declares of a host; None takes a key away."""

    def change(declared: dict[str, Any]) -> None:
        if declared["name"] == host:
            declared.update(changes)
            for key in [key for key, value in changes.items() if value is None]:
                del declared[key]

    respecified(lab.inventory, change)


@contextmanager
def declared_site(lab: Lab) -> Iterator[dict[str, Any]]:
    """Give what the lab's inventory declares of the site, and write it as the block leaves it."""
    path = lab.inventory / "site.yml"
    site = yaml.safe_load(path.read_text(encoding="utf-8"))
    yield site
    _write(path, site)


def declare_directory(lab: Lab) -> None:
    """Let the lab's inventory name the worked example's directory, which a lab without a site leaves out."""
    directory = yaml.safe_load((LAB_INVENTORY / "site.yml").read_text(encoding="utf-8"))["active_directory"]
    with declared_site(lab) as site:
        site["active_directory"] = directory


def _write(path: Path, document: object) -> None:
    text = yaml.dump(document, Dumper=_Plain, sort_keys=False, allow_unicode=True)
    path.write_text(text, encoding="utf-8")


class _Plain(yaml.SafeDumper):
    """Writes a value that comes twice out twice: inventories have no anchors."""

    def ignore_aliases(self, _: object) -> bool:
        return True
