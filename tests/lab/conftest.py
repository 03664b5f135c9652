"""Booted hosts for the lab tests; every lab has a name of its own run, and is taken down with it."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from plumbline.lab import Lab, LabHost, all_names, take_down

MakeLab = Callable[..., Lab]
LONGEST = (
    "test_vm_hardened",
    "test_site_job",
    "test_vm",
    "test_apply_interruptions",
    "test_apply_cuts",
    "test_profiles",
    "test_apply",
    "test_main_job",
    "test_directory",
    "test_site_time_and_logs",
    "test_crypto",
    "test_network",
    "test_session",
)
"""Modules in the order of the minutes they take, for lanes that run side by side to end together."""
_numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the modules that take longest first."""
    rank = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(rank)))


def lab_name() -> str:
    """Return a name no other lab has: this process's id and a number."""
    return f"test-{os.getpid()}-{next(_numbers)}"


@pytest.fixture(scope="session")
def new_name() -> Callable[[], str]:
    """Give names no other lab has."""
    return lab_name


@pytest.fixture(scope="session", autouse=True)
def _labs_of_runs_that_were_killed() -> None:
    """Take down what earlier runs could not."""
    for name in all_names():
        found = re.fullmatch(r"test-(\d+)-\d+", name)
        if found and not Path("/proc", found[1]).exists():
            take_down(name)


@pytest.fixture(scope="session")
def delivered_lab(new_name: Callable[[], str]) -> Iterator[Lab]:
    """Two hosts as a careless supplier delivers them, the same for all tests of the run."""
    with Lab.up(new_name(), hosts=2, flavour="delivered") as lab:
        yield lab


@pytest.fixture
def delivered_host(delivered_lab: Lab) -> LabHost:
    """The first host of `delivered_lab`, put back to its state as delivered."""
    host = delivered_lab.hosts[0]
    delivered_lab.reset(host)
    return host


@pytest.fixture
def make_lab(new_name: Callable[[], str]) -> Iterator[MakeLab]:
    """Make labs with what `Lab.up` takes beside the name; they are taken down after the test."""
    names: list[str] = []

    def make(**wanted: object) -> Lab:
        names.append(new_name())
        return Lab.up(names[-1], **wanted)  # type: ignore[arg-type]  # passed on as they are

    yield make
    for name in names:
        take_down(name)
