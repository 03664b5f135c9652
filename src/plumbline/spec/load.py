"""An inventory directory in memory: the site, the systems and their hosts, and how they are reached.

An inventory is `site.yml` (the operator's), `systems/*.yml` (the suppliers', a system a file) and, if the
hosts are reached from here, `connection.yml`.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from plumbline.errors import InputError, UsageError
from plumbline.findings import At, Finding, FindingsError, nearest
from plumbline.spec.model import Connection, HostSpec, Site, System
from plumbline.yamlfile import Document, read_yaml, shown, validated

M = TypeVar("M", Site, System, Connection)
_LAYOUT = "an inventory holds site.yml, systems/NAME.yml for each system, and may hold connection.yml"


@dataclass(frozen=True)
class Inventory:
    """A loaded inventory: every file is well-formed by itself, no system or host is declared twice.

    Whether the files agree with each other and with the standard is for `plumbline.spec.validate`.
    `documents`: `site`, `connection` or `systems/NAME` -> the file it was read from, with its lines.
    """

    path: Path
    site: Site
    systems: dict[str, System]
    connection: Connection
    documents: dict[str, Document] = field(default_factory=dict, repr=False, compare=False)

    def hosts(self) -> dict[str, tuple[System, HostSpec]]:
        """Return every host by name, with its system, in the order they are declared."""
        return {host.name: (system, host) for system in self.systems.values() for host in system.hosts}

    def select(self, patterns: Sequence[str] = ()) -> list[tuple[System, HostSpec]]:
        """Return the hosts meant by names, globs and names of systems, each once; all hosts for no pattern.

        Raises UsageError, naming the nearest, when a pattern means no host.
        """
        hosts = self.hosts()
        if not patterns:
            return list(hosts.values())
        meant: set[str] = set()
        for pattern in patterns:
            named = self._meant_by(pattern, hosts)
            if not named:
                raise self._unknown(pattern, hosts)
            meant |= named
        return [found for name, found in hosts.items() if name in meant]

    def address_of(self, name: str) -> str:
        """Return where this controller connects to a host: the connection's address, else the specified one.

        Raises UsageError for an unknown host.
        """
        if name in self.connection.addresses:
            return self.connection.addresses[name]
        hosts = self.hosts()
        if name not in hosts:
            raise self._unknown(name, hosts)
        return str(hosts[name][1].address)

    def _meant_by(self, pattern: str, hosts: Iterable[str]) -> set[str]:
        if pattern in self.systems:
            return {host.name for host in self.systems[pattern].hosts}
        return {name for name in hosts if fnmatch.fnmatchcase(name, pattern)}

    def _unknown(self, pattern: str, hosts: Iterable[str]) -> UsageError:
        known = [*hosts, *self.systems]
        what = "matches" if set(pattern) & set("*?[") else "is named"
        near = nearest(pattern, known)
        hint = None if near else f"it has {', '.join(known)}"
        return UsageError(f"no host or system of {shown(self.path)} {what} {pattern}{near}", hint=hint)


def load_inventory(directory: Path | str) -> Inventory:
    """Read an inventory directory.

    Raises InputError with every finding of every file, each with its file and line.
    """
    directory = Path(directory)
    site_file, system_files, connection_file = _files(directory)
    findings: list[Finding] = []
    documents: dict[str, Document] = {}

    def read(model: type[M], path: Path, key: str) -> M | None:
        try:
            documents[key] = read_yaml(path)
            return validated(model, documents[key])
        except FindingsError as error:
            findings.extend(error.findings)
            return None

    site = read(Site, site_file, "site")
    connection = read(Connection, connection_file, "connection") if connection_file else Connection()
    declared = []
    for path in system_files:
        if system := read(System, path, path.name):
            declared.append((documents.pop(path.name), system))
    findings += _declared_twice(declared)
    if findings or site is None or connection is None:
        raise FindingsError(findings)
    documents |= {f"systems/{system.name}": document for document, system in declared}
    systems = {system.name: system for _, system in declared}
    return Inventory(directory, site, systems, _resolved(connection, directory), documents)


def _files(directory: Path) -> tuple[Path, list[Path], Path | None]:
    """Return the files of an inventory; InputError, saying what one holds, when this is none."""
    if not directory.is_dir():
        what = "is a file, not a directory" if directory.exists() else "does not exist"
        raise InputError(f"the inventory {directory} {what}", hint=_LAYOUT)
    _refuse_other_suffix([directory / "site.yaml", directory / "connection.yaml"])
    _refuse_other_suffix(sorted((directory / "systems").glob("*.yaml")))
    site = directory / "site.yml"
    if not site.exists():
        raise InputError(f"the directory {directory} is no inventory: it has no site.yml", hint=_LAYOUT)
    systems = sorted((directory / "systems").glob("*.yml"))
    if not systems:
        raise InputError(f"the inventory {directory} has no system: there is no systems/*.yml", hint=_LAYOUT)
    connection = directory / "connection.yml"
    return site, systems, connection if connection.exists() else None


def _refuse_other_suffix(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.exists():
            raise InputError("this file would not be read", file=path, hint=f"rename it to {path.stem}.yml")


def _declared_twice(declared: list[tuple[Document, System]]) -> list[Finding]:
    """Return a finding for each system or host whose name another one has."""
    first: dict[str, Finding] = {}
    findings = []
    for document, system in declared:
        names: list[tuple[str, At]] = [(f"system {system.name}", ("name",))]
        names += [(f"host {host.name}", ("hosts", index, "name")) for index, host in enumerate(system.hosts)]
        for what, at in names:
            if other := first.get(what):
                message = f"the {what} is declared twice, first in {other.file}:{other.line}"
                findings.append(document.finding(message, at))
            else:
                first[what] = document.finding(what, at)
    return findings


def _resolved(connection: Connection, directory: Path) -> Connection:
    """Return the connection with its paths made absolute, relative ones against the inventory."""

    def absolute(path: str | None) -> str | None:
        return None if path is None else str((directory / Path(path).expanduser()).absolute())

    windows = connection.windows.model_copy(update={"ca_file": absolute(connection.windows.ca_file)})
    return connection.model_copy(
        update={
            "identity_file": absolute(connection.identity_file),
            "known_hosts": absolute(connection.known_hosts),
            "windows": windows,
        }
    )
