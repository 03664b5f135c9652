"""Time, with stock testinfra."""
# mypy: allow-untyped-defs, allow-untyped-calls

import re

import pytest

OTHERS = ("systemd-timesyncd", "ntp", "ntpsec", "openntpd")


@pytest.fixture(scope="module")
def configuration(host):
    return host.check_output("chronyd -p")


def test_a_time_service_runs(host):
    assert host.service("chrony").is_running


@pytest.mark.parametrize("name", OTHERS)
def test_no_second_time_service_runs(host, name):
    assert not host.service(name).is_running


def test_a_time_service_starts_at_boot(host):
    assert host.service("chrony").is_enabled


@pytest.mark.parametrize("name", OTHERS)
def test_no_second_time_service_starts_at_boot(host, name):
    assert not host.service(name).is_enabled


def test_sources_now_are_the_sites(host, expected):
    lines = host.check_output("chronyc -c -N sources -a").splitlines()
    assert [line.split(",")[2] for line in lines] == expected["time_sources"]


def test_sources_after_boot_are_the_sites(configuration, expected):
    found = re.findall(r"^\s*(?:server|pool|peer|refclock)\s+(\S+)", configuration, re.MULTILINE)
    assert found == expected["time_sources"]
    assert "sourcedir" not in configuration


def test_chronyd_reads_its_own_configuration(host):
    for process in host.process.filter(comm="chronyd"):
        assert "-f" not in process.args.split()
    assert host.file("/etc/default/chrony").contains('^DAEMON_OPTS="-F 1"$')
