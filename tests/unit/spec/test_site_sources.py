"""Time sources with what they prove themselves by, and certificates a site gives."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from written_inventory import Written

from plumbline.errors import InputError
from plumbline.lab.site.authority import Authority
from plumbline.spec.load import load_inventory
from plumbline.spec.site import LogCollector, TimeSource


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> str:
    authority = Authority(tmp_path_factory.mktemp("issuer"))
    authority.make()
    return authority.pem


@pytest.mark.parametrize(
    ("told", "how"),
    [
        ({}, "none"),
        ({"nts": True}, "nts"),
        ({"key": 7}, "key 7 SHA256"),
        ({"key": 1, "algorithm": "AES256"}, "key 1 AES256"),
    ],
)
def test_how_a_source_proves_itself(told: dict[str, object], how: str) -> None:
    assert TimeSource.model_validate({"address": "10.1.0.1"} | told).authentication == how


@pytest.mark.parametrize("told", [{"nts": True, "key": 7}, {"key": 0}, {"key": 7, "algorithm": "MD5"}])
def test_what_is_no_proof_is_refused(told: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TimeSource.model_validate({"address": "10.1.0.1"} | told)


def test_the_collectors_name_is_its_host_unless_given() -> None:
    assert LogCollector(host="log.plant.test", port=6514).peer == "log.plant.test"
    assert LogCollector(host="10.1.0.9", port=6514, name="log.plant.test").peer == "log.plant.test"


def with_issuer(written: Written, ca: str) -> None:
    old = "log_collector: {host: log.plant.test, port: 6514}"
    written.replace("site.yml", old, f"log_collector: {{host: log.plant.test, port: 6514, ca: {ca}}}")


def test_certificates_lie_in_a_file_of_the_inventory(written: Written, issuer: str) -> None:
    (written.path / "plant.pem").write_text(issuer)
    with_issuer(written, "plant.pem")
    collector = load_inventory(written.path).site.log_collector
    assert collector is not None
    assert collector.ca == issuer


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "plant.pem of the inventory cannot be read"),
        ("nothing", "plant.pem holds no certificate"),
        ("-----BEGIN PRIVATE KEY-----\n", "plant.pem holds a private key"),
    ],
)
def test_a_file_without_certificates_is_named(written: Written, content: str | None, told: str) -> None:
    if content is not None:
        (written.path / "plant.pem").write_text(content)
    with_issuer(written, "plant.pem")
    with pytest.raises(InputError, match=told):
        load_inventory(written.path)
