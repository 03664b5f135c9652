"""What load_standard refuses, each with its file and line, and that everything is told at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from small_standard import SmallStandard

from plumbline.errors import InputError
from plumbline.policy.load import load_standard

SESSION = "controls/session.yml"
SERVERS = "requirements/06-servers.yml"
SERVER = "profiles/server.yml"


def test_the_small_standard_is_whole(small: SmallStandard) -> None:
    standard = small.load()
    assert list(standard.requirements) == ["server.session-lock", "server.named-time"]
    assert standard.subjects == {"idle-session-lock": "session", "time-from-site": "session"}
    assert standard.profiles["server"].controls == ["idle-session-lock", "time-from-site"]


WRONG: dict[str, tuple[str, str, str, str]] = {
    "unknown_key_in_a_control": (
        SESSION, "  severity: high", "  severity: high\n  titel: x",
        "controls/session.yml:5: idle-session-lock: unknown key titel (did you mean title?)",
    ),
    "unknown_key_deep_inside": (
        SESSION, "accepts: 1..600", "acepts: 1..600",
        "controls/session.yml:6: idle-session-lock.parameters.idle_seconds:"
        " unknown key acepts (did you mean accepts?)",
    ),
    "unknown_key_in_a_requirement": (
        SERVERS, "    sk: Relácie sa zamykajú.", "    sk: Relácie sa zamykajú.\n    excepton: x",
        "requirements/06-servers.yml:9: requirements[server.session-lock]:"
        " unknown key excepton (did you mean exception?)",
    ),
    "unknown_key_in_a_profile": (
        SERVER, "controls:", "control: []\ncontrols:",
        "profiles/server.yml:2: unknown key control (did you mean controls?)",
    ),
    "python_name_of_from_is_no_key": (
        SESSION, "{from: site.time_sources}", "{source: site.time_sources}",
        "controls/session.yml:14: time-from-site.parameters.sources: unknown key source",
    ),
    "duplicate_key": (
        SESSION, "  severity: high", "  severity: high\n  severity: low",
        "controls/session.yml:5: the key severity stands here a second time, first on line 4",
    ),
    "control_meets_an_unknown_requirement": (
        SESSION, "[server.session-lock]", "[server.sesion-lock]",
        "controls/session.yml:3: idle-session-lock meets server.sesion-lock, which is no requirement of the"
        " standard (did you mean server.session-lock?)",
    ),
    "control_meets_nothing": (
        SESSION, "[server.session-lock]", "[]",
        "controls/session.yml:3: idle-session-lock.meets: at least 1 element is needed, found 0",
    ),
    "profile_names_an_unknown_control": (
        SERVER, "[idle-session-lock,", "[idle-sesion-lock,",
        "profiles/server.yml:2: profile server: there is no control idle-sesion-lock"
        " (did you mean idle-session-lock?)",
    ),
    "profile_lists_a_control_twice": (
        SERVER, "[idle-session-lock,", "[idle-session-lock, idle-session-lock,",
        "profiles/server.yml:2: profile server: idle-session-lock is listed a second time",
    ),
    "chapter_not_in_the_standard": (
        SERVERS, "named-time\n    chapter: '6'", "named-time\n    chapter: '66'",
        "requirements/06-servers.yml:11: server.named-time: chapter 66 is not in standard.yml",
    ),
    "chapter_written_as_a_number": (
        SERVERS, "named-time\n    chapter: '6'", "named-time\n    chapter: 6",
        "requirements/06-servers.yml:11: requirements[server.named-time].chapter:"
        " expected a text, found the number 6",
    ),
    "slovak_text_missing": (
        SERVERS, "    sk: Relácie sa zamykajú.\n", "",
        "requirements/06-servers.yml:2: requirements[server.session-lock]: the key sk is missing",
    ),
    "english_text_empty": (
        SERVERS, "    en: Sessions lock.", "    en: ' '",
        "requirements/06-servers.yml:7: requirements[server.session-lock].en: the text is empty",
    ),
    "slovak_title_missing": (
        SESSION, "{en: Sessions lock, sk: Relácie sa zamykajú}", "{en: Sessions lock}",
        "controls/session.yml:2: idle-session-lock.title: the key sk is missing",
    ),
    "misspelt_kind": (
        SESSION, "severity: high", "severity: hihg",
        "controls/session.yml:4: idle-session-lock.severity: 'hihg' is not one of low, medium, high"
        " (did you mean high?)",
    ),
    "default_above_what_is_accepted": (
        SESSION, "default: 600", "default: 601",
        "controls/session.yml:6: idle-session-lock.parameters.idle_seconds:"
        " the default 601 is outside what is accepted, 1..600 s",
    ),
    "default_that_means_never": (
        SESSION, "default: 600", "default: 0",
        "controls/session.yml:6: idle-session-lock.parameters.idle_seconds:"
        " the default 0 is outside what is accepted, 1..600 s",
    ),
    "default_true_is_no_number": (
        SESSION, "default: 600", "default: true",
        "controls/session.yml:6: idle-session-lock.parameters.idle_seconds.default:"
        " expected a whole number or a text or a list, found true",
    ),
    "range_upside_down": (
        SESSION, "accepts: 1..600", "accepts: 600..1",
        "controls/session.yml:6: idle-session-lock.parameters.idle_seconds:"
        " the range 600..1 is empty: 600 is more than 1",
    ),
    "parameter_with_default_and_from": (
        SESSION, "{from: site.time_sources}", "{from: site.time_sources, default: x, accepts: x}",
        "controls/session.yml:14: time-from-site.parameters.sources:"
        " a parameter is either taken `from` the site or host, or has a default and accepts",
    ),
    "parameter_from_what_the_site_does_not_have": (
        SESSION, "site.time_sources", "site.time_source",
        "controls/session.yml:14: time-from-site.sources: site.time_source: there is no time_source there"
        " (did you mean time_sources?)",
    ),
    "parameter_from_a_mapping": (
        SESSION, "site.time_sources", "site.vlans",
        "controls/session.yml:14: time-from-site.sources:"
        " site.vlans is not a text, a whole number, an address or a list of these",
    ),
    "setting_of_an_unknown_parameter": (
        SESSION, "  remedy: {en: Set them", "  linux: {sysctl: {kernel.x: $limit}}\n  remedy: {en: Set them",
        "controls/session.yml:9: time-from-site: the setting $limit names no parameter of the control",
    ),
    "control_name_not_by_the_rules": (
        SESSION, "time-from-site:", "Time_From_Site:",
        "controls/session.yml:9: Time_From_Site: 'Time_From_Site' does not have the form"
        " ^[a-z0-9]+(-[a-z0-9]+)*$",
    ),
    "profile_parameter_of_an_unlisted_control": (
        SERVER, "controls: [idle-session-lock, time-from-site]",
        "controls: [time-from-site]\nparameters:\n  idle-session-lock: {idle_seconds: 300}",
        "profiles/server.yml:4: profile server: idle-session-lock is not among its controls",
    ),
    "number_read_in_two_ways": (
        SESSION, "default: 600", "default: 0600",
        "controls/session.yml:6: programs read 0600 as different values;"
        " write a plain number, or quotes around a text",
    ),
    "syntax_error": (
        SESSION, "meets: [server.session-lock]", "meets: [server.session-lock",
        "controls/session.yml:4: this is not valid YAML: did not find expected ',' or ']'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_refused_with_file_and_line(small: SmallStandard, case: str) -> None:
    file, old, new, finding = WRONG[case]
    small.change(file, old, new)
    assert small.findings() == [finding]


PROFILE_PARAMETERS = {
    "idle_seconds: 601": "idle-session-lock.idle_seconds is 601, accepted is 1..600 s",
    "idle_seconds: 0": "idle-session-lock.idle_seconds is 0, accepted is 1..600 s",
    "idle_seconds: '300'": "idle-session-lock.idle_seconds is '300', accepted is 1..600 s",
    "idle_seconds: [300]": "idle-session-lock.idle_seconds is one value, found [300]",
    "shells: bash": "idle-session-lock.shells is a list, found 'bash'",
    "shells: []": "idle-session-lock.shells is [], accepted is bash, dash",
    "shells: [bash, zsh]": "idle-session-lock.shells is ['bash', 'zsh'], accepted is bash, dash",
    "idle_second: 300": "idle-session-lock has no parameter idle_second (did you mean idle_seconds?)",
}


@pytest.mark.parametrize("setting", PROFILE_PARAMETERS)
def test_profile_parameter_outside_what_is_accepted(small: SmallStandard, setting: str) -> None:
    small.change(SERVER, "controls:", f"parameters:\n  idle-session-lock:\n    {setting}\ncontrols:")
    expected = f"profiles/server.yml:4: profile server: {PROFILE_PARAMETERS[setting]}"
    if "[300]" in setting:  # refused already as no list of texts
        expected = (
            "profiles/server.yml:4: parameters.idle-session-lock.idle_seconds[0]:"
            " expected a text, found the number 300"
        )
    assert expected in small.findings()


def test_profile_parameter_taken_from_the_site(small: SmallStandard) -> None:
    small.change(SERVER, "controls:", "parameters:\n  time-from-site: {sources: [a.test]}\ncontrols:")
    assert small.findings() == [
        "profiles/server.yml:3: profile server: time-from-site.sources is taken from site.time_sources;"
        " declare it there"
    ]


def test_requirement_twice_in_one_file(small: SmallStandard) -> None:
    text = (small.folder / SERVERS).read_text(encoding="utf-8")
    first = text[text.index("  - id") : text.index("  - id: server.named-time")]
    small.write(SERVERS, text + first)
    assert small.findings() == [
        "requirements/06-servers.yml:18: the requirement server.session-lock stands here a second time,"
        " first in requirements/06-servers.yml:2"
    ]


def test_requirement_in_two_files(small: SmallStandard) -> None:
    small.write("requirements/07-more.yml", (small.folder / SERVERS).read_text(encoding="utf-8"))
    assert small.findings() == [
        f"requirements/07-more.yml:{line}: the requirement {name} stands here a second time,"
        f" first in requirements/06-servers.yml:{line}"
        for line, name in ((2, "server.session-lock"), (10, "server.named-time"))
    ]


def test_control_in_two_files(small: SmallStandard) -> None:
    text = (small.folder / SESSION).read_text(encoding="utf-8")
    small.write("controls/time.yml", "# the same again\n" + text[text.index("time-from-site") :])
    assert small.findings() == [
        "controls/time.yml:2: the control time-from-site stands here a second time,"
        " first in controls/session.yml:9"
    ]


def test_everything_wrong_is_told_at_once(small: SmallStandard) -> None:
    small.change(SESSION, "severity: high", "severity: hihg")
    small.change(SESSION, "{from: site.time_sources}", "{frm: site.time_sources}")
    small.change(SERVERS, "    sk: Relácie sa zamykajú.\n", "")
    small.change("standard.yml", "version:", "versoin:")
    files = [finding.split(":")[0] for finding in small.findings()]
    assert files == [SESSION, SESSION, SERVERS, "standard.yml", "standard.yml"]


def test_one_mistake_is_told_once(small: SmallStandard) -> None:
    """A requirements file that cannot be read does not make every control meet the unknown."""
    small.write(SERVERS, "requirements: [\n")
    assert len(small.findings()) == 1


def test_file_with_the_other_suffix_is_not_passed_over(small: SmallStandard) -> None:
    small.write("controls/time.yaml", "{}")
    assert small.findings() == ["controls/time.yaml: files here end in .yml; rename it"]


def test_subject_with_a_bad_name(small: SmallStandard) -> None:
    (small.folder / SESSION).rename(small.folder / "controls/Session-Lock.yml")
    assert small.findings() == [
        "controls/Session-Lock.yml:1: the file is named after its subject,"
        " and Session-Lock is no name for one (a-z, 0-9, _)"
    ]


def test_standard_without_controls(small: SmallStandard) -> None:
    (small.folder / SESSION).unlink()
    assert small.findings() == ["controls: there are no controls (*.yml) here"]


def test_unknown_standard_names_the_nearest(tmp_path: Path, small: SmallStandard) -> None:
    assert small.load().name == "small"
    with pytest.raises(InputError, match=r"there is no standard smal in .* \(did you mean small\?\)"):
        load_standard("smal", tmp_path)


def _nothing(folder: Path) -> None:
    (folder / SESSION).unlink()
    (folder / SESSION).mkdir()


def _binary(folder: Path) -> None:
    (folder / SESSION).write_bytes(b"a: b\n\x00\x01\xff")


def _empty(folder: Path) -> None:
    (folder / SESSION).write_text("# nothing\n")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_nothing, "controls/session.yml: Is a directory"),
        (_binary, "controls/session.yml:2: this is not UTF-8 text; save the file as UTF-8"),
        (_empty, "controls/session.yml: the file is empty"),
    ],
)
def test_file_that_cannot_be_read(small: SmallStandard, spoil: Callable[[Path], None], message: str) -> None:
    spoil(small.folder)
    assert small.findings() == [message]
