"""Which packages the deploy takes away, and which accounts it locks: none that somebody declared."""

from __future__ import annotations

import pytest

from deploys.services import OpenPasswords, to_lock, unwanted
from plumbline.policy.load import load_standard
from plumbline.policy.resolve import resolve
from plumbline.policy.standard import DesiredState
from plumbline.rooms import LAB_INVENTORY
from plumbline.spec.load import load_inventory
from plumbline.spec.services import Service


def desired(*services: Service) -> DesiredState:
    standard, inventory = load_standard("mhth-ot"), load_inventory(LAB_INVENTORY)
    system, host = inventory.hosts()["srv-app-01"]
    return resolve(standard, inventory.site, system, host.model_copy(update={"services": list(services)}))


def service(**further: object) -> Service:
    return Service.model_validate({"name": "x", "account": "x", **further})


def test_a_declared_package_stays() -> None:
    assert "vsftpd" in unwanted(desired())
    assert "vsftpd" not in unwanted(desired(service(packages=["vsftpd"])))


def test_servers_that_can_encrypt_stay() -> None:
    assert {"nginx-common", "mosquitto", "apache2", "redis-server"} & set(unwanted(desired())) == set()


@pytest.mark.parametrize(
    ("account", "uid", "locked"),
    [
        ("games", 5, True),
        ("nobody", 65534, True),
        ("root", 0, False),
        ("operator", 1000, False),
        ("svc-opcua", 999, False),
        # a person of that name
        ("backup", 1005, False),
    ],
)
def test_accounts_of_the_distribution_are_locked(account: str, uid: int, locked: bool) -> None:
    assert to_lock(desired(), {account: uid}) == ([account] if locked else [])


def test_the_account_of_a_declared_service_stays() -> None:
    assert to_lock(desired(service(account="www-data")), {"www-data": 33, "games": 5}) == ["games"]


def test_what_the_host_tells_is_read() -> None:
    assert OpenPasswords().process(["games 5", "x y 7", "", "odd"]) == {"games": 5, "x y": 7}
