"""`plumb policy` as a person or a program calls it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass

import pytest

from plumbline.policy.coverage import Status
from plumbline.policy.load import load_standard


@dataclass(frozen=True)
class Ran:
    """What a command printed."""

    code: int
    out: str
    err: str


def plumb(*arguments: str) -> Ran:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PLUMBLINE_")}
    done = subprocess.run(
        [sys.executable, "-m", "plumbline", "policy", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def test_list_names_every_control_a_line() -> None:
    ran = plumb("list")
    assert ran.code == 0
    assert [line.split()[0] for line in ran.out.splitlines()] == ["control", *load_standard().controls]
    assert "\x1b" not in ran.out


def test_list_of_a_profile_is_in_its_order() -> None:
    ran = plumb("list", "--profile", "server", "--format", "json")
    listed = [one["control"] for one in json.loads(ran.out)["controls"]]
    assert listed == load_standard().profiles["server"].controls


def test_list_requirements_lists_all() -> None:
    ran = plumb("list", "--requirements", "--format", "json")
    assert len(json.loads(ran.out)["requirements"]) == 426
    assert len(plumb("list", "--requirements").out.splitlines()) == 427


def test_list_in_slovak() -> None:
    assert "Nečinná interaktívna relácia sa uzamkne" in plumb("list", "--lang", "sk").out


def test_show_control() -> None:
    ran = plumb("show", "idle-session-lock")
    assert ran.code == 0
    assert "idle_seconds: default 600, accepts 1..600 s" in ran.out
    assert "server.session-lock.timeout (chapter 6)" in ran.out


def test_show_requirement_names_its_controls() -> None:
    ran = plumb("show", "server.session-lock.timeout", "--lang", "sk")
    assert "Relácia na serveri sa zamkne najneskôr po 10 minútach nečinnosti." in ran.out
    assert ran.out.splitlines()[-1].split() == ["opatrenia", "idle-session-lock"]


def test_show_profile_as_json() -> None:
    data = json.loads(plumb("show", "server", "--format", "json").out)
    assert data["controls"] == load_standard().profiles["server"].controls


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("show", "idle-sesion-lock"), "did you mean idle-session-lock"),
        (("list", "--profile", "serve"), "did you mean server?"),
        (("coverage", "--chapter", "99"), "no requirement stands in chapter 99; chapters: 1, 4, 4.1"),
        (("schema",), "give the NAME of a schema or --write"),
        (("schema", "sites"), "did you mean site?"),
        (("show",), "Missing argument 'NAME'"),
    ],
)
def test_wrong_use_is_a_sentence_and_64(arguments: tuple[str, ...], told: str) -> None:
    ran = plumb(*arguments)
    assert (ran.code, ran.out) == (64, "")
    assert told in ran.err
    assert "Traceback" not in ran.err


def test_unknown_standard_is_1() -> None:
    ran = plumb("validate", "--standard", "mht-ot")
    assert ran.code == 1
    assert "did you mean mhth-ot?" in ran.err


def test_validate() -> None:
    ran = plumb("validate")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("mhth-ot 1.0 is valid: 426 requirements, ")


def test_coverage_counts_add_up() -> None:
    data = json.loads(plumb("coverage", "--format", "json").out)
    statuses = [one["status"] for one in data["requirements"]]
    assert data["counts"] == {
        **{status: statuses.count(status) for status in Status},
        "all": 426,
    }


def test_coverage_of_a_chapter() -> None:
    lines = plumb("coverage", "--chapter", "14").out.splitlines()
    assert lines[2].split()[1:6] == ["time.ntp", "verified", "by", "a", "control"]
    assert lines[2].split()[6:] == ["time-from-site,", "time-synchronised"]
    assert lines[-1].split() == ["all", "2"]


def test_schema_is_printed() -> None:
    assert json.loads(plumb("schema", "site").out)["title"] == "Site"
