"""The operating system on a booted host: old, foreign, incomplete or replaced, each is seen and named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from applying import files_of
from conftest import lab_name
from hardened import HOST, deploys_of, harden, sabotaged
from judging import not_passing, observed, verdicts
from operating_system_sabotage import (
    ALL_RIGHT,
    ALL_WRONG,
    BUILD,
    MIRROR,
    RESTORE,
    SOURCES_D,
    UPDATE,
    UPDATES,
    WRONGS,
)

from plumbline.lab import Lab
from plumbline.verify.results import ControlResult, Verdict

SUBJECT = "operating_system"
RELEASE, SPECIFIED = "release-supported:", "release-as-specified:"

OF_THE_MACHINE = {
    "?no-reboot-owed:newest_kernel_runs",
    "?hardware-facts-known:firmware_is_the_recorded_one",
    "?hardware-facts-known:size_is_as_specified",
    "?virtualisation-as-specified:server_is_virtual",
}
"""What a container cannot show: it has its machine's kernel, firmware and size."""

LONG_TERM, SUPPORTED = f"{RELEASE}release_is_a_long_term_one", f"{RELEASE}release_is_supported"
LATEST, FOREIGN = f"{RELEASE}release_was_the_latest", f"{RELEASE}sources_are_of_this_release"
SAME, SAME_RELEASE = (
    f"{SPECIFIED}distribution_is_the_specified_one",
    f"{SPECIFIED}release_is_the_specified_one",
)
INSTALLED = f"{SPECIFIED}release_is_the_one_installed"
PREFERRED = "preferred-distribution:distribution_is_preferred"
MISSING = f"{UPDATES}no_update_is_missing"
NO_SECURITY = f"{UPDATES}security_updates_have_a_source"
UNAPPROVED = "packages-from-approved-sources:sources_are_approved"
LOCAL = "packages-from-approved-sources:packages_come_from_sources"


def release_of(lines: str) -> tuple[str, str]:
    """Let the host say it runs another release."""
    return (
        f"rm /etc/os-release; printf '{lines}' >/etc/os-release",
        "ln -sf ../usr/lib/os-release /etc/os-release",
    )


def archive(codename: str, days_old: int) -> tuple[str, str]:
    """Put an archive of the distribution below the approved mirror, signed by nobody, made some days ago."""
    place = f"{MIRROR}/archive"
    said = (
        f"Origin: Debian\\nSuite: {codename}\\nCodename: {codename}\\nDate: %s\\nSHA256:\\n %s 0 Packages\\n"
    )
    return (
        f"mkdir {place}; : >{place}/Packages; printf '{said}' "
        f"\"$(LC_ALL=C date -uRd '{days_old} days ago')\" $(sha256sum <{place}/Packages | cut -d' ' -f1) "
        f">{place}/Release; echo 'deb [trusted=yes] file:{place} ./' >{SOURCES_D}/archive.list; "
        "apt-get -qq update",
        f"rm -rf {place} {SOURCES_D}/archive.list; apt-get -qq update",
    )


COMPONENT = rf"""
component() {{ # SUITE COMPONENT OPTIONS: put this part of an archive of the distribution below the mirror
    d={MIRROR}/archive/dists/$1; mkdir -p $d/$2/binary-amd64 $d/$2/binary-i386
    none=$(sha256sum </dev/null | cut -d' ' -f1)
    printf 'Origin: Debian\nCodename: %s\nComponents: %s\n' $1 $2 >$d/Release
    printf 'Date: %s\nSHA256:\n' "$(LC_ALL=C date -uR)" >>$d/Release
    for a in amd64 i386; do
        : >$d/$2/binary-$a/Packages
        echo " $none 0 $2/binary-$a/Packages" >>$d/Release
    done
    echo "deb [trusted=yes $3] file:{MIRROR}/archive $1 $2" >>{SOURCES_D}/archive.list
}}
"""


def components(security: str, options: str = "") -> tuple[str, str]:
    """Put an archive's main component below the mirror, and one component of its security updates."""
    return (
        f"{COMPONENT}component bookworm main; component bookworm-security {security} {options}; "
        "apt-get -qq update",
        f"rm -rf {MIRROR}/archive {SOURCES_D}/archive.list; apt-get -qq update",
    )


UNKNOWN_RELEASE = {f"?{name}" for name in (LONG_TERM, SUPPORTED, LATEST, FOREIGN, SAME_RELEASE)} | {
    f"?{UPDATES}nothing_is_pinned_back",
    f"?{NO_SECURITY}",
    f"?{UNAPPROVED}",
    f"?{LOCAL}",
}

CASES: dict[str, tuple[tuple[str, str], set[str]]] = {
    "testing_has_no_version": (
        release_of("ID=debian\\nPRETTY_NAME=\"Debian GNU/Linux forky/sid\"\\nVERSION_CODENAME=forky\\n"),
        {LONG_TERM, LATEST, SAME_RELEASE},
    ),
    "release_is_no_longer_supported": (
        release_of("ID=debian\\nVERSION_ID=\"11\"\\nVERSION_CODENAME=bullseye\\n"),
        {SUPPORTED, LATEST, SAME_RELEASE, INSTALLED},
    ),
    "later_release_than_specified": (
        release_of("ID=debian\\nVERSION_ID=\"13\"\\nVERSION_CODENAME=trixie\\n"),
        {SAME_RELEASE, INSTALLED},
    ),
    "interim_release_of_another_distribution": (
        release_of("ID=ubuntu\\nVERSION_ID=\"25.10\"\\nVERSION_CODENAME=questing\\n"),
        {LONG_TERM, SUPPORTED, LATEST, SAME, SAME_RELEASE, INSTALLED},
    ),
    "distribution_nobody_knows": (
        release_of("ID=fedora\\nVERSION_ID=44\\n"), {SAME, PREFERRED} | UNKNOWN_RELEASE,
    ),
    "release_nobody_knows_yet": (
        release_of("ID=debian\\nVERSION_ID=\"15\"\\nVERSION_CODENAME=duke\\n"), UNKNOWN_RELEASE | {INSTALLED},
    ),
    "security_updates_of_another_component": (components("contrib"), {NO_SECURITY}),
    "security_updates_of_another_architecture": (components("main", "arch=i386"), {NO_SECURITY}),
    "security_updates_beside_the_release": (components("main"), set()),
    "packages_of_an_older_release": (
        (
            "cp /var/lib/dpkg/status /root/status; sed -i '/^Package: base-files$/,/^$/"
            "s/^Version:.*/Version: 11.1+deb11u9/' /var/lib/dpkg/status",
            "mv /root/status /var/lib/dpkg/status",
        ),
        {INSTALLED, MISSING},
    ),
    "archive_without_its_security_updates": (archive("bookworm", 1), {NO_SECURITY}),
    "archive_of_the_next_release": (archive("trixie-security", 1), {FOREIGN, NO_SECURITY, UNAPPROVED}),
    "archive_of_backports": (archive("bookworm-backports", 1), {NO_SECURITY, UNAPPROVED}),
    "security_updates_are_current": (archive("bookworm-security", 1), set()),
    "security_updates_of_last_month": (archive("bookworm-security", 32), {f"?{MISSING}"}),
    "source_without_lists": (
        (
            f"echo 'deb [trusted=yes] file:{MIRROR}/none ./' >{SOURCES_D}/none.list",
            f"rm {SOURCES_D}/none.list",
        ),
        {f"?{MISSING}", f"?{LOCAL}"},
    ),
    "all_lists_are_gone": (
        ("rm -r /var/lib/apt/lists; mkdir /var/lib/apt/lists", "apt-get -qq update"),
        {f"?{MISSING}", f"?{LOCAL}"},
    ),
    "no_source_at_all": (
        (f"mv {SOURCES_D}/lab.list /root/", f"mv /root/lab.list {SOURCES_D}/"),
        {
            f"?{MISSING}",
            f"?{UPDATES}nothing_is_pinned_back",
            f"?{LOCAL}",
        },
    ),
    "source_is_switched_off": (
        (
            "printf 'Types: deb\\nURIs: http://mirror.ot.test/debian\\nSuites: sid\\nComponents: main\\n"
            f"Enabled: no\\n' >{SOURCES_D}/off.sources",
            f"rm {SOURCES_D}/off.sources",
        ),
        set(),
    ),
    "sources_are_not_understood": (
        (f"echo 'deb nonsense' >{SOURCES_D}/x.list", f"rm {SOURCES_D}/x.list"),
        {
            f"?{name}"
            for name in (FOREIGN, MISSING, NO_SECURITY, UNAPPROVED, f"{UPDATES}nothing_is_pinned_back")
        }
        | {f"?{UPDATES}nothing_is_held_back", f"?{UPDATES}packages_are_whole", f"?{INSTALLED}"}
        | {
            f"?packages-from-approved-sources:{name}"
            for name in (
                "packages_come_from_sources", "what_is_not_free_is_declared", "nothing_is_installed_beside",
            )
        },
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def deploys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deploys_of(tmp_path_factory.mktemp(SUBJECT), [SUBJECT])


@pytest.fixture(scope="module")
def lab(deploys: Path) -> Iterator[Lab]:
    with Lab.up(lab_name(), hosts=1, flavour="clean") as up:
        assert harden(up, deploys).changed
        yield up


def judged(lab: Lab) -> set[str]:
    """Return the checks that do not pass, beyond what no container passes, which is always there."""
    found = not_passing(verdicts(lab, HOST, SUBJECT))
    assert found >= OF_THE_MACHINE
    return found - OF_THE_MACHINE


@pytest.fixture(scope="module")
def wrong(lab: Lab) -> dict[str, ControlResult]:
    """What is said of a host with everything wrong at once; it is right again afterwards."""
    with sabotaged(lab, ALL_WRONG, ALL_RIGHT):
        return verdicts(lab, HOST, SUBJECT)


def test_hardened_host_passes_but_for_its_machine_and_a_second_apply_changes_nothing(
    lab: Lab, deploys: Path
) -> None:
    assert judged(lab) == set()
    assert harden(lab, deploys).changed == []


@pytest.mark.parametrize("name", WRONGS)
def test_wrong_is_seen_and_named(wrong: dict[str, ControlResult], name: str) -> None:
    found = observed(wrong, WRONGS[name].check)
    assert [line for line in found if WRONGS[name].found in line] != [], found


def test_made_right_again_it_passes(lab: Lab, wrong: dict[str, ControlResult]) -> None:
    assert {result.verdict for result in wrong.values()} >= {Verdict.FAIL}
    assert judged(lab) == set()


def test_no_password_of_a_source_is_told(wrong: dict[str, ControlResult]) -> None:
    assert "lab-secret" not in repr(wrong)


@pytest.mark.parametrize("name", CASES)
def test_seen_by_its_checks_and_by_no_other(lab: Lab, name: str) -> None:
    sabotage, expected = CASES[name]
    with sabotaged(lab, *sabotage):
        assert judged(lab) == expected


def test_asking_changes_no_file_though_apt_could_renew_its_cache(lab: Lab) -> None:
    lab.run(HOST, "touch /var/lib/dpkg/status; sync")
    before = files_of(lab, HOST)
    verdicts(lab, HOST, SUBJECT)
    assert files_of(lab, HOST) == before


def test_without_setpriv_the_same_is_said_and_nothing_is_written(lab: Lab) -> None:
    with sabotaged(
        lab, "mv /usr/bin/setpriv /root/; touch /var/lib/dpkg/status", "mv /root/setpriv /usr/bin/"
    ):
        before = files_of(lab, HOST)
        assert judged(lab) == set()
        assert files_of(lab, HOST) == before


def test_files_only_root_may_read_are_read(lab: Lab) -> None:
    path = f"{SOURCES_D}/secret.list"
    text = "deb http://mirror.ot.test/debian sid main"
    with sabotaged(lab, f"umask 077; echo '{text}' >{path}", f"rm {path}"):
        assert judged(lab) == {FOREIGN, UNAPPROVED, NO_SECURITY, f"?{MISSING}"}


def test_apply_installs_updates_and_nothing_again(lab: Lab, deploys: Path) -> None:
    old = WRONGS["update_is_there"]
    with sabotaged(lab, f"{BUILD}{old.wrong}\n{UPDATE}", f"{old.right}; {RESTORE}"):
        assert judged(lab) == {MISSING}
        (done,) = harden(lab, deploys).changed
        assert (done.operation, done.details) == ("Install every update", ["update lab-old 1.0 → 1.1"])
        assert judged(lab) == set()
        assert harden(lab, deploys).changed == []


def test_it_holds_after_a_reboot(lab: Lab) -> None:
    lab.reboot(HOST)
    assert judged(lab) == set()


def test_debian_13_is_hardened_and_judged_alike(deploys: Path) -> None:
    wrong = [WRONGS[name] for name in ("update_is_there", "package_is_held", "source_of_testing")]
    with Lab.up(lab_name(), hosts=1, flavour="clean", release="trixie") as lab:
        harden(lab, deploys)
        assert judged(lab) == set()
        lab.run(HOST, "\n".join((BUILD, *(one.wrong for one in wrong), UPDATE)))
        found = verdicts(lab, HOST, SUBJECT)
        for one in wrong:
            assert one.found in observed(found, one.check)
