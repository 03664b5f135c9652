"""The main job on booted hosts: delivered they fail by name; hardened and rebooted they pass; offline too."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import lab_name
from judging import verdicts

from plumbline.apply import apply_hosts
from plumbline.lab import Lab
from plumbline.lab.containers import CANNOT_SHOW, NEEDS_SITE, NOT_DELIVERED, amiss
from plumbline.policy.load import load_standard
from plumbline.rooms import COMPLIANCE
from plumbline.verify.results import Verdict

PROFILE = load_standard().profiles["server"].controls


UNSHOWN = {*CANNOT_SHOW, *NEEDS_SITE, *NOT_DELIVERED} & set(PROFILE)
"""What no container of a lab without the site passes, and for plain pytest is a failure."""
FAULTY = {
    "autorun-off",
    "idle-session-lock",
    "unlock-needs-authentication",
    "single-interface",
    "ipv4-only",
    "static-address",
    "no-routing",
    "no-forwarding",
    "unused-interfaces-down",
    "time-from-site",
    "firewall-enabled",
    "firewall-as-matrix",
    "antivirus-running",
    "antivirus-signatures-current",
    "ssh-algorithms",
    "keys-strong",
    "tls-strong",
}
"""What the faults of a careless supplier, and stock Debian, break; the rest stock Debian meets by itself."""


def plumb(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:  # noqa: ANN401
    """Run the command as a person would."""
    command = [sys.executable, "-m", "plumbline", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Two hosts: the first is hardened and rebooted, the second stays as delivered."""
    with Lab.up(lab_name(), hosts=2, flavour="delivered") as lab:
        yield lab


@pytest.fixture(scope="module")
def hardened(lab: Lab) -> str:
    """The first host's name, hardened and booted anew."""
    name = lab.hosts[0].name
    report = apply_hosts(lab.inventory, [name])
    assert report.exit_code == 0, report
    lab.reboot(name)
    return name


@pytest.fixture(scope="module")
def evidence(lab: Lab, hardened: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Evidence of the hardened host, collected over SSH."""
    file = tmp_path_factory.mktemp("evidence") / "collected.json"
    done = plumb("collect", hardened, "-i", lab.inventory, "-o", file)
    assert done.returncode == 0, done.stderr
    return file


def told(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def said(report: dict[str, Any]) -> list[Any]:
    """Return a report's verdicts without what differs between two runs: times, and where evidence lay."""
    return [
        (
            control["control"],
            [(check["check"], check["verdict"], check["observed"]) for check in control["checks"]],
        )
        for host in report["hosts"]
        for control in host["controls"]
    ]


def test_host_as_delivered_fails_by_name(lab: Lab) -> None:
    controls = verdicts(lab, lab.hosts[1].name)
    assert set(controls) == set(PROFILE)
    judged = {name: control.verdict for name, control in controls.items()}
    # Without an antivirus there is nothing to read exclusions of; that is unknown, not good.
    assert judged["antivirus-exclusions-approved"] is Verdict.UNKNOWN
    assert {judged[name] for name in FAULTY} == {Verdict.FAIL}


def test_every_failure_is_told_in_full(lab: Lab) -> None:
    for control in verdicts(lab, lab.hosts[1].name).values():
        assert control.remedy.en
        assert control.remedy.sk
        assert control.meets
        for check in control.checks:
            assert check.title.en != check.title.sk
            assert check.verdict is not Verdict.FAIL or check.observed
            judged = check.verdict not in (Verdict.UNKNOWN, Verdict.NOT_APPLICABLE)
            # What the specification alone decides rests on no probe.
            assert not judged or check.probes or check.verdict is Verdict.PASS


def test_hardened_host_passes_every_control_after_a_reboot(lab: Lab, hardened: str) -> None:
    done = plumb("check", hardened, "-i", lab.inventory, "--format", "json")
    (host,) = told(done)["hosts"]
    judged = {control["control"]: control["verdict"] for control in host["controls"]}
    assert set(judged) == set(PROFILE)
    assert amiss(judged) == {}
    assert judged["firewall-as-matrix"] == "pass"


def test_second_apply_changes_nothing(lab: Lab, hardened: str) -> None:
    done = plumb("apply", hardened, "-i", lab.inventory, "--yes")
    assert done.returncode == 0, done.stderr
    assert "0 changed" in done.stdout


def test_checking_changes_nothing_on_the_host(lab: Lab, hardened: str) -> None:
    mark = "/run/before-the-check"
    lab.run(hardened, f"touch {mark}; sync")
    assert plumb("check", hardened, "-i", lab.inventory).returncode == 2
    places = "/etc /usr /opt /srv /var/lib /root /home"
    # sshd and systemd note each login there, whoever logs in.
    logins = "-path /var/lib/systemd -o -path /var/lib/chrony -o -path /var/lib/clamav"
    changed = lab.run(hardened, f"find {places} \\( {logins} \\) -prune -o -newer {mark} -type f -print")
    assert changed.stdout.strip() == ""


@pytest.mark.parametrize("shell", ["dash", "busybox sh", "bash --posix"])
def test_collector_by_hand_gives_the_same_verdicts(
    lab: Lab, hardened: str, shell: str, tmp_path: Path
) -> None:
    live = plumb("check", hardened, "-i", lab.inventory, "--format", "json")
    script = plumb("collector", "linux")
    assert script.returncode == 0
    lab.run(hardened, "cat > /run/collect.sh", input=script.stdout)
    file = tmp_path / "by-hand.json"
    file.write_text(lab.run(hardened, f"cd /run && {shell} collect.sh").stdout, encoding="utf-8")
    offline = plumb("check", "-i", lab.inventory, "--evidence", file, "--format", "json")
    assert offline.returncode == live.returncode == 2, offline.stderr
    assert said(told(offline)) == said(told(live))


def test_offline_host_as_delivered_fails_as_live(lab: Lab, tmp_path: Path) -> None:
    name = lab.hosts[1].name
    done = plumb("check", name, "-i", lab.inventory, "--format", "json", "--save", tmp_path)
    offline = plumb(
        "check", "-i", lab.inventory, "--evidence", tmp_path / f"{name}.evidence.json", "--format", "json"
    )
    assert (done.returncode, offline.returncode) == (2, 2)
    assert said(told(offline)) == said(told(done))


def test_plain_pytest_judges_as_plumb_check_does(lab: Lab, evidence: Path) -> None:
    arguments = [
        COMPLIANCE,
        "--inventory",
        lab.inventory,
        "--evidence",
        evidence,
        "-q",
        "-p",
        "no:cacheprovider",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    failed = re.findall(r"^FAILED \S+\[srv-app-01-([a-z0-9-]+)\]", done.stdout, re.MULTILINE)
    assert set(failed) == UNSHOWN, done.stdout[-2000:]
    assert " passed" in done.stdout
    assert " warning" not in done.stdout


def test_plain_pytest_without_evidence_says_what_is_missing() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", str(COMPLIANCE), "-q", "-p", "no:cacheprovider"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "say whom to check" in done.stdout + done.stderr


DAMAGES = {
    "truncated": lambda raw: raw[: len(raw) // 2],
    "last_line_missing": lambda raw: raw[: raw.rstrip().rfind(b"\n")],
    "empty": lambda _: b"",
    "not_json": lambda _: b"uname -a: Linux\n",
    "json_but_no_evidence": lambda _: b'{"hello": "world"}\n',
    "json_but_a_list": lambda _: b"[]\n",
    "binary": lambda _: bytes(range(256)) * 64,
    "huge": lambda raw: raw[:-2] + b" " * (4 * 1024 * 1024) + raw[-2:],
    "changed_after_collection": lambda raw: raw.replace(b'"exit":0', b'"exit":1', 1),
    "one_character_changed": lambda raw: raw[:-90] + bytes([raw[-90] ^ 1]) + raw[-89:],
    "two_of_them_in_one_file": lambda raw: raw + raw,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_evidence_never_passes(lab: Lab, evidence: Path, damage: str, tmp_path: Path) -> None:
    file = tmp_path / "damaged.json"
    file.write_bytes(DAMAGES[damage](evidence.read_bytes()))  # type: ignore[no-untyped-call]
    done = plumb("check", "-i", lab.inventory, "--evidence", file, "--format", "json")
    assert done.returncode == 4
    assert "Traceback" not in done.stderr + done.stdout
    (host,) = told(done)["hosts"]
    assert host["problem"]["en"]
    assert host["controls"] == []


def test_evidence_of_another_host_proves_nothing(lab: Lab, evidence: Path) -> None:
    done = plumb("check", lab.hosts[1].name, "-i", lab.inventory, "--evidence", evidence, "--format", "json")
    assert done.returncode == 4
    assert all(not host["controls"] for host in told(done)["hosts"])


def test_evidence_twice_is_named_and_counts_once(lab: Lab, evidence: Path, tmp_path: Path) -> None:
    second = tmp_path / "again.json"
    second.write_bytes(evidence.read_bytes())
    done = plumb("check", "-i", lab.inventory, "--evidence", evidence, second, "--format", "json")
    assert done.returncode == 4
    assert sorted(bool(host["controls"]) for host in told(done)["hosts"]) == [False, True]


def test_unsigned_evidence_is_refused_where_trust_is_asked(lab: Lab, evidence: Path, tmp_path: Path) -> None:
    key, public = tmp_path / "key.pem", tmp_path / "public.pem"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    subprocess.run(["openssl", "rsa", "-in", key, "-pubout", "-out", public], check=True, capture_output=True)
    arguments = ["check", "-i", lab.inventory, "--evidence", evidence, "--trust", public]
    assert plumb(*arguments).returncode == 4
    assert plumb("evidence", "sign", evidence, "--key", key).returncode == 0
    assert plumb(*arguments).returncode == 2


def test_one_host_out_of_reach_does_not_stop_the_other(lab: Lab, hardened: str, tmp_path: Path) -> None:
    gone = lab.hosts[1].name
    inventory = tmp_path / "inventory"
    subprocess.run(["cp", "-a", lab.inventory, inventory], check=True)
    connection = inventory / "connection.yml"
    network = lab.hosts[0].address
    nobody = ".".join([*str(network).split(".")[:3], "250"])
    text = connection.read_text(encoding="utf-8")
    assert "addresses" not in text
    connection.write_text(f"{text}\naddresses: {{{gone}: {nobody}}}\n", encoding="utf-8")
    done = plumb("check", "-i", inventory, "--format", "json")
    assert done.returncode == 4
    by_name = {host["host"]: host for host in told(done)["hosts"]}
    assert nobody in by_name[gone]["problem"]["en"]
    judged = {control["control"]: control["verdict"] for control in by_name[hardened]["controls"]}
    assert judged
    assert amiss(judged) == {}
