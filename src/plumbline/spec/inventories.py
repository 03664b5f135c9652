"""Ansible's and pyinfra's inventories, made from the specification so that no host is declared twice.

Names of groups: `system_NAME`, `profile_NAME`, `os_FAMILY`, with `_` for `-` (a group shares no name with a
host). No password is in either: Linux hosts are entered by key, for Windows it is asked for or vaulted.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from plumbline.spec.load import Inventory
from plumbline.spec.model import HostSpec, System

if TYPE_CHECKING:
    from pyinfra.api.inventory import Inventory as PyinfraInventory

Selection = Iterable[tuple[System, HostSpec]]
NamesWithData = tuple[Sequence[tuple[str, dict[str, Any]]], dict[str, Any]]
PyinfraArguments = tuple[NamesWithData, dict[str, tuple[list[str], dict[str, Any]]]]


def groups_of(system: System, host: HostSpec) -> list[str]:
    """Return the groups a host is in: its system, its profile, its family of operating systems."""
    return [
        f"system_{system.name.replace('-', '_')}",
        f"profile_{host.profile.replace('-', '_')}",
        f"os_{host.os.family}",
    ]


def to_ansible(inventory: Inventory, hosts: Selection | None = None) -> dict[str, Any]:
    """Return the inventory as an Ansible inventory script prints it for `--list`, host variables included."""
    selected = list(inventory.select() if hosts is None else hosts)
    groups: dict[str, list[str]] = {}
    for system, host in selected:
        for group in groups_of(system, host):
            groups.setdefault(group, []).append(host.name)
    hostvars = {host.name: ansible_variables(inventory, system, host) for system, host in selected}
    listed: dict[str, Any] = {"_meta": {"hostvars": hostvars}, "all": {"children": sorted(groups)}}
    return listed | {group: {"hosts": names} for group, names in sorted(groups.items())}


def ansible_variables(inventory: Inventory, system: System, host: HostSpec) -> dict[str, Any]:
    """Return one host's variables: how it is reached, and `plumbline_…`, what it is."""
    reached = _by_ssh(inventory) if host.os.family == "linux" else _by_winrm(inventory)
    return {
        "ansible_host": inventory.address_of(host.name),
        **reached,
        "plumbline_system": system.name,
        "plumbline_profile": host.profile,
        "plumbline_os": host.os.model_dump(mode="json", exclude_none=True),
    }


def to_pyinfra_arguments(inventory: Inventory, hosts: Selection | None = None) -> PyinfraArguments:
    """Return (names with data, groups) for `pyinfra.api.Inventory(names, **groups)`; Linux hosts only.

    A host key that is not known is refused, never learned: pyinfra would otherwise take a new one.
    """
    selected = inventory.select() if hosts is None else hosts
    names: list[tuple[str, dict[str, Any]]] = []
    groups: dict[str, tuple[list[str], dict[str, Any]]] = {}
    for system, host in selected:
        if host.os.family != "linux":
            continue
        names.append((host.name, _pyinfra_data(inventory, host)))
        for group in groups_of(system, host):
            groups.setdefault(group, ([], {}))[0].append(host.name)
    return (names, {}), groups


def to_pyinfra(inventory: Inventory, hosts: Selection | None = None) -> PyinfraInventory:
    """Return pyinfra's inventory of the Linux hosts; pyinfra is loaded here, as it takes a while."""
    from pyinfra.api import inventory as pyinfra_inventory

    names_data, groups = to_pyinfra_arguments(inventory, hosts)
    return pyinfra_inventory.Inventory(names_data, **groups)  # type: ignore[no-untyped-call]  # theirs


def pyinfra_file(inventory: Inventory, hosts: Selection | None = None) -> str:
    """Return the same as a Python file that the program `pyinfra` reads."""
    (names, _), groups = to_pyinfra_arguments(inventory, hosts)
    lines = [
        '"""Made by `plumb spec inventory --to pyinfra`; change the specification, not this file."""',
        "",
    ]
    lines += ["all = ["] + [f"    {each!r}," for each in names] + ["]"]
    lines += [f"{group} = {members!r}" for group, (members, _) in sorted(groups.items())]
    return "".join(f"{line}\n" for line in lines)


def _by_ssh(inventory: Inventory) -> dict[str, Any]:
    connection = inventory.connection
    options = ["-o", "StrictHostKeyChecking=yes"]
    if connection.known_hosts is not None:
        options += ["-o", f"UserKnownHostsFile={_quoted(connection.known_hosts)}"]
        options += ["-o", "GlobalKnownHostsFile=none"]
    if connection.identity_file is not None:
        options += ["-o", "IdentitiesOnly=yes"]
    variables: dict[str, Any] = {
        "ansible_connection": "ssh",
        "ansible_user": connection.user,
        "ansible_port": connection.port,
        "ansible_ssh_common_args": shlex.join(options),
        "ansible_become": connection.sudo,
    }
    if connection.sudo:
        variables["ansible_become_method"] = "sudo"
    if connection.identity_file is not None:
        variables["ansible_ssh_private_key_file"] = connection.identity_file
    return variables


def _quoted(path: str) -> str:
    """Quote a path for ssh_config(5): blanks separate files there, and % begins a token."""
    return '"' + path.replace("%", "%%").replace('"', '\\"') + '"'


def _by_winrm(inventory: Inventory) -> dict[str, Any]:
    windows = inventory.connection.windows
    variables: dict[str, Any] = {
        "ansible_connection": "winrm",
        "ansible_user": windows.user,
        "ansible_port": windows.port,
        "ansible_winrm_scheme": "https",
        "ansible_winrm_transport": windows.transport,
        "ansible_winrm_server_cert_validation": "validate",
        "ansible_shell_type": "powershell",
    }
    if windows.ca_file is not None:
        variables["ansible_winrm_ca_trust_path"] = windows.ca_file
    return variables


def _pyinfra_data(inventory: Inventory, host: HostSpec) -> dict[str, Any]:
    connection = inventory.connection
    data: dict[str, Any] = {
        "ssh_hostname": inventory.address_of(host.name),
        "ssh_port": connection.port,
        "ssh_user": connection.user,
        "ssh_strict_host_key_checking": "yes",
        "_sudo": connection.sudo,
    }
    if connection.identity_file is not None:
        data["ssh_key"] = connection.identity_file
        data["ssh_allow_agent"] = False
        data["ssh_look_for_keys"] = False
    if connection.known_hosts is not None:
        data["ssh_known_hosts_file"] = connection.known_hosts
    return data
