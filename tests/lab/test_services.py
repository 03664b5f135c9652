"""Services on a booted host: whatever runs, listens or serves beside the declared is seen, and named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import lab_name
from hardened import HOST, deploys_of, harden
from judging import checks, observed, verdicts
from services_sabotage import LISTEN, LISTENERS, NOT_TOLD, SEEN, WRONG

from plumbline.evidence.collector import script
from plumbline.evidence.gather import gather, targets_of
from plumbline.lab import Lab
from plumbline.probes import all_probes
from plumbline.spec.load import load_inventory
from plumbline.verify.results import ControlResult, Verdict

HARDENED = "hardened"
DECLARED = (
    "useradd --system --shell /usr/sbin/nologin svc-opcua; "
    "printf '[Service]\\nUser=svc-opcua\\nExecStart=/opt/listen tcp 4840\\n[Install]\\n"
    "WantedBy=multi-user.target\\n' >/etc/systemd/system/opcua-server.service; systemctl daemon-reload; "
    "systemctl -q enable --now opcua-server; "
    "until ss -Hltn 'sport = :4840' | grep -q .; do :; done"
)
"""The service that the specification declares, as it declares it."""

Results = dict[str, ControlResult]


@pytest.fixture(scope="module")
def deploys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deploys_of(tmp_path_factory.mktemp("services"), ["services"])


@pytest.fixture(scope="module")
def lab(deploys: Path) -> Iterator[Lab]:
    with Lab.up(lab_name(), hosts=1, flavour="clean") as up:
        harden(up, deploys)
        up.snapshot(HOST, HARDENED)
        yield up


@pytest.fixture(scope="module")
def wrong(lab: Lab) -> Results:
    """The host with everything wrong at once, judged."""
    lab.run(HOST, LISTENERS, input=LISTEN)
    lab.run(HOST, WRONG)
    return verdicts(lab, HOST, "services")


def not_passing(results: Results) -> dict[str, object]:
    """Return what failed or is unknown, with what was observed."""
    failed = {name: list(check.observed) for name, check in checks(results, Verdict.FAIL).items()}
    return {**failed, **{name: check.reason for name, check in checks(results, Verdict.UNKNOWN).items()}}


def test_hardened_host_with_its_declared_service_passes(lab: Lab) -> None:
    lab.run(HOST, LISTENERS, input=LISTEN)
    lab.run(HOST, DECLARED)
    assert not_passing(verdicts(lab, HOST, "services")) == {}
    lab.run(HOST, "systemctl -q disable --now opcua-server; rm /etc/systemd/system/opcua-server.service")
    lab.run(HOST, "userdel svc-opcua; rm -r /opt/*; systemctl daemon-reload")
    assert not_passing(verdicts(lab, HOST, "services")) == {}


@pytest.mark.parametrize(("check", "told"), SEEN.values(), ids=SEEN)
def test_seen(wrong: Results, check: str, told: str) -> None:
    assert wrong[check.partition(":")[0]].verdict is Verdict.FAIL
    assert told in "\n".join(observed(wrong, check))


def test_what_starts_nothing_else_is_not_told(wrong: Results) -> None:
    told = "\n".join(line for result in wrong.values() for check in result.checks for line in check.observed)
    assert [part for part in NOT_TOLD if part in told] == []


def test_every_control_fails_and_nothing_is_unknown(wrong: Results) -> None:
    assert {result.verdict for result in wrong.values()} == {Verdict.FAIL}
    assert checks(wrong, Verdict.UNKNOWN) == {}


@pytest.mark.usefixtures("wrong")
def test_no_secret_is_in_the_evidence(lab: Lab) -> None:
    probes = all_probes(subjects=["services"])
    (gathered,) = gather(targets_of(load_inventory(lab.inventory), [HOST]), script(probes))
    assert gathered.evidence is not None
    printed = "".join(gathered.evidence.output(probe).text for probe in probes)
    assert "DB_PASSWORD" in printed
    assert "hunter2" not in printed


@pytest.mark.usefixtures("wrong")
def test_apply_takes_away_unencrypted_servers_and_passwords_and_leaves_the_rest(
    lab: Lab, deploys: Path
) -> None:
    changed = {change.operation for change in harden(lab, deploys).changed}
    assert "Lock the password of games" in changed
    results = verdicts(lab, HOST, "services")
    assert "cleartext-protocols-absent:no_unencrypted_server_is_installed" not in checks(
        results, Verdict.FAIL
    )
    passwords = observed(results, "service-accounts-no-logon:accounts_of_services_have_no_password")
    assert ["svc-opcua" in line for line in passwords] == [True]
    running = observed(results, "services-required-only:only_needed_services_run_now")
    assert "history.service (/etc/systemd/system/history.service): running" in running
    assert harden(lab, deploys).changed == []


@pytest.mark.usefixtures("wrong")
def test_put_right_and_rebooted_it_passes(lab: Lab) -> None:
    lab.reset(HOST, HARDENED)
    assert not_passing(verdicts(lab, HOST, "services")) == {}


def test_debian_13_passes_and_what_is_wrong_is_seen(deploys: Path) -> None:
    with Lab.up(lab_name(), hosts=1, flavour="clean", release="trixie") as lab:
        harden(lab, deploys)
        assert not_passing(verdicts(lab, HOST, "services")) == {}
        lab.run(HOST, LISTENERS, input=LISTEN)
        lab.run(
            HOST,
            "systemd-run -q --unit=own -p User=nobody /opt/vsftpd tcp 2121; "
            "until ss -Hltn 'sport = :2121' | grep -q .; do :; done",
        )
        told = not_passing(verdicts(lab, HOST, "services"))
        assert set(told) == {
            "services-required-only:only_needed_services_run_now",
            "listening-declared:only_declared_ports_are_open",
            "cleartext-protocols-absent:no_unencrypted_server_runs",
        }, told
