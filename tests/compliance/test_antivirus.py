"""Antivirus: the site's product runs now and after boot, is current, and leaves out nothing more."""

from __future__ import annotations

from plumbline.verify import control


@control("antivirus-running")
def test_packages_are_installed(host, value):
    """The packages of the site's antivirus are installed."""
    assert host.antivirus.missing_packages(value("packages")) == []


@control("antivirus-running")
def test_services_run_now(host, value):
    """The services of the site's antivirus run now."""
    services = value("services")
    assert host.antivirus.states_now(services) == dict.fromkeys(services, "active/running")


@control("antivirus-running")
def test_services_start_at_boot(host, value):
    """The services of the site's antivirus start at boot."""
    services = value("services")
    assert host.antivirus.states_at_boot(services) == dict.fromkeys(services, "enabled")


@control("antivirus-signatures-current")
def test_signatures_are_current(host, value, accepts):
    """The newest signatures are no older than accepted, in days; none at all fail."""
    assert host.antivirus.signature_age_days(value("signatures")) in accepts("signature_age_days")


@control("antivirus-signatures-current")
def test_loaded_signatures_are_current(host, value, accepts):
    """The signatures that the scanner has loaded are no older than accepted, in days; none at all fail."""
    assert host.antivirus.loaded_age_days(value("signatures")) in accepts("signature_age_days")


@control("antivirus-exclusions-approved")
def test_only_approved_exclusions(host, value):
    """Nothing is left out of the scan but what the specification names."""
    assert host.antivirus.exclusions_beyond(value("exclusions")) == []
