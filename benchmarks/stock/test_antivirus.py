"""Antivirus, with stock testinfra."""
# mypy: allow-untyped-defs, allow-untyped-calls

import re
import time


def test_packages_are_installed(host, expected):
    for name in expected["antivirus_packages"]:
        assert host.package(name).is_installed


def test_services_run_now(host, expected):
    for name in expected["antivirus_services"]:
        assert host.service(name).is_running


def test_services_start_at_boot(host, expected):
    for name in expected["antivirus_services"]:
        assert host.service(name).is_enabled


def test_signatures_are_current(host, expected):
    place = expected["signatures"]
    names = [name for name in host.file(place).listdir() if re.search(r"\.(c[vlu]d|[hnm]db)$", name)]
    newest = max(host.file(f"{place}/{name}").mtime.timestamp() for name in names)
    assert time.time() - newest <= expected["signature_age_days"] * 86400


def test_only_approved_exclusions(host, expected):
    text = host.file("/etc/clamav/clamd.conf").content_string
    found = re.findall(r"^\s*(?:ExcludePath|OnAccessExclude\w*)\s+(\S+)", text, re.MULTILINE)
    assert set(found) <= set(expected["exclusions"])
