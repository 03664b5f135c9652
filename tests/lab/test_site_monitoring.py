"""The monitoring, seen from both sides: the manager gets its values, and each wrong of a host is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import lab_name
from declaring import declared_site
from hardened import HOST, deploys_of, harden, sabotaged
from judging import not_passing, observed, verdicts
from monitoring_sabotage import CONF, OLD, SERVERS, SNMP_CASES, SNMP_V2C, STATE, ZABBIX_CASES

from plumbline.lab import Lab
from plumbline.lab.site import monitoring
from plumbline.secrets import variable_of
from plumbline.spec.load import load_inventory
from plumbline.spec.watched import parameters

SYSNAME = ".1.3.6.1.2.1.1.5.0"


@pytest.fixture(scope="module")
def deploys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deploys_of(tmp_path_factory.mktemp("monitoring"), ["monitoring"])


@pytest.fixture(scope="module")
def lab(deploys: Path) -> Iterator[Lab]:
    with (
        Lab.up(lab_name(), hosts=1, flavour="clean", site=("monitoring",)) as up,
        pytest.MonkeyPatch.context() as env,
    ):
        for name, value in up.secrets.items():
            env.setenv(variable_of(name), value)
        assert harden(up, deploys).changed
        yield up


@pytest.fixture(scope="module")
def snmp(lab: Lab, deploys: Path) -> Lab:
    """The same lab, with SNMPv3 as the site's product; what is left of the other agent is taken away."""
    with declared_site(lab) as site:
        monitoring.declare_snmp(site, lab.site)
    lab.run(HOST, "apt-get -q -y purge zabbix-agent2; rm -rf /etc/zabbix")
    assert harden(lab, deploys).changed
    return lab


def asked(lab: Lab, command: str) -> tuple[int, str]:
    """Run one of the manager's programs against the host."""
    done = lab.run_site(
        "monitoring", f"timeout 10 {command} -t 0.5 -r 1 {lab.host(HOST).address} {SYSNAME}", check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_zabbix_is_applied_once_and_gives_its_server_a_value_over_tls(lab: Lab, deploys: Path) -> None:
    assert not_passing(verdicts(lab, HOST, "monitoring")) == set()
    assert harden(lab, deploys).changed == []
    assert zabbix_get(lab, "agent.hostname") == (0, HOST)


def test_zabbix_gives_nothing_unencrypted_and_runs_no_command(lab: Lab) -> None:
    plain = lab.run_site("monitoring", f"zabbix_get -s {lab.host(HOST).address} -k agent.ping", check=False)
    assert (plain.returncode, plain.stdout) != (0, "1\n")
    told = lab.run(HOST, "journalctl -u zabbix-agent2 -g 'cannot accept unencrypted' -o cat").stdout
    assert "cannot accept unencrypted connection" in told
    assert "Unknown metric system.run" in zabbix_get(lab, "system.run[id]")[1]


def zabbix_get(lab: Lab, key: str) -> tuple[int, str]:
    host = lab.host(HOST)
    return monitoring.zabbix_get(lab.site, lab.site_host("monitoring"), HOST, host.address, key)


def test_what_the_template_watches_of_every_host_has_a_value(lab: Lab) -> None:
    inventory = load_inventory(lab.inventory)
    _, spec = inventory.hosts()[HOST]
    watched = [each for each in parameters(inventory.site, spec) if each.kind in ("FLOAT", "UNSIGNED")]
    told = {each.key: zabbix_get(lab, each.key)[1] for each in watched if each.path is None}
    assert {key: value for key, value in told.items() if not value.replace(".", "").isdigit()} == {}


@pytest.mark.parametrize("name", ZABBIX_CASES)
def test_sabotage_of_zabbix_is_seen_by_its_checks_and_by_no_other(lab: Lab, name: str) -> None:
    wrong, right, expected = ZABBIX_CASES[name]
    with sabotaged(lab, wrong, right):
        assert not_passing(verdicts(lab, HOST, "monitoring")) == expected


def test_where_a_foreign_server_is_written_is_named(lab: Lab) -> None:
    wrong, right, _ = ZABBIX_CASES["foreign_server_may_ask"]
    with sabotaged(lab, wrong, right):
        assert observed(verdicts(lab, HOST, "monitoring"), SERVERS) == [f"192.0.2.9 (Server, {CONF}:9)"]


def test_zabbix_is_healed_by_apply_and_survives_a_reboot(lab: Lab, deploys: Path) -> None:
    lab.run(HOST, f"systemctl disable --now zabbix-agent2; echo 'TLSAccept=unencrypted' >>{CONF}")
    harden(lab, deploys)
    lab.reboot(HOST)
    assert not_passing(verdicts(lab, HOST, "monitoring")) == set()
    assert zabbix_get(lab, "agent.ping") == (0, "1")


def test_snmp_is_applied_once_and_answers_version_3_alone(snmp: Lab, deploys: Path) -> None:
    assert not_passing(verdicts(snmp, HOST, "monitoring")) == set()
    assert harden(snmp, deploys).changed == []
    status, told = asked(snmp, "snmpget")
    assert (status, HOST in told) == (0, True), told
    assert asked(snmp, "snmpget -l authNoPriv")[0] != 0
    assert asked(snmp, "snmpget -l noAuthNoPriv")[0] != 0
    assert asked(snmp, "snmpget -v 2c -c public")[0] != 0


@pytest.mark.parametrize("name", SNMP_CASES)
def test_sabotage_of_snmp_is_seen_by_its_checks_and_by_no_other(snmp: Lab, name: str) -> None:
    wrong, right, expected = SNMP_CASES[name]
    with sabotaged(snmp, wrong, right):
        assert not_passing(verdicts(snmp, HOST, "monitoring")) == expected


@pytest.mark.parametrize("name", SNMP_V2C)
def test_each_road_to_version_2c_is_seen_where_the_manager_gets_an_answer(snmp: Lab, name: str) -> None:
    wrong, right, expected = SNMP_V2C[name]
    with sabotaged(snmp, wrong, right):
        assert asked(snmp, "snmpget -v 2c -c public")[0] == 0
        assert not_passing(verdicts(snmp, HOST, "monitoring")) == expected


def test_no_community_and_no_passphrase_is_told(snmp: Lab) -> None:
    wrong, right, _ = SNMP_V2C["community_by_its_parts"]
    with sabotaged(snmp, wrong.replace("public", "very-secret"), right):
        told = observed(verdicts(snmp, HOST, "monitoring"), OLD)
    assert told
    assert "very-secret" not in " ".join(told)


def test_snmp_is_healed_by_apply_keeps_no_passphrase_and_survives_a_reboot(snmp: Lab, deploys: Path) -> None:
    wrong, _, _ = SNMP_CASES["weak_algorithms"]
    snmp.run(HOST, f"{wrong}; systemctl mask --now snmpd")
    harden(snmp, deploys)
    snmp.reboot(HOST)
    assert not_passing(verdicts(snmp, HOST, "monitoring")) == set()
    assert asked(snmp, "snmpget")[0] == 0
    assert snmp.run(HOST, f"grep -c ^usmUser {STATE}").stdout == "1\n"
    patterns = "\n".join(snmp.secrets.values()) + "\n"
    found = snmp.run(HOST, "grep -rlF -f /dev/stdin /etc /var /root /run /tmp", check=False, input=patterns)
    assert (found.returncode, found.stdout) == (1, "")
