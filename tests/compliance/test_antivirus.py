"""Antivirus: the site's product runs now and after boot, is current, and leaves out nothing more."""

from __future__ import annotations

from plumbline.verify import control, not_applicable


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


@control("antivirus-running")
def test_version_is_not_too_old(host, site):
    """The product's version is no older than the site accepts."""
    if site.antivirus.is_clamav:
        not_applicable("ClamAV's version is that of its package")
    assert host.antivirus.too_old(site.antivirus) == []


@control("antivirus-detects")
def test_the_test_file_is_detected(host, site):
    """The antivirus that runs detects the EICAR test file, and takes nothing harmless for it."""
    assert host.antivirus.detection(site.antivirus) == "detected"


@control("antivirus-on-access")
def test_paths_are_scanned_on_access_now(host, site):
    """Files are scanned as they are used: the kernel tells the antivirus of each access now."""
    if not site.antivirus.on_access:
        not_applicable("the site names no paths to be scanned on access")
    assert host.antivirus.watches_now() == "watching"


@control("antivirus-on-access")
def test_on_access_scan_starts_at_boot(host, site):
    """The scan on access starts at boot."""
    if not site.antivirus.on_access:
        not_applicable("the site names no paths to be scanned on access")
    assert host.antivirus.watches_at_boot() == "enabled"


@control("antivirus-on-access")
def test_every_path_is_scanned_on_access(host, site):
    """Every path that the site names is scanned on access."""
    if not site.antivirus.on_access:
        not_applicable("the site names no paths to be scanned on access")
    assert host.antivirus.not_watched(site.antivirus.on_access) == []


@control("antivirus-signatures-current")
def test_signatures_are_current(host, site, accepts):
    """The newest signatures are no older than accepted, in days; none at all fail.

    So do files of them that are empty or cut short, by which the scanner would not start again.
    """
    assert host.antivirus.broken_signatures(site.antivirus) == []
    assert host.antivirus.signature_age_days(site.antivirus) in accepts("signature_age_days")


@control("antivirus-signatures-current")
def test_signatures_come_from_the_site(host, site):
    """The updater runs, now and at boot, and takes signatures from the site's mirror alone."""
    if not site.antivirus.mirror:
        not_applicable("the site names no mirror of signatures")
    assert host.antivirus.not_updated(site.antivirus.mirror) == []


@control("antivirus-signatures-current")
def test_loaded_signatures_are_current(host, site, accepts):
    """The signatures that the scanner has loaded are no older than accepted, in days; none at all fail."""
    if not site.antivirus.is_clamav:
        not_applicable("what another product than ClamAV has loaded cannot be asked")
    assert host.antivirus.loaded_age_days() in accepts("signature_age_days")


@control("antivirus-exclusions-approved")
def test_only_approved_exclusions(host, site, value):
    """Nothing is left out of the scan but what the specification names."""
    assert host.antivirus.exclusions_beyond(site.antivirus, value("exclusions")) == []
