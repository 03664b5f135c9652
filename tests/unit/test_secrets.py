"""Where secrets come from, in which order, and that none is told by accident."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret  # type: ignore[import-untyped]  # it has no types

from plumbline.errors import InputError, PlumblineError
from plumbline.secrets import (
    MissingSecretError,
    Secret,
    Secrets,
    give,
    only_planning,
    secret,
    variable_of,
    wanted,
    without_secrets,
)

PASSWORD = {"PLUMBLINE_VAULT_PASSWORD": "correct horse"}


def vault(directory: Path, text: str) -> Path:
    path = directory / "secrets.yml"
    path.write_bytes(VaultLib([("default", VaultSecret(b"correct horse"))]).encrypt(text.encode()))
    return path


def nobody(question: str) -> str:
    raise AssertionError(f"{question} was asked")


def test_the_environment_comes_before_the_file_and_the_file_before_a_person(tmp_path: Path) -> None:
    vault(tmp_path, "directory.join: from the file\ntime.key.1: from the file\n")
    secrets = Secrets.load(
        tmp_path,
        lambda question: f"answer to {question}",
        {**PASSWORD, "PLUMBLINE_SECRET_DIRECTORY_JOIN": "from outside"},
    )
    assert secrets.get("directory.join") == "from outside"
    assert secrets.get("time.key.1") == "from the file"
    assert secrets.get("monitoring.psk") == "answer to Secret monitoring.psk"


def test_names_may_be_nested_in_the_file(tmp_path: Path) -> None:
    vault(tmp_path, "monitoring:\n  snmp: {auth: one, priv: two}\n")
    secrets = Secrets.load(tmp_path, nobody, PASSWORD)
    assert (secrets.get("monitoring.snmp.auth"), secrets.get("monitoring.snmp.priv")) == ("one", "two")


def test_the_vault_is_not_opened_before_something_of_it_is_needed(tmp_path: Path) -> None:
    vault(tmp_path, "a: b\n")
    environment = {"PLUMBLINE_SECRET_X": "there"}
    assert Secrets.load(tmp_path, nobody, environment).get("x") == "there"


def test_the_vault_s_password_comes_from_a_file_or_a_person(tmp_path: Path) -> None:
    vault(tmp_path, "a: b\n")
    password = tmp_path / "password"
    password.write_text("correct horse\nsecond line\n")
    password.chmod(0o600)
    environment = {"PLUMBLINE_VAULT_PASSWORD_FILE": str(password)}
    assert Secrets.load(tmp_path, nobody, environment).get("a") == "b"
    assert Secrets.load(tmp_path, lambda _: "correct horse", {}).get("a") == "b"


def test_a_password_file_others_may_read_is_refused(tmp_path: Path) -> None:
    vault(tmp_path, "a: b\n")
    password = tmp_path / "password"
    password.write_text("correct horse\n")
    password.chmod(0o644)
    with pytest.raises(InputError, match="others than its owner may read it"):
        Secrets.load(tmp_path, nobody, {"PLUMBLINE_VAULT_PASSWORD_FILE": str(password)}).get("a")


def test_a_plain_file_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "secrets.yml").write_text("directory.join: hunter2\n")
    with pytest.raises(InputError, match="it is not encrypted") as refused:
        Secrets.load(tmp_path, nobody, {})
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("damage", [False, True])
def test_a_wrong_vault_password_or_a_damaged_file_is_a_sentence(tmp_path: Path, damage: bool) -> None:
    path = vault(tmp_path, "a: b\n")
    if damage:
        path.write_bytes(path.read_bytes()[:90])
    password = "correct horse" if damage else "battery staple"
    with pytest.raises(InputError, match="it cannot be decrypted") as refused:
        Secrets.load(tmp_path, nobody, {"PLUMBLINE_VAULT_PASSWORD": password}).get("a")
    assert refused.value.__cause__ is None
    assert password not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [hunter2\n", "is no YAML"),
        ("pin: 12345\n", "pin is no text"),
        ("just hunter2\n", "is no text"),
        ("a: 'hun\n\n  ter2'\n", "line break"),
    ],
)
def test_what_is_wrong_inside_is_said_without_what_stands_there(tmp_path: Path, text: str, said: str) -> None:
    vault(tmp_path, text)
    with pytest.raises(InputError, match=said) as refused:
        Secrets.load(tmp_path, nobody, PASSWORD).get("a")
    for shown in (str(refused.value), repr(refused.value)):
        assert "hun" not in shown.replace(str(tmp_path), "")
        assert "12345" not in shown


def test_a_secret_nobody_gives_is_named_with_the_ways_to_give_it(tmp_path: Path) -> None:
    with pytest.raises(MissingSecretError, match=r"directory\.join is not given") as missing:
        Secrets.load(tmp_path, None, {}).get("directory.join")
    assert "PLUMBLINE_SECRET_DIRECTORY_JOIN" in str(missing.value)
    assert issubclass(MissingSecretError, PlumblineError)


def test_an_empty_answer_is_no_secret(tmp_path: Path) -> None:
    with pytest.raises(MissingSecretError):
        Secrets.load(tmp_path, lambda _: "", {"PLUMBLINE_SECRET_A": ""}).get("a")


def test_a_person_is_asked_once(tmp_path: Path) -> None:
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return "x"

    secrets = Secrets.load(tmp_path, ask, {})
    assert [secrets.get("a"), secrets.get("a")] == ["x", "x"]
    assert asked == ["Secret a"]


def test_no_text_of_a_secret_gives_it_away(tmp_path: Path) -> None:
    secrets = Secrets.load(tmp_path, None, {"PLUMBLINE_SECRET_A": "hunter2"})
    one = Secret("a", secrets.get)
    assert one.reveal() == "hunter2"
    for shown in (repr(one), str(one), f"{one}", repr(secrets), str([one])):
        assert "hunter2" not in shown


def test_a_plan_asks_nobody_and_a_run_asks_beforehand() -> None:
    asked: list[str] = []

    def source(name: str) -> str:
        asked.append(name)
        return "x"

    try:
        give(source, only_planning=True)
        wanted(secret("a"))
        assert only_planning()
        assert asked == []
        give(source, only_planning=False)
        wanted(secret("a"))
        assert asked == ["a"]
    finally:
        give(lambda name: secrets_of_nobody(name), only_planning=True)


def secrets_of_nobody(name: str) -> str:
    raise MissingSecretError(name)


def test_a_process_that_is_started_inherits_none() -> None:
    environment = {variable_of("time.key-1"): "a", **PASSWORD, "PLUMBLINE_INVENTORY": "i", "PATH": "p"}
    assert list(without_secrets(environment)) == ["PLUMBLINE_INVENTORY", "PATH"]
    assert variable_of("time.key-1") == "PLUMBLINE_SECRET_TIME_KEY_1"


ASKED = """
from plumbline.secrets import asked_on_terminal
ask = asked_on_terminal()
print("nobody" if ask is None else ask("Secret a"))
"""


def test_a_person_is_asked_only_on_a_terminal_and_what_is_typed_is_not_shown() -> None:
    silent = subprocess.run(
        [sys.executable, "-c", ASKED], input=b"hunter2\n", capture_output=True, check=True
    )
    assert silent.stdout == b"nobody\n"
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", ASKED],
        stdin=slave,
        stderr=slave,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as asked:
        os.close(slave)
        seen = b""
        while b"Secret a: " not in seen:
            seen += os.read(master, 100)
        os.write(master, b"hunter2\n")
        assert asked.stdout is not None
        assert asked.stdout.read() == b"hunter2\n"
    assert b"hunter2" not in seen + _left(master)


def _left(terminal: int) -> bytes:
    """Return what was still shown; a terminal whose other side is closed gives EIO."""
    try:
        return os.read(terminal, 1000)
    except OSError:
        return b""
    finally:
        os.close(terminal)
