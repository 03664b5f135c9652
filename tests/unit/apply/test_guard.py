"""The guard's commands and answers on the controller's side, and its program as one text."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime

import pytest

from plumbline.apply import guard
from plumbline.apply.guard import GuardError, GuardStatus, Kept, RestoreResult, Scope
from plumbline.apply.guard.program import PARTS, digest, program

RUN = "20260131T235959Z-0a1b2c3d"


def test_an_id_sorts_by_time_and_is_another_each_time() -> None:
    early, late = datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    assert guard.run_id(early) < guard.run_id(late)
    assert guard.run_id(early).startswith("20260131T235959Z-")
    assert guard.run_id(early) != guard.run_id(early)


@pytest.mark.parametrize("run", ["", "../../etc", "20260131T235959Z", f"{RUN}; reboot"])
def test_what_is_no_id_never_reaches_a_shell(run: str) -> None:
    with pytest.raises(ValueError, match="is not the id of a run"):
        guard.restore(run)


def test_names_of_people_are_words_whatever_they_hold() -> None:
    line = guard.lock(RUN, "o'brien $(reboot)\nadmin").line
    split = subprocess.run(["sh", "-c", f'printf "%s\\n" {line}'], capture_output=True, text=True, check=True)
    assert split.stdout.splitlines() == [
        "/bin/sh",
        "/var/lib/plumbline/guard",
        "lock",
        RUN,
        "o'brien $(reboot) admin",
    ]


def test_a_scope_goes_by_stdin_a_line_a_name() -> None:
    scope = Scope(
        paths=frozenset({"/opt/b", "/opt/a\nunits evil"}), sysctls=frozenset({"net/ipv4/ip_forward"})
    )
    begin = guard.begin(RUN, scope, who="admin1", plan="00ff", controller="here", scope_of=RUN)
    assert begin.stdin.splitlines() == [
        "who admin1",
        "plan 00ff",
        "controller here",
        f"scope_of {RUN}",
        "paths /opt/a units evil",
        "paths /opt/b",
        "sysctls net/ipv4/ip_forward",
    ]


def test_the_last_object_is_the_answer_and_greetings_are_none() -> None:
    printed = 'Welcome {}\n{"ok":true,"verb":"arm","run":"r","note":"","seconds":60,"changed":0}\n'
    assert guard.parse(Kept, printed).seconds == 60


@pytest.mark.parametrize(
    ("printed", "told"),
    [
        ("", "it printed nothing"),
        ("sh: 0: cannot open /var/lib/plumbline/guard", "cannot open"),
        ('{"ok":true,"verb":"arm"', "cannot be read"),
        ('{"ok":true,"verb":"status"}', "cannot be read"),
    ],
)
def test_what_is_no_answer_is_an_error_that_says_so(printed: str, told: str) -> None:
    with pytest.raises(GuardError, match=told):
        guard.parse(GuardStatus, printed)


def test_a_refusal_comes_as_its_own_sentence_and_kind() -> None:
    printed = json.dumps(
        {"ok": False, "verb": "arm", "run": RUN, "kind": "too-late", "reason": "it was late"}
    )
    with pytest.raises(GuardError, match=r"^it was late$") as refused:
        guard.parse(Kept, printed)
    assert refused.value.kind == "too-late"


def test_things_left_are_told_with_why() -> None:
    printed = json.dumps(
        {
            "ok": True,
            "verb": "restore",
            "run": RUN,
            "state": "partly",
            "by": "timer",
            "began": "2026-01-31T23:59:59Z",
            "ended": "2026-02-01T00:00:02Z",
            "back": [{"kind": "file", "name": "/etc/a", "did": "put back", "why": ""}],
            "left": [{"kind": "package", "name": "telnetd:amd64", "did": "", "why": "it is not kept"}],
        }
    )
    result = guard.parse(RestoreResult, printed)
    assert [str(item) for item in result.back + result.left] == [
        "/etc/a: put back",
        "telnetd:amd64: it is not kept",
    ]


def test_the_program_is_one_text_of_small_parts_that_a_shell_takes() -> None:
    parts = sorted(PARTS.glob("*.sh"))
    assert program() == "".join(part.read_text() for part in parts)
    assert all(len(part.read_text().splitlines()) < 300 for part in parts)
    assert guard.install().stdin == program()
    assert digest() in guard.install().line
    checked = subprocess.run(["sh", "-n"], input=program(), text=True, capture_output=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_a_command_it_does_not_know_is_refused_in_its_own_words() -> None:
    """Nothing of the machine is touched: the id shown is that of somebody who is not root."""
    said = subprocess.run(
        ["sh", "-s", "explode"],
        input=program().replace('[ "$(id -u)" = 0 ]', "false"),
        text=True,
        capture_output=True,
        check=False,
    )
    assert said.returncode == 1
    with pytest.raises(GuardError, match="works as root alone"):
        guard.parse(Kept, said.stdout)
