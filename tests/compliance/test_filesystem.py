"""Files: who may write and read them, whether they are the distribution's, on which partition they lie."""

from plumbline.policy.privileged import load_privileged
from plumbline.probes.filesystem.mounts import APPLICATION_PLACES
from plumbline.verify import control, not_applicable

NO_DATA = "the specification declares no partition for data or logs"


def _of(spec, *kinds):
    return [part for part in spec.storage if part.holds in kinds and part.mount != "swap"]


@control("os-files-write-restricted")
def test_system_files_are_the_system_s_to_write(host, spec):
    """Only administrators and system accounts may write to files of the operating system.

    By owner, mode, group and access list, in every directory of the system.
    """
    assert host.filesystem.writable_system_files(spec) == []


@control("os-files-write-restricted")
def test_files_to_come_are_the_system_s_to_write(host, spec):
    """No directory of the operating system lets others write to files that will be made in it.

    Nor does tmpfiles.d give them a file of the system at boot, or dpkg's overrides at the next update.
    """
    assert host.filesystem.inherited_writers(spec) == []


@control("os-files-write-restricted")
def test_what_root_runs_is_the_system_s_to_write(host, spec):
    """Only administrators and system accounts may write to what root runs, wherever it lies.

    Root's PATH, what units and cron start as root, scripts these call, modules of PAM and the linker's
    libraries, with every directory on the way to them.
    """
    assert host.filesystem.writable_ways_of_root(spec) == []


@control("os-files-write-restricted")
def test_nothing_covers_the_system_now(host):
    """Nothing is mounted over a directory of the operating system now but disks of this host."""
    assert host.filesystem.covered_system == []


@control("os-files-write-restricted")
def test_nothing_covers_the_system_after_boot(host):
    """Nothing will be mounted over a directory of the operating system at boot but disks of this host."""
    assert host.filesystem.covered_system_at_boot == []


@control("setuid-as-baseline")
def test_setuid_programs_are_the_distribution_s(host, desired):
    """Setuid and setgid programs are those the distribution brings so, and of its packages.

    A program on a file system mounted with nosuid has no such rights.
    """
    assert host.filesystem.privileged_beyond(load_privileged(desired.standard.name)) == []


@control("setuid-as-baseline")
def test_capabilities_are_the_distribution_s(host, desired):
    """Programs have no capabilities but those the distribution gives them."""
    assert host.filesystem.capable_beyond(load_privileged(desired.standard.name)) == []


@control("packaged-files-unchanged")
def test_packaged_files_are_as_brought(host):
    """Files of installed packages are there and unchanged, programs among configuration files too.

    Documentation and translations may be missing, and other configuration may change.
    """
    assert host.filesystem.changed_packaged_files == []


@control("home-and-data-permissions")
def test_nothing_is_open_to_everybody(host):
    """Everybody may write to no file, and to no directory in which he could replace others' files.

    On disks other than the system's, six directories deep.
    """
    assert host.filesystem.open_to_everybody == []


@control("home-and-data-permissions")
def test_every_file_has_an_owner(host):
    """Every file's owner and group are known on this host."""
    assert host.filesystem.without_owner == []


@control("home-and-data-permissions")
def test_secrets_are_read_by_the_system_alone(host, spec):
    """Only administrators and system accounts may read password files and private keys of the host."""
    assert host.filesystem.readable_secrets(spec) == []


@control("home-and-data-permissions")
def test_homes_are_closed(host):
    """Nobody but its owner may enter a user's home, nor root's."""
    assert host.filesystem.open_homes == []


@control("home-and-data-permissions")
def test_files_of_users_are_closed_to_others(host, accepts):
    """What a user's login shell makes cannot be read by everybody."""
    assert host.filesystem.umask in accepts("umask")


@control("data-on-own-partition")
def test_data_partitions_are_mounted(host, spec):
    """The partitions for data and logs are there now, and are other ones than the system's."""
    parts = _of(spec, "data", "log")
    if not parts:
        not_applicable(NO_DATA)
    assert host.filesystem.misplaced(parts, spec) == []


@control("data-on-own-partition")
def test_data_partitions_are_mounted_at_boot(host, spec):
    """The partitions for data and logs will be mounted at the next boot."""
    parts = _of(spec, "data", "log")
    if not parts:
        not_applicable(NO_DATA)
    assert host.filesystem.misplaced_at_boot(parts, spec) == []


@control("data-on-own-partition")
def test_partitions_of_system_and_data_are_large_enough(host, spec, value):
    """The system's partition and those for data and logs have the specified size."""
    parts = _of(spec, "system", "data", "log")
    assert host.filesystem.too_small(parts, value("tolerance_percent")) == []


@control("data-on-own-partition")
def test_data_are_not_led_back_to_the_system(host, spec):
    """Nothing on the partitions for data and logs is a link or a mount back to the system's partition."""
    assert host.filesystem.led_back(_of(spec, "data", "log")) == []


@control("data-on-own-partition")
def test_no_data_lie_on_the_system_s_partition(host):
    """No file lies on the system's partition in the directories meant for data."""
    assert host.filesystem.lying_on_system([place for place in APPLICATION_PLACES if place != "/opt"]) == []


@control("data-on-own-partition")
def test_services_keep_their_data_elsewhere(host, spec):
    """No declared service works in a directory on the system's partition."""
    assert host.filesystem.working_on_system(spec) == []


@control("applications-on-own-partition")
def test_applications_have_a_partition(host, spec):
    """The specification of a server with applications has a partition for them or for their data."""
    assert host.filesystem.without_partition(spec) == []


@control("applications-on-own-partition")
def test_application_partitions_are_mounted(host, spec):
    """The partitions for applications are there now, and are other ones than the system's."""
    assert host.filesystem.misplaced(_of(spec, "application"), spec) == []


@control("applications-on-own-partition")
def test_application_partitions_are_mounted_at_boot(host, spec):
    """The partitions for applications will be mounted at the next boot."""
    assert host.filesystem.misplaced_at_boot(_of(spec, "application"), spec) == []


@control("applications-on-own-partition")
def test_application_partitions_are_large_enough(host, spec, value):
    """The partitions for applications have the specified size."""
    assert host.filesystem.too_small(_of(spec, "application"), value("tolerance_percent")) == []


@control("applications-on-own-partition")
def test_applications_are_not_led_back_to_the_system(host, spec):
    """Nothing on the partitions for applications is a link or a mount back to the system's partition."""
    assert host.filesystem.led_back(_of(spec, "application")) == []


@control("applications-on-own-partition")
def test_no_application_lies_on_the_system_s_partition(host):
    """No application is installed on the system's partition, in the directory meant for applications."""
    assert host.filesystem.lying_on_system(["/opt"]) == []


@control("applications-on-own-partition")
def test_no_application_runs_from_the_system_s_partition(host):
    """No service runs a program that lies on the system's partition and is no part of the system."""
    assert host.filesystem.running_from_system == []
