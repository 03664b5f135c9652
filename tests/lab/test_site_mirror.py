"""The antivirus at a site of its own: signatures from the site's mirror, another product, scans on access."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import lab_name
from declaring import declared_site
from hardened import HOST, deploys_of, harden, sabotaged
from judging import checks, not_passing, verdicts

from plumbline.lab import Lab
from plumbline.lab.site.authority import Authority
from plumbline.verify.results import Verdict

DETECTS = "antivirus-detects:the_test_file_is_detected"
CURRENT = "antivirus-signatures-current:signatures_are_current"
COME = "antivirus-signatures-current:signatures_come_from_the_site"
VERSION = "antivirus-running:version_is_not_too_old"
EXCLUDES = "antivirus-exclusions-approved:only_approved_exclusions"
WATCHES = "antivirus-on-access:paths_are_scanned_on_access_now"
AT_BOOT = "antivirus-on-access:on_access_scan_starts_at_boot"
PATHS = "antivirus-on-access:every_path_is_scanned_on_access"

SCANNER = "/opt/scanner"
OTHER = {
    "product": "guard-x",
    "packages": ["busybox-static"],
    "services": ["guard-x.service"],
    "signatures": f"{SCANNER}/signatures",
    "version_command": f"{SCANNER}/scan --version",
    "oldest_version": "4.2",
    "detection_command": f"{SCANNER}/scan -",
    "detection_says": "INFECTED",
    "exclusions_command": f"cat {SCANNER}/excluded",
}
# It knows the test file by what no other text has in it, as the product's own signatures would.
SCAN = """#!/bin/sh
[ "$1" != --version ] || { echo guard-x 4.10.1; exit 0; }
if grep -q "$(cat /opt/scanner/signatures/own)"; then echo INFECTED; else echo clean; fi
"""
MADE = (
    f"mkdir -p {SCANNER}/signatures; cat >{SCANNER}/scan; chmod 755 {SCANNER}/scan; : >{SCANNER}/excluded; "
    f"echo EICAR.STANDARD >{SCANNER}/signatures/own; "
    "printf '[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' "
    ">/etc/systemd/system/guard-x.service; systemctl daemon-reload"
)
OTHER_CASES = {
    "it_detects_nothing": (
        f"echo nothing-of-it >{SCANNER}/signatures/own",
        f"echo EICAR.STANDARD >{SCANNER}/signatures/own",
        {DETECTS},
    ),
    "it_detects_everything": (
        f"echo . >{SCANNER}/signatures/own", f"echo EICAR.STANDARD >{SCANNER}/signatures/own", {DETECTS},
    ),
    "its_signatures_are_30_days_old": (
        f"touch -d '30 days ago' {SCANNER}/signatures/own", f"touch {SCANNER}/signatures/own", {CURRENT},
    ),
    "it_is_too_old": (
        f"sed -i s/4.10.1/4.1.9/ {SCANNER}/scan", f"sed -i s/4.1.9/4.10.1/ {SCANNER}/scan", {VERSION},
    ),
    "its_version_command_fails": (
        f"sed -i 's/; exit 0/; exit 1/' {SCANNER}/scan",
        f"sed -i 's/; exit 1/; exit 0/' {SCANNER}/scan",
        {f"?{VERSION}"},
    ),
    "it_leaves_out_everything": (f"echo / >{SCANNER}/excluded", f": >{SCANNER}/excluded", {EXCLUDES}),
}  # fmt: skip


@pytest.fixture(scope="module")
def deploys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deploys_of(tmp_path_factory.mktemp("mirror"), ["antivirus"])


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.up(lab_name(), hosts=1, flavour="clean", site=("mirror",)) as up:
        yield up


def declared(lab: Lab, **antivirus: object) -> None:
    """Write what the site says of its antivirus: all of it, or what is new beside what it said."""
    with declared_site(lab) as site:
        site["antivirus"] = antivirus if "product" in antivirus else site["antivirus"] | antivirus


def test_signatures_come_from_the_mirror_over_tls(lab: Lab, deploys: Path) -> None:
    lab.run(HOST, "rm /var/lib/clamav/*")
    assert harden(lab, deploys).changed
    lab.run(HOST, "until [ -s /var/lib/clamav/lab.hdb ]; do :; done; systemctl restart clamav-daemon")
    lab.run(HOST, "until clamdscan --no-summary /etc/hostname; do :; done")
    assert harden(lab, deploys).changed == []
    served = lab.run_site("mirror", "grep -c 'GET /clamav/lab.hdb' /var/log/nginx/access.log").stdout
    assert int(served) >= 1
    assert DETECTS in checks(verdicts(lab, HOST, "antivirus"), Verdict.PASS)


FRESHCLAM = "/etc/clamav/freshclam.conf"
UPDATER_D = "/etc/systemd/system/clamav-freshclam.service.d"
RELOAD = "systemctl daemon-reload"
UPDATES: dict[str, tuple[str, str]] = {
    "from_the_internet": (
        f"cp {FRESHCLAM} /root/kept; "
        f"sed -i 's/^PrivateMirror.*/DatabaseMirror database.clamav.net/' {FRESHCLAM}",
        f"cp /root/kept {FRESHCLAM}",
    ),
    "from_elsewhere_beside": (
        f"cp {FRESHCLAM} /root/kept; echo 'DatabaseCustomURL https://192.0.2.9/x.hdb' >>{FRESHCLAM}",
        f"cp /root/kept {FRESHCLAM}",
    ),
    "to_another_directory": (
        f"cp {FRESHCLAM} /root/kept; sed -i 's#^DatabaseDirectory.*#DatabaseDirectory /srv#' {FRESHCLAM}",
        f"cp /root/kept {FRESHCLAM}",
    ),
    "stopped": ("systemctl stop clamav-freshclam", "systemctl start clamav-freshclam"),
    "disabled": ("systemctl disable clamav-freshclam", "systemctl enable clamav-freshclam"),
    "left_to_cron_at_boot": (
        "mkdir -p /etc/cron.d; : >/etc/cron.d/clamav-freshclam", "rm /etc/cron.d/clamav-freshclam",
    ),
    "another_program_at_boot": (
        f"printf '[Service]\\nExecStart=\\nExecStart=/bin/true\\n' >{UPDATER_D}/zz.conf; {RELOAD}",
        f"rm {UPDATER_D}/zz.conf; {RELOAD}",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def before(lab: Lab, deploys: Path) -> set[str]:
    """What does not pass where the updater is as it is to be."""
    harden(lab, deploys)
    found = not_passing(verdicts(lab, HOST, "antivirus"))
    assert not {COME, f"?{COME}"} & found
    return found


@pytest.mark.parametrize("name", UPDATES)
def test_signatures_that_will_not_come_from_the_mirror_are_told(
    lab: Lab, before: set[str], name: str
) -> None:
    wrong, right = UPDATES[name]
    with sabotaged(lab, wrong, right):
        assert not_passing(verdicts(lab, HOST, "antivirus")) - before == {COME}


def test_a_mirror_with_another_issuer_is_not_believed(lab: Lab, tmp_path: Path) -> None:
    issuer, log = "/etc/clamav/plumbline-mirror.pem", "/var/log/clamav/freshclam.log"
    other = Authority(tmp_path)
    other.make()
    with sabotaged(
        lab,
        f"systemctl stop clamav-freshclam; cp {issuer} /root/kept; rm /var/lib/clamav/lab.hdb {log}",
        f"cp /root/kept {issuer}; systemctl restart clamav-freshclam; "
        "until [ -s /var/lib/clamav/lab.hdb ]; do :; done",
    ):
        lab.run(HOST, f"cat >{issuer}; systemctl start clamav-freshclam", input=other.pem)
        lab.run(HOST, f"until grep -qis certificate {log}; do :; done; [ ! -e /var/lib/clamav/lab.hdb ]")


def test_on_access_is_unknown_in_a_container_and_its_paths_are_judged(lab: Lab, deploys: Path) -> None:
    declared(lab, on_access=["/home", "/srv/data"])
    assert harden(lab, deploys).changed
    found = not_passing(verdicts(lab, HOST, "antivirus"))
    assert {f"?{WATCHES}", f"?{AT_BOOT}"} <= found
    assert PATHS not in found
    with sabotaged(
        lab,
        "sed -i '/OnAccessIncludePath .home/d' /etc/clamav/clamd.conf",
        "echo 'OnAccessIncludePath /home' >>/etc/clamav/clamd.conf",
    ):
        assert PATHS in not_passing(verdicts(lab, HOST, "antivirus"))
    declared(lab, on_access=[])


@pytest.fixture(scope="module")
def other(lab: Lab, deploys: Path) -> Lab:
    """The same lab with another product, which a script plays."""
    declared(lab, **OTHER)
    lab.run(HOST, MADE, input=SCAN)
    assert harden(lab, deploys).changed
    return lab


def test_another_product_is_judged_by_the_sites_commands(other: Lab, deploys: Path) -> None:
    assert not_passing(verdicts(other, HOST, "antivirus")) == set()
    assert harden(other, deploys).changed == []


@pytest.mark.parametrize("name", OTHER_CASES)
def test_sabotage_of_another_product_is_seen(other: Lab, name: str) -> None:
    wrong, right, expected = OTHER_CASES[name]
    with sabotaged(other, wrong, right):
        assert not_passing(verdicts(other, HOST, "antivirus")) == expected


def test_without_the_sites_commands_nothing_is_said_of_it(other: Lab) -> None:
    declared(other, **{key: value for key, value in OTHER.items() if "command" not in key})
    found = not_passing(verdicts(other, HOST, "antivirus"))
    assert found == {f"?{DETECTS}", f"?{VERSION}", f"?{EXCLUDES}"}
