"""`plumb spec`: what it prints and how it exits."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from written_inventory import WINDOWS_HOST, Written

from plumbline.cli.spec import spec
from plumbline.errors import InputError, UsageError
from plumbline.policy.standard import Standard

SYSTEM_FILE = "systems/heating.yml"


@pytest.fixture(autouse=True)
def _small_standard(standard: Standard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plumbline.policy.load.load_standard", lambda name: standard)  # noqa: ARG005
    monkeypatch.delenv("PLUMBLINE_INVENTORY", raising=False)


def run(*arguments: str | Path) -> Result:
    """Run as `plumb` does, where a command's value is its exit code."""
    runner = CliRunner()

    @click.command(context_settings={"ignore_unknown_options": True})
    @click.argument("rest", nargs=-1, type=click.UNPROCESSED)
    @click.pass_context
    def plumb(context: click.Context, rest: tuple[str, ...]) -> None:
        context.exit(spec.main(list(rest), standalone_mode=False) or 0)

    return runner.invoke(plumb, [str(argument) for argument in arguments])


def test_valid_specification_is_said_in_a_sentence(written: Written) -> None:
    result = run("validate", written.path)
    assert result.exit_code == 0
    assert result.output == f"The specification in {written.path} is valid: 1 system, 2 hosts, no warnings.\n"


def test_errors_are_told_by_line_and_exit_2(written: Written) -> None:
    written.replace(SYSTEM_FILE, "{idle_seconds: 300}", "{idle_seconds: 0}")
    place = written.place(SYSTEM_FILE, "{idle_seconds: 0}")
    result = run("validate", written.path)
    assert result.exit_code == 2
    assert result.output.splitlines() == [
        f"{place}: srv-app-01: idle-session-lock.idle_seconds is 0, accepted is 1..600",
        f"The specification in {written.path} has 1 error and no warnings.",
    ]


def test_file_that_cannot_be_read_is_an_error_of_the_specification(written: Written) -> None:
    written.write("site.yml", "- a list\n")
    result = run("validate", written.path)
    assert result.exit_code == 2
    assert result.output.splitlines()[0] == (
        f"{written.path}/site.yml:1: expected keys and values at the top of the file"
    )


def test_warnings_alone_leave_it_valid(written: Written) -> None:
    written.replace(SYSTEM_FILE, "port: 4840,", "port: 4841,")
    result = run("validate", written.path)
    assert result.exit_code == 0
    assert result.output.splitlines()[-1].endswith("is valid: 1 system, 2 hosts, 1 warning.")


def test_json_tells_each_finding_apart(written: Written) -> None:
    written.replace(SYSTEM_FILE, "port: 4840,", "port: 4841,")
    written.replace(SYSTEM_FILE, "address: 10.1.0.12", "address: 10.1.0.1")
    result = run("validate", written.path, "--format", "json")
    assert result.exit_code == 2
    file = str(written.path / SYSTEM_FILE)
    assert json.loads(result.output) == {
        "inventory": str(written.path),
        "standard": "mhth-ot",
        "valid": False,
        "systems": 1,
        "hosts": 2,
        "findings": [
            {
                "severity": "warning",
                "file": file,
                "line": 16,
                "message": "srv-app-01: the opening opcua is for port 4841, which no declared service has",
            },
            {
                "severity": "error",
                "file": file,
                "line": 35,
                "message": "srv-hist-01: the address 10.1.0.1 is the gateway of VLAN servers",
            },
        ],
    }


def test_json_of_a_file_that_cannot_be_read_counts_nothing(written: Written) -> None:
    written.write(SYSTEM_FILE, "hosts: [\n")
    found = json.loads(run("validate", written.path, "--format", "json").output)
    assert (found["valid"], found["systems"], found["hosts"]) == (False, None, None)
    assert found["findings"][0]["severity"] == "error"


def test_directory_that_is_no_inventory_is_not_a_finding(tmp_path: Path) -> None:
    result = run("validate", tmp_path)
    assert isinstance(result.exception, InputError)


def test_the_environment_names_the_inventory(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_INVENTORY", str(written.path))
    assert f"The specification in {written.path} is valid" in run("validate").output
    assert run("show", "srv-app-01").output.startswith("srv-app-01: heating, Example Automation\n")


def test_sheet_shows_what_chapter_6_asks_for(written: Written) -> None:
    written.write("connection.yml", "addresses: {srv-app-01: 127.0.0.1}\n")
    result = run("show", "srv-app-01", "-i", written.path)
    assert result.output == (
        "srv-app-01: heating, Example Automation\n"
        "  profile               server\n"
        "  kind                  virtual\n"
        "  operating system      debian 12 (linux)\n"
        "  processors            2 vCPU\n"
        "  memory                4 GiB\n"
        "  storage               /  20 GiB  system\n"
        "                        /opt  10 GiB  application\n"
        "  network interfaces    eth0  10.1.0.11  VLAN servers (10, 10.1.0.0/24)  service\n"
        "  reached at            127.0.0.1\n"
        "  antivirus exceptions  none\n"
        "  firewall exceptions   opcua: 4840/tcp from 10.2.0.0/24: visualisation\n"
        "  users and roles       OT-Admins  os-administrator\n"
        "  server roles          none\n"
        "  services              opcua-server  as svc-opcua  ports 4840: sign and encrypt\n"
        "  software              Gateway 2.4  Example Automation\n"
        "  desktop               no\n"
        "  parameters            idle-session-lock.idle_seconds: 300\n"
    )


def test_show_of_a_system_shows_each_host_as_data(written: Written) -> None:
    found = json.loads(run("show", "heating", "-i", written.path, "--format", "json").output)
    assert [each["host"]["name"] for each in found] == ["srv-app-01", "srv-hist-01"]
    assert (found[0]["site"], found[0]["reached_at"]) == ("plant", "10.1.0.11")


def test_show_of_an_unknown_host_names_the_nearest(written: Written) -> None:
    result = run("show", "srv-ap-01", "-i", written.path)
    assert isinstance(result.exception, UsageError)
    assert "did you mean srv-app-01" in str(result.exception)


def test_inventory_for_ansible_is_json(written: Written) -> None:
    found = json.loads(run("inventory", "--to", "ansible", written.path).output)
    assert found["system_heating"]["hosts"] == ["srv-app-01", "srv-hist-01"]


def test_inventory_for_pyinfra_is_python(written: Written) -> None:
    result = run("inventory", "--to", "pyinfra", "--host", "srv-hist-01", written.path)
    names: dict[str, object] = {}
    exec(result.output, names)  # noqa: S102  (a Python file is what pyinfra runs)
    assert names["system_heating"] == ["srv-hist-01"]


def test_inventory_for_pyinfra_of_windows_alone_is_said_to_be_empty(written: Written) -> None:
    written.add_host(WINDOWS_HOST)
    result = run("inventory", "--to", "pyinfra", "--host", "srv-win-01", written.path)
    assert result.exit_code == 5
    assert "none of the hosts is a Linux host" in result.stderr
    assert result.stdout == ""
