"""Which hosts are to take their specified address, and which nobody has said to be the right ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from plumbline.apply.ground import Ground, RefusedError
from plumbline.apply.moving import as_moved, move_of, refuse_to_move
from plumbline.cli.apply import apply
from plumbline.errors import UsageError
from plumbline.evidence.ssh import SshTarget
from plumbline.policy.load import load_standard
from plumbline.policy.resolve import resolve
from plumbline.rooms import LAB_INVENTORY
from plumbline.spec.load import load_inventory

INVENTORY = load_inventory(LAB_INVENTORY)
((SYSTEM, HOST),) = INVENTORY.select(["srv-app-01"])
DESIRED = resolve(load_standard("mhth-ot"), INVENTORY.site, SYSTEM, HOST)
SPECIFIED, TEMPLATE = str(HOST.address), "10.89.0.77"
KEY, OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5BBBB"


def ground(*there: str, server: str = TEMPLATE) -> Ground:
    return Ground(client="10.89.0.1", server=server, port="22", addresses={"host0": list(there)})


def test_a_host_that_has_its_address_does_not_move() -> None:
    assert move_of(ground(TEMPLATE, SPECIFIED), DESIRED) is None


def test_a_host_reached_elsewhere_takes_its_address_beside_the_present_one() -> None:
    there = ground(TEMPLATE)
    move = move_of(there, DESIRED)
    assert move is not None
    assert (move.interface, str(move.address)) == ("host0", f"{SPECIFIED}/24")
    moved = as_moved(there, move)
    assert (moved.server, moved.addresses) == (SPECIFIED, {"host0": [TEMPLATE, SPECIFIED]})
    assert there.addresses == {"host0": [TEMPLATE]}


@pytest.mark.parametrize("server", ["10.89.9.9", ""])
def test_a_host_not_reached_at_its_first_interface_is_left_as_it_is(server: str) -> None:
    with pytest.raises(RefusedError, match="which is not at its interface host0"):
        move_of(ground(TEMPLATE, server=server), DESIRED)


def refused(known: Path, *lines: str, address: str = TEMPLATE) -> str | None:
    known.write_text("".join(f"{line}\n" for line in lines))
    move = move_of(ground(address, server=address), DESIRED)
    assert move is not None
    target = SshTarget(name=HOST.name, address=address, port=22, user="root", known_hosts=known)
    try:
        refuse_to_move(INVENTORY, target, move)
    except RefusedError as error:
        return str(error)
    return None


def test_a_host_whose_key_is_known_for_both_addresses_may_move(tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    assert refused(known, f"{TEMPLATE} {KEY}", f"{SPECIFIED} {KEY}") is None
    assert refused(known, f"{TEMPLATE},{SPECIFIED} {OTHER}", f"{SPECIFIED} {KEY}") is None


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([f"{TEMPLATE} {KEY}"], "no key is known"),
        ([f"{TEMPLATE} {KEY}", f"{SPECIFIED} {OTHER}"], "another key is known"),
        ([f"{TEMPLATE} {KEY}", f"@revoked {SPECIFIED} {KEY}"], "no key is known"),
    ],
)
def test_a_host_nobody_vouched_for_may_not_move(tmp_path: Path, lines: list[str], said: str) -> None:
    assert said in str(refused(tmp_path / "known_hosts", *lines))


def test_the_address_of_another_declared_host_is_no_template_s(tmp_path: Path) -> None:
    other = next(host for _, host in INVENTORY.select([]) if host.name != HOST.name)
    lines = [f"{other.address},{SPECIFIED} {KEY}"]
    told = refused(tmp_path / "known_hosts", *lines, address=str(other.address))
    assert f"is the specified address of {other.name}" in str(told)


def test_a_kept_plan_does_not_go_with_a_move(tmp_path: Path) -> None:
    arguments = ["--readdress", "--yes", "--plan", str(tmp_path / "plan.json")]
    with pytest.raises(UsageError, match="makes its plan anew"):
        apply.main(arguments, standalone_mode=False)


def test_a_move_leaves_what_it_was_told_of_as_it_was() -> None:
    target = SshTarget(name=HOST.name, address=TEMPLATE, port=22, user="root")
    move = move_of(ground(TEMPLATE), DESIRED)
    assert move is not None
    assert move.at_the_new(target) == replace(target, address=SPECIFIED)
