"""The stock suite: the facts our suites judge, asserted with testinfra's own modules and nothing of ours.

It is what a person with testinfra would write: a test a fact, its modules where there is one, commands where
there is none; what several tests of a file read is read once.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from testinfra.backend.ssh import SshBackend


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add where the values are, and where to write how many commands were run."""
    parser.addoption("--expected", type=Path, required=True)
    parser.addoption("--count", type=Path)


def pytest_configure(config: pytest.Config) -> None:
    """Count the commands the backend is asked to run."""
    run: Callable[..., Any] = SshBackend.run_ssh
    config.stash[COUNT] = 0

    def counting(backend: SshBackend, command: str) -> Any:
        config.stash[COUNT] += 1
        return run(backend, command)

    SshBackend.run_ssh = counting


COUNT = pytest.StashKey[int]()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write how many tests ran, how many failed, how many commands it took."""
    path = session.config.getoption("--count")
    if path is not None:
        told = {
            "tests": session.testscollected,
            "failed": session.testsfailed,
            "commands": session.config.stash[COUNT],
        }
        path.write_text(json.dumps(told))


def _values(config: pytest.Config) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(config.getoption("--expected").read_text())
    return values


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each setting, module or service it names."""
    values = _values(metafunc.config)
    names = metafunc.fixturenames
    if "key" in names:
        metafunc.parametrize(("key", "wanted"), list(values["sysctl"].items()))
    if "kernel_module" in names:
        metafunc.parametrize("kernel_module", values["modules"])


@pytest.fixture(scope="session")
def expected(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The values to hold the host against."""
    return _values(request.config)
