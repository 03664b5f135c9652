"""Changing what a lab's own inventory declares of a host."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml

from plumbline.lab import Lab
from plumbline.rooms import LAB_INVENTORY


def with_a_client(folder: Path, name: str) -> Path:
    """Copy the worked example into a folder, with one of its hosts a client without the services it had."""
    inventory = folder / "inventory"
    shutil.copytree(LAB_INVENTORY, inventory)
    for path in sorted((inventory / "systems").glob("*.yml")):
        system = yaml.safe_load(path.read_text(encoding="utf-8"))
        for host in system["hosts"]:
            if host["name"] == name:
                host |= {"profile": "client", "services": [], "software": [], "server_roles": []}
                host |= {"firewall_openings": [], "antivirus_exclusions": [], "parameters": {}}
        path.write_text(yaml.safe_dump(system, sort_keys=False), encoding="utf-8")
    return inventory


def declare(lab: Lab, host: str, **changes: object) -> None:
    """Change what the lab's inventory declares of a host; None takes a key away."""
    for path in sorted((lab.inventory / "systems").glob("*.yml")):
        system = yaml.safe_load(path.read_text())
        for declared in system["hosts"]:
            if declared["name"] == host:
                declared.update(changes)
                for key in [key for key, value in changes.items() if value is None]:
                    del declared[key]
        path.write_text(yaml.dump(system, Dumper=_Plain, sort_keys=False, allow_unicode=True))


def declare_directory(lab: Lab) -> None:
    """Let the lab's inventory name the worked example's directory, which a lab without a site leaves out."""
    path = lab.inventory / "site.yml"
    directory = yaml.safe_load((LAB_INVENTORY / "site.yml").read_text())["active_directory"]
    site = yaml.safe_load(path.read_text()) | {"active_directory": directory}
    path.write_text(yaml.dump(site, Dumper=_Plain, sort_keys=False, allow_unicode=True))


class _Plain(yaml.SafeDumper):
    """Writes a value that comes twice out twice: inventories have no anchors."""

    def ignore_aliases(self, _: object) -> bool:
        return True
