"""Fixtures of the apply tests: two hosts, deploys made for one test, a changed copy of the inventory."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from applying import Deploys, deploys_of
from conftest import lab_name

from plumbline.lab import Lab


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.up(lab_name(), hosts=2, flavour="clean") as up:
        yield up


@pytest.fixture
def hosts(lab: Lab) -> Lab:
    """Both hosts put back to how they were delivered."""
    for host in lab.hosts:
        lab.reset(host)
    return lab


@pytest.fixture
def deploys(tmp_path: Path) -> Deploys:
    """Make a package like `deploys/` from the body of its one subject, which uses `desired`."""

    def make(body: str) -> Path:
        return deploys_of(tmp_path / "deploys", body)

    return make


@pytest.fixture
def inventory(lab: Lab, tmp_path: Path) -> Callable[..., Path]:
    """Copy the lab's inventory with keys of connection.yml or site.yml replaced."""

    def make(site: dict[str, object] | None = None, **connection: object) -> Path:
        copy = tmp_path / "inventory"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(lab.inventory, copy)
        for name, changes in (("site.yml", site or {}), ("connection.yml", connection)):
            data = yaml.safe_load((copy / name).read_text()) or {}
            (copy / name).write_text(yaml.safe_dump(data | changes))
        return copy

    return make
