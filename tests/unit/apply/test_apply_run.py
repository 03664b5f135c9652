"""The command and its process, without a host: what is wrong is told in a sentence and an exit code."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from plumbline.apply import apply_hosts
from plumbline.errors import InputError, PlumblineError, UsageError
from plumbline.rooms import LAB_INVENTORY


@pytest.fixture
def closed_port() -> Iterator[int]:
    """Return a port of this machine that is ours and at which nothing listens."""
    with socket.socket() as ours:
        ours.bind(("127.0.0.1", 0))
        yield int(ours.getsockname()[1])


@pytest.fixture
def inventory(tmp_path: Path, closed_port: int) -> Path:
    """The worked example, its hosts reached at a port of this machine where nothing listens."""
    shutil.copytree(LAB_INVENTORY, tmp_path / "inventory")
    addresses = "{srv-app-01: 127.0.0.1, srv-hist-01: 127.0.0.1}"
    text = f"port: {closed_port}\nknown_hosts: ./known_hosts\naddresses: {addresses}\n"
    (tmp_path / "inventory" / "connection.yml").write_text(text)
    (tmp_path / "inventory" / "known_hosts").touch()
    return tmp_path / "inventory"


def plumb_apply(*words: str) -> subprocess.CompletedProcess[str]:
    return plumb("apply", *words)


def plumb(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "plumbline", *words],
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


def test_hosts_where_nothing_listens_are_told_and_the_exit_code_is_4(
    inventory: Path, closed_port: int
) -> None:
    done = plumb_apply("-i", str(inventory), "--dry")
    assert done.returncode == 4
    assert f"root@127.0.0.1:{closed_port}: nothing listens there" in done.stdout
    assert done.stdout.count("not reached") == 2
    assert "Traceback" not in done.stdout + done.stderr


def test_the_json_document_is_all_there_is_on_standard_output(inventory: Path) -> None:
    done = plumb_apply("-i", str(inventory), "--dry", "--format", "json", "srv-app-01")
    document = json.loads(done.stdout)
    assert document["format"] == "plumbline-apply/1"
    assert document["dry"] is True
    assert [(host["host"], host["outcome"]) for host in document["hosts"]] == [("srv-app-01", "not-reached")]


def test_a_plan_of_hosts_that_are_not_reached_is_kept_and_applied_to_none(
    inventory: Path, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.json"
    made = plumb("plan", "-i", str(inventory), "-o", str(plan))
    assert (made.returncode, made.stderr.startswith(f"{plan}: the plan ")) == (4, True)
    done = plumb_apply("-i", str(inventory), "--plan", str(plan), "--yes")
    assert done.returncode == 4
    assert done.stdout.count("not reached") == 2
    other = plumb_apply("-i", str(inventory), "--plan", str(plan), "--dry", "--standard", "other")
    assert "the plan is for the standard mhth-ot" in other.stderr


def test_a_bad_plan_ends_in_a_sentence(inventory: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text('{"format": "plumbline-plan/1", "hosts"')
    done = plumb_apply("-i", str(inventory), "--plan", str(plan), "--yes")
    assert done.returncode == 1
    assert done.stderr.startswith(f"plumb: {plan}: it is no whole plan")
    assert "Traceback" not in done.stderr


def test_a_time_to_wait_that_would_end_in_the_middle_is_refused(inventory: Path) -> None:
    assert plumb_apply("-i", str(inventory), "--dry", "--restore-after", "1").returncode == 64


def test_what_is_to_be_undone_needs_a_host_that_is_reached(inventory: Path) -> None:
    done = plumb("rollback", "-i", str(inventory), "srv-app-01", "--dry")
    assert done.returncode == 4
    assert "no SSH server listens there" in done.stderr
    assert plumb("rollback", "-i", str(inventory), "srv-*", "--dry").returncode == 64
    assert plumb("history", "-i", str(inventory), "--on-host").returncode == 64


def test_where_nobody_can_be_asked_yes_is_needed(inventory: Path) -> None:
    done = plumb_apply("-i", str(inventory))
    assert done.returncode == 64
    assert "--yes" in done.stderr


def test_an_inventory_that_is_not_there_is_the_persons_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        apply_hosts(tmp_path / "none", dry=True)


def test_an_unknown_host_is_a_usage_error(inventory: Path) -> None:
    with pytest.raises(UsageError, match="srv-app-02"):
        apply_hosts(inventory, ["srv-app-02"], dry=True)


def test_a_windows_host_is_told_to_be_not_handled_yet(inventory: Path) -> None:
    system = inventory / "systems" / "heating.yml"
    text = system.read_text()
    debian = 'os: {family: linux, distribution: debian, version: "12", agreed: 2025-03-03}'
    assert debian in text
    system.write_text(text.replace(debian, 'os: {family: windows, distribution: server, version: "2022"}', 1))
    report = apply_hosts(inventory, ["srv-app-01"], dry=True)
    assert report.exit_code == 1
    assert "Windows" in str(report.host("srv-app-01").problem)


def test_a_process_that_dies_is_told_by_its_last_words(inventory: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "__init__.py").write_text("import no_such_module\n")
    with pytest.raises(PlumblineError, match=r"ended before it was done: .*no_such_module"):
        apply_hosts(inventory, dry=True, deploys=broken)


def test_help_does_not_load_pyinfra() -> None:
    code = "import sys, plumbline.cli.apply; sys.exit('pyinfra' in sys.modules or 'gevent' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--wave", "ten"], "'ten' is no size of a wave"),
        (["--wave", "0%"], "'0%' is no size of a wave"),
        (["--canary", "srv-app-09"], "the canary srv-app-09 is not among the hosts meant"),
        (["srv-app-01", "--canary", "srv-hist-01"], "the canary srv-hist-01 is not among the hosts meant"),
        (["--allowed-failures", "-1"], "--allowed-failures"),
        (["--outside-window", " "], "--outside-window wants a reason"),
        (["--resume"], "no run on this inventory was interrupted here"),
    ],
)
def test_a_way_to_go_over_hosts_that_makes_no_sense_is_told_before_any_is_asked(
    inventory: Path, words: list[str], said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    done = plumb_apply("-i", str(inventory), "--yes", *words)
    assert (done.returncode, done.stdout) == (64, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
