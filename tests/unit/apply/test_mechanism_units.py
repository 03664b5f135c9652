"""What systemd tells of a unit, under whichever name it is asked for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pyinfra.api.exceptions import OperationError

from deploys.mechanisms.packages import InstalledPackages
from deploys.mechanisms.units import STARTS_AT_BOOT, Unit, UnitOnHost, daemon_reloaded, unit_restarted


def test_an_alias_tells_of_the_unit_it_stands_for(recorded: Callable[[str], list[str]]) -> None:
    there = Unit().process(recorded("unit-alias-systemd-252.txt"))
    assert there == UnitOnHost("loaded", "active", "running", "static")
    assert there.exists
    assert there.running


def test_a_masked_unit_exists_and_does_not_run(recorded: Callable[[str], list[str]]) -> None:
    there = Unit().process(recorded("unit-masked-systemd-252.txt"))
    assert (there.exists, there.running, there.file) == (True, False, "masked")


def test_a_unit_that_is_not_installed_does_not_exist(recorded: Callable[[str], list[str]]) -> None:
    assert not Unit().process(recorded("unit-not-found-systemd-252.txt")).exists


def test_a_unit_that_is_restarted_over_and_over_does_not_run() -> None:
    assert not UnitOnHost("loaded", "activating", "auto-restart", "enabled").running


def test_enabled_until_the_next_boot_is_not_enabled() -> None:
    assert "enabled-runtime" not in STARTS_AT_BOOT


def test_a_restart_must_say_after_what() -> None:
    with pytest.raises(OperationError, match="restarted in every run"):
        unit_restarted("ssh.service", when=[])
    with pytest.raises(OperationError, match="reloaded in every run"):
        daemon_reloaded(when=[])


def test_a_removed_package_that_left_its_configuration_is_not_installed() -> None:
    # As dpkg-query 1.21 prints db:Status-Status, Package and Version.
    told = ["installed chrony 4.3-2+deb12u1", "config-files ntp 1:4.2.8p15"]
    assert InstalledPackages().process(told) == {"chrony": "4.3-2+deb12u1"}
