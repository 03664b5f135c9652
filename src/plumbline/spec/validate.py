"""Whether the files of an inventory agree with each other and with the standard; all findings at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from plumbline.errors import InputError
from plumbline.findings import FindingsError, nearest
from plumbline.policy.resolve import misfits, resolve
from plumbline.policy.standard import Standard
from plumbline.spec.declared import Declared, Judgement, declared_hosts, judged
from plumbline.spec.load import Inventory
from plumbline.spec.model import UserRole
from plumbline.spec.network import judge_addresses, judge_interfaces, judge_openings, judge_site

_WINDOWS_NAME_LENGTH = 15  # a NetBIOS name has 15 characters, and Active Directory joins hosts under one

_EVERYTHING = re.compile(r"([A-Za-z]:)?[/\\]*(\*(\.\*)?)*")
"""A root, a drive, or only wildcards."""

_DEMANDED = {
    "antivirus_exclusions": "antivirus exceptions",
    "firewall_openings": "firewall exceptions",
    "users": "users and their roles",
    "server_roles": "roles of the server",
    "services": "services",
    "software": "installed software",
}
"""What chapter 6 demands of a specification and may be none (document.vm-spec, -offer, .physical-…)."""

_KEPT_APART = {
    frozenset({"os-administrator", "os-user"}),
    frozenset({"os-administrator", "application-administrator"}),
    frozenset({"os-administrator", "application-permission-administrator"}),
    frozenset({"os-administrator", "application-user"}),
    frozenset({"application-administrator", "application-permission-administrator"}),
    frozenset({"application-administrator", "application-user"}),
    frozenset({"application-permission-administrator", "application-user"}),
}
"""Roles of 17.4 that one group cannot stand for together; a system user shares a group with nobody."""


def judge_inventory(inventory: Inventory, standard: Standard) -> list[Judgement]:
    """Return what is wrong (errors) or remarkable (warnings), by file and line."""
    return sorted(set(_judgements(inventory, standard)))


def demand_valid(inventory: Inventory, standard: Standard) -> None:
    """Raise FindingsError with every error of the cross checks; warnings are let pass."""
    errors = [each for each in judge_inventory(inventory, standard) if each.severity == "error"]
    if errors:
        raise FindingsError(errors)


def _judgements(inventory: Inventory, standard: Standard) -> Iterator[Judgement]:
    hosts = declared_hosts(inventory)
    yield from judge_site(inventory, hosts)
    yield from _judge_connection(inventory)
    yield from judge_addresses(hosts)
    for declared in hosts:
        yield from judge_interfaces(declared, hosts)
        yield from judge_openings(declared)
        yield from _judge_completeness(declared)
        yield from _judge_name(declared)
        yield from _judge_storage(declared)
        yield from _judge_exclusions(declared)
        yield from _judge_policy(declared, standard)
    yield from _judge_roles(hosts)


def _judge_connection(inventory: Inventory) -> Iterator[Judgement]:
    """The connection speaks of hosts there are, and of files that can be read."""
    connection, known = inventory.connection, inventory.hosts()
    for name in connection.addresses:
        if name not in known:
            message = f"an address is given for {name}, which no system declares{nearest(name, known)}"
            yield judged(inventory, "connection", message, "addresses", name)
    for key, path in (("identity_file", connection.identity_file), ("known_hosts", connection.known_hosts)):
        if path is not None and not Path(path).is_file():
            yield judged(inventory, "connection", f"there is no file {path}", key, severity="warning")


def _judge_completeness(declared: Declared) -> Iterator[Judgement]:
    """What chapter 6 demands is said, be it that there is none."""
    for name, what in _DEMANDED.items():
        if name not in declared.host.model_fields_set:
            message = f"the specification must list the {what}; write `{name}: []` if there are none"
            yield declared.error(message)
    for index, service in enumerate(declared.host.services):
        if not service.configuration:
            message = f"the service {service.name} says nothing of its configuration"
            yield declared.error(message, "services", index)


def _judge_name(declared: Declared) -> Iterator[Judgement]:
    host = declared.host
    if host.os.family == "windows" and len(host.name) > _WINDOWS_NAME_LENGTH:
        message = f"the name of a Windows host has at most {_WINDOWS_NAME_LENGTH} characters"
        yield declared.error(message, "name")


def _judge_storage(declared: Declared) -> Iterator[Judgement]:
    """Mounts are distinct and of the host's kind, the system has its partition, applications another."""
    host = declared.host
    linux = host.os.family == "linux"
    mounts = [partition.mount for partition in host.storage]
    for index, partition in enumerate(host.storage):
        at = ("storage", index, "mount")
        if partition.mount in mounts[:index] and partition.mount != "swap":
            yield declared.error(f"the mount {partition.mount} is declared twice", *at)
        if partition.mount != "swap" and partition.mount.startswith("/") != linux:
            yield declared.error(f"{partition.mount} is no mount of a {host.os.family} host", *at)
    if linux:
        holds = next((each.holds for each in host.storage if each.mount == "/"), None)
        if holds != "system":
            yield declared.error("the partition mounted at / is declared, and holds system", "storage")
    elif "system" not in {each.holds for each in host.storage}:
        yield declared.error("no partition holds system", "storage")
    if host.software and not {"application", "data"} & {each.holds for each in host.storage}:
        message = "software is installed, but no partition besides the system's is for applications or data"
        yield declared.warning(message, "storage")


def _judge_exclusions(declared: Declared) -> Iterator[Judgement]:
    """An antivirus exclusion leaves out less than a whole file system."""
    for index, path in enumerate(declared.host.antivirus_exclusions):
        if _EVERYTHING.fullmatch(path):
            message = f"the antivirus exclusion {path} leaves everything out"
            yield declared.error(message, "antivirus_exclusions", index)


def _judge_policy(declared: Declared, standard: Standard) -> Iterator[Judgement]:
    """The profile is one of the standard's, and each parameter is known and within what is accepted."""
    wrong = misfits(standard, declared.host)
    for misfit in wrong:
        yield declared.error(misfit.message, *misfit.at)
    if wrong:
        return
    try:
        resolve(standard, declared.site, declared.system, declared.host)
    except InputError as error:
        yield declared.error(error.message)


def _judge_roles(hosts: list[Declared]) -> Iterator[Judgement]:
    """No group of a system stands for two roles that 17.4 keeps apart."""
    first: dict[tuple[str, str], list[tuple[UserRole, str]]] = {}
    for declared in hosts:
        for index, user in enumerate(declared.host.users):
            others = first.setdefault((declared.system.name, user.group.lower()), [])
            for other, where in others:
                if _are_kept_apart(user.role, other.role):
                    message = (
                        f"the group {user.group} is {user.role} here and {other.role} on {where};"
                        " 17.4 keeps these roles apart"
                    )
                    yield declared.error(message, "users", index, "role")
                    break
            others.append((user, declared.host.name))


def _are_kept_apart(one: str, other: str) -> bool:
    if one == other:
        return False
    return "system-user" in (one, other) or frozenset({one, other}) in _KEPT_APART
