"""Accounts on a booted host: whoever can enter or become root, and was not declared, is seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from accounts_sabotage import CAN_LOG_ON, FILES, KEEP, RESTORE, RIGHT, SOURCES, TO_ROOT, WRONGS, Wrong, line
from conftest import lab_name
from declaring import declare_directory
from hardened import HOST, deploys_of, harden, sabotaged
from judging import checks, observed, verdicts

from plumbline.lab import Lab
from plumbline.verify.results import ControlResult, Verdict

Results = dict[str, ControlResult]
CONTROLS = {
    "no-local-accounts",
    "no-privileged-twins",
    "names-from-files-and-directory",
    "builtin-passwords-changed",
    "authorized-keys-declared",
    "sudo-rights-by-role",
    "no-anonymous-access",
}


@pytest.fixture(scope="module")
def deploys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deploys_of(tmp_path_factory.mktemp("accounts"), ["accounts"])


@pytest.fixture(scope="module")
def lab(deploys: Path) -> Iterator[Lab]:
    with Lab.up(lab_name(), hosts=1, flavour="clean") as up:
        declare_directory(up)
        harden(up, deploys)
        yield up


@pytest.fixture(scope="module")
def wronged(lab: Lab) -> Results:
    """Every wrong at once, judged, and put right again."""
    everything = "\n".join(f"( {wrong.make}\n) || exit 7" for wrong in WRONGS.values())
    with sabotaged(lab, f"{KEEP}\n{everything}", RESTORE):
        return verdicts(lab, HOST, "accounts")


def failing(lab: Lab) -> list[str]:
    """Return the checks that fail; nothing may be unknown."""
    results = verdicts(lab, HOST, "accounts")
    assert checks(results, Verdict.UNKNOWN) == {}
    return list(checks(results, Verdict.FAIL))


def told(results: Results, wrong: Wrong) -> str:
    return "\n".join(observed(results, wrong.check))


def declared(lab: Lab, handover: dict[str, object] | None) -> str:
    """Change the record of the host's handover, and return the specification's text before."""
    path = next((lab.inventory / "systems").glob("*.yml"))
    before: str = path.read_text()
    system = yaml.safe_load(before)
    system["hosts"][0]["handover"] = handover
    path.write_text(yaml.safe_dump(system))
    return before


def test_hardened_host_passes(lab: Lab) -> None:
    results = verdicts(lab, HOST, "accounts")
    assert {name: result.verdict for name, result in results.items()} == dict.fromkeys(CONTROLS, "pass")


@pytest.mark.parametrize("wrong", WRONGS.values(), ids=WRONGS)
def test_seen(wronged: Results, wrong: Wrong) -> None:
    control = wrong.check.partition(":")[0]
    assert wronged[control].verdict == "fail"
    assert wrong.says in told(wronged, wrong)


def test_every_wrong_is_told_as_a_wrong_and_nothing_is_unknown(wronged: Results) -> None:
    assert checks(wronged, Verdict.UNKNOWN) == {}
    assert set(checks(wronged, Verdict.FAIL)) == {wrong.check for wrong in WRONGS.values()}


def test_hashes_stay_on_the_host(wronged: Results) -> None:
    said = [line for result in wronged.values() for check in result.checks for line in check.observed]
    assert [one for one in said if "xxxx" in one] == []


@pytest.mark.usefixtures("wronged")
def test_put_right_it_passes_with_all_an_administrator_may_have(lab: Lab) -> None:
    with sabotaged(lab, "; ".join([KEEP, *RIGHT.values()]), RESTORE):
        results = verdicts(lab, HOST, "accounts")
    assert {name: result.verdict for name, result in results.items()} == dict.fromkeys(CONTROLS, "pass"), [
        (name, check.observed) for name, check in checks(results, Verdict.FAIL).items()
    ]


def test_password_set_by_the_operator_after_delivery_passes(lab: Lab) -> None:
    held = {"delivered": "2026-01-12", "passwords_held_since": {"plain": "2026-02-01"}}
    before = declared(lab, handover=held)
    try:
        with sabotaged(lab, f"{KEEP}; usermod -p '$6$salt$x' plain; chage -d 2026-02-01 plain", RESTORE):
            assert failing(lab) == []
            lab.run(HOST, "chage -d 2026-01-31 plain")
            check = "builtin-passwords-changed:passwords_were_changed_since_delivery"
            assert failing(lab) == [check]
    finally:
        next((lab.inventory / "systems").glob("*.yml")).write_text(before)


def test_password_without_a_handover_record_is_unknown(lab: Lab) -> None:
    before = declared(lab, handover=None)
    try:
        with sabotaged(lab, f"{KEEP}; usermod -p '$6$salt$x' plain", RESTORE):
            unknown = checks(verdicts(lab, HOST, "accounts"), Verdict.UNKNOWN)
    finally:
        next((lab.inventory / "systems").glob("*.yml")).write_text(before)
    assert list(unknown) == ["builtin-passwords-changed:passwords_are_held_by_the_operator"]


@pytest.mark.parametrize(
    "wrong",
    [
        line("/etc/sudoers.d/broken", "plain ALL = (ALL"),
        line("/etc/sudoers.d/other", "@include /etc/%h.rights"),
        line("/etc/sudoers.d/a\\ b", "# a name with a blank"),
    ],
    ids=["line_that_is_none", "file_by_the_host_s_name", "name_with_a_blank"],
)
def test_rights_that_cannot_be_read_are_unknown(lab: Lab, wrong: str) -> None:
    with sabotaged(lab, f"{KEEP}; {wrong}", RESTORE):
        assert TO_ROOT in checks(verdicts(lab, HOST, "accounts"), Verdict.UNKNOWN)


def test_a_host_without_ssh_has_no_keys_to_judge(lab: Lab) -> None:
    hide = "/usr/sbin/sshd /usr/sbin/sshd.hidden"
    with sabotaged(lab, f"cp {hide}; rm /usr/sbin/sshd", f"mv -T {' '.join(reversed(hide.split()))}"):
        unasked = set(checks(verdicts(lab, HOST, "accounts"), Verdict.NOT_APPLICABLE))
    assert "authorized-keys-declared:every_key_is_declared" in unasked


def test_apply_takes_shells_of_the_system_away_and_nothing_else(lab: Lab, deploys: Path) -> None:
    lab.run(HOST, f"{KEEP}; usermod -s /bin/bash games; usermod -s /bin/sh irc; useradd -M bob")
    lab.run(HOST, "printf '+::::::\\n' >>/etc/passwd; printf '%s\\n' 'bob ALL=ALL' >/etc/sudoers.d/bob")
    try:
        before = lab.run(HOST, f"stat -c '%n %a %u:%g' {FILES}").stdout
        changed = [change.operation for change in harden(lab, deploys).changed]
        assert changed == [
            "Take the shell of games away",
            "Take the shell of irc away",
            "Remove the lines for NIS from /etc/passwd",
        ]
        assert lab.run(HOST, f"stat -c '%n %a %u:%g' {FILES}").stdout == before
        assert failing(lab) == [CAN_LOG_ON, TO_ROOT]
        assert harden(lab, deploys).changed == []
    finally:
        lab.run(HOST, RESTORE)


def test_lines_for_nis_in_use_are_left_to_a_person(lab: Lab, deploys: Path) -> None:
    use = "sed -i 's/^passwd:.*/passwd: compat/' /etc/nsswitch.conf; printf '+::::::\\n' >>/etc/passwd"
    with sabotaged(lab, f"{KEEP}; {use}", RESTORE):
        assert harden(lab, deploys).changed == []
        assert SOURCES in failing(lab)


def test_compat_without_such_lines_is_the_files_alone(lab: Lab) -> None:
    with sabotaged(lab, f"{KEEP}; sed -i 's/^passwd:.*/passwd: compat/' /etc/nsswitch.conf", RESTORE):
        assert failing(lab) == []


def test_applied_holds_after_a_reboot(lab: Lab, deploys: Path) -> None:
    lab.run(HOST, "usermod -s /bin/bash games")
    harden(lab, deploys)
    lab.reboot(HOST)
    assert failing(lab) == []
    assert lab.run(HOST, "sudo -n true", user="operator").returncode == 0


def test_debian_13_is_judged_alike(deploys: Path) -> None:
    wrongs = [
        WRONGS["system_account_with_a_shell"],
        WRONGS["sudo_for_a_person"],
        WRONGS["host_that_is_trusted"],
    ]
    with Lab.up(lab_name(), hosts=1, flavour="clean", release="trixie") as lab:
        harden(lab, deploys)
        assert failing(lab) == []
        with sabotaged(lab, "; ".join([KEEP, *(wrong.make for wrong in wrongs)]), RESTORE):
            assert set(failing(lab)) == {wrong.check for wrong in wrongs}
