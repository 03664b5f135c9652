"""A lab's own inventory: the worked example, cut or grown to the hosts wanted, in the lab's own network."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import yaml

from plumbline.errors import InputError, UsageError
from plumbline.lab.layers import make_directory
from plumbline.lab.recipe import RELEASES
from plumbline.probes.accounts.keys import fingerprint
from plumbline.spec.load import load_inventory
from plumbline.spec.model import Connection, HostSpec, Site, System, Vlan

LOCAL_ACCOUNTS = {"root": "none", "operator": "without-password", "plain": "none"}
"""The accounts every lab host is entered by, and whether sudo asks them for a password."""

SERVED = {
    "directory": ("active_directory", "directory"),
    "log": ("log_collector", "log"),
    "monitoring": ("monitoring", "monitoring"),
    "mail": ("mail_relay", "mail"),
}
"""Server of the lab's site -> what declares it in site.yml, and its word in the matrix (`site:log`)."""

_IPV4 = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")


@dataclass(frozen=True)
class LabInventory:
    """A site, its systems and its matrix as plain data, with the texts they were read from, by file."""

    site: dict[str, Any]
    systems: dict[str, dict[str, Any]]
    texts: dict[str, tuple[dict[str, Any], str]]
    matrix: dict[str, Any] | None = None

    @property
    def model(self) -> Site:
        """The site, validated."""
        return Site.model_validate(self.site)

    @property
    def hosts(self) -> list[HostSpec]:
        """All hosts, system by system."""
        return [host for system in self.systems.values() for host in System.model_validate(system).hosts]

    @property
    def vlan(self) -> Vlan:
        """The one VLAN all hosts are reached in; InputError when there are several."""
        names = {host.interfaces[0].vlan or "" for host in self.hosts}
        declared = {vlan.name for vlan in self.model.vlans}
        if len(names) != 1 or not names <= declared:
            raise InputError(
                f"A lab has one network, but its hosts' first interfaces are in: {', '.join(sorted(names))}.",
                hint="Give an inventory whose hosts have their first interface in one VLAN of the site.",
            )
        return self.model.vlan(names.pop())

    @property
    def gateway(self) -> IPv4Address:
        """The address of this machine in the lab's network: the VLAN's gateway, or the first address."""
        return self.vlan.gateway or self.vlan.network.network_address + 1

    def resized(self, count: int) -> LabInventory:
        """Return it with the first `count` hosts; those beyond the declared ones are made after the first."""
        systems = copy.deepcopy(self.systems)
        seen = 0
        for name, system in list(systems.items()):
            system["hosts"] = system["hosts"][: max(0, count - seen)]
            seen += len(system["hosts"])
            if not system["hosts"]:
                del systems[name]
        first = next(iter(systems.values()))
        network = self.vlan.network
        last = max(host.address for host in self.hosts)
        addresses = (address for address in network.hosts() if last < address != self.gateway)
        for number in range(seen + 1, count + 1):
            address = next(addresses, None)
            if address is None:
                raise UsageError(f"{count} hosts do not fit into {network}.")
            clone = copy.deepcopy(first["hosts"][0])
            clone["name"] = f"lab-{number:02d}"
            clone["interfaces"] = [{**clone["interfaces"][0], "address": str(address)}]
            first["hosts"].append(clone)
        there = {host["name"] for system in systems.values() for host in system["hosts"]}
        gone = {host.name for host in self.hosts} - there | {
            f"system:{system['name']}" for name, system in self.systems.items() if name not in systems
        }
        made = [name for name in there if name not in {host.name for host in self.hosts}]
        matrix = _with_ends(_without_ends(self.matrix, gone), first["hosts"][0]["name"], sorted(made))
        return replace(self, systems=systems, matrix=matrix)

    def renumbered(self, network: IPv4Network) -> LabInventory:
        """Return it with every address of its network moved to the same place in `network`."""
        old = self.vlan.network

        def move(match: re.Match[str]) -> str:
            try:
                address = IPv4Address(match[0])
            except ValueError:
                return match[0]
            return (
                str(network.network_address + (int(address) & int(old.hostmask)))
                if address in old
                else match[0]
            )

        def walk(value: Any) -> Any:  # noqa: ANN401  (YAML is what it is)
            if isinstance(value, dict):
                return {key: walk(item) for key, item in value.items()}
            if isinstance(value, list):
                return [walk(item) for item in value]
            return _IPV4.sub(move, value) if isinstance(value, str) else value

        systems = {name: walk(system) for name, system in self.systems.items()}
        texts = {name: (walk(data), _IPV4.sub(move, text)) for name, (data, text) in self.texts.items()}
        return replace(self, site=walk(self.site), systems=systems, texts=texts, matrix=walk(self.matrix))

    def of_release(self, release: str) -> LabInventory:
        """Return it with every host specified as the Debian release the lab boots."""
        systems = copy.deepcopy(self.systems)
        for system in systems.values():
            for host in system["hosts"]:
                host["os"] = {**host["os"], "distribution": "debian", "version": RELEASES[release]}
        return replace(self, systems=systems)

    def entered_by(self, public_key: str) -> LabInventory:
        """Return it with the lab's own local accounts declared on every host, and the key that opens them."""
        systems = copy.deepcopy(self.systems)
        key = fingerprint(public_key.split()[1])
        for system in systems.values():
            for host in system["hosts"]:
                declared = {account["name"]: account for account in host.get("local_accounts", [])}
                for name, sudo in LOCAL_ACCOUNTS.items():
                    account = declared.setdefault(name, {"name": name, "reason": "made by the lab"})
                    account["keys"] = [*account.get("keys", []), key]
                    if sudo != "none":
                        account["sudo"] = sudo
                host["local_accounts"] = list(declared.values())
        return replace(self, systems=systems)

    def without_servers(self, there: Set[str]) -> LabInventory:
        """Return it with only those of the site's servers that are `there`, by name as in `SERVED`."""
        missing = {key: word for server, (key, word) in SERVED.items() if server not in there}
        site = {
            key: value
            for key, value in self.site.items()
            if key not in missing or (key in Site.model_fields and Site.model_fields[key].is_required())
        }
        gone = {f"site:{word}" for key, word in missing.items() if key not in site}
        return replace(self, site=site, matrix=_without_ends(self.matrix, gone))

    def with_site(self, site: dict[str, Any], names: dict[str, list[str]]) -> LabInventory:
        """Return it with another site, and with these addresses of its servers' names in the matrix."""
        matrix = self.matrix and {**self.matrix, "names": {**self.matrix.get("names", {}), **names}}
        return replace(self, site=site, matrix=matrix)

    def write(self, directory: Path, connection: Connection) -> None:
        """Write site.yml, systems/*.yml, connection.yml, and matrix.yml if there is one.

        What did not change keeps its text.
        """
        make_directory(directory / "systems")
        data = connection.model_dump(mode="json", exclude_defaults=True)
        everything = {"site.yml": self.site, **self.systems, "connection.yml": data}
        if self.matrix is not None:
            everything["matrix.yml"] = self.matrix
        for name, content in everything.items():
            known, text = self.texts.get(name, (None, ""))
            if content != known:
                text = "# Made by `plumb lab up`.\n" + _dumped(content)
            (directory / name).write_text(text)


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines, such as certificates, as it is."""


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style="|" if "\n" in text else None
    ),
)


def _dumped(content: object) -> str:
    written: str = yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    return written


def load(directory: Path) -> LabInventory:
    """Read an inventory: `site.yml` and `systems/*.yml`; InputError names what is wrong, by file and line."""
    load_inventory(directory)
    texts: dict[str, tuple[dict[str, Any], str]] = {}
    for path in (directory / "site.yml", *sorted((directory / "systems").glob("*.yml"))):
        text = path.read_text()
        texts[str(path.relative_to(directory))] = (yaml.safe_load(text), text)
    systems = {name: data for name, (data, _) in texts.items() if name != "site.yml"}
    matrix = directory / "matrix.yml"
    if matrix.exists():
        text = matrix.read_text()
        texts["matrix.yml"] = (yaml.safe_load(text), text)
    return LabInventory(texts["site.yml"][0], systems, texts, texts.get("matrix.yml", (None, ""))[0])


def _without_ends(matrix: dict[str, Any] | None, gone: Set[str]) -> dict[str, Any] | None:
    """Return a matrix without these ends, and without rows that would have none left on a side."""
    if matrix is None:
        return None
    rows = []
    for row in matrix["rows"]:
        kept = {side: [end for end in row[side] if end not in gone] for side in ("source", "destination")}
        if all(kept.values()):
            rows.append({**row, **kept})
    return {**matrix, "rows": rows}


def _with_ends(matrix: dict[str, Any] | None, like: str, made: Sequence[str]) -> dict[str, Any] | None:
    """Return a matrix whose rows hold for the hosts `made` as for the one they are like."""
    if matrix is None or not made:
        return matrix
    rows = [
        row | {side: [*row[side], *made] for side in ("source", "destination") if like in row[side]}
        for row in matrix["rows"]
    ]
    return {**matrix, "rows": rows}
