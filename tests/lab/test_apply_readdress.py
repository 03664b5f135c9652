"""A host reached at another address is given the specified one, for good; or it stays where it was."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from applying import FIRST, SECOND
from hardened import deploys_of as shipped
from judging import verdicts

from plumbline.apply import HostResult, apply_hosts
from plumbline.lab import Lab
from plumbline.verify.results import Verdict

pytest_plugins = ["apply_fixtures"]

DROP = (
    "nft add table ip drops; nft add chain ip drops in '{{ type filter hook input priority 0; }}'; "
    "nft add rule ip drops in ip daddr {} drop"
)
NETWORK = "/etc/systemd/network/10-host0.network"


def template_address(lab: Lab) -> str:
    return f"{str(lab.host(FIRST).address).rpartition('.')[0]}.77"


def inside(lab: Lab, host: str, command: str) -> str:
    """Run a command on a host from the machine it runs on, for it is not reached at its address."""
    init = lab.host(host).cgroup.init
    entered = ["nsenter", "-t", str(init), "-m", "-u", "-i", "-n", "-p", "sh", "-ec", command]
    return subprocess.run(entered, check=True, capture_output=True, text=True).stdout


def addresses(lab: Lab, host: str) -> list[str]:
    return re.findall(r"inet ([0-9.]+)/", inside(lab, host, "ip -o -4 addr show dev host0"))


@pytest.fixture(scope="module")
def elsewhere(lab: Lab) -> Lab:
    """The first host, as a template leaves it: at an address of its own, now and after a boot."""
    specified, template = str(lab.host(FIRST).address), template_address(lab)
    inside(lab, FIRST, f"sed -i s/{specified}/{template}/ {NETWORK}; networkctl reload")
    gone, there = f"! ip -o addr | grep -q {specified}/", f"ip -o addr | grep -q {template}/"
    settled = f"until {gone} && {there} && ip route | grep -q ^default; do sleep 0.1; done"
    inside(lab, FIRST, f"timeout 20 sh -c '{settled}'")
    return lab


@pytest.fixture
def way(elsewhere: Lab, tmp_path: Path, inventory: Callable[..., Path]) -> Callable[..., Path]:
    """Say where the host is reached now, and that its key is known for both addresses, if it is."""

    assert addresses(elsewhere, FIRST) == [template_address(elsewhere)]

    def make(*, known: bool = True, **connection: object) -> Path:
        specified, template = str(elsewhere.host(FIRST).address), template_address(elsewhere)
        lines = Path(elsewhere.place.known_hosts).read_text().splitlines()
        others = [line for line in lines if specified not in line.split()[0]]
        ours = [line.split(None, 1)[1] for line in lines if specified in line.split()[0]]
        names = [template, specified] if known else [template]
        written = tmp_path / "known_hosts"
        written.write_text("\n".join([*others, *(f"{name} {key}" for name in names for key in ours)]) + "\n")
        return inventory(**{"known_hosts": str(written), "addresses": {FIRST: template}, **connection})

    return make


@pytest.fixture
def network(tmp_path: Path) -> Path:
    return shipped(tmp_path, ["network"])


def readdressed(inventory: Path, deploys: Path) -> HostResult:
    return apply_hosts(inventory, [FIRST], deploys=deploys, readdress=True).host(FIRST)


def test_without_being_told_so_it_is_left_where_it_is(
    elsewhere: Lab, way: Callable[..., Path], network: Path
) -> None:
    result = apply_hosts(way(), [FIRST], deploys=network).host(FIRST)
    assert result.outcome == "refused"
    assert "--readdress" in str(result.problem)
    assert addresses(elsewhere, FIRST) == [template_address(elsewhere)]


def test_a_dry_run_shows_it_and_moves_nothing(
    elsewhere: Lab, way: Callable[..., Path], network: Path
) -> None:
    report = apply_hosts(way(), [FIRST], deploys=network, readdress=True, dry=True)
    details = [detail for change in report.host(FIRST).changed for detail in change.details]
    assert f"host0: {elsewhere.host(FIRST).address}/24 is added" in details
    assert addresses(elsewhere, FIRST) == [template_address(elsewhere)]


def test_a_host_nobody_vouched_for_is_left_where_it_is(
    elsewhere: Lab, way: Callable[..., Path], network: Path
) -> None:
    result = readdressed(way(known=False), network)
    assert result.outcome == "refused"
    assert "nobody has said that it is this host" in str(result.problem)
    assert addresses(elsewhere, FIRST) == [template_address(elsewhere)]


def test_another_declared_host_is_not_given_the_address(
    elsewhere: Lab, way: Callable[..., Path], network: Path
) -> None:
    other = str(elsewhere.host(SECOND).address)
    result = readdressed(way(addresses={FIRST: other}), network)
    assert result.outcome == "refused"
    assert f"is the specified address of {SECOND}" in str(result.problem)
    assert addresses(elsewhere, SECOND) == [other]


@pytest.mark.parametrize("answering", ["answers", "silent"])
def test_an_address_that_another_host_has_is_not_taken(
    elsewhere: Lab, way: Callable[..., Path], network: Path, answering: str
) -> None:
    specified = str(elsewhere.host(FIRST).address)
    inside(elsewhere, SECOND, f"ip addr add {specified}/24 dev host0")
    if answering == "silent":
        inside(elsewhere, SECOND, DROP.format(specified))
    result = readdressed(way(), network)
    assert result.outcome == "restored"
    assert f"its specified address {specified} is taken" in str(result.problem)
    inside(elsewhere, SECOND, f"ip addr del {specified}/24 dev host0")
    assert addresses(elsewhere, FIRST) == [template_address(elsewhere)]


def test_what_fails_at_the_new_address_leaves_it_at_the_old_one(
    elsewhere: Lab, way: Callable[..., Path], tmp_path: Path
) -> None:
    before = inside(elsewhere, FIRST, f"cat {NETWORK}; ls /etc/systemd/network; ip route")
    failing = shipped(tmp_path, ["network"])
    package = failing / "__init__.py"
    package.write_text(
        package.read_text()
        + "    deploy(name='tiny')(lambda: server.shell(name='fails', commands=['false']))()\n"
    )
    package.write_text("from pyinfra.operations import server\n" + package.read_text())
    result = readdressed(way(), failing)
    assert result.outcome == "restored", result
    assert "fails" in str(result.problem)
    assert addresses(elsewhere, FIRST) == [template_address(elsewhere)]
    assert inside(elsewhere, FIRST, f"cat {NETWORK}; ls /etc/systemd/network; ip route") == before


def test_a_host_that_nobody_gets_into_at_the_new_address_stays_at_the_old_one(
    elsewhere: Lab, way: Callable[..., Path], network: Path
) -> None:
    specified = str(elsewhere.host(FIRST).address)
    inside(elsewhere, FIRST, DROP.format(specified))
    result = readdressed(way(), network)
    inside(elsewhere, FIRST, "nft delete table ip drops")
    assert result.outcome == "restored", result
    assert f"at its address {specified}" in str(result.problem)
    assert addresses(elsewhere, FIRST) == [template_address(elsewhere)]


def test_it_takes_the_specified_address_for_good(
    elsewhere: Lab, way: Callable[..., Path], network: Path
) -> None:
    specified = str(elsewhere.host(FIRST).address)
    result = readdressed(way(), network)
    assert result.outcome == "applied", result
    assert result.address == specified
    assert addresses(elsewhere, FIRST) == [specified]
    assert any(specified in note and "connection.yml" in note for note in result.notes)
    again = apply_hosts(elsewhere.inventory, [FIRST], deploys=network).host(FIRST)
    assert (again.outcome, again.changed) == ("applied", [])
    elsewhere.reboot(FIRST)
    assert addresses(elsewhere, FIRST) == [specified]
    assert verdicts(elsewhere, FIRST, "network")["static-address"].verdict is Verdict.PASS
