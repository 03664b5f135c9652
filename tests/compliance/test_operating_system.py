"""The operating system: a supported release as specified, every update installed, nothing from elsewhere."""

from __future__ import annotations

from plumbline.policy.releases import load_releases
from plumbline.verify import Unknown, control, not_applicable


def known(host, desired):
    """Return the releases of the host's distribution; Unknown where nobody here knows them."""
    return host.operating_system.known_in(load_releases(desired.standard.name))


def declared(spec):
    """Return the packages that the specification declares, whether a source has them or not."""
    return [package for one in (*spec.software, *spec.services) for package in one.packages]


@control("release-supported")
def test_release_is_a_long_term_one(host, desired):
    """The host runs a long-term release, and no testing, unstable or interim one."""
    releases = known(host, desired)
    assert host.operating_system.release(releases) in releases.long_term()


@control("release-supported")
def test_release_is_supported(host, desired):
    """The release is still mended for everybody on the day of the collection."""
    releases = known(host, desired)
    release = releases.releases.get(host.operating_system.release(releases).bare)
    if release is None:
        not_applicable("what the host runs is no release")
    assert host.operating_system.day_of(release) <= release.supported_until


@control("release-supported")
def test_release_was_the_latest(host, desired, spec):
    """The release is the latest long-term one there was on the day it was agreed on, or a later one."""
    releases = known(host, desired)
    delivered = spec.handover.delivered if spec.handover else None
    latest = releases.latest(spec.os.agreed or delivered or host.operating_system.day)
    if latest is None:
        raise Unknown("no release of that day is known here")
    assert host.operating_system.release(releases) in releases.since(latest)


@control("release-supported")
def test_sources_are_of_this_release(host, desired):
    """No package source is of another release, or of testing or unstable."""
    assert host.operating_system.foreign_sources(known(host, desired)) == []


@control("release-as-specified")
def test_distribution_is_the_specified_one(host, spec):
    """The distribution is the one of the specification."""
    assert host.operating_system.distribution == spec.os.distribution


@control("release-as-specified")
def test_release_is_the_specified_one(host, desired, spec):
    """The release is the one of the specification; its later corrections are the same release."""
    releases = known(host, desired)
    assert host.operating_system.release(releases) == (releases.known_as(spec.os.version) or spec.os.version)


@control("release-as-specified")
def test_release_is_the_one_installed(host):
    """The packages are of the release the host says it runs."""
    assert host.operating_system.other_base == []


@control("preferred-distribution")
def test_distribution_is_preferred(host, desired, spec):
    """The distribution is a preferred one."""
    distributions = load_releases(desired.standard.name).distributions
    preferred = [name for name, one in distributions.items() if one.preferred]
    observed = host.operating_system.distribution
    if observed == spec.os.distribution and observed not in preferred:
        not_applicable(
            "another distribution was approved with the specification: {distribution}",
            distribution=observed.bare,
        )
    assert observed in preferred


@control("updates-installed")
def test_no_update_is_missing(host, site, accepts):
    """No source has a newer version of an installed package, and the sources answered of late."""
    found = host.operating_system
    assert found.pending == []
    if site.updates.sources == []:
        raise Unknown("the site has no package source; a person records which updates were installed")
    if found.unlisted():
        raise Unknown(
            "there are no package lists of {sources}; renew them and collect again",
            sources=", ".join(map(str, found.unlisted())),
        )
    if found.list_age_days not in accepts("list_age_days"):
        raise Unknown(
            "the package lists are {age} days old, accepted is {accepted}; renew them and collect again",
            age=found.list_age_days,
            accepted=accepts("list_age_days"),
        )


@control("updates-installed")
def test_nothing_is_held_back(host):
    """No package is held."""
    assert host.operating_system.held() == []


@control("updates-installed")
def test_nothing_is_pinned_back(host, desired, site):
    """No preference keeps apt from taking an update of this release."""
    found = host.operating_system
    assert found.withheld(known(host, desired), site.updates.sources) == []


@control("updates-installed")
def test_packages_are_whole(host):
    """Every package is whole: none is half-installed, unconfigured or waiting."""
    assert host.operating_system.broken() == []


@control("updates-installed")
def test_security_updates_have_a_source(host, desired, site):
    """Of the distribution's archives, the one with its security updates is among the sources."""
    if site.updates.sources == []:
        not_applicable("the site has no package source")
    assert host.operating_system.archives_without_security(known(host, desired)) == []


@control("no-reboot-owed")
def test_newest_kernel_runs(host):
    """The kernel that runs is the newest one installed, and not an older build of it."""
    found = host.operating_system
    if found.container is not None:
        raise Unknown(
            "the host is a container ({kind}): the kernel is its machine's, and is judged there",
            kind=found.container,
        )
    newest = found.running.newest()
    if newest is None:
        raise Unknown("there is no kernel in /boot, so nothing tells which one the next boot would start")
    assert found.kernel_behind(newest) == []


@control("no-reboot-owed")
def test_no_reboot_is_asked_for(host):
    """No update has asked for a reboot since the last one."""
    assert host.operating_system.reboot_asked_for == []


@control("no-reboot-owed")
def test_no_replaced_program_runs(host):
    """No program runs on with a file that an update has replaced or removed."""
    assert host.operating_system.running.replaced == []


@control("packages-from-approved-sources")
def test_sources_are_approved(host, desired, site, value):
    """Every package source is one the site approves; without its list, the release's own archives."""
    found = host.operating_system
    suites = value("suites")
    assert found.unapproved_sources(known(host, desired), site.updates.sources, suites) == []


@control("packages-from-approved-sources")
def test_packages_come_from_sources(host, desired, site, spec, value):
    """Every installed package is one that a source has, or that the specification declares."""
    found = host.operating_system
    unapproved = found.unapproved_sources(known(host, desired), site.updates.sources, value("suites"))
    if unlisted := [source for source in found.unlisted() if source not in unapproved]:
        raise Unknown(
            "there are no package lists of {sources}; renew them and collect again",
            sources=", ".join(map(str, unlisted)),
        )
    assert found.of_no_source(declared(spec)) == []


@control("packages-from-approved-sources")
def test_what_is_not_free_is_declared(host, spec, value):
    """Every package whose licence is not free is declared."""
    assert host.operating_system.not_free(value("areas"), declared(spec)) == []


@control("packages-from-approved-sources")
def test_nothing_is_installed_beside(host, spec):
    """Nothing is installed beside the packages (snap, flatpak, pip, npm, gem), or it is declared."""
    assert host.operating_system.beside(declared(spec)) == []


def specified(spec):
    """Return what the machine shall be."""
    return "virtual" if spec.virtual else "physical"


@control("virtualisation-as-specified")
def test_server_is_virtual(host, spec):
    """The server is virtual, unless the specification gives the reason for a physical one."""
    assert host.operating_system.kind == specified(spec)


@control("workstation-virtual")
def test_workstation_is_virtual(host, spec):
    """The workstation is virtual, unless the specification gives the reason for a physical one."""
    assert host.operating_system.kind == specified(spec)


@control("hardware-facts-known")
def test_firmware_is_the_recorded_one(host, spec):
    """The firmware is the version that was recorded at the handover as its maker's current one."""
    found = host.operating_system
    if found.kind == "virtual":
        not_applicable("the firmware of a virtual machine belongs to its hypervisor")
    if not found.machine.firmware:
        raise Unknown("the machine does not tell the version of its firmware")
    if spec.firmware is None:
        raise Unknown(
            "{machine}: the specification records no firmware version to compare with",
            machine=found.machine.told,
        )
    assert found.firmware == spec.firmware


@control("hardware-facts-known")
def test_size_is_as_specified(host, spec):
    """Memory, and the processors of a virtual machine, are as many as specified."""
    found = host.operating_system
    if found.container is not None:
        raise Unknown(
            "the host is a container ({kind}), which does not show its machine", kind=found.container
        )
    if spec.virtual:
        assert found.machine.processors == spec.vcpu
    assert found.memory_near(spec.ram_gib) == spec.ram_gib
