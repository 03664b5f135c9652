"""The lab's site before it boots: its place, its authority, what it declares, who is in its directory."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from plumbline.errors import UsageError
from plumbline.lab import inventory
from plumbline.lab.site import people, servers
from plumbline.lab.site.place import SERVERS, SitePlace, load_secrets
from plumbline.lab.site.raising import declare, needs
from plumbline.matrix.load import load_matrix
from plumbline.rooms import LAB_INVENTORY
from plumbline.spec.load import load_inventory
from plumbline.spec.model import Connection


@pytest.fixture
def place(tmp_path: Path) -> SitePlace:
    made = SitePlace(
        directory=tmp_path,
        network=IPv4Network("10.89.3.0/24"),
        gateway=IPv4Address("10.89.3.1"),
        servers=("directory", "mail"),
        domain="ot.lab.test",
        ad_domain="ad.ot.lab.test",
        computer_ou="OU=Servers,OU=OT,DC=ad,DC=ot,DC=lab,DC=test",
        groups={"Admins, all": "os-administrator", "Operators": "application-user"},
        packages=tmp_path,
    )
    made.authority.make()
    return made


def test_names_and_addresses_are_at_the_end_of_the_network(place: SitePlace) -> None:
    assert {name: str(address) for name, address in place.names.items()} == {
        "dc1.ad.ot.lab.test": "10.89.3.250",
        "services.ot.lab.test": "10.89.3.251",
        "mail.ot.lab.test": "10.89.3.251",
    }
    assert str(place.dns) == "10.89.3.250"


def test_certificate_is_the_authoritys_for_a_year_at_most(place: SitePlace) -> None:
    issued = place.authority.issue("mail.ot.lab.test", (), [IPv4Address("10.89.3.251")])
    certificate = x509.load_pem_x509_certificate(issued.certificate.encode())
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(place.authority.pem.encode()))
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size >= 2048
    assert isinstance(certificate.signature_hash_algorithm, hashes.SHA256)
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc <= timedelta(days=365)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["mail.ot.lab.test"]
    assert (place.directory / "ca.key").stat().st_mode & 0o777 == 0o600


def test_secrets_are_made_once_and_kept_for_root_alone(place: SitePlace) -> None:
    first = place.secret("directory.join")
    assert place.secret("directory.join") == first
    assert place.secret("mail.relay") != first
    assert place.secret("time.key.1", make=lambda: "made") == "made"
    place.save_secrets()
    assert load_secrets(place.directory) == place.secrets
    assert (place.directory / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_without_a_site_nothing_is_declared_that_needs_a_server(tmp_path: Path) -> None:
    bare = declare(inventory.load(LAB_INVENTORY), None)
    bare.write(tmp_path, Connection())
    site = load_inventory(tmp_path).site
    assert (site.active_directory, site.log_collector, site.mail_relay) == (None, None, None)
    rows = yaml.safe_load((tmp_path / "matrix.yml").read_text())["rows"]
    ends = {end for row in rows for end in row["destination"]}
    assert not ends & {"site:directory", "site:log", "site:mail", "site:monitoring"}
    assert {"site:time", "site:dns"} <= ends


def test_with_a_site_its_servers_are_declared_and_their_addresses_known(
    place: SitePlace, tmp_path: Path
) -> None:
    own = inventory.load(LAB_INVENTORY).renumbered(place.network)
    declare(own, place).write(tmp_path, Connection())
    found = load_inventory(tmp_path)
    assert found.site.active_directory is not None
    assert found.site.active_directory.controllers == ["dc1.ad.ot.lab.test"]
    assert found.site.mail_relay is not None
    assert found.site.mail_relay.ca == place.authority.pem
    assert found.site.dns == [place.dns]
    assert found.site.log_collector is None
    names = load_matrix(tmp_path).matrix.names
    assert names["mail.ot.lab.test"] == [place.address("mail")]


def test_rows_of_hosts_that_are_left_out_go_with_them() -> None:
    example = inventory.load(LAB_INVENTORY)
    gone = example.hosts[1].name
    matrix = example.resized(1).matrix
    assert example.matrix is not None
    assert matrix is not None
    assert gone in str(example.matrix["rows"])
    assert gone not in str(matrix["rows"])


def test_a_server_there_is_not_is_refused() -> None:
    with pytest.raises(UsageError, match="no server 'fax'; it has directory"):
        servers.chosen(["directory", "fax"])
    assert servers.chosen(["mail", "directory"]) == ("directory", "mail")


def test_every_server_has_a_machine_and_comes_after_servers_there_are() -> None:
    assert set(servers.MODULES) <= set(SERVERS)
    for module in servers.MODULES.values():
        assert set(module.AFTER) <= set(servers.MODULES)


def test_a_machine_waits_only_for_wanted_servers_on_others(
    place: SitePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers.MODULES["mail"], "AFTER", ("directory", "time", "mail"))
    assert needs("services", place) == {"directory"}
    assert needs("dc1", place) == set()


def test_people_are_in_the_groups_of_their_role_and_names_are_escaped(place: SitePlace) -> None:
    entries = people.ldif(place).split("\n\n")
    group = next(entry for entry in entries if "sAMAccountName: Admins, all" in entry)
    assert group.startswith("dn: CN=Admins\\, all,OU=Groups,OU=OT,DC=ad,DC=ot,DC=lab,DC=test\n")
    members = [line for line in group.splitlines() if line.startswith("member: ")]
    assert [line.split("=")[1].split(",")[0] for line in members] == ["admin1", "disabled1", "expired1"]
    names = [entry.splitlines()[0] for entry in entries]
    assert len(names) == len(set(names))
