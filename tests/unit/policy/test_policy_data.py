"""The operator's standard as data: its recorded figures, and that its parts agree with each other."""

from __future__ import annotations

from collections import Counter

import pytest

from plumbline.policy.accepts import Range
from plumbline.policy.coverage import Status, counts, coverage
from plumbline.policy.load import load_standard
from plumbline.policy.protocols import load_protocols
from plumbline.policy.standard import Standard
from plumbline.rooms import POLICIES
from plumbline.yamlfile import read_yaml

# Counted on the list of obligations that the requirements were taken from.
KINDS_BY_VERIFICATION = {
    ("technical", "host"): 122,
    ("technical", "network"): 31,
    ("technical", "document"): 63,
    ("technical", "calculation"): 16,
    ("technical", "person"): 8,
    ("documentary", "network"): 1,
    ("documentary", "document"): 57,
    ("documentary", "calculation"): 5,
    ("documentary", "person"): 1,
    ("organisational", "host"): 2,
    ("organisational", "document"): 113,
    ("organisational", "calculation"): 1,
    ("organisational", "person"): 6,
}
EXCEPTIONS = {"allowed": 403, "needs-approval-in-offer": 12, "listed": 9, "never": 2}
SYSTEMS = {"any": 109, "windows": 5, "linux": 5, None: 307}
INFERRED_CHAPTERS = 260
STRENGTHS = 16
MHTH_TOO = 63


@pytest.fixture(scope="module")
def standard() -> Standard:
    return load_standard()


def test_every_requirement_is_there_as_counted(standard: Standard) -> None:
    requirements = standard.requirements.values()
    assert Counter((one.kind, one.verified_by) for one in requirements) == KINDS_BY_VERIFICATION
    assert len(standard.requirements) == sum(KINDS_BY_VERIFICATION.values()) == 426
    assert Counter(one.exception for one in requirements) == EXCEPTIONS
    assert Counter(one.os for one in requirements) == SYSTEMS
    assert sum(one.chapter_inferred for one in requirements) == INFERRED_CHAPTERS
    assert sum("strength" in one.values for one in requirements) == STRENGTHS
    assert sum("mhth" in one.applies_to for one in requirements) == MHTH_TOO


def test_each_file_holds_one_chapter_and_is_named_after_it() -> None:
    for path in (POLICIES / "mhth-ot/requirements").glob("*.yml"):
        chapters = {one["chapter"].split(".")[0] for one in read_yaml(path).data["requirements"]}
        assert chapters == {path.name.split("-")[0].lstrip("0")}


def test_every_chapter_named_is_one_that_occurs(standard: Standard) -> None:
    assert set(standard.info.chapters) == {one.chapter for one in standard.requirements.values()}


def test_every_file_names_its_schema_for_editors() -> None:
    kinds = {
        "requirements": "requirements",
        "controls": "controls",
        "profiles": "profile",
        "baselines": "baseline",
        "mhth-ot": "",
    }
    for path in (POLICIES / "mhth-ot").rglob("*.yml"):
        kind = kinds[path.parent.name] or path.stem
        first = path.read_text(encoding="utf-8").splitlines()[0]
        prefix, _, target = first.partition("$schema=")
        assert prefix == "# yaml-language-server: "
        assert (path.parent / target).resolve() == POLICIES / f"schemas/{kind}.schema.json"


def test_the_idle_limit_is_the_ten_minutes_of_the_requirement(standard: Standard) -> None:
    minutes = standard.requirements["server.session-lock.timeout"].values["idle_minutes_max"]
    accepted = standard.controls["idle-session-lock"].parameters["idle_seconds"].accepted()
    assert accepted == Range(1, minutes * 60, "s")


@pytest.mark.parametrize(("profile", "bound"), [("server", "server"), ("client", "client")])
def test_a_profile_meets_what_hosts_of_its_kind_can_show(
    standard: Standard, profile: str, bound: str
) -> None:
    """What is verified on Linux hosts of a kind, but databases and kiosks, which not all have."""
    held = standard.profiles[profile].controls
    met = {met for name in held for met in standard.controls[name].meets} | set(standard.elsewhere)
    owed = {
        name
        for name, one in standard.requirements.items()
        if bound in one.applies_to
        and one.verified_by == "host"
        and one.os != "windows"
        and not {"hmi", "database"} & set(one.applies_to)
    }
    assert owed - met == set()


def test_every_control_is_in_a_profile(standard: Standard) -> None:
    held = {name for profile in standard.profiles.values() for name in profile.controls}
    assert held == set(standard.controls)


def test_forwarding_is_off_for_all_new_and_each_interface(standard: Standard) -> None:
    settings = standard.controls["no-forwarding"].linux.sysctl
    for family in ("ipv4", "ipv6"):
        for interfaces in ("all", "default", "*"):
            assert settings[f"net.{family}.conf.{interfaces}.forwarding"] == 0


def test_coverage_counts_every_requirement_once(standard: Standard) -> None:
    counted = counts(coverage(standard))
    met = {met for control in standard.controls.values() for met in control.meets}
    assert counted[Status.CONTROL] == len(met)
    assert sum(counted.values()) == 426


ON_LINUX_HOSTS = {"server", "client", "any-device", "hmi", "database", "application"}


def test_what_a_linux_host_or_its_network_shows_waits_for_nothing_unnamed(standard: Standard) -> None:
    waiting = [
        one.requirement.id
        for one in coverage(standard)
        if one.status == Status.NOT_YET
        and one.requirement.verified_by in ("host", "network")
        and one.requirement.os != "windows"
        and ON_LINUX_HOSTS & set(one.requirement.applies_to)
    ]
    assert waiting == []


def test_restricted_protocols_are_those_of_the_chapter(standard: Standard) -> None:
    protocols = load_protocols(standard)
    named = {requirement for protocol in protocols.values() for requirement in protocol.requirements}
    assert named == {one for one in standard.requirements if standard.requirements[one].chapter == "5.3"}
    forbidden = {name for name, protocol in protocols.items() if protocol.use == "forbidden"}
    assert forbidden == {"ftp", "telnet", "imap", "pop3", "http", "opc-da", "mqtt"}


def test_ports_are_those_the_requirements_name(standard: Standard) -> None:
    protocols = load_protocols(standard)
    assert protocols["mqtt-tls"].ports == [
        standard.requirements["comms.protocol.mqtt-tls"].values["tcp_port"]
    ]
    forbidden = standard.requirements["comms.protocol.mqtt-plain"].values["forbidden_tcp_port"]
    assert protocols["mqtt"].ports == [forbidden]
