"""The antivirus, from what dpkg, systemd and ClamAV really printed: installed, running, current, whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from recorded_host import host_printing

from plumbline.probes.antivirus import EXCLUSIONS, LOADED, PACKAGES, RUNNING, SIGNATURES
from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.host import DeliveredHost
from plumbline.probes.systemd import ON_DISK
from plumbline.verify.unknown import Unknown

RECORDED = Path(__file__).parents[2] / "recorded"
VERSIONS = {"12": ("252", "1.4.6"), "13": ("257", "1.4.3")}
WHERE = "/var/lib/clamav"
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
    }
    named = {probe.name.rsplit(".", 1)[-1]: probe for probe in answers}
    return host_printing(answers | {named[name]: printed for name, printed in instead.items()})


@pytest.mark.parametrize("debian", VERSIONS)
def test_recorded_host(debian: str) -> None:
    antivirus = host(debian).antivirus
    assert antivirus.missing_packages(["clamav-daemon", "clamav-freshclam", "clamdscan"]) == []
    assert antivirus.states_now(["clamav-daemon"]) == {"clamav-daemon": "active/running"}
    assert antivirus.states_at_boot(["clamav-daemon.service"]) == {"clamav-daemon.service": "enabled"}
    assert antivirus.signature_age_days(WHERE) == 1
    assert antivirus.loaded_age_days(WHERE) == 1


@pytest.mark.parametrize("state", ["rc ", "iU ", "iF ", "un ", "iH "])
def test_package_that_is_not_whole_is_missing(state: str) -> None:
    packages = text("antivirus/packages-debian-12.txt").replace("ii \tclamdscan\n", f"{state}\tclamdscan\n")
    assert host(packages=packages).antivirus.missing_packages(["clamdscan"]) == ["clamdscan"]


def test_package_on_hold_is_there() -> None:
    packages = text("antivirus/packages-debian-12.txt").replace("ii \tclamdscan\n", "hi \tclamdscan\n")
    assert host(packages=packages).antivirus.missing_packages(["clamdscan"]) == []


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
        ([("own.hdb", 7 * DAY, "")], 7),
        ([("own.hdb", 7 * DAY + 1, "")], 8),
        ([("daily.cvd", 0, "ClamAV-VDB:01 Jan 2090 08-00 +0000:1:1")], -22_997),
        ([], None),
    ],
)
def test_age_of_signatures(rows: list[tuple[str, int, str]], age: int | None) -> None:
    assert host(signatures=signatures(*rows)).antivirus.signature_age_days(WHERE) == age


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
    assert host(loaded=printed).antivirus.loaded_age_days(WHERE) == age


def test_signatures_of_another_product_are_unknown() -> None:
    for ask in (host().antivirus.signature_age_days, host().antivirus.loaded_age_days):
        with pytest.raises(Unknown):
            ask("/opt/av/signatures")


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
    assert host(exclusions=excluded(line)).antivirus.exclusions_beyond(["/srv/db"]) == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("ExcludePath ^/srv/db", "^/srv/db (/etc/clamav/clamd.conf:9)"),
        ("ExcludePath /srv/db/", "/srv/db/ (/etc/clamav/clamd.conf:9)"),
        ("ExcludePath ^/", "^/ (/etc/clamav/clamd.conf:9)"),
        ("OnAccessExcludeUname root", "OnAccessExcludeUname root (/etc/clamav/clamd.conf:9)"),
        ("OnAccessExcludePath /srv/db", "OnAccessExcludePath /srv/db (/etc/clamav/clamd.conf:9)"),
    ],
)
def test_more_than_the_approved_path(line: str, told: str) -> None:
    found = host(exclusions=excluded(line)).antivirus.exclusions_beyond(["/srv/db"])
    assert [str(exclusion) for exclusion in found] == [told]


def test_dot_of_an_approved_path_is_a_dot() -> None:
    found = host(exclusions=excluded(r"ExcludePath ^/srv/db\.v1(/|$)")).antivirus
    assert found.exclusions_beyond(["/srv/db.v1"]) == []


def test_exclusions_without_clamav_are_unknown() -> None:
    packages = text("antivirus/packages-debian-12.txt").replace("ii \tclamav-daemon\n", "")
    with pytest.raises(Unknown, match="ClamAV is not installed"):
        host(packages=packages).antivirus.exclusions_beyond([])


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
        host(signatures=signatures(("daily.cvd", 0, head))).antivirus.signature_age_days(WHERE)
