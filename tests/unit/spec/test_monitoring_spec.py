"""What a site says of its monitoring, the keys made of its secrets, and the template made of a host."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from plumbline.errors import UsageError
from plumbline.monitoring_keys import _localised, engine_id, host_psk, usm_user
from plumbline.rooms import LAB_INVENTORY
from plumbline.spec.load import load_inventory
from plumbline.spec.monitoring import Psk, SnmpV3, WatchedValue, ZabbixAgent
from plumbline.spec.watched import parameters, zabbix_template

LONG = "authpass1234authpass1234"


def test_each_host_has_a_key_of_its_own() -> None:
    psk = Psk(psk_identity="plant")
    one, two = (host_psk(LONG, psk.identity(name)) for name in ("srv-1", "srv-2"))
    assert one != two
    assert len(bytes.fromhex(one)) == 32
    assert host_psk(LONG, psk.identity("srv-1")) == one


def test_short_secret_is_refused_and_not_told() -> None:
    with pytest.raises(UsageError) as refused:
        host_psk("tooshort", "plant/srv-1")
    assert "monitoring.psk" in str(refused.value)
    assert "tooshort" not in str(refused.value)


def test_engine_id_is_the_hosts_name_or_its_digest() -> None:
    assert engine_id("srv-app-01") == "0x80001f8804" + b"srv-app-01".hex()
    assert len(engine_id("a" * 60)) == 2 + 2 * 32


# Keys that Net-SNMP 5.9.3 made of a passphrase at this engine, by createUser.
ENGINE = "80001f88809858c91984f8026b00000000"
MADE = {
    "sha256": ("authpass1234", "d29764595f3ca49f55dbefbdb6a03a202a6042be2784abd64902f9f80e96ab7a"),
    "sha512": (
        "authpass1234",
        "3b46577f506aa123fa76b9484f8d911f66e5616a9f328cb23994dfe726587be5"
        "6d5deb0eb3dffac3b502b0364b06459ebd9318a437da7869af31de93368a02df",
    ),
}


@pytest.mark.parametrize("kind", MADE)
def test_key_is_made_as_net_snmp_makes_it(kind: str) -> None:
    passphrase, key = MADE[kind]
    assert _localised(passphrase, bytes.fromhex(ENGINE), kind).hex() == key


def test_line_of_a_user_keeps_no_passphrase() -> None:
    line = usm_user("srv-1", "watch", "SHA-512", "AES-256", (LONG, LONG))
    words = line.split()
    assert words[:6] == ["usmUser", "1", "3", engine_id("srv-1"), '"watch"', '"watch"']
    assert (len(words[8]), len(words[10])) == (2 + 128, 2 + 64)
    assert LONG not in line


@pytest.mark.parametrize(
    "data",
    [
        {"product": "zabbix-agent2", "servers": [], "tls": {"psk_identity": "x"}},
        {"product": "zabbix-agent2", "servers": ["10.0.0.1"], "tls": {}},
        {"product": "zabbix-agent2", "servers": ["10.0.0.0/8"], "tls": {"psk_identity": "x"}},
    ],
)
def test_zabbix_without_servers_or_tls_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ZabbixAgent.model_validate(data)


@pytest.mark.parametrize(
    "data", [{"user": "two words"}, {"user": "a", "authentication": "MD5"}, {"user": "a", "privacy": "DES"}]
)
def test_weak_or_unspeakable_snmp_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SnmpV3.model_validate({"product": "snmpv3", "servers": ["10.0.0.1"], **data})


def test_template_has_what_the_host_declares() -> None:
    inventory = load_inventory(LAB_INVENTORY)
    _, host = inventory.hosts()["srv-app-01"]
    keys = [parameter.key for parameter in parameters(inventory.site, host)]
    assert "vfs.fs.size[/opt,pused]" in keys
    assert 'systemd.unit.info["opcua-server.service",ActiveState]' in keys
    assert f"web.certificate.get[{host.address},4840]" in keys
    assert len(keys) == len(set(keys))


def test_template_is_the_same_each_time_and_its_identifiers_are_distinct() -> None:
    inventory = load_inventory(LAB_INVENTORY)
    hosts = [host for _, host in inventory.hosts().values()]
    told = zabbix_template(inventory.site, hosts)
    assert told == zabbix_template(inventory.site, hosts)
    templates = told["zabbix_export"]["templates"]
    identifiers = [item["uuid"] for template in templates for item in template["items"]]
    assert len(identifiers) == len(set(identifiers))
    assert all(len(one) == 32 and one[12] == "4" and one[16] == "a" for one in identifiers)


def test_suppliers_own_value_stands_in_the_template() -> None:
    inventory = load_inventory(LAB_INVENTORY)
    _, host = inventory.hosts()["srv-app-01"]
    own = WatchedValue(name="Queue", key="vfs.dir.count[/srv/queue]", fault="min(ITEM,10m)>100")
    told = zabbix_template(inventory.site, [host.model_copy(update={"watched": [own]})])
    item = told["zabbix_export"]["templates"][0]["items"][-1]
    assert item["triggers"][0]["expression"] == "min(/OT srv-app-01/vfs.dir.count[/srv/queue],10m)>100"


def test_value_that_runs_a_command_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"system\.run"):
        WatchedValue(name="x", key="system.run[id]", fault="last(ITEM)=1")
