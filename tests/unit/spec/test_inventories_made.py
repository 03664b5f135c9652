"""The inventories made from a specification, as the real Ansible, ssh and pyinfra read them."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from written_inventory import WINDOWS_HOST, Written

from plumbline.rooms import LAB_INVENTORY
from plumbline.spec.inventories import pyinfra_file, to_ansible, to_pyinfra, to_pyinfra_arguments
from plumbline.spec.load import load_inventory

SCRIPT = LAB_INVENTORY.parent / "plumbline.py"
PROGRAMS = Path(sys.executable).parent

CONNECTION = """\
user: admin
port: 2222
identity_file: ./keys/id of admin
known_hosts: ./known hosts 100%
sudo: true
windows: {user: admin@AD.PLANT.TEST, ca_file: ./ca.pem}
addresses: {srv-app-01: 127.0.0.1}
"""


def ansible_inventory(
    *arguments: str, directory: Path | None, home: Path
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ANSIBLE_HOME": str(home), "ANSIBLE_INVENTORY_UNPARSED_FAILED": "true"}
    environment.pop("PLUMBLINE_INVENTORY", None)
    if directory is not None:
        environment["PLUMBLINE_INVENTORY"] = str(directory)
    command = [str(PROGRAMS / "ansible-inventory"), "-i", str(SCRIPT), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def read_by_ansible(*arguments: str, directory: Path | None, home: Path) -> dict[str, Any]:
    done = ansible_inventory(*arguments, directory=directory, home=home)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_ansible_reads_groups_and_hosts_of_the_worked_example(tmp_path: Path) -> None:
    found = read_by_ansible("--list", directory=None, home=tmp_path)
    hosts = ["srv-app-01", "srv-hist-01"]
    assert found["all"]["children"] == ["ungrouped", "os_linux", "profile_server", "system_heating"]
    for group in ("os_linux", "profile_server", "system_heating"):
        assert found[group]["hosts"] == hosts
    assert found["_meta"]["hostvars"]["srv-hist-01"]["ansible_host"] == "10.89.0.12"


def test_ansible_reads_how_a_linux_host_is_reached(written: Written, tmp_path: Path) -> None:
    written.write("connection.yml", CONNECTION)
    found = read_by_ansible("--host", "srv-app-01", directory=written.path, home=tmp_path)
    common = found.pop("ansible_ssh_common_args")
    assert found == {
        "ansible_host": "127.0.0.1",
        "ansible_connection": "ssh",
        "ansible_user": "admin",
        "ansible_port": 2222,
        "ansible_ssh_private_key_file": f"{written.path}/keys/id of admin",
        "ansible_become": True,
        "ansible_become_method": "sudo",
        "plumbline_system": "heating",
        "plumbline_profile": "server",
        "plumbline_os": {"family": "linux", "distribution": "debian", "version": "12"},
    }
    assert _as_ssh_reads(common) == {
        "stricthostkeychecking": "true",
        "identitiesonly": "yes",
        "userknownhostsfile": f"{written.path}/known hosts 100%",
        "globalknownhostsfile": "none",
    }


def _as_ssh_reads(arguments: str) -> dict[str, str]:
    """Return what the real ssh makes of the options."""
    command = ["ssh", "-G", "-F", "none", *shlex.split(arguments), "host.test"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    settings = dict(line.split(" ", 1) for line in printed.splitlines() if " " in line)
    wanted = ("stricthostkeychecking", "identitiesonly", "userknownhostsfile", "globalknownhostsfile")
    return {key: settings[key] for key in wanted}


def test_ansible_reads_how_a_windows_host_is_reached(written: Written, tmp_path: Path) -> None:
    written.add_host(WINDOWS_HOST)
    written.write("connection.yml", CONNECTION)
    found = read_by_ansible("--list", directory=written.path, home=tmp_path)
    assert found["os_windows"]["hosts"] == ["srv-win-01"]
    assert found["_meta"]["hostvars"]["srv-win-01"] == {
        "ansible_host": "10.1.0.21",
        "ansible_connection": "winrm",
        "ansible_user": "admin@AD.PLANT.TEST",
        "ansible_port": 5986,
        "ansible_winrm_scheme": "https",
        "ansible_winrm_transport": "kerberos",
        "ansible_winrm_server_cert_validation": "validate",
        "ansible_winrm_ca_trust_path": f"{written.path}/ca.pem",
        "ansible_shell_type": "powershell",
        "plumbline_system": "heating",
        "plumbline_profile": "server",
        "plumbline_os": {"family": "windows", "distribution": "windows-server", "version": "2022"},
    }


def test_group_names_have_no_dash_and_are_no_host(written: Written) -> None:
    written.replace("systems/heating.yml", "name: heating", "name: heating-plant-2")
    made = to_ansible(load_inventory(written.path))
    assert set(made) == {"_meta", "all", "os_linux", "profile_server", "system_heating_plant_2"}


def test_selected_hosts_alone_are_in_the_inventory(written: Written) -> None:
    inventory = load_inventory(written.path)
    made = to_ansible(inventory, inventory.select(["srv-hist-01"]))
    assert list(made["_meta"]["hostvars"]) == ["srv-hist-01"]
    assert made["os_linux"] == {"hosts": ["srv-hist-01"]}


def test_wrong_inventory_reaches_the_person_through_ansible(written: Written, tmp_path: Path) -> None:
    written.replace("systems/heating.yml", "ram_gib: 8", "ram_gib: much")
    done = ansible_inventory("--list", directory=written.path, home=tmp_path)
    assert done.returncode != 0
    assert (
        f"{written.place('systems/heating.yml', 'ram_gib: much')}: hosts[srv-hist-01].ram_gib" in done.stderr
    )
    assert "Traceback" not in done.stderr


def test_script_finds_its_own_python_when_started_by_another(tmp_path: Path) -> None:
    bare = subprocess.run(
        [sys._base_executable, str(SCRIPT), "--host", "srv-app-01"],  # type: ignore[attr-defined]  # no stub
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    if (SCRIPT.parent.parent / ".venv" / "bin" / "python").exists():
        assert json.loads(bare.stdout)["ansible_host"] == "10.89.0.11"
    else:
        assert "has no plumbline; run script/bootstrap" in bare.stderr


def test_pyinfra_gets_names_data_and_groups(written: Written) -> None:
    written.add_host(WINDOWS_HOST)
    written.write("connection.yml", CONNECTION)
    made = to_pyinfra(load_inventory(written.path))
    assert list(made.hosts) == ["srv-app-01", "srv-hist-01"]
    assert {group: [host.name for host in hosts] for group, hosts in made.groups.items()} == {
        "system_heating": ["srv-app-01", "srv-hist-01"],
        "profile_server": ["srv-app-01", "srv-hist-01"],
        "os_linux": ["srv-app-01", "srv-hist-01"],
    }
    assert made.get_host_data("srv-app-01") == {
        "ssh_hostname": "127.0.0.1",
        "ssh_port": 2222,
        "ssh_user": "admin",
        "ssh_key": f"{written.path}/keys/id of admin",
        "ssh_allow_agent": False,
        "ssh_look_for_keys": False,
        "ssh_known_hosts_file": f"{written.path}/known hosts 100%",
        "ssh_strict_host_key_checking": "yes",
        "_sudo": True,
    }


def test_pyinfra_connects_with_what_it_got_and_learns_no_host_key(written: Written) -> None:
    from pyinfra.api.state import State
    from pyinfra.connectors.ssh import SSHConnector

    written.write("connection.yml", "known_hosts: ./known\nuser: admin\nport: 2222\n")
    made = to_pyinfra(load_inventory(written.path))
    state = State(made)
    host = made.get_host("srv-hist-01")
    arguments = SSHConnector(state, host).make_paramiko_kwargs()
    assert arguments["hostname"] == "10.1.0.12"
    assert (arguments["username"], arguments["port"]) == ("admin", 2222)
    assert arguments["_pyinfra_ssh_strict_host_key_checking"] == "yes"
    assert arguments["_pyinfra_ssh_known_hosts_file"] == f"{written.path}/known"


@pytest.mark.parametrize("sudo", [True, False])
def test_pyinfra_operations_use_sudo_as_the_connection_says(written: Written, sudo: bool) -> None:
    from pyinfra.api.arguments import pop_global_arguments
    from pyinfra.api.state import State

    written.write("connection.yml", f"sudo: {str(sudo).lower()}\n")
    made = to_pyinfra(load_inventory(written.path))
    state = State(made)
    arguments, _ = pop_global_arguments(state, made.get_host("srv-app-01"), {})
    assert arguments["_sudo"] is sudo


def test_the_program_pyinfra_reads_the_file_made_for_it(written: Written, tmp_path: Path) -> None:
    written.write("connection.yml", CONNECTION)
    file = tmp_path / "plant_hosts.py"
    file.write_text(pyinfra_file(load_inventory(written.path)))
    command = [str(PROGRAMS / "pyinfra"), "-y", str(file), "debug-inventory"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    printed = done.stdout + done.stderr
    for expected in ("srv-hist-01", "system_heating", "10.1.0.12", "known hosts 100%"):
        assert expected in printed


def test_pyinfra_manages_no_windows_host(written: Written) -> None:
    written.add_host(WINDOWS_HOST)
    inventory = load_inventory(written.path)
    names_data, groups = to_pyinfra_arguments(inventory, inventory.select(["srv-win-01"]))
    assert (names_data, groups) == (([], {}), {})
