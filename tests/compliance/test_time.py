"""Time: one service keeps it, from the site's sources and no others, now and after boot."""

from __future__ import annotations

from plumbline.verify import control


@control("time-from-site")
def test_a_time_service_runs(host, accepts):
    """Accepted time services run now, at least one, and none of another kind."""
    assert host.time.services_now in accepts("services")


@control("time-from-site")
def test_no_second_time_service_runs(host):
    """No second time service runs beside the first."""
    assert host.time.services_now[1:] == []


@control("time-from-site")
def test_a_time_service_starts_at_boot(host, accepts):
    """Accepted time services start at boot, at least one, and none of another kind."""
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
def test_the_service_starts_as_its_package_has_it(host):
    """The time service is started with its own configuration and options, and nothing holds it back."""
    assert host.time.unusual_start == []


@control("time-from-site")
def test_no_script_sets_the_clock(host):
    """No script or scheduled job sets the clock from elsewhere."""
    assert host.time.scripts == []
