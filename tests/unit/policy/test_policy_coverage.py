"""What coverage says of a requirement."""

from __future__ import annotations

from small_standard import SmallStandard

from plumbline.policy.coverage import Status, counts, coverage, is_within


def _statuses(small: SmallStandard) -> dict[str, Status]:
    return {one.requirement.id: one.status for one in coverage(small.load())}


def test_verified_by_a_control_of_a_profile(small: SmallStandard) -> None:
    lock, _ = coverage(small.load())
    assert (lock.status, lock.controls, lock.profiles) == (
        Status.CONTROL,
        ("idle-session-lock",),
        ("server",),
    )


def test_a_control_in_no_profile_verifies_nothing(small: SmallStandard) -> None:
    small.change("profiles/server.yml", "[idle-session-lock, time-from-site]", "[time-from-site]")
    assert _statuses(small)["server.session-lock"] == Status.NOT_YET


def test_waits_for_what_would_show_it(small: SmallStandard) -> None:
    small.change("controls/session.yml", "[server.named-time]", "[server.session-lock]")
    expected = {
        "document": Status.DOCUMENT,
        "person": Status.PERSON,
        "host": Status.NOT_YET,
        "network": Status.NOT_YET,
        "calculation": Status.NOT_YET,
    }
    verified_by = "host"
    for by, status in expected.items():
        text = (small.folder / "requirements/06-servers.yml").read_text(encoding="utf-8")
        head, middle, tail = text.partition("  - id: server.named-time")
        small.write(
            "requirements/06-servers.yml",
            head + middle + tail.replace(f"verified_by: {verified_by}", f"verified_by: {by}"),
        )
        verified_by = by
        assert _statuses(small) == {"server.session-lock": Status.CONTROL, "server.named-time": status}


def test_a_document_that_a_control_reads_waits_no_more(small: SmallStandard) -> None:
    small.write(
        "requirements/06-servers.yml",
        (small.folder / "requirements/06-servers.yml")
        .read_text(encoding="utf-8")
        .replace("verified_by: host", "verified_by: document"),
    )
    assert set(_statuses(small).values()) == {Status.CONTROL}


ELSEWHERE = """\
elsewhere:
  - requirements: [server.named-time]
    by: network-test
    what: {en: A client asks the server., sk: Klient sa opýta servera.}
"""


def test_what_no_host_shows_waits_for_what_does(small: SmallStandard) -> None:
    small.write("elsewhere.yml", ELSEWHERE)
    small.change("controls/session.yml", "[server.named-time]", "[server.session-lock]")
    found = {one.requirement.id: one for one in coverage(small.load())}["server.named-time"]
    assert found.status == Status.NETWORK_TEST
    assert found.elsewhere is not None
    assert found.elsewhere.sk == "Klient sa opýta servera."


def test_a_control_counts_before_what_else_shows_it(small: SmallStandard) -> None:
    small.write("elsewhere.yml", ELSEWHERE)
    assert _statuses(small)["server.named-time"] == Status.CONTROL


def test_elsewhere_names_requirements_that_are_there_and_each_once(small: SmallStandard) -> None:
    small.write("elsewhere.yml", ELSEWHERE.replace("[server.named-time]", "[server.named-tine]"))
    (finding,) = small.findings()
    assert finding.startswith("elsewhere.yml:2: server.named-tine is no requirement")
    small.write("elsewhere.yml", ELSEWHERE.replace("time]", "time, server.named-time]"))
    assert small.findings() == ["elsewhere.yml:2: server.named-time stands here a second time"]


def test_counts_name_every_status(small: SmallStandard) -> None:
    assert counts(coverage(small.load())) == {
        Status.CONTROL: 2,
        Status.DOCUMENT: 0,
        Status.PERSON: 0,
        Status.NETWORK_TEST: 0,
        Status.NOT_YET: 0,
    }


def test_chapter_holds_the_chapters_inside_it() -> None:
    assert is_within("4.8.1", "4")
    assert is_within("4.8.1", "4.8.1")
    assert not is_within("4", "4.8")
    assert not is_within("16", "1")
    assert not is_within("4.81", "4.8")
