"""The antivirus, from what dpkg, systemd and ClamAV really printed: installed, running, current, whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from recorded_host import host_printing

from plumbline.probes.antivirus import (
    CLAMAV_DETECTION,
    EXCLUSIONS,
    LOADED,
    ON_ACCESS,
    PACKAGES,
    RUNNING,
    SIGNATURES,
    SOURCES,
    STARTING,
    product,
)
from plumbline.probes.antivirus.starting import otherwise
from plumbline.probes.antivirus.updater import elsewhere
from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.host import DeliveredHost
from plumbline.probes.systemd import ON_DISK
from plumbline.spec.site import Antivirus
from plumbline.verify.unknown import Unknown

RECORDED = Path(__file__).parents[2] / "recorded"
VERSIONS = {"12": ("252", "1.4.6"), "13": ("257", "1.4.3")}
WHERE = "/var/lib/clamav"
CLAMAV = Antivirus(product="clamav", packages=["x"], services=["x"], signatures=WHERE)
ASKED = 1_800_000_000
DAY = 86_400


def text(path: str) -> str:
    return (RECORDED / path).read_text()


def host(debian: str = "12", **instead: str) -> DeliveredHost:
    systemd, clamav = VERSIONS[debian]
    answers: dict[Probe[object], str] = {
        PACKAGES: text(f"antivirus/packages-debian-{debian}.txt"),  # type: ignore[dict-item]
        RUNNING: text(f"antivirus/running-systemd-{systemd}.txt"),  # type: ignore[dict-item]
        ON_DISK: text(f"systemd/on-disk-systemd-{systemd}.txt"),  # type: ignore[dict-item]
        SIGNATURES: text(f"antivirus/signatures-clamav-{clamav}.txt"),  # type: ignore[dict-item]
        LOADED: text(f"antivirus/loaded-clamav-{clamav}.txt"),  # type: ignore[dict-item]
        EXCLUSIONS: text(f"antivirus/exclusions-clamav-{clamav}.txt"),  # type: ignore[dict-item]
        STARTING: text("antivirus/starting-systemd-252.txt"),  # type: ignore[dict-item]
        SOURCES: "",  # type: ignore[dict-item]
        CLAMAV_DETECTION: text("antivirus/detection-clamav-1.4.6.txt"),  # type: ignore[dict-item]
        ON_ACCESS: text("antivirus/on-access-clamav-1.4.6.txt"),  # type: ignore[dict-item]
    }
    named = {probe.name.rsplit(".", 1)[-1]: probe for probe in answers}
    return host_printing(answers | {named[name]: printed for name, printed in instead.items()})


@pytest.mark.parametrize("debian", VERSIONS)
def test_recorded_host(debian: str) -> None:
    antivirus = host(debian).antivirus
    assert antivirus.missing_packages(["clamav-daemon", "clamav-freshclam", "clamdscan"]) == []
    assert antivirus.states_now(["clamav-daemon"]) == {"clamav-daemon": "active/running"}
    assert antivirus.states_at_boot(["clamav-daemon.service"]) == {"clamav-daemon.service": "enabled"}
    assert antivirus.signature_age_days(CLAMAV) == 1
    assert antivirus.loaded_age_days() == 1
    assert antivirus.detection(CLAMAV) == "detected"
    assert antivirus.not_watched(["/home", "/srv"]) == ["/srv"]


@pytest.mark.parametrize("state", ["rc ", "iU ", "iF ", "un ", "iH "])
def test_package_that_is_not_whole_is_missing(state: str) -> None:
    packages = text("antivirus/packages-debian-12.txt").replace("ii \tclamdscan\n", f"{state}\tclamdscan\n")
    assert host(packages=packages).antivirus.missing_packages(["clamdscan"]) == ["clamdscan"]


def test_package_on_hold_is_there() -> None:
    packages = text("antivirus/packages-debian-12.txt").replace("ii \tclamdscan\n", "hi \tclamdscan\n")
    assert host(packages=packages).antivirus.missing_packages(["clamdscan"]) == []


DROP_IN = "/etc/systemd/system/clamav-daemon.service.d/x.conf"


@pytest.mark.parametrize(
    ("service", "old", "new", "told"),
    [
        (
            "clamav-daemon",
            "end\n",
            f"condition\t{DROP_IN}:2:ConditionPathExists=/x\nend\n",
            f"{DROP_IN}:2: Condi",
        ),
        ("clamav-daemon", "/usr/sbin/clamd ;", "/bin/sleep ;", "ExecStart=/bin/sleep"),
        ("clamav-freshclam", "end\n", "cron\tyes\nend\n", "cron.d/clamav-freshclam, and it is there"),
        ("clamav-freshclam", "freshclam -d", "freshclam --config-file=/x -d", "--config-file=/x"),
        ("clamav-freshclam", "freshclam -d", "freshclam --datadir /srv -d", "--datadir=/srv"),
    ],
)
def test_service_that_will_not_start_as_packaged_is_told(service: str, old: str, new: str, told: str) -> None:
    recorded = text("antivirus/starting-systemd-252.txt").replace("/extend.conf", "/x.conf")
    starting = STARTING.parse(Output(recorded.replace(old, new).encode(), b"", 0))
    (found,) = otherwise(starting, f"{service}.service")
    assert told in found


@pytest.mark.parametrize(
    "words", ["freshclam --config-file=/etc/clamav/freshclam.conf -d", "freshclam -p /x -d"]
)
def test_service_that_starts_with_its_own_files_is_enabled(words: str) -> None:
    recorded = text("antivirus/starting-systemd-252.txt").replace("freshclam -d", words)
    starting = STARTING.parse(Output(recorded.encode(), b"", 0))
    assert list(otherwise(starting, "clamav-freshclam.service")) == []


def test_a_whole_copy_of_the_unit_has_its_conditions_as_well() -> None:
    copied = re.sub(
        r"/lib/systemd/system/(clamav-\w+\.service)(?!\.d)",
        r"/etc/systemd/system/\1",
        re.sub(r"condition.*50-lab.*\n", "", text("antivirus/starting-systemd-252.txt")),
    )
    assert "condition\t/etc/systemd/system/clamav-daemon.service:6:" in copied
    starting = STARTING.parse(Output(copied.encode(), b"", 0))
    assert list(otherwise(starting, "clamav-daemon.service")) == []
    assert list(otherwise(starting, "clamav-freshclam.service")) == []


def test_what_is_told_of_the_start_stands_beside_its_state() -> None:
    starting = text("antivirus/starting-systemd-252.txt").replace("/usr/sbin/clamd ;", "/bin/sleep ;")
    state = host(starting=starting).antivirus.states_at_boot(["clamav-daemon"])["clamav-daemon"]
    assert state.startswith("enabled, but: ExecStart=/bin/sleep")


def test_unit_that_was_changed_since_it_was_read_is_unknown() -> None:
    starting = text("antivirus/starting-systemd-252.txt").replace("Reload=no", "Reload=yes")
    with pytest.raises(Unknown):
        host(starting=starting).antivirus.states_at_boot(["clamav-daemon"])


def test_empty_file_of_signatures_is_told() -> None:
    signatures = f"{ASKED}\n{ASKED}\t{WHERE}/daily.cvd\t\n{ASKED}\t{WHERE}/own.hdb\t\n"
    assert host(signatures=signatures).antivirus.broken_signatures(CLAMAV) == [
        f"{WHERE}/daily.cvd: not signatures"
    ]
    assert host().antivirus.broken_signatures(CLAMAV) == []


def test_lists_of_what_to_pass_over_are_looked_for_in_any_letters() -> None:
    assert "*.[iI][gG][nN]2|" in EXCLUSIONS.command


MIRROR = "https://updates.test/clamav"
OWN = [f"PrivateMirror {MIRROR}", f"DatabaseCustomURL {MIRROR}/lab.hdb", f"DatabaseDirectory {WHERE}"]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (OWN, []),
        ([f"privatemirror\t{MIRROR}/", f'DatabaseDirectory "{WHERE}/"'], []),
        ([*OWN, "DatabaseMirror database.clamav.net"], []),
        (OWN[1:], ["no PrivateMirror"]),
        (["DatabaseMirror database.clamav.net"], ["no PrivateMirror", "DatabaseMirror database"]),
        ([*OWN, "PrivateMirror https://192.0.2.9/clamav"], ["192.0.2.9"]),
        ([*OWN, "DatabaseCustomURL https://192.0.2.9/x.hdb"], ["192.0.2.9"]),
        ([*OWN, f"DatabaseCustomURL {MIRROR}.test/x.hdb"], [".test/x.hdb"]),
        ([*OWN, "DatabaseDirectory /srv/x"], ["/srv/x"]),
    ],
)
def test_where_the_updater_takes_signatures_from(lines: list[str], told: list[str]) -> None:
    printed = "".join(f"/etc/clamav/freshclam.conf:{number}:{line}\n" for number, line in enumerate(lines, 1))
    found = elsewhere(SOURCES.parse(Output(printed.encode(), b"", 0)), MIRROR)
    assert [part in one for one, part in zip(found, told, strict=True)] == [True] * len(told)


def test_updater_that_does_not_run_is_told() -> None:
    running = text("antivirus/running-systemd-252.txt").replace("clamav-freshclam.service", "x.service")
    found = host(running=running).antivirus.not_updated(MIRROR)
    assert found == [
        "clamav-freshclam, now: not loaded",
        "clamav-freshclam, at boot: disabled",
        "no PrivateMirror in /etc/clamav/freshclam.conf",
    ]


def test_absent_service_is_named() -> None:
    antivirus = host().antivirus
    assert antivirus.states_now(["av.service"]) == {"av.service": "not loaded"}
    assert antivirus.states_at_boot(["av.service"]) == {"av.service": "no such unit"}


def signatures(*rows: tuple[str, int, str]) -> str:
    return f"{ASKED}\n" + "".join(f"{ASKED - age}\t{WHERE}/{name}\t{head}\n" for name, age, head in rows)


NEW, OLD = "ClamAV-VDB:14 Jan 2027 08-00 +0000:1:1", "ClamAV-VDB:01 Jan 2027 08-00 +0000:1:1"


@pytest.mark.parametrize(
    ("rows", "age"),
    [
        ([("daily.cvd", 0, NEW)], 1),
        ([("daily.cvd", 0, OLD)], 14),
        ([("daily.cvd", 0, OLD), ("own.hdb", 0, "")], 14),
        ([("main.cvd", 0, OLD), ("daily.cld", 0, NEW)], 1),
        ([("main.cvd", 0, OLD), ("daily.cvd", 0, OLD), ("bytecode.cvd", 0, NEW)], 14),
        ([("daily.cvd", 0, OLD), ("daily.cld", 0, NEW)], 1),
        ([("plant.cud", 0, NEW)], 1),
        ([("own.hdb", 7 * DAY, "")], 7),
        ([("own.hdb", 7 * DAY + 1, "")], 8),
        ([("daily.cvd", 0, "ClamAV-VDB:01 Jan 2090 08-00 +0000:1:1")], -22_997),
        ([], None),
    ],
)
def test_age_of_signatures(rows: list[tuple[str, int, str]], age: int | None) -> None:
    assert host(signatures=signatures(*rows)).antivirus.signature_age_days(CLAMAV) == age


@pytest.mark.parametrize(
    ("printed", "age"),
    [
        (f"{ASKED} +0000\nClamAV 1.4.6/27000/Thu Jan 14 08:00:00 2027\n", 1),
        (f"{ASKED} +0100\nClamAV 1.4.6/27000/Thu Jan  7 09:00:00 2027\n", 8),
        (f"{ASKED} +0000\nClamAV 1.4.6\n", None),
        (f"{ASKED} +0000\nnone\n", None),
    ],
)
def test_age_of_loaded_signatures(printed: str, age: int | None) -> None:
    assert host(loaded=printed).antivirus.loaded_age_days() == age


def test_another_product_without_the_sites_commands_is_unknown() -> None:
    other = Antivirus(product="guard-x", packages=["x"], services=["x"], signatures="/opt/x")
    for ask in (host().antivirus.detection, host().antivirus.too_old):
        with pytest.raises(Unknown, match="guard-x"):
            ask(other)
    with pytest.raises(Unknown, match="guard-x"):
        host().antivirus.exclusions_beyond(other, [])


FOUND = "test\tstream: Lab.Eicar.UNOFFICIAL FOUND\n\n"
CLEAN = "harmless\tstream: OK\n\n"


@pytest.mark.parametrize(
    ("printed", "told"),
    [
        (f"asked\n{FOUND}{CLEAN}end\n", "detected"),
        ("asked\ntest\tstream: OK\n\n" + CLEAN + "end\n", "not detected: stream: OK"),
        (f"asked\n\n{CLEAN}end\n", "not detected: no word"),
        (f"asked\n{FOUND}harmless\tx FOUND\n\nend\n", "harmless text too: x FOUND"),
        ("end\n", "no scanner that runs"),
    ],
)
def test_detection(printed: str, told: str) -> None:
    assert host(detection=printed).antivirus.detection(CLAMAV) == told


def test_detection_that_was_cut_off_is_unknown() -> None:
    with pytest.raises(Unknown):
        host(detection=f"asked\n{FOUND}").antivirus.detection(CLAMAV)


def test_test_file_stands_in_no_question_that_is_asked() -> None:
    assert "EICAR" not in CLAMAV_DETECTION.command
    assert "STANDARD-ANTIVIRUS" not in CLAMAV_DETECTION.command


@pytest.mark.parametrize(
    ("told", "older"),
    [
        (["guard-x 4.10.1"], []),
        (["guard-x 4.2"], []),
        (["guard-x 4.1.9 (built 2026)"], ["guard-x 4.1.9 (built 2026)"]),
        (["guard-x"], ["guard-x"]),
        ([], ["no version"]),
    ],
)
def test_version_is_compared_by_its_parts(told: list[str], older: list[str]) -> None:
    assert product.older(told, "4.2") == older


@pytest.mark.parametrize(
    ("container", "process", "state"),
    [
        ("", "process\t9\t2\n", "watching"),
        ("container\tyes\n", "process\t9\t2\n", "watching"),
        ("", "process\t9\t0\n", "clamav-clamonacc.service watches nothing"),
        ("", "", "clamav-clamonacc.service does not run"),
    ],
)
def test_on_access_is_what_the_kernel_was_told(container: str, process: str, state: str) -> None:
    assert host(on_access=f"{container}{process}end\n").antivirus.watches_now() == state


def test_on_access_in_a_container_is_unknown() -> None:
    with pytest.raises(Unknown, match="container"):
        host(on_access="container\tyes\nend\n").antivirus.watches_now()


def test_path_on_access_covers_what_is_below_it_and_nothing_beside() -> None:
    antivirus = host(on_access="path\t/srv\nend\n").antivirus
    assert antivirus.not_watched(["/srv/data", "/srv", "/srvother"]) == ["/srvother"]


@pytest.mark.parametrize(
    "line",
    [
        "MaxFileSize 25M",
        "MaxFileSize 0",
        "ScanPE yes",
        "User clamav",
        "OnAccessExcludeUname clamav",
        "DatabaseDirectory /var/lib/clamav/",
    ],
)
def test_option_that_leaves_nothing_out(line: str) -> None:
    assert host(exclusions=excluded(line)).antivirus.exclusions_beyond(CLAMAV, []) == []


@pytest.mark.parametrize(
    "line",
    [
        "MaxFileSize 1M",
        "maxscansize 99999k",
        "StreamMaxLength x",
        "ScanPE no",
        "ScanArchive false",
        "Bytecode 0",
        "OnAccessExcludeRootUID yes",
        "OnAccessExcludeUID 1000",
        "PCREMaxFileSize 1",
        "PhishingScanURLs no",
        "DatabaseDirectory /var/lib/other",
        "Option --exclude-list=/etc/left-out",
    ],
)
def test_option_that_leaves_something_out(line: str) -> None:
    found = host(exclusions=excluded(line)).antivirus.exclusions_beyond(CLAMAV, [])
    assert [exclusion.what for exclusion in found] == [line]


def excluded(line: str) -> str:
    return f"/etc/clamav/clamd.conf:9:{line}\n"


@pytest.mark.parametrize(
    "line",
    [
        "ExcludePath ^/srv/db/",
        "ExcludePath ^/srv/db(/|$)",
        'ExcludePath "^/srv/db/"',
        "  ExcludePath\t^/srv/db/.*",
    ],
)
def test_approved_path_with_what_is_below_it(line: str) -> None:
    assert host(exclusions=excluded(line)).antivirus.exclusions_beyond(CLAMAV, ["/srv/db"]) == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("ExcludePath ^/srv/db", "^/srv/db (/etc/clamav/clamd.conf:9)"),
        ("ExcludePath /srv/db/", "/srv/db/ (/etc/clamav/clamd.conf:9)"),
        ("ExcludePath ^/", "^/ (/etc/clamav/clamd.conf:9)"),
        ("OnAccessExcludeUname root", "OnAccessExcludeUname root (/etc/clamav/clamd.conf:9)"),
        ("OnAccessExcludePath /srv", "OnAccessExcludePath /srv (/etc/clamav/clamd.conf:9)"),
    ],
)
def test_more_than_the_approved_path(line: str, told: str) -> None:
    found = host(exclusions=excluded(line)).antivirus.exclusions_beyond(CLAMAV, ["/srv/db"])
    assert [str(exclusion) for exclusion in found] == [told]


def test_dot_of_an_approved_path_is_a_dot() -> None:
    found = host(exclusions=excluded(r"ExcludePath ^/srv/db\.v1(/|$)")).antivirus
    assert found.exclusions_beyond(CLAMAV, ["/srv/db.v1"]) == []


def test_exclusions_without_clamav_are_unknown() -> None:
    packages = text("antivirus/packages-debian-12.txt").replace("ii \tclamav-daemon\n", "")
    with pytest.raises(Unknown, match="ClamAV is not installed"):
        host(packages=packages).antivirus.exclusions_beyond(CLAMAV, [])


@pytest.mark.parametrize(
    ("probe", "printed"),
    [
        (PACKAGES, ""),
        (PACKAGES, "ii clamav\n"),
        (PACKAGES, "ii \tclamav-daemon\n"),
        (RUNNING, "clamav-daemon.service loaded\n"),
        (SIGNATURES, f"{ASKED}\n{WHERE}/daily.cvd\n"),
        (LOADED, f"{ASKED} +0000\nERROR: Could not connect to clamd\n"),
        (EXCLUSIONS, "grep: /etc/clamav: Is a directory\n"),
    ],
)
def test_damaged_output_is_not_understood(probe: Probe[object], printed: str) -> None:
    with pytest.raises(ParseError):
        probe.parse(Output(printed.encode(), b"", 0))


@pytest.mark.parametrize(
    "head", ["ClamAV-VDB:", "ClamAV-VDB:yesterday:1", "ClamAV-VDB:32 Jan 2027 08-00 +0000:1"]
)
def test_head_that_cannot_be_read_is_unknown(head: str) -> None:
    with pytest.raises(Unknown):
        host(signatures=signatures(("daily.cvd", 0, head))).antivirus.signature_age_days(CLAMAV)
