"""Kernel settings, with stock testinfra."""
# mypy: allow-untyped-defs, allow-untyped-calls

import fnmatch

import pytest

ONE_SETTING = {"net.ipv4.ip_forward": "net.ipv4.conf.all.forwarding"}


@pytest.fixture(scope="module")
def interfaces(host):
    return host.interface.names()


@pytest.fixture(scope="module")
def at_boot(host):
    """The assignments of systemd-sysctl in their order."""
    text = host.check_output("systemd-analyze cat-config sysctl.d")
    lines = [line.strip().removeprefix("-") for line in text.splitlines() if not line.startswith(("#", ";"))]
    return [
        (key.strip(), value.strip()) for key, _, value in (line.partition("=") for line in lines) if value
    ]


def each(key, interfaces):
    return [key.replace("*", name) for name in interfaces] if "*" in key else [key]


def test_kernel_setting_now(host, key, wanted, interfaces):
    for one in each(key, interfaces):
        assert host.sysctl(one) == wanted


def test_kernel_setting_at_boot(key, wanted, interfaces, at_boot):
    for one in each(key, interfaces):
        named = [value for name, value in at_boot if ONE_SETTING.get(name, name) == ONE_SETTING.get(one, one)]
        matching = [value for name, value in at_boot if fnmatch.fnmatchcase(one, name)]
        assert (named or matching)[-1] == str(wanted)
