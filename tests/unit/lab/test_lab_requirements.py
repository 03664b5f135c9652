"""Where a lab cannot run, one sentence says why."""

from __future__ import annotations

import os
import shutil
import sys

import pytest

from plumbline.errors import PlumblineError
from plumbline.lab import requirements


def lacking(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    find = shutil.which
    monkeypatch.setattr(
        shutil, "which", lambda name: None if name == program else find(name) or f"/usr/bin/{name}"
    )


def test_other_systems_than_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(PlumblineError, match="needs Linux"):
        requirements.check_machine()


def test_not_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(PlumblineError, match="needs root"):
        requirements.check_machine()


@pytest.mark.parametrize("program", requirements.TO_RUN)
def test_missing_program_is_named_with_its_package(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    lacking(program, monkeypatch)
    with pytest.raises(PlumblineError) as caught:
        requirements.check_machine()
    assert caught.value.message == f"To run a lab, this machine lacks {program}."
    assert caught.value.hint == f"On Debian: apt-get install {requirements.TO_RUN[program]}"


def test_missing_builder_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    lacking("mmdebstrap", monkeypatch)
    with pytest.raises(PlumblineError, match="lacks mmdebstrap"):
        requirements.check_builder()
