"""Defaults, then the profile's parameters, then the host's; and what is taken from the site and host."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_standard import SmallStandard

from plumbline.errors import InputError
from plumbline.policy.accepts import OneOf
from plumbline.policy.resolve import Misfit, misfits, resolve
from plumbline.policy.standard import DesiredState
from plumbline.rooms import LAB_INVENTORY
from plumbline.spec.model import HostSpec, Site, System
from plumbline.yamlfile import read_yaml, validated

SITE = validated(Site, read_yaml(LAB_INVENTORY / "site.yml"))
SYSTEM = validated(System, read_yaml(LAB_INVENTORY / "systems/heating.yml"))
SESSION = "controls/session.yml"

Resolve = Callable[..., DesiredState]


@pytest.fixture
def resolved(small: SmallStandard) -> Resolve:
    """Resolve the small standard for one host that sets these parameters."""

    def resolve_with(parameters: dict[str, dict[str, Any]] | None = None, **changed: Any) -> DesiredState:  # noqa: ANN401
        host = SYSTEM.hosts[0].model_copy(update={"parameters": parameters or {}, **changed})
        return resolve(small.load(), SITE, SYSTEM, host)

    return resolve_with


def _idle(state: DesiredState) -> object:
    return state.controls["idle-session-lock"].values["idle_seconds"]


def test_the_default_holds_where_nobody_says_otherwise(resolved: Resolve) -> None:
    assert _idle(resolved()) == 600


def test_the_profile_goes_before_the_default(small: SmallStandard, resolved: Resolve) -> None:
    small.change(
        "profiles/server.yml", "controls:", "parameters: {idle-session-lock: {idle_seconds: 400}}\ncontrols:"
    )
    assert _idle(resolved()) == 400


def test_the_host_goes_before_the_profile(small: SmallStandard, resolved: Resolve) -> None:
    small.change(
        "profiles/server.yml", "controls:", "parameters: {idle-session-lock: {idle_seconds: 400}}\ncontrols:"
    )
    assert _idle(resolved({"idle-session-lock": {"idle_seconds": 300}})) == 300


def test_an_override_of_one_parameter_leaves_the_others(resolved: Resolve) -> None:
    state = resolved({"idle-session-lock": {"shells": ["dash"]}})
    assert state.controls["idle-session-lock"].values == {"idle_seconds": 600, "shells": ["dash"]}


def test_what_is_accepted_stays_the_standards(resolved: Resolve) -> None:
    state = resolved({"idle-session-lock": {"idle_seconds": 300}})
    assert str(state.controls["idle-session-lock"].accepts["idle_seconds"]) == "1..600 s"


@pytest.mark.parametrize("value", [0, -1, 601, "300", [300], True])
def test_override_outside_what_is_accepted(resolved: Resolve, value: object) -> None:
    with pytest.raises(
        InputError, match=r"host srv-app-01 of system heating: idle-session-lock\.idle_seconds is"
    ):
        resolved({"idle-session-lock": {"idle_seconds": value}})


def test_every_wrong_override_is_told_with_its_place(small: SmallStandard) -> None:
    parameters = {
        "idle-session-lock": {"idle_seconds": 0, "idle_second": 1},
        "idle-sesion-lock": {"idle_seconds": 1},
        "time-from-site": {"sources": ["a.test"]},
    }
    host = SYSTEM.hosts[0].model_copy(update={"parameters": parameters})
    assert misfits(small.load(), host) == [
        Misfit(
            ("parameters", "idle-session-lock", "idle_seconds"),
            "idle-session-lock.idle_seconds is 0, accepted is 1..600 s",
        ),
        Misfit(
            ("parameters", "idle-session-lock", "idle_second"),
            "idle-session-lock has no parameter idle_second (did you mean idle_seconds?)",
        ),
        Misfit(
            ("parameters", "idle-sesion-lock"),
            "idle-sesion-lock is no control of profile server (did you mean idle-session-lock?)",
        ),
        Misfit(
            ("parameters", "time-from-site", "sources"),
            "time-from-site.sources is taken from site.time_sources; declare it there",
        ),
    ]


def test_unknown_profile_names_the_nearest(resolved: Resolve) -> None:
    with pytest.raises(InputError, match=r"there is no profile servers \(did you mean server\?\)"):
        resolved(profile="servers")


def test_a_control_outside_the_profile_is_not_resolved(small: SmallStandard, resolved: Resolve) -> None:
    small.change("profiles/server.yml", "[idle-session-lock, time-from-site]", "[time-from-site]")
    assert list(resolved().controls) == ["time-from-site"]


def test_subject_gives_its_controls(resolved: Resolve) -> None:
    state = resolved()
    assert list(state.subject("session")) == ["idle-session-lock", "time-from-site"]
    assert state.subject("network") == {}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("site.time_sources", [str(source) for source in SITE.time_sources]),
        ("site.dns", [str(address) for address in SITE.dns]),
        ("site.management_sources", [str(network) for network in SITE.management_sources]),
        ("site.log_collector.port", SITE.log_collector.port),
        ("site.domain", SITE.domain),
        ("host.name", "srv-app-01"),
        ("host.os.family", "linux"),
        ("host.antivirus_exclusions", []),
    ],
)
def test_taken_from_the_site_or_host_as_texts_and_numbers(
    small: SmallStandard, resolved: Resolve, source: str, value: object
) -> None:
    small.change(SESSION, "site.time_sources", source)
    control = resolved().controls["time-from-site"]
    elements: list[Any] = value if isinstance(value, list) else [value]
    assert control.values == {"sources": value}
    assert control.accepts == {"sources": OneOf(tuple(elements))}
    assert all(type(element) in (str, int) for element in elements)


def test_needed_and_not_declared(small: SmallStandard, resolved: Resolve) -> None:
    small.change(SESSION, "site.time_sources", "host.physical_reason")
    with pytest.raises(
        InputError, match=r"time-from-site needs host\.physical_reason, which is not declared"
    ):
        resolved()


@pytest.mark.parametrize(
    "source", ["site.vlans", "host.interfaces", "host.desktop", "host.ram_gib", "site.antivirus"]
)
def test_taken_from_what_is_no_value(small: SmallStandard, source: str) -> None:
    small.change(SESSION, "site.time_sources", source)
    assert small.findings() == [
        f"controls/session.yml:14: time-from-site.sources: {source} is not a text, a whole number, an address"
        " or a list of these"
    ]


def test_a_setting_takes_its_parameters_value(small: SmallStandard, resolved: Resolve) -> None:
    small.change(
        SESSION,
        "  remedy: {en: Lock",
        "  linux: {sysctl: {kernel.idle: $idle_seconds, kernel.x: 1}}\n  remedy: {en: Lock",
    )
    control = resolved({"idle-session-lock": {"idle_seconds": 120}}).controls["idle-session-lock"]
    assert {key: control.setting(value) for key, value in control.control.linux.sysctl.items()} == {
        "kernel.idle": 120,
        "kernel.x": 1,
    }


def test_the_worked_example_resolves_against_the_real_standard() -> None:
    from plumbline.policy.load import load_standard

    standard = load_standard()
    for path in sorted(Path(LAB_INVENTORY / "systems").glob("*.yml")):
        system = validated(System, read_yaml(path))
        for host in system.hosts:
            state = resolve(standard, SITE, system, host)
            assert list(state.controls) == standard.profiles[host.profile].controls
            assert isinstance(state.host, HostSpec)
