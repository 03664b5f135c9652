"""Known host keys, judged as OpenSSH judges them (ssh-keygen -F is the yardstick)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ssh_server import make_key, public

from plumbline.evidence.known_hosts import known_keys


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> str:
    kind, blob, *_ = public(make_key(tmp_path_factory.mktemp("key") / "host")).split()
    return f"{kind} {blob}"


def ours(file: Path, name: str, port: int = 22) -> list[int]:
    return [key.line for key in known_keys([file], [name], port)]


def openssh(file: Path, name: str, port: int = 22) -> list[int]:
    wanted = name if port == 22 else f"[{name}]:{port}"
    told = subprocess.run(
        ["ssh-keygen", "-F", wanted, "-f", file], check=False, capture_output=True, text=True
    ).stdout
    return [int(text.split("line ")[1].split()[0]) for text in told.splitlines() if text.startswith("# Host")]


CASES = [
    ("heating-1", "heating-1", 22),
    ("HEATING-1", "heating-1", 22),
    ("heating-1", "Heating-1", 22),
    ("heating-1,10.1.2.3", "10.1.2.3", 22),
    ("heating-1", "heating-11", 22),
    ("heating-1", "heating-1", 2222),
    ("[heating-1]:2222", "heating-1", 2222),
    ("[heating-1]:2222", "heating-1", 22),
    ("[10.1.2.3]:2222,other", "10.1.2.3", 2222),
    ("*.plant.test", "heating-1.plant.test", 22),
    ("*.plant.test", "plant.test", 22),
    ("heating-?", "heating-1", 22),
    ("heating-?", "heating-12", 22),
    ("*.plant.test,!heating-1.plant.test", "heating-1.plant.test", 22),
    ("!heating-1.plant.test,*.plant.test", "heating-2.plant.test", 22),
    ("[heating-*]:2222", "heating-1", 2222),
    ("fd00::1", "fd00::1", 22),
]


@pytest.mark.parametrize(("pattern", "name", "port"), CASES)
def test_same_as_openssh(tmp_path: Path, line: str, pattern: str, name: str, port: int) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"# plant\n\n{pattern} {line} a comment\n")
    assert ours(file, name, port) == openssh(file, name, port)


@pytest.mark.parametrize(("name", "port"), [("heating-1", 22), ("heating-1", 2222), ("heating-2", 22)])
def test_hashed_names_are_found(tmp_path: Path, line: str, name: str, port: int) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"heating-1 {line}\n[heating-1]:2222 {line}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", file], check=True, capture_output=True)
    assert "heating-1" not in file.read_text()
    assert ours(file, name, port) == openssh(file, name, port)


def test_second_name_is_asked_only_if_the_first_is_unknown(tmp_path: Path, line: str) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"10.1.2.3 {line}\nheating-1 {line}\n")
    assert [key.line for key in known_keys([file], ["10.1.2.3", "heating-1"], 22)] == [1]
    assert [key.line for key in known_keys([file], ["10.9.9.9", "heating-1"], 22)] == [2]


def test_authorities_and_damaged_lines_make_no_host_known(tmp_path: Path, line: str) -> None:
    file = tmp_path / "known_hosts"
    file.write_bytes(
        f"@cert-authority * {line}\nheating-1 ssh-ed25519 %%%\nheating-1\n".encode()
        + f"|1|x|y {line}\n|1| {line}\n".encode()
        + b"\xff\xfe\0\n"
    )
    assert ours(file, "heating-1") == []


def test_revoked_key_is_marked(tmp_path: Path, line: str) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"heating-1 {line}\n@revoked heating-1 {line}\n")
    assert [key.revoked for key in known_keys([file], ["heating-1"], 22)] == [False, True]


def test_file_that_changed_is_read_again(tmp_path: Path, line: str) -> None:
    file = tmp_path / "known_hosts"
    assert ours(file, "heating-1") == []
    file.write_text(f"heating-1 {line}\n")
    assert ours(file, "heating-1") == [1]
