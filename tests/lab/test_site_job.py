"""The whole job beside a whole site: a server and a client as delivered come to owe nothing, and work."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import lab_name
from declaring import with_a_client
from directory_logons import Watch, by_password, by_ticket, files_with
from site_services_sabotage import FOLLOWED

from plumbline.apply import ApplyReport, Records, apply_hosts
from plumbline.lab import Lab
from plumbline.lab.containers import CANNOT_SHOW, NOT_DELIVERED, verdicts_of
from plumbline.lab.site import monitoring
from plumbline.lab.site.log import COLLECTED
from plumbline.lab.site.servers import MODULES
from plumbline.policy.load import load_standard
from plumbline.rooms import LAB_INVENTORY

SERVER, CLIENT = "srv-app-01", "srv-hist-01"
PROFILES = {SERVER: "server", CLIENT: "client"}
UNSERVED = {SERVER: ["opcua-clients: tcp 4840"], CLIENT: ["history: tcp 5432"]}
"""Rows for the supplier's own applications, which nobody has put there."""

PROJECT = LAB_INVENTORY.parents[1]
KEYS = "etc/chrony/chrony.keys"
SECONDS = 60.0


@dataclass
class Job:
    """A lab whose hosts were hardened whole, what was seen meanwhile, and where all that is written lies."""

    lab: Lab
    report: ApplyReport
    watch: Watch
    written: Path

    def check(self, name: str) -> dict[str, dict[str, str]]:
        """Run `plumb check`; return the verdicts of each host's controls, and keep all it can write."""
        kept = self.written / name
        kept.mkdir()
        options = {"save": "evidence", "json": "report.json", "html": "report.html", "junit": "report.xml"}
        done = subprocess.run(
            [sys.executable, "-m", "plumbline", "check", "-i", str(self.lab.inventory)]
            + [word for option, file in options.items() for word in (f"--{option}", str(kept / file))],
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 2, done.stderr
        (kept / "said").write_text(done.stdout + done.stderr)
        return verdicts_of(kept / "report.json")


def _applied(lab: Lab, written: Path) -> ApplyReport:
    """Apply all there is, guarded, with the secrets given by the environment; keep plan and record."""

    def keep(plan: ApplyReport) -> bool:
        (written / "plan.json").write_text(plan.model_dump_json())
        return True

    with pytest.MonkeyPatch.context() as patched:
        for variable, secret in lab.secret_variables.items():
            patched.setenv(variable, secret)
        report = apply_hosts(lab.inventory, confirm=keep, record=Records(written / "history"))
    (written / "applied.json").write_text(report.model_dump_json())
    return report


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    written = tmp_path_factory.mktemp("job")
    inventory = with_a_client(tmp_path_factory.mktemp("declared"), CLIENT)
    site = tuple(MODULES)
    with Lab.up(lab_name(), hosts=2, flavour="delivered", site=site, inventory=inventory) as lab:
        # Autorun is asked of servers only: on a client apply leaves this rule to a person.
        lab.run(CLIENT, "rm /etc/udev/rules.d/99-usb-automount.rules")
        with Watch(list(lab.secrets.values()), b"--stdin-password") as watch:
            report = _applied(lab, written)
        yield Job(lab, report, watch, written)


@pytest.fixture(scope="module")
def hardened(job: Job) -> dict[str, dict[str, str]]:
    """The verdicts right after the first apply: nothing is waited for, nor done by hand."""
    assert {host.host: (host.outcome, host.problem) for host in job.report.hosts} == dict.fromkeys(
        PROFILES, ("applied", None)
    )
    return job.check("first")


def _wait(what: str, is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < until, f"after {SECONDS:g} s still not: {what}"
        time.sleep(0.2)


@pytest.mark.parametrize("host", PROFILES)
def test_it_owes_nothing_but_what_no_container_shows_and_the_supplier_s_applications(
    job: Job, hardened: dict[str, dict[str, str]], host: str
) -> None:
    held = set(load_standard().profiles[PROFILES[host]].controls)
    assert set(hardened[host]) == held
    wanting = {name: found for name, found in hardened[host].items() if found in ("fail", "unknown")}
    assert wanting == dict.fromkeys(held.intersection(CANNOT_SHOW), "unknown") | dict.fromkeys(
        NOT_DELIVERED, "fail"
    )
    reported = json.loads((job.written / "first/report.json").read_text())["hosts"]
    (rows,) = [
        check["observed"]
        for told in reported
        if told["host"] == host
        for control in told["controls"]
        if control["control"] in NOT_DELIVERED
        for check in control["checks"]
        if check["verdict"] == "fail"
    ]
    assert rows == UNSERVED[host]


@pytest.mark.usefixtures("hardened")
def test_a_second_apply_changes_nothing(job: Job) -> None:
    assert {host.host: host.operations for host in _applied(job.lab, job.written).hosts} == {
        SERVER: [],
        CLIENT: [],
    }


def test_after_a_reboot_every_verdict_is_the_same(job: Job, hardened: dict[str, dict[str, str]]) -> None:
    with ThreadPoolExecutor() as pool:
        assert list(pool.map(job.lab.reboot, PROFILES)) == ["running", "running"]
    for name in PROFILES:
        # Until then nobody can say whether time is followed; the agent may have come before the address.
        job.lab.run(name, f"{FOLLOWED}; until ss -Hltn | grep -q :10050; do sleep 0.2; done")
    assert job.check("rebooted") == hardened


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.usefixtures("hardened")
def test_people_of_the_directory_get_in_and_sudo_follows_their_group(job: Job, name: str) -> None:
    host, password = job.lab.host(name), job.lab.secrets.__getitem__
    asked = "id -un; sudo -k; sudo -S -p '' id -un"
    admin = by_password(host, "admin1", password("directory.user.admin1"), asked)
    user = by_password(host, "user1", password("directory.user.user1"), asked)
    assert admin is not None
    assert (admin.status, admin.text.split()) == (0, ["admin1", "root"])
    assert user is not None
    assert (user.status, user.text.split()[0]) == (1, "user1")
    for stranger in ("nobody1", "disabled1"):
        assert by_password(host, stranger, password(f"directory.user.{stranger}")) is None
    assert by_ticket(job.lab, host, "admin1", password("directory.user.admin1")) == "admin1"
    assert by_ticket(job.lab, host, "nobody1", password("directory.user.nobody1")) is None
    assert job.lab.run(name, "sudo -n id -u", user="operator").stdout.strip() == "0"


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.usefixtures("hardened")
def test_an_event_is_at_the_collector_once(job: Job, name: str) -> None:
    def arrived(tag: str) -> int:
        found = job.lab.run_site("log", f"grep -c ' {tag} .*- - of the job' {COLLECTED}/{name}.log || :")
        return int(found.stdout or 0)

    for tag in ("marked", "afterwards"):
        job.lab.run(name, f"logger -t {tag} of the job")
        _wait(f"the event {tag} is at the collector", lambda tag=tag: arrived(tag) > 0)  # type: ignore[misc]
    assert arrived("marked") == 1


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.usefixtures("hardened")
def test_the_manager_gets_a_value(job: Job, name: str) -> None:
    manager, host = job.lab.site_host("monitoring"), job.lab.host(name)
    told = monitoring.zabbix_get(job.lab.site, manager, name, host.address, "agent.hostname")
    assert told == (0, name)


# Put together on the host, so that it never stands in a command line or a file here.
EICAR = r"printf '%s%s' 'X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-' 'ANTIVIRUS-TEST-FILE!$H+H*'"


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.usefixtures("hardened")
def test_the_antivirus_detects_by_signatures_of_the_mirror(job: Job, name: str) -> None:
    """What freshclam fetches goes through the host's own firewall, by the row for updates."""
    job.lab.run(name, "rm /var/lib/clamav/lab.hdb; systemctl restart clamav-freshclam")
    _wait(
        "freshclam has fetched", lambda: job.lab.host(name).root.joinpath("var/lib/clamav/lab.hdb").exists()
    )
    found = job.lab.run(name, f"{EICAR} | clamdscan --no-summary -", check=False)
    assert found.returncode == 1
    assert found.stdout.endswith(" FOUND\n")


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.usefixtures("hardened")
def test_time_is_followed_packages_come_and_the_relay_answers(job: Job, name: str) -> None:
    sources = job.lab.run(name, "chronyc -c -n sources").stdout.splitlines()
    assert [line.split(",")[1:3] for line in sources] == [["*", str(job.lab.site.address("time"))]]
    job.lab.run(name, "apt-get -q update && apt-get -q -y install --reinstall nftables")
    relay = f"{job.lab.site.name('mail')}:587"
    tls = f"openssl s_client -connect {relay} -starttls smtp -CAfile /etc/rsyslog.d/plumbline/issuers.pem"
    assert "Verify return code: 0 (ok)" in job.lab.run(name, f"{tls} </dev/null 2>&1").stdout


@pytest.mark.usefixtures("hardened")
def test_no_secret_is_left_or_shown_anywhere_but_the_key_where_its_daemon_reads_it(job: Job) -> None:
    lab = job.lab
    secrets = list(lab.secrets.values())
    assert job.watch.seen > 0, "nobody saw the join run"
    assert job.watch.found == []
    history = job.written / "history"
    assert any(history.rglob("*.json*")), list(history.rglob("*"))
    sources = [PROJECT / name for name in ("deploys", "inventories", "policies", "src", "tests", "docs")]
    public = [path for path in lab.inventory.rglob("*") if path.is_file()]
    assert files_with(secrets, job.written, *public, *sources) == []
    for host in lab.hosts:
        mounted = [host.root / place for place in ("opt", "srv", "var/log")]
        upper = host.directory / "upper"
        assert files_with(secrets, upper, *mounted) == [str(upper / KEYS)]
        others = [secret for name, secret in lab.secrets.items() if not name.startswith("time.key.")]
        assert files_with(others, upper / KEYS) == []
        journal = lab.run(host, "journalctl -q --no-pager -o export").stdout
        processes = lab.run(host, "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null; :").stdout
        assert [secret for secret in secrets if secret in journal or secret in processes] == []
