"""Time: one service keeps it, from the site's sources and no others, now and after boot."""

from __future__ import annotations

from plumbline.verify import control


@control("time-from-site")
def test_a_time_service_runs(host, accepts):
    """A time service runs now."""
    assert host.time.services_now in accepts("services")


@control("time-from-site")
def test_no_second_time_service_runs(host):
    """No second time service runs beside the first."""
    assert host.time.services_now[1:] == []


@control("time-from-site")
def test_a_time_service_starts_at_boot(host, accepts):
    """A time service starts at boot."""
    assert host.time.services_at_boot in accepts("services")


@control("time-from-site")
def test_no_second_time_service_starts_at_boot(host):
    """No second time service starts at boot beside the first."""
    assert host.time.services_at_boot[1:] == []


@control("time-from-site")
def test_sources_now_are_the_sites(host, accepts):
    """The time service asks the site's sources now, and no others."""
    assert host.time.sources_now in accepts("sources")


@control("time-from-site")
def test_sources_after_boot_are_the_sites(host, accepts):
    """The time service will ask the site's sources after the next boot, and no others."""
    assert host.time.sources_at_boot in accepts("sources")


@control("time-from-site")
def test_chronyd_reads_its_own_configuration(host):
    """chronyd is started with its own configuration file, and with no directives on its command line."""
    assert host.time.unusual_start == []
