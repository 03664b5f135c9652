"""Cryptography on a booted host: each way to something weaker is seen, and hardening shuts nobody out."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest
from conftest import lab_name
from crypto_roads import ROADS
from crypto_sabotage import SABOTAGES as USUAL
from crypto_sabotage import STRONG, Sabotage, certificate, pem_of_key, put
from hardened import HOST, deploys_of, harden, sabotaged
from judging import not_passing, observed, verdicts

from plumbline.apply import apply_hosts
from plumbline.lab import Lab
from plumbline.rooms import LAB_INVENTORY
from plumbline.verify.results import ControlResult, Verdict

SABOTAGES: dict[str, Sabotage] = USUAL | ROADS
DROP_IN = "/etc/ssh/sshd_config.d/00-plumbline-crypto.conf"
CONTAINER = {
    "?classified-data-encrypted:classified_data_lies_on_encrypted_volumes_now",
    "?classified-data-encrypted:classified_data_will_lie_on_encrypted_volumes",
    "?classified-data-encrypted:swap_is_encrypted_where_data_is_classified",
    "?classified-data-encrypted:volumes_of_classified_data_are_encrypted_as_accepted",
}
"""What a container cannot show of its disks."""


@pytest.fixture(scope="module")
def deploys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deploys_of(tmp_path_factory.mktemp("crypto"), ["crypto"])


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The worked example, with data that is classified."""
    copied = tmp_path_factory.mktemp("inventory") / "lab"
    shutil.copytree(LAB_INVENTORY, copied)
    system = copied / "systems/heating.yml"
    declared = system.read_text()
    told = "holds: application}"
    assert declared.count(told) == 1
    system.write_text(declared.replace(told, "holds: application, classification: confidential}"))
    return copied


@pytest.fixture(scope="module")
def lab(deploys: Path, inventory: Path) -> Iterator[Lab]:
    with Lab.up(lab_name(), hosts=1, flavour="clean", inventory=inventory) as up:
        harden(up, deploys)
        yield up


def judged(lab: Lab) -> dict[str, ControlResult]:
    return verdicts(lab, HOST, "crypto")


@pytest.fixture(scope="module")
def sabotaged_at_once(lab: Lab) -> dict[str, ControlResult]:
    """Make the host wrong in all ways, judge it once, and put it right again."""
    wrong = "; ".join(each.wrong for each in SABOTAGES.values())
    right = "; ".join(each.right for each in reversed(SABOTAGES.values()))
    with sabotaged(lab, wrong, right):
        return judged(lab)


def test_hardened_host_passes(lab: Lab) -> None:
    assert not_passing(judged(lab)) == CONTAINER


@pytest.mark.parametrize("name", SABOTAGES)
def test_seen(sabotaged_at_once: dict[str, ControlResult], name: str) -> None:
    sabotage = SABOTAGES[name]
    found = observed(sabotaged_at_once, sabotage.check)
    assert [line for line in found if line.startswith(sabotage.seen)], found
    assert sabotaged_at_once[sabotage.check.partition(":")[0]].verdict is Verdict.FAIL


def test_right_again_passes(lab: Lab) -> None:
    assert not_passing(judged(lab)) == CONTAINER


def test_running_sshd_keeps_what_the_file_no_longer_says(lab: Lab) -> None:
    greeted = "timeout 5 ssh -vv -F none -o KexAlgorithms=diffie-hellman-group1-sha1 127.0.0.1 2>&1"
    wrong = (
        f"cp {DROP_IN} /root/kept; echo 'Ciphers aes128-ctr' >{DROP_IN}; systemctl reload ssh; "
        f"timeout 30 sh -c 'until {greeted} | grep -q \"ciphers ctos: aes128-ctr\"; do :; done'; "
        f"cp /root/kept {DROP_IN}"
    )
    with sabotaged(lab, wrong, "systemctl reload ssh"):
        assert not_passing(judged(lab)) - CONTAINER == {
            "ssh-algorithms:running_ssh_offers_accepted_ciphers",
            "ssh-algorithms:running_ssh_offers_accepted_macs",
            "ssh-algorithms:running_ssh_signs_as_accepted",
        }


def test_certificate_of_an_authority_is_not_the_host_s(lab: Lab) -> None:
    authority = put("/etc/ssl/site-authority.pem", certificate(STRONG, days=7300), "644")
    with sabotaged(lab, authority, "rm /etc/ssl/site-authority.pem"):
        assert not_passing(judged(lab)) == CONTAINER


def test_certificate_that_was_followed_by_another_may_have_ended(lab: Lab) -> None:
    wrong = "; ".join(
        (
            put("/etc/plc/x.key", pem_of_key(STRONG)),
            put("/etc/plc/1.crt", certificate(STRONG, ended=True), "644"),
            put("/etc/plc/2.crt", certificate(STRONG), "644"),
        )
    )
    with sabotaged(lab, wrong, "rm -r /etc/plc"):
        assert not_passing(judged(lab)) == CONTAINER


def test_key_that_nobody_can_read_is_not_known(lab: Lab) -> None:
    wrong = "mkdir /etc/plc; openssl genpkey -algorithm RSA -aes-256-cbc -pass pass:x -out /etc/plc/x.key"
    with sabotaged(lab, f"{wrong} 2>/dev/null", "rm -r /etc/plc"):
        assert not_passing(judged(lab)) - CONTAINER == {"?keys-strong:private_keys_on_disk_are_strong"}


def test_java_s_policy_is_not_known(lab: Lab) -> None:
    wrong = put("/etc/java-17-openjdk/security/java.security", "jdk.tls.disabledAlgorithms=SSLv3\n", "644")
    with sabotaged(lab, wrong, "rm -r /etc/java-17-openjdk"):
        assert not_passing(judged(lab)) - CONTAINER == {"?tls-strong:java_is_judged"}


def test_media_are_taken_where_data_is_classified(lab: Lab) -> None:
    kept = "/etc/modprobe.d/00-plumbline-crypto.conf"
    with sabotaged(lab, f"mv {kept} /root/modules", f"mv /root/modules {kept}"):
        name = "classified-data-encrypted:media_for_classified_data_are_refused_or_encrypted"
        assert not_passing(judged(lab)) - CONTAINER == {name}


def test_second_apply_changes_nothing_and_a_reboot_keeps_it(lab: Lab, deploys: Path) -> None:
    assert harden(lab, deploys).changed == []
    lab.reboot(HOST)
    assert not_passing(judged(lab)) == CONTAINER


@pytest.mark.parametrize("user", ["root", "operator", "plain"])
def test_everybody_still_gets_in(lab: Lab, user: str) -> None:
    assert lab.run(HOST, "id -un", user=user).stdout == f"{user}\n"


def test_paramiko_as_it_comes_gets_in(lab: Lab) -> None:
    with paramiko.SSHClient() as client:
        client.load_host_keys(str(lab.place.known_hosts))
        client.connect(
            str(lab.host(HOST).address),
            username="root",
            key_filename=str(lab.place.key),
            allow_agent=False,
            look_for_keys=False,
        )
        _, printed, _ = client.exec_command("echo in")
        assert printed.read() == b"in\n"


# What ssh 8.4 proposes by itself (Debian 11, ssh -G), as far as it bears on agreeing.
OPENSSH_8_4 = {
    "KexAlgorithms": "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,"
    "ecdh-sha2-nistp521,diffie-hellman-group-exchange-sha256,diffie-hellman-group16-sha512,"
    "diffie-hellman-group18-sha512,diffie-hellman-group14-sha256",
    "Ciphers": "chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr,aes128-gcm@openssh.com,"
    "aes256-gcm@openssh.com",
    "MACs": "umac-64-etm@openssh.com,umac-128-etm@openssh.com,hmac-sha2-256-etm@openssh.com,"
    "hmac-sha2-512-etm@openssh.com,hmac-sha1-etm@openssh.com,umac-64@openssh.com,umac-128@openssh.com,"
    "hmac-sha2-256,hmac-sha2-512,hmac-sha1",
    "HostKeyAlgorithms": "ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,ssh-ed25519,"
    "rsa-sha2-512,rsa-sha2-256,ssh-rsa",
}


def test_openssh_8_4_gets_in(lab: Lab) -> None:
    words = lab.host(HOST).entry.command("root", "echo", "in", shared=False)
    proposal = [word for name, value in OPENSSH_8_4.items() for word in ("-o", f"{name}={value}")]
    done = subprocess.run([words[0], *proposal, *words[1:]], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("in\n", 0), done.stderr


def test_account_with_a_key_of_another_kind_is_not_shut_out(lab: Lab, deploys: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    keys = "/home/plain/.ssh/authorized_keys"
    line = key.with_suffix(".pub").read_text().strip()
    with sabotaged(lab, f"cp -p {keys} /root/plain; echo '{line}' >>{keys}", f"mv /root/plain {keys}"):
        harden(lab, deploys)
        words = lab.host(HOST).entry.command("plain", "echo", "in", shared=False)
        words[words.index("-o") : words.index("-o")] = ["-o", f"IdentityFile={key}"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert (done.stdout, done.returncode) == ("in\n", 0), done.stderr
        assert not_passing(judged(lab)) - CONTAINER == {
            "keys-strong:keys_that_open_accounts_are_strong",
            "ssh-algorithms:ssh_will_sign_and_take_accepted_signatures",
        }
    harden(lab, deploys)
    assert not_passing(judged(lab)) == CONTAINER


def test_key_that_a_match_block_names_is_not_shut_out(lab: Lab, deploys: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    wrong = (
        f"mkdir /etc/ssh/keys; echo '{key.with_suffix('.pub').read_text().strip()}' >/etc/ssh/keys/plain; "
        "printf 'Match User plain\\n  AuthorizedKeysFile /etc/ssh/keys/%%u\\n' "
        ">/etc/ssh/sshd_config.d/zz.conf"
    )
    right = "rm -r /etc/ssh/keys /etc/ssh/sshd_config.d/zz.conf; systemctl reload ssh"
    with sabotaged(lab, f"{wrong}; rm {DROP_IN}; systemctl reload ssh", right):
        harden(lab, deploys)
        words = lab.host(HOST).entry.command("plain", "echo", "in", shared=False)
        words[words.index("-o") : words.index("-o")] = ["-o", f"IdentityFile={key}"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert (done.stdout, done.returncode) == ("in\n", 0), done.stderr


def test_short_host_key_is_not_the_only_one_left(lab: Lab, deploys: Path) -> None:
    rsa, known = "/etc/ssh/ssh_host_rsa_key", lab.place.known_hosts
    every = known.read_text()
    wrong = f"mkdir /root/rsa; mv {rsa} {rsa}.pub /root/rsa; ssh-keygen -q -t rsa -b 1024 -N '' -f {rsa}"
    with sabotaged(
        lab, f"{wrong}; rm {DROP_IN}; systemctl reload ssh", "mv /root/rsa/* /etc/ssh; rmdir /root/rsa"
    ):
        name = next(line.split(" ")[0] for line in every.splitlines() if " ssh-rsa " in line)
        short = " ".join(lab.run(HOST, f"cat {rsa}.pub").stdout.split(" ")[:2])
        known.write_text(f"{every}{name} {short}\n")
        harden(lab, deploys)
        assert lab.run(HOST, "id -un").stdout == "root\n"
        done = subprocess.run(
            lab.host(HOST).entry.command("root", "echo", "in", shared=False),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.stdout, done.returncode) == ("in\n", 0), done.stderr
    known.write_text(every)


def test_public_half_alone_is_no_host_key(lab: Lab, deploys: Path) -> None:
    rsa = "/etc/ssh/ssh_host_rsa_key"
    kept = f"mkdir /root/rsa; cp -p {rsa} {rsa}.pub /root/rsa; rm {rsa} {DROP_IN}; systemctl reload ssh"
    with sabotaged(lab, kept, "mv /root/rsa/* /etc/ssh; rmdir /root/rsa"):
        harden(lab, deploys)
        pair = lab.run(HOST, f"ssh-keygen -y -f {rsa}; cat {rsa}.pub").stdout.split()
        assert pair[1] == pair[3]


def test_drop_in_is_refused_where_sshd_would_not_start_with_it(lab: Lab, deploys: Path) -> None:
    broken = "/etc/ssh/sshd_config.d/zz.conf"
    with sabotaged(lab, f"rm {DROP_IN}; echo 'Rubbish yes' >{broken}", f"rm {broken}"):
        result = apply_hosts(lab.inventory, [HOST], deploys=deploys).host(HOST)
        assert (result.outcome, lab.run(HOST, f"ls {DROP_IN}", check=False).stdout) == ("refused", "")


def test_controller_that_knows_another_host_key_is_not_shut_out(lab: Lab, deploys: Path) -> None:
    known = lab.place.known_hosts
    every = known.read_text()
    lab.run(HOST, f"rm {DROP_IN}; systemctl reload ssh")
    known.write_text("".join(line for line in every.splitlines(keepends=True) if "ssh-ed25519" in line))
    try:
        assert DROP_IN in "".join(change.operation for change in harden(lab, deploys).changed)
        signing = "ssh-algorithms:running_ssh_signs_as_accepted"
        assert signing in not_passing(judged(lab))
        assert lab.run(HOST, "id -un").stdout == "root\n"
    finally:
        known.write_text(every)
    harden(lab, deploys)
    assert not_passing(judged(lab)) == CONTAINER


def test_missing_rsa_key_is_made_and_the_others_stay(lab: Lab, deploys: Path) -> None:
    rsa = "/etc/ssh/ssh_host_rsa_key"
    before = lab.run(HOST, f"sha256sum {rsa} /etc/ssh/ssh_host_e*").stdout
    kept = f"mkdir /root/rsa; mv {rsa} {rsa}.pub /root/rsa"
    with sabotaged(
        lab, f"{kept}; rm {DROP_IN}; systemctl reload ssh", "mv /root/rsa/* /etc/ssh; rmdir /root/rsa"
    ):
        harden(lab, deploys)
        after = lab.run(HOST, f"sha256sum {rsa} /etc/ssh/ssh_host_e*; ssh-keygen -lf {rsa}").stdout
        assert after.splitlines()[1:-1] == before.splitlines()[1:]
        assert after.splitlines()[0] != before.splitlines()[0]
        assert after.startswith(before.split()[0]) is False
        assert after.splitlines()[-1].startswith("3072 ")
    harden(lab, deploys)
    assert not_passing(judged(lab)) == CONTAINER


def test_weak_method_for_passwords_is_mended(lab: Lab, deploys: Path) -> None:
    lab.run(HOST, "sed -i 's/^ENCRYPT_METHOD.*/ENCRYPT_METHOD DES/' /etc/login.defs")
    assert [change.operation for change in harden(lab, deploys).changed] == ["Write /etc/login.defs"]
    assert not_passing(judged(lab)) == CONTAINER
    assert harden(lab, deploys).changed == []


def test_trixie(deploys: Path) -> None:
    with Lab.up(lab_name(), hosts=1, flavour="clean", release="trixie") as up:
        assert not_passing(judged(up)) >= {"ssh-algorithms:ssh_will_sign_and_take_accepted_signatures"}
        harden(up, deploys)
        assert not_passing(judged(up)) == set()
        assert harden(up, deploys).changed == []
        with sabotaged(
            up,
            "echo 'Ciphers +aes128-ctr' >/etc/ssh/sshd_config.d/00-aaa.conf",
            "rm /etc/ssh/sshd_config.d/00-aaa.conf",
        ):
            assert "ssh-algorithms:ssh_will_offer_accepted_ciphers" in not_passing(judged(up))
