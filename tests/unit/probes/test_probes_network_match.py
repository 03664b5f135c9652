"""Which .network file is for an interface: our reading against what systemd-networkd really did."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline.probes.files import ConfigFile
from plumbline.probes.network.live import Interface
from plumbline.probes.network.networkd_match import matches
from plumbline.probes.network.plan import Entry, Surroundings, sections

RECORDED = Path(__file__).parents[2] / "recorded" / "network" / "match.systemd-252.txt"


def interface(
    name: str, link_type: str = "ether", kind: str = "veth", mac: str = "02:00:00:00:00:0a"
) -> Interface:
    return Interface(
        name=name,
        names=(name,),
        link_type=link_type,
        kind=kind,
        devtype="",
        up=True,
        loopback=link_type == "loopback",
        mac=mac,
        permanent_mac=mac,
        master=None,
        lower=None,
    )


LINKS = [interface("lo", "loopback", ""), interface("host0"), interface("eth1"), interface("eth2")]
HOST = Surroundings({}, {link.name: link for link in LINKS}, "srv-app-01", "systemd-nspawn")


def match_section(text: str) -> list[Entry]:
    file = ConfigFile("/etc/systemd/network/00-a.network", tuple(text.split("|")))
    return [entry for section in sections(file) if section.name == "Match" for entry in section.entries]


def recorded() -> list[tuple[str, str]]:
    lines = RECORDED.read_text().splitlines()
    return [tuple(line.split(" =>", 1)) for line in lines if not line.startswith("#")]  # type: ignore[misc]  # pairs


@pytest.mark.parametrize(("section", "applied"), recorded())
def test_applies_where_networkd_applied_it(section: str, applied: str) -> None:
    entries = match_section(section)
    found = [str(number) for number, link in enumerate(LINKS, 1) if matches(entries, link, HOST) is True]
    assert found == applied.split()


@pytest.mark.parametrize("key", ["Path", "Driver", "Property"])
def test_what_is_not_observed_leaves_it_open(key: str) -> None:
    entries = match_section(f"[Match]|Name=eno1|{key}=pci-0000:00:03.0")
    found = matches(entries, interface("eno1", kind=""), HOST)
    assert isinstance(found, Entry)
    assert found.key == key


def test_what_is_no_device_has_no_path() -> None:
    assert matches(match_section("[Match]|Path=*"), LINKS[1], HOST) is False


def test_another_key_that_does_not_match_closes_it() -> None:
    assert matches(match_section("[Match]|Name=ve-*|Driver=veth"), LINKS[1], HOST) is False


@pytest.mark.parametrize("written", ["02:00:00:00:00:0a", "02-00-00-00-00-0A", "0200.0000.000A"])
def test_mac_addresses_match_however_written(written: str) -> None:
    assert matches(match_section(f"[Match]|MACAddress={written}"), LINKS[1], HOST) is True
    assert matches(match_section(f"[Match]|PermanentMACAddress={written}"), LINKS[1], HOST) is True


def test_an_alternative_name_matches() -> None:
    link = Interface(**{**vars(LINKS[1]), "names": ("host0", "enp3s0")})
    assert matches(match_section("[Match]|Name=enp*"), link, HOST) is True
