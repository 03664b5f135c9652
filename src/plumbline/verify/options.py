"""Plain pytest on the suites: `pytest tests/compliance --inventory DIR --evidence FILE` or `--hosts NAME`."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that say whose evidence the suites judge."""
    group = parser.getgroup("plumbline")
    group.addoption("--evidence", action="append", type=Path, metavar="FILE", help="evidence to judge")
    group.addoption("--inventory", type=Path, metavar="DIR", help="site and specification of the hosts")
    group.addoption("--standard", default="mhth-ot", help="the standard to judge by (default: %(default)s)")


def pytest_configure(config: pytest.Config) -> None:
    """Register the run over the evidence that was named; collect it first where hosts were named."""
    config.addinivalue_line("markers", "control(name): a check of the control of that name")
    config.addinivalue_line("markers", "mechanism(name): a check of every setting made by that mechanism")
    evidence: list[Path] = config.getoption("evidence") or []
    hosts = [name for name in str(config.getoption("hosts", None) or "").split(",") if name]
    inventory_path: Path | None = config.getoption("inventory")
    if inventory_path is None:
        if evidence:
            raise pytest.UsageError("--evidence needs --inventory DIR: what the hosts shall be")
        return
    from plumbline.errors import PlumblineError
    from plumbline.policy.load import load_standard
    from plumbline.spec.load import load_inventory
    from plumbline.verify.cases import Target
    from plumbline.verify.live import Collection
    from plumbline.verify.plugin import ComplianceRun
    from plumbline.verify.targets import desired_states, from_files

    try:
        standard = load_standard(config.getoption("standard"))
        inventory = load_inventory(inventory_path)
        desired = desired_states(standard, inventory, hosts)
        if evidence:
            subjects = from_files(desired, evidence, named=bool(hosts))
        else:
            with Collection(inventory, hosts) as collection:
                subjects = collection.targets(desired)
    except PlumblineError as error:
        raise pytest.UsageError(str(error)) from error
    unjudged = [subject for subject in subjects if subject.problem is not None]
    if unjudged:
        told = "\n".join(
            f"{subject.name}: {subject.problem.en if subject.problem else ''}" for subject in unjudged
        )
        raise pytest.UsageError(told)
    config.pluginmanager.register(
        ComplianceRun([subject for subject in subjects if isinstance(subject, Target)])
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse to run checks on nothing: they would end as errors about missing fixtures."""
    from plumbline.verify.plugin import ComplianceRun

    wanted = any(item.get_closest_marker("control") or item.get_closest_marker("mechanism") for item in items)
    if wanted and not any(isinstance(plugin, ComplianceRun) for plugin in config.pluginmanager.get_plugins()):
        raise pytest.UsageError("say whom to check: --inventory DIR with --evidence FILE… or --hosts NAME,…")
