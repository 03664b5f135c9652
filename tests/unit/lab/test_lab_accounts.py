"""The accounts and the key of a lab are declared in the inventory it writes: no check calls them strange."""

from __future__ import annotations

from pathlib import Path

from plumbline.lab import inventory
from plumbline.rooms import LAB_INVENTORY
from plumbline.spec.load import load_inventory
from plumbline.spec.model import Connection

RECORDED = Path(__file__).parents[2] / "recorded/accounts/fingerprint-openssh-9.2.txt"
SAID, BLOB = RECORDED.read_text().splitlines()
KEY = f"ssh-rsa {BLOB} plumbline-lab\n"


def test_every_host_is_entered_by_the_lab_s_key(tmp_path: Path) -> None:
    inventory.load(LAB_INVENTORY).resized(3).entered_by(KEY).write(tmp_path, Connection())
    hosts = load_inventory(tmp_path).hosts()
    assert len(hosts) == 3
    for _, host in hosts.values():
        declared = {account.name: account for account in host.local_accounts}
        assert set(declared) == {"root", "operator", "plain"}
        assert {key for account in declared.values() for key in account.keys} == {SAID.split()[1]}
        assert declared["operator"].sudo == "without-password"
        assert declared["plain"].sudo == "none"


def test_accounts_of_an_inventory_of_one_s_own_stay(tmp_path: Path) -> None:
    own = inventory.load(LAB_INVENTORY)
    for system in own.systems.values():
        for host in system["hosts"]:
            host["local_accounts"] = [{"name": "maint", "reason": "repairs", "sudo": "with-password"}]
    own.entered_by(KEY).write(tmp_path, Connection())
    _, host = load_inventory(tmp_path).hosts()["srv-app-01"]
    assert [account.name for account in host.local_accounts] == ["maint", "root", "operator", "plain"]
    assert host.local_accounts[0].keys == []
