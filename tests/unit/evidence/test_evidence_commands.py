"""plumb collect, collector and evidence, as a person runs them."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from sample_evidence import LINKS, MAYBE, answer, body, closed
from ssh_server import SshServer, free_port

from plumbline.cli.collect import keep
from plumbline.evidence.bundle import Evidence
from plumbline.evidence.gather import Gathered
from plumbline.rooms import LAB_INVENTORY
from plumbline.spec.load import load_inventory


def plumb(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "plumbline", *map(str, words)],
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"} | environment,
    )


def opened_by(passphrase: str) -> dict[str, str]:
    return {"PLUMBLINE_KEY_PASSPHRASE": passphrase}


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    file = tmp_path / "heating-1.evidence.json"
    said = {
        LINKS.name: answer(LINKS, b"plain\n\x1b[2J\xff", b"warned\x07"),
        MAYBE.name: answer(MAYBE, state="timeout", exit=None),
    }
    file.write_bytes(closed(body(said)))
    return file


def test_collector_is_a_script_that_runs(tmp_path: Path) -> None:
    done = plumb("collector", "linux")
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout.startswith("#!/bin/sh\n")
    script = tmp_path / "collect.sh"
    script.write_text(done.stdout)
    ran = subprocess.run(["sh", script], check=True, capture_output=True)
    assert Evidence.parse(ran.stdout).probes


def test_collector_of_no_system_is_usage() -> None:
    assert plumb("collector", "plan9").returncode == 64


def test_list_tells_how_each_probe_ended(evidence: Path) -> None:
    done = plumb("evidence", "list", evidence)
    assert done.returncode == 0
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["sample.links", "done", "0", "10", "11"] in lines
    assert ["sample.maybe", "timeout", "—", "10", "0"] in lines


def test_show_prints_what_a_probe_printed_and_nothing_a_terminal_obeys(evidence: Path) -> None:
    done = plumb("evidence", "show", evidence, LINKS.name)
    assert (done.stdout, done.returncode) == ("plain\n\\x1b[2J\\xff\n! warned\\x07\n", 0)


def test_show_all(evidence: Path) -> None:
    done = plumb("evidence", "show", evidence)
    assert "── sample.links (exit 0)\n" in done.stdout
    assert "── sample.maybe (timeout)\n" in done.stdout


def test_show_of_no_probe_is_usage(evidence: Path) -> None:
    done = plumb("evidence", "show", evidence, "sample")
    assert done.returncode == 64
    assert "has no probe sample\n  it has sample.links, sample.maybe" in done.stderr


@pytest.mark.parametrize("command", ["list", "show"])
def test_damaged_evidence_is_a_sentence(evidence: Path, command: str) -> None:
    evidence.write_bytes(evidence.read_bytes()[:-9])
    done = plumb("evidence", command, evidence)
    assert (done.stdout, done.returncode) == ("", 1)
    assert done.stderr.startswith(f"plumb: {evidence}: it was cut off or changed")


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("key") / "key.pem"
    words = "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -aes256 -pass pass:secret -out"
    subprocess.run(["openssl", *words.split(), file], check=True, capture_output=True)
    subprocess.run(
        [
            "openssl",
            "pkey",
            "-in",
            file,
            "-passin",
            "pass:secret",
            "-pubout",
            "-out",
            file.with_suffix(".pub"),
        ],
        check=True,
    )
    return file


def test_sign_and_verify(evidence: Path, key: Path) -> None:
    signed = plumb("evidence", "sign", evidence, "--key", key, **opened_by("secret"))
    assert (signed.stdout, signed.stderr, signed.returncode) == (f"{evidence}.sig\n", "", 0)
    verified = plumb("evidence", "verify", evidence, "--trust", key.with_suffix(".pub"))
    assert verified.stdout == f"{evidence}: evidence of heating-1, signed by key.pub\n"
    evidence.write_bytes(closed(body()))
    forged = plumb("evidence", "verify", evidence, "--trust", key.with_suffix(".pub"))
    assert forged.returncode == 1
    assert "it is not what key.pub signed" in forged.stderr


def test_passphrase_that_nobody_gives_or_is_wrong(evidence: Path, key: Path) -> None:
    asked = plumb("evidence", "sign", evidence, "--key", key)
    assert asked.returncode == 1
    assert "put it into the environment as PLUMBLINE_KEY_PASSPHRASE" in asked.stderr
    wrong = plumb("evidence", "sign", evidence, "--key", key, **opened_by("guess"))
    assert "the passphrase does not open this key" in wrong.stderr
    assert not Path(f"{evidence}.sig").exists()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    with SshServer(tmp_path_factory.mktemp("sshd")).running() as running:
        yield running


@pytest.fixture
def inventory(tmp_path: Path, server: SshServer) -> Path:
    """Make an inventory whose hosts are all this machine."""
    copy = tmp_path / "inventory"
    (copy / "systems").mkdir(parents=True)
    for file in [LAB_INVENTORY / "site.yml", *(LAB_INVENTORY / "systems").glob("*.yml")]:
        (copy / file.relative_to(LAB_INVENTORY)).write_bytes(file.read_bytes())
    connect(copy, server)
    return copy


def connect(inventory: Path, server: SshServer, **changes: object) -> None:
    way = {
        "user": server.target().user,
        "port": server.port,
        "identity_file": str(server.key),
        "known_hosts": str(server.known_hosts),
        "addresses": dict.fromkeys(load_inventory(LAB_INVENTORY).hosts(), "127.0.0.1"),
    }
    (inventory / "connection.yml").write_text(yaml.safe_dump(way | changes))


HOSTS = list(load_inventory(LAB_INVENTORY).hosts())


def test_collect_one_host_into_a_file(inventory: Path, tmp_path: Path) -> None:
    file = tmp_path / "one.json"
    file.write_text("older")
    Path(f"{file}.sig").write_text("signature of the older")
    done = plumb("collect", HOSTS[0], "-o", file, "-i", inventory)
    assert (done.stdout, done.stderr, done.returncode) == (f"{file}\n", "", 0)
    assert Evidence.read(file).probes
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["inventory", "one.json"]


def test_collect_one_host_into_a_directory_that_is_made(inventory: Path, tmp_path: Path) -> None:
    done = plumb("collect", HOSTS[0], "-o", f"{tmp_path}/new/", "-i", inventory)
    assert done.stdout == f"{tmp_path}/new/{HOSTS[0]}.evidence.json\n"


def test_collect_many_hosts_into_a_directory_and_sign(inventory: Path, tmp_path: Path, key: Path) -> None:
    into = tmp_path / "new" / "evidence"
    done = plumb(
        "collect",
        *HOSTS,
        *("-o", str(into), "--sign", str(key)),
        PLUMBLINE_INVENTORY=str(inventory),
        **opened_by("secret"),
    )
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout.splitlines() == [str(into / f"{name}.evidence.json") for name in HOSTS]
    for name in HOSTS:
        file = into / f"{name}.evidence.json"
        assert plumb("evidence", "verify", file, "--trust", key.with_suffix(".pub")).returncode == 0


def test_host_not_reached_is_exit_4_and_the_others_are_kept(
    inventory: Path, server: SshServer, tmp_path: Path
) -> None:
    way = dict.fromkeys(HOSTS, "127.0.0.1") | {HOSTS[0]: "127.0.0.2"}
    connect(inventory, server, addresses=way)
    done = plumb("collect", *HOSTS, "-o", tmp_path, "-i", inventory)
    assert done.returncode == 4
    assert done.stderr.startswith(f"plumb: {HOSTS[0]} (127.0.0.2:{server.port}): it refuses connections")
    assert done.stdout.splitlines() == [str(tmp_path / f"{name}.evidence.json") for name in HOSTS[1:]]


def test_nothing_reached_leaves_nothing(inventory: Path, server: SshServer, tmp_path: Path) -> None:
    connect(inventory, server, port=free_port())
    file = tmp_path / "one.json"
    done = plumb("collect", HOSTS[0], "-o", file, "-i", inventory)
    assert (done.stdout, done.returncode) == ("", 4)
    assert "it refuses connections at port" in done.stderr
    assert not file.exists()


def test_many_hosts_into_a_file_is_usage(inventory: Path, tmp_path: Path) -> None:
    done = plumb("collect", *HOSTS, "-o", tmp_path / "one.json", "-i", inventory)
    assert done.returncode == 64
    assert f"{len(HOSTS)} hosts need a directory" in done.stderr


def test_unknown_host_is_usage(inventory: Path, tmp_path: Path) -> None:
    done = plumb("collect", "nobody", "-o", tmp_path, "-i", inventory)
    assert done.returncode == 64
    assert "Traceback" not in done.stderr


def test_place_that_cannot_be_written_is_a_sentence(inventory: Path) -> None:
    done = plumb("collect", HOSTS[0], "-o", "/proc/one.json", "-i", inventory)
    assert done.returncode == 1
    assert "/proc/one.json: it cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_clock_and_rights_that_make_verdicts_unknown_are_told(
    server: SshServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = body(collected=body()["collected"] | {"user": "operator", "uid": 1000})
    keep(Gathered(server.target(), Evidence.parse(closed(said)), None, 1.0), tmp_path / "one.json")
    told = capsys.readouterr().err
    assert "collected as operator, not as root: every check will be unknown" in told
    assert "its clock is " in told
    assert " s behind this one's" in told


def test_document_is_plain_json(inventory: Path, tmp_path: Path) -> None:
    plumb("collect", HOSTS[0], "-o", tmp_path / "one.json", "-i", inventory)
    said = json.loads((tmp_path / "one.json").read_text())
    assert list(said) == ["plumbline_evidence", "collector", "host", "probes", "collected", "digest"]
