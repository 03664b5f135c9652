"""The visualisation and PostgreSQL on Debian 13: newer systemd, Xorg and PostgreSQL are read as rightly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import lab_name
from declaring import declare, declare_directory
from hardened import HOST, deploys_of, harden, sabotaged
from judging import not_passing, observed, verdicts
from kiosk import PACKAGES, UNIT, prepare, wait_for_application
from kiosk_sabotage import KEYS, ONLY, RELOAD, UNIT_D

from plumbline.lab import Lab

HBA = "/etc/postgresql/17/main/pg_hba.conf"
RULES = "/etc/postgresql/17/main/rules"
START = "database-users-in-directory:postgresql_rules_after_a_restart"
NOW = "database-users-in-directory:postgresql_rules_in_force"


@pytest.fixture(scope="module")
def deploys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deploys_of(tmp_path_factory.mktemp("trixie"), ["hmi"])


@pytest.fixture(scope="module")
def lab(deploys: Path) -> Iterator[Lab]:
    packages = (*PACKAGES, "mariadb-server", "postgresql")
    with Lab.up(lab_name(), hosts=1, flavour="clean", release="trixie", packages=packages) as up:
        prepare(up, HOST)
        harden(up, deploys)
        wait_for_application(up, HOST)
        yield up


def test_hardened_station_passes_and_a_second_apply_changes_nothing(lab: Lab, deploys: Path) -> None:
    assert not_passing(verdicts(lab, HOST, "hmi")) == set()
    assert harden(lab, deploys).changed == []


def test_wrongs_of_a_station_are_seen(lab: Lab) -> None:
    wrong = (
        f"mkdir -p {UNIT_D}; cd {UNIT_D}; "
        "printf '[Service]\\nExecStart=\\nExecStart=/usr/bin/sleep infinity\\n' >x.conf; "
        f"rm /etc/systemd/system/ctrl-alt-del.target; {RELOAD}; systemctl restart {UNIT}"
    )
    right = (
        f"rm {UNIT_D}/x.conf; ln -s /dev/null /etc/systemd/system/ctrl-alt-del.target; {RELOAD}; "
        f"systemctl restart {UNIT}"
    )
    with sabotaged(lab, wrong, right):
        assert not_passing(verdicts(lab, HOST, "hmi")) == {
            f"{ONLY}application_runs_now",
            f"{ONLY}application_starts_at_boot",
            f"{ONLY}nothing_else_runs",
            f"{KEYS}ctrl_alt_del_does_nothing_now",
            f"{KEYS}ctrl_alt_del_does_nothing_after_boot",
            f"?{KEYS}no_switch_to_a_console_now",
            f"?{KEYS}no_end_of_the_server_now",
        }
    wait_for_application(lab, HOST)


def test_included_rules_of_postgresql_17_are_followed(lab: Lab) -> None:
    declare_directory(lab)
    declare(lab, HOST, profile="server", kiosk=None)
    lab.run(
        HOST,
        f"set -e; mkdir {RULES}; cd {RULES}; "
        f"echo 'hostssl all all 10.0.0.0/8 gss' >1.conf; echo 'hostssl all all 10.1.0.0/16 md5' >2.conf; "
        f"echo 'hostssl all /^h all md5' >3.conf; "
        f"printf 'local all postgres peer\\ninclude_dir rules\\n' >{HBA}; chown -R postgres: {RULES}; "
        "systemctl reload postgresql@17-main",
    )
    results = verdicts(lab, HOST, "database")
    told = ["hostssl all /^h all md5 (/etc/postgresql/17/main/rules/3.conf:1)"]
    assert [list(observed(results, check)) for check in (NOW, START)] == [told, told]
    # The accounts of MariaDB 11.8 as packaged are the installation's own.
    assert "database-users-in-directory:mariadb_accounts" not in not_passing(results)
