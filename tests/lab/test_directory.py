"""Hosts in the lab's directory: joined, entered by its groups alone, and every way to loosen that is seen."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from conftest import lab_name
from directory_logons import Watch, by_password, by_ticket, files_with
from directory_sabotage import ALONE, HONOURED, LANES
from hardened import HOST, deploys_of
from judging import checks, failing, observed, verdicts
from lanes import rounds, tried

from plumbline.apply import ApplyReport, apply_hosts
from plumbline.evidence.collector import script
from plumbline.evidence.gather import gather, targets_of
from plumbline.lab import Lab
from plumbline.lab.site import directory
from plumbline.probes import SUBJECTS, all_probes
from plumbline.rooms import LAB_INVENTORY
from plumbline.secrets import variable_of
from plumbline.spec.load import load_inventory
from plumbline.verify.results import Verdict

CLIENT = "srv-hist-01"
APPLIED = ("accounts", "directory", "crypto", "session")
PROJECT = LAB_INVENTORY.parents[1]


@dataclass
class Joined:
    """The lab, the deploys its hosts were joined with, what that reported, and what was seen meanwhile."""

    lab: Lab
    deploys: Path
    report: ApplyReport
    watch: Watch

    def apply(self, *hosts: str) -> ApplyReport:
        """Apply the deploys again, to both hosts or to these, with the secret given by the environment."""
        return _applied(self.lab, self.deploys, hosts)

    def password(self, user: str) -> str:
        """Return a user's password."""
        return self.lab.secrets[f"directory.user.{user}"]


def _applied(lab: Lab, deploys: Path, hosts: Sequence[str] = ()) -> ApplyReport:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(variable_of("directory.join"), lab.secrets["directory.join"])
        report = apply_hosts(lab.inventory, hosts, deploys=deploys)
    assert {host.outcome for host in report.hosts} <= {"applied", "unchanged"}, report
    return report


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Joined]:
    """A server and a client, joined to the lab's directory together."""
    deploys = deploys_of(tmp_path_factory.mktemp("directory"), APPLIED)
    with Lab.up(lab_name(), hosts=2, flavour="clean", site=("directory",)) as lab:
        _make_client(lab)
        with Watch([lab.secrets["directory.join"]], b"--stdin-password") as watch:
            report = _applied(lab, deploys)
        yield Joined(lab, deploys, report, watch)


def _directory_is_back(lab: Lab) -> None:
    """Wait until the directory answers as it did."""
    host = lab.site_host("directory")
    while not directory.ready(host, lab.site):
        time.sleep(0.2)


def _make_client(lab: Lab) -> None:
    """Declare the second host a client station instead of a server."""
    for path in (lab.inventory / "systems").glob("*.yml"):
        system = yaml.safe_load(path.read_text())
        for host in system["hosts"]:
            if host["name"] == CLIENT:
                host |= {"profile": "client", "server_roles": [], "parameters": {}}
        path.write_text(yaml.safe_dump(system, sort_keys=False))


@pytest.fixture(scope="module")
def sabotaged(joined: Joined) -> dict[str, set[str]]:
    return tried(joined.lab, LANES, ALONE, ("directory", "accounts"))


def test_the_secret_was_nowhere_to_be_seen(joined: Joined, tmp_path: Path) -> None:
    lab, secret = joined.lab, joined.lab.secrets["directory.join"]
    assert joined.watch.seen > 0, "nobody saw the join run"
    assert joined.watch.found == []
    assert secret not in joined.report.model_dump_json()
    (gathered,) = gather(
        targets_of(load_inventory(lab.inventory), [HOST]), script(all_probes(subjects=SUBJECTS))
    )
    assert gathered.evidence is not None
    (tmp_path / "evidence").write_bytes(gathered.evidence.raw)
    disks = [host.directory / "upper" for host in lab.hosts]
    sources = [PROJECT / name for name in ("deploys", "inventories", "policies", "src", "tests", "docs")]
    assert files_with([secret], tmp_path, joined.deploys, lab.inventory, *disks, *sources) == []
    for host in lab.hosts:
        assert secret not in lab.run(host, "journalctl -q --no-pager -o export").stdout


def test_joined_hosts_pass(joined: Joined) -> None:
    for host in joined.lab.hosts:
        results = verdicts(joined.lab, host, *APPLIED)
        assert {name: found.observed for name, found in checks(results, Verdict.FAIL).items()} == {}
        assert {name: found.reason for name, found in checks(results, Verdict.UNKNOWN).items()} == {}


def test_a_second_apply_changes_nothing(joined: Joined) -> None:
    again = joined.apply()
    assert {host.host: host.operations for host in again.hosts} == {HOST: [], CLIENT: []}


@pytest.mark.parametrize("user", ["admin1", "user1"])
@pytest.mark.parametrize("number", [0, 1])
def test_groups_of_the_roles_log_on_by_password(joined: Joined, user: str, number: int) -> None:
    shown = by_password(
        joined.lab.hosts[number], user, joined.password(user), "id -un; stat -c %a ~; stat -c %U ~"
    )
    assert shown is not None
    assert shown.text.split() == [user, "700", user]


@pytest.mark.parametrize(
    "user",
    ["nobody1", "disabled1", "expired1", "engineer1", "operator1", "svc-app1"],
)
def test_others_of_the_directory_do_not(joined: Joined, user: str) -> None:
    assert by_password(joined.lab.hosts[0], user, joined.password(user)) is None


def test_a_local_account_does_not_by_password(joined: Joined) -> None:
    joined.lab.run(HOST, "useradd -m -s /bin/bash bob; chpasswd", input="bob:Local-passw0rd-of-bob\n")
    try:
        assert by_password(joined.lab.hosts[0], "bob", "Local-passw0rd-of-bob") is None
    finally:
        joined.lab.run(HOST, "userdel -r bob 2>/dev/null; [ ! -e /home/bob ]")


def test_by_ticket_as_by_password(joined: Joined) -> None:
    lab, host = joined.lab, joined.lab.hosts[0]
    assert by_ticket(lab, host, "admin1", joined.password("admin1")) == "admin1"
    assert by_ticket(lab, host, "nobody1", joined.password("nobody1")) is None


def test_a_key_of_one_s_own_opens_nothing(joined: Joined) -> None:
    lab, host = joined.lab, joined.lab.hosts[0]
    assert by_password(host, "admin1", joined.password("admin1")) is not None
    home = "~admin1/.ssh"
    lab.run(HOST, f"mkdir -p {home}; cp /root/.ssh/authorized_keys {home}/; chown -R admin1: {home}")
    try:
        assert host.entry.run("true", user="operator", check=False).returncode == 0
        assert host.entry.run("true", user="admin1", check=False).returncode == 255
    finally:
        lab.run(HOST, f"rm -r {home}")


def test_sudo_follows_the_group(joined: Joined) -> None:
    host = joined.lab.hosts[0]
    asked = "sudo -k; sudo -S -p '' id -un"
    admin = by_password(host, "admin1", joined.password("admin1"), asked)
    user = by_password(host, "user1", joined.password("user1"), asked)
    assert admin is not None
    assert (admin.status, admin.text) == (0, "root")
    assert user is not None
    assert user.status != 0
    without = by_password(host, "admin1", joined.password("admin1"), "sudo -k; sudo -n true")
    assert without is not None
    assert "a password is required" in without.text


@pytest.mark.parametrize("name", [name for one in rounds(LANES, ALONE) for name, _ in one.cases.values()])
def test_seen(sabotaged: dict[str, set[str]], name: str) -> None:
    cases = {**{name: case for lane in LANES.values() for name, case in lane.items()}, **ALONE}
    assert sabotaged[name] == cases[name].failing


@pytest.mark.usefixtures("sabotaged")
def test_while_the_directory_is_away_only_whom_it_remembers_gets_in(joined: Joined) -> None:
    lab, host = joined.lab, joined.lab.hosts[0]
    assert by_password(host, "admin1", joined.password("admin1")) is not None
    # A host that has seen nobody remembers nobody.
    lab.run(HOST, "systemctl stop sssd; rm -f /var/lib/sss/db/cache_*; systemctl start sssd")
    assert by_password(host, "admin1", joined.password("admin1")) is not None
    lab.run_site("directory", "systemctl stop samba-ad-dc")
    try:
        assert by_password(host, "admin1", joined.password("admin1")) is not None
        assert by_password(host, "admin1", "not-the-password") is None
        assert by_password(host, "user1", joined.password("user1")) is None
        results = verdicts(lab, HOST, "directory", "accounts")
        assert list(checks(results, Verdict.FAIL)) == []
        unknown = checks(results, Verdict.UNKNOWN)
        assert list(unknown) == [HONOURED]
        assert unknown[HONOURED].reason is not None
        assert "no domain controller said" in unknown[HONOURED].reason.en
    finally:
        lab.run_site("directory", "systemctl start samba-ad-dc")
        _directory_is_back(lab)


BROKEN = {
    HOST: ("user setpassword 'SRV-APP-01$' --random-password", "Preauthentication failed"),
    CLIENT: ("computer delete SRV-HIST-01", "not found in Kerberos database"),
}
"""What is done to a host's account in the directory, and what a controller says to the host then."""


@pytest.mark.usefixtures("sabotaged")
def test_a_broken_trust_is_seen_and_joined_anew_for_good(joined: Joined) -> None:
    lab = joined.lab
    for name, (wrong, said) in BROKEN.items():
        lab.run_site("directory", f"samba-tool {wrong}")
        results = verdicts(lab, name, "directory", "accounts")
        assert failing(results) == [HONOURED]
        assert said in observed(results, HONOURED)[0]
    lab.run(HOST, "systemctl -q disable --now sssd")
    lab.run(CLIENT, LANES["keys"]["keytab_of_another_realm"].wrong)
    for host in joined.apply().hosts:
        assert "directory: Join ad.ot.lab.test" in host.operations
    kept = "ls /var/lib/plumbline/replaced/etc"
    assert lab.run(CLIENT, kept).stdout.split() == ["krb5.keytab"]
    assert lab.reboot(HOST) == "running"
    for host in lab.hosts:
        assert failing(verdicts(lab, host, "directory", "accounts")) == []
        assert by_password(host, "admin1", joined.password("admin1")) is not None
