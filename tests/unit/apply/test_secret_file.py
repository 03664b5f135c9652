"""Files that hold a secret: it comes to the host, and is told nowhere."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Iterator
from pathlib import Path

import pytest
from local_host import LocalHost
from pyinfra.api.operation import OperationMeta

from deploys.mechanisms.files import secret_file
from plumbline.secrets import MissingSecretError, give, secret

OWNER = pwd.getpwuid(os.getuid()).pw_name
GROUP = grp.getgrgid(os.getgid()).gr_name


def nobody(name: str) -> str:
    raise MissingSecretError(f"the secret {name} is not given")


@pytest.fixture(autouse=True)
def _nobody_gives_afterwards() -> Iterator[None]:
    yield
    give(nobody, only_planning=True)


def planned(path: Path) -> tuple[LocalHost, OperationMeta]:
    host = LocalHost()
    return host, host.plan(
        lambda: secret_file(
            str(path), lambda: f"key {secret('time.key.1').reveal()}\n", owner=OWNER, group=GROUP
        )
    )


def test_the_secret_arrives_for_its_owner_alone_and_a_second_time_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    give(lambda _: "hunter2", only_planning=False)
    host, operation = planned(path)
    assert operation.will_change
    assert host.run()
    assert path.read_text() == "key hunter2\n"
    assert path.stat().st_mode & 0o777 == 0o600
    _, again = planned(path)
    assert not again.will_change


def test_another_secret_or_another_mode_is_a_change(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("key hunter2\n")
    path.chmod(0o644)
    give(lambda _: "hunter2", only_planning=False)
    assert planned(path)[1].will_change
    path.chmod(0o600)
    assert not planned(path)[1].will_change
    give(lambda _: "hunter3", only_planning=False)
    assert planned(path)[1].will_change


def test_nothing_that_is_told_or_kept_of_the_operation_has_it(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("key older1\n")
    give(lambda _: "hunter2", only_planning=False)
    host, _ = planned(path)
    key = host.host.op_hash_order[-1]
    kept = [
        host.told(),
        vars(host.state.get_op_meta(key)),
        vars(host.state.get_op_data_for_host(host.host, key)),
    ]
    assert host.told().diff is None
    assert not [told for told in kept if "hunter2" in str(told) or "older1" in str(told)]


def test_a_text_is_hidden_as_well(tmp_path: Path) -> None:
    host = LocalHost()
    host.plan(lambda: secret_file(str(tmp_path / "f"), "hunter2\n", owner=OWNER, group=GROUP))
    assert "hunter2" not in str(vars(host.state.get_op_meta(host.host.op_hash_order[-1])))
    assert host.run()
    assert (tmp_path / "f").read_text() == "hunter2\n"


def test_a_mere_plan_goes_on_without_the_secret_and_says_so(tmp_path: Path) -> None:
    give(nobody, only_planning=True)
    host, operation = planned(tmp_path / "keys")
    assert operation.will_change
    assert "whether it differs cannot be said" in host.told().notes[0]


def test_a_run_without_the_secret_ends_before_anything_is_written(tmp_path: Path) -> None:
    give(nobody, only_planning=False)
    with pytest.raises(MissingSecretError):
        planned(tmp_path / "keys")
    assert list(tmp_path.iterdir()) == []
