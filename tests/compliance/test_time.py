"""Time: one service keeps it, from the site's sources and no others, and the clock is right by them."""

from __future__ import annotations

from plumbline.verify import control
from plumbline.verify.seen import Each


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


@control("time-from-site")
def test_sources_are_authenticated_now(host, site):
    """Sources prove who they are now as the site declares it: by NTS or by a key."""
    assert host.time.authenticated_otherwise_now(_declared(site)) == []


@control("time-from-site")
def test_sources_will_be_authenticated(host, site):
    """Sources will prove who they are after the next boot as the site declares it."""
    assert host.time.authenticated_otherwise_at_boot(_declared(site)) == []


def _declared(site):
    return {str(clock): clock.authentication for clock in site.clocks}


@control("time-from-site")
def test_keys_are_closed_to_others(host):
    """The time service's keys can be read and changed by nobody but root and the service."""
    assert host.time.open_keys == []


@control("time-from-site")
def test_the_sources_time_is_taken_as_it_is(host):
    """No setting shifts the time of a source, or leaves a source out."""
    assert host.time.altered == []


@control("time-from-site")
def test_time_is_served_to_nobody_now(host):
    """The host gives its time to no other host now."""
    assert host.time.served_now == []


@control("time-from-site")
def test_time_will_be_served_to_nobody(host):
    """The host will give its time to no other host after the next boot."""
    assert host.time.served_at_boot == []


@control("time-from-site")
def test_the_hypervisor_sets_no_clock(host):
    """No tool of the hypervisor sets the clock beside the time service."""
    assert host.time.hypervisor == []


@control("time-synchronised")
def test_every_source_answers(host, site):
    """Every time source of the site is asked, and answers."""
    assert host.time.silent([str(clock) for clock in site.clocks]) == []


@control("time-synchronised")
def test_the_clock_follows_a_source(host):
    """The clock follows at least one source now."""
    assert ([] if host.time.selected else ["no source is followed"]) == []


@control("time-synchronised")
def test_the_clock_is_right(host, accepts):
    """The clock is no further away from its sources than accepted."""
    assert host.time.offsets in Each(accepts("offset_ms"))


@control("time-synchronised")
def test_the_source_is_near_the_reference(host, accepts):
    """The host is no more steps away from a reference clock than accepted."""
    assert [host.time.stratum] in Each(accepts("stratum"))


@control("time-synchronised")
def test_the_clock_counts_as_synchronised(host):
    """The time service takes its own clock for synchronised."""
    assert host.time.leap in ("Normal", "Insert second", "Delete second")
