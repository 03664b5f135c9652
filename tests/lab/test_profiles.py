"""A server and a client of Debian 13 without a site: right at once, after a second apply and a reboot.

Those of Debian 12, beside a whole site, are in test_site_job.py.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conftest import lab_name
from declaring import with_a_client
from judging import verdicts

from plumbline.apply import apply_hosts
from plumbline.lab import Lab
from plumbline.lab.containers import CANNOT_SHOW, NEEDS_SITE, amiss
from plumbline.policy.load import load_standard

PROFILES = {"srv-app-01": "server", "srv-hist-01": "client"}


@pytest.fixture(scope="module", params=["trixie"])
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A server and a client as delivered; the client is the second host without its services."""
    inventory = with_a_client(tmp_path_factory.mktemp("profiles"), "srv-hist-01")
    with Lab.up(lab_name(), hosts=2, flavour="delivered", release=request.param, inventory=inventory) as up:
        # Autorun is asked of servers only: on a client apply leaves this rule to a person.
        up.run("srv-hist-01", "rm /etc/udev/rules.d/99-usb-automount.rules")
        report = apply_hosts(up.inventory, list(PROFILES))
        assert report.exit_code == 0, report
        yield up


def judged(lab: Lab, host: str) -> dict[str, str]:
    return {name: str(found.verdict) for name, found in verdicts(lab, host).items()}


@pytest.mark.parametrize("host", PROFILES)
def test_hardened_it_is_right(lab: Lab, host: str) -> None:
    found = judged(lab, host)
    assert set(found) == set(load_standard().profiles[PROFILES[host]].controls)
    assert amiss(found) == {}
    unknown = {name for name, verdict in found.items() if verdict == "unknown"} - set(NEEDS_SITE)
    assert unknown == set(CANNOT_SHOW) & set(found)


def test_a_second_apply_changes_nothing_and_a_reboot_neither(lab: Lab) -> None:
    again = apply_hosts(lab.inventory, list(PROFILES))
    assert {host: again.host(host).changed for host in PROFILES} == {host: [] for host in PROFILES}
    for host in PROFILES:
        lab.reboot(host)
        assert amiss(judged(lab, host)) == {}


def test_administrators_still_get_in_and_packages_still_come(lab: Lab) -> None:
    for host in PROFILES:
        assert lab.run(host, "sudo -n id -u", user="operator").stdout.strip() == "0"
        assert lab.run(host, "id -un", user="plain").stdout.strip() == "plain"
        lab.run(
            host, "apt-get -q update && apt-get -q -s upgrade && apt-get -q -y install --reinstall nftables"
        )
