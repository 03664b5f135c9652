"""The order of the subjects, and that every control of a profile is made so by something."""

from __future__ import annotations

import importlib.util

from test_apply_ground import STANDARD, desired

import deploys


def test_what_installs_packages_comes_before_the_network_and_the_firewall_is_last() -> None:
    order = deploys.subjects_of(desired())
    assert order[-2:] == ["network", "firewall"]
    assert order.index("time") < order.index("network") > order.index("antivirus")


def test_only_subjects_the_host_is_held_to_are_applied() -> None:
    assert "firewall" not in deploys.subjects_of(desired(without_firewall=True))


LEFT_TO_PEOPLE = {"database"}
"""Subjects that apply never touches: who may log on to a database is its administrators' to change."""


def test_every_control_is_made_so_by_a_deploy_or_by_its_regular_settings() -> None:
    unmade = [
        name
        for name, control in STANDARD.controls.items()
        if STANDARD.subjects[name] not in LEFT_TO_PEOPLE
        and importlib.util.find_spec(f"deploys.{STANDARD.subjects[name]}") is None
        and not (control.linux.sysctl or control.linux.modules_disabled)
    ]
    assert unmade == []
