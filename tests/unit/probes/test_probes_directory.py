"""What the probe of sssd prints is understood as sssd itself does, or not at all."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from directory_host import DOMAIN, GROUPS, JOINED, MAIN, MEMBER, SSH, directory, sssd, told
from recorded_host import recorded

from plumbline.probes.base import ParseError, Probe
from plumbline.probes.directory import MEMBERSHIP, SSH_LOGON, SSSD
from plumbline.verify.unknown import Unknown


@pytest.mark.parametrize("probe", [SSSD, MEMBERSHIP, SSH_LOGON], ids=lambda probe: probe.name)
def test_output_that_was_cut_off_is_refused(probe: Probe[Any]) -> None:
    texts = {SSSD: JOINED, MEMBERSHIP: MEMBER, SSH_LOGON: SSH}
    whole = texts[probe]
    probe.parse(told(whole))
    for end in range(0, len(whole) - 1, 7):
        with pytest.raises(ParseError):
            probe.parse(told(whole[:end]))


@pytest.mark.parametrize("name", ["sssd-2.8.2-joined.txt", "sssd-2.10.1-joined.txt"])
def test_a_joined_host_is_read(name: str) -> None:
    facts = SSSD.parse(told(recorded(f"directory/{name}")))
    assert [one.value for one in facts.domains] == [DOMAIN]
    assert facts.parts_missing == []
    assert facts.changed_since_started == []
    assert facts.started_otherwise == []
    assert facts.open_to_others == []


def test_a_joined_host_lets_its_groups_in_and_nobody_else() -> None:
    seen = directory()
    assert seen.let_in_otherwise(DOMAIN, GROUPS) == []
    assert seen.other_domains(DOMAIN) == []
    assert seen.offline_days == 1
    assert seen.passwords_of_others(GROUPS, []) == []


SECTION = f"[domain/{DOMAIN}]"


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([SECTION, "access_provider = permit"], ": [domain/ad.ot.lab.test] access_provider = permit"),
        (["[Domain/AD.ot.lab.TEST]", "Access_Provider=permit"], "access_provider = permit"),
        (["\ufeff[ domain/ad.ot.lab.test ]", "access_provider=permit"], "access_provider = permit"),
        ([SECTION, "access_provider = deny", "[nss]", SECTION, "access_provider = permit"], "= permit"),
        ([SECTION, "access_provider = permit ; comment"], "= permit ; comment"),
        ([SECTION, "access_provider ="], "has no access_provider, so it is permit"),
        ([SECTION, "simple_allow_groups ="], "no simple_allow_groups: everybody gets in"),
        ([SECTION, "simple_allow_groups = OT-Heating-Admins"], "lacks OT-Heating-Files"),
        ([SECTION, f"simple_allow_groups = {', '.join(GROUPS)}, Guests"], "simple_allow_groups: Guests"),
        ([SECTION, f"simple_allow_groups = {', '.join(GROUPS)}, {GROUPS[0]}@other.test"], "@other.test"),
        ([SECTION, "simple_allow_users = bob"], "simple_allow_users = bob"),
        ([SECTION, "access_provider = deny"], "OT-Heating-Files does not get in"),
        ([SECTION, "simple_deny_groups = ot-heating-admins"], "simple_deny_groups = ot-heating-admins"),
    ],
)
def test_a_drop_in_that_lets_others_in_is_told(lines: list[str], says: str) -> None:
    found = directory(None, *lines).let_in_otherwise(DOMAIN, GROUPS)
    assert [one for one in found if says in one], found


@pytest.mark.parametrize(
    "lines",
    [
        [SECTION, f"simple_allow_groups = {GROUPS[0].upper()},{GROUPS[1]}@AD.ot.lab.test"],
        [SECTION, f"simple_allow_groups = AD\\{GROUPS[0]}, {GROUPS[1]}"],
        ["[domain/other.test]", "access_provider = permit"],
    ],
)
def test_other_ways_to_write_the_same_are_the_same(lines: list[str]) -> None:
    assert directory(None, *lines).let_in_otherwise(DOMAIN, GROUPS) == []


def test_with_no_group_to_let_in_everybody_must_be_denied() -> None:
    assert directory().let_in_otherwise(DOMAIN, []) != []
    assert directory(None, SECTION, "access_provider = deny").let_in_otherwise(DOMAIN, []) == []


@pytest.mark.parametrize(
    "line",
    [" [domain/ad.ot.lab.test]", "access_provider: permit", "[domain/ad.ot.lab.test] # x", "  B"],
)
def test_what_sssd_does_not_take_is_unknown(line: str) -> None:
    with pytest.raises(Unknown, match="no line that sssd takes"):
        directory(None, "[nss]", line).let_in_otherwise(DOMAIN, GROUPS)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["[sssd]", f"domains = {DOMAIN}, other.test"], "domains = other.test"),
        (["[domain/other.test]", "enabled = true"], "enabled = other.test"),
        (["[application/other]", "enabled = true"], "enabled = other"),
        (["[sssd]", "domains = other.test"], f"does not serve {DOMAIN}"),
        ([SECTION, "enabled = false"], f"does not serve {DOMAIN}"),
        ([SECTION, "id_provider = proxy"], "id_provider = proxy"),
        ([SECTION, "auth_provider = none"], "auth_provider = none"),
        ([SECTION, "krb5_validate = false"], "krb5_validate = false"),
        ([SECTION, "krb5_realm = OTHER.TEST"], "krb5_realm = OTHER.TEST"),
    ],
)
def test_another_domain_is_told(lines: list[str], says: str) -> None:
    found = directory(None, *lines).other_domains(DOMAIN)
    assert [one for one in found if says in one], found


def test_a_file_changed_after_the_start_is_told() -> None:
    assert sssd(
        main={"sssd.conf\t600\troot\t1795360080": "sssd.conf\t600\troot\t1795360084"}
    ).changed_since_started == [MAIN]


def test_a_stopped_sssd_goes_by_nothing() -> None:
    facts = sssd(main={"ActiveState=active": "ActiveState=inactive", "=@1795360083": "="})
    assert facts.changed_since_started == []
    assert facts.parts_missing == ["sssd.service: inactive"]


def test_an_active_sssd_without_its_time_is_refused() -> None:
    with pytest.raises(ParseError):
        sssd(main={"=@1795360083": "="})


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("argv[]=/usr/sbin/sssd -i", "argv[]=/usr/sbin/sssd -i -c /srv/x", "boot: ExecStart"),
        ("path=/usr/sbin/sssd ;", "path=/usr/local/sbin/sssd ;", "boot: ExecStart"),
        ("running\tsssd\t/usr/sbin/sssd -i", "running\tsssd\t/usr/sbin/sssd -i -c /srv/x", "now: "),
        (
            "default\t5\tDAEMON_OPTS",
            "default\t5\tDEBUG_LOGGER=--config=/srv/x #",
            "boot: /etc/default/sssd:5",
        ),
        (
            "running\tsssd\t",
            "condition\t/etc/x.conf\tConditionPathExists=/x\nrunning\tsssd\t",
            "boot: /etc/x",
        ),
    ],
)
def test_another_way_to_start_is_told(before: str, after: str, says: str) -> None:
    (found,) = sssd(main={before: after}).started_otherwise
    assert found.startswith(says)


@pytest.mark.parametrize(("mode", "owner"), [("644", "root"), ("660", "root"), ("600", "bob")])
def test_files_open_to_others_are_told(mode: str, owner: str) -> None:
    facts = sssd(main={"sssd.conf\t600\troot": f"sssd.conf\t{mode}\t{owner}"})
    assert facts.open_to_others == [f"{MAIN} (0{mode} {owner})"]


def test_secrets_in_sssd_s_files_are_not_printed(tmp_path: Path) -> None:
    (tmp_path / "sssd.conf").write_text(
        "[domain/x]\nldap_default_authtok = hunter2\nPROXY_Password=hunter2\n"
        "ad_maximum_machine_account_password_age = 30\n"
    )
    awk = next(part for part in SSSD.command.split("awk '") if "not shown" in part).partition('\' "$@"')[0]
    done = subprocess.run(
        ["awk", awk, str(tmp_path / "sssd.conf")], capture_output=True, check=True, text=True
    )
    assert "hunter2" not in done.stdout
    assert "password_age = 30" in done.stdout


def test_facts_are_whole() -> None:
    facts = sssd()
    assert replace(facts, lines=()).settings == {}
    assert facts.of_domain("OTHER.test") == {}
