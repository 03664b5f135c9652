"""Who is declared: local accounts with their keys, and the handover record."""

from __future__ import annotations

from datetime import date

import pytest
from written_inventory import Written

from plumbline.errors import InputError
from plumbline.spec.load import load_inventory
from plumbline.spec.model import HostSpec

SYSTEM = "systems/heating.yml"
KEY = "SHA256:" + "a" * 43


def host(written: Written, declared: str) -> HostSpec:
    written.replace(
        SYSTEM, "    users:\n      - {group: OT-Admins", f"{declared}    users:\n      - {{group: OT-Admins"
    )
    return load_inventory(written.path).hosts()["srv-app-01"][1]


def told(written: Written, declared: str) -> str:
    with pytest.raises(InputError) as caught:
        host(written, declared)
    return str(caught.value)


def test_nothing_declared_is_nobody(written: Written) -> None:
    found = host(written, "")
    assert (found.local_accounts, found.handover) == ([], None)


def test_an_account_has_its_keys_and_its_rights(written: Written) -> None:
    declared = f"""\
    local_accounts:
      - {{name: root, reason: the way in, keys: ["{KEY}"]}}
      - {{name: maint, reason: maintenance, sudo: with-password}}
      - {{name: panel, reason: a panel}}
"""
    root, maint, panel = host(written, declared).local_accounts
    assert root.keys == [KEY]
    assert [one.is_administrator for one in (root, maint, panel)] == [True, True, False]
    assert panel.sudo == "none"


def test_handover_days_are_dates_quoted_or_not(written: Written) -> None:
    declared = """\
    handover:
      delivered: 2026-01-12
      passwords_held_since: {root: "2026-01-20", maint: 2026-01-12}
"""
    handover = host(written, declared).handover
    assert handover is not None
    assert handover.delivered == date(2026, 1, 12)
    assert handover.passwords_held_since == {"root": date(2026, 1, 20), "maint": date(2026, 1, 12)}


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ("    local_accounts:\n      - {name: Root, reason: x}\n", "'Root' is no name of a local account"),
        ("    local_accounts:\n      - {name: a, reason: ''}\n", "the text is empty"),
        ("    local_accounts:\n      - {name: a}\n", "the key reason is missing"),
        ("    local_accounts:\n      - {name: a, reason: x, keys: [MD5:ab]}\n", "'MD5:ab' is no fingerprint"),
        (
            f"    local_accounts:\n      - {{name: a, reason: x, keys: ['{KEY}', '{KEY}']}}\n",
            "key declared twice: SHA256:",
        ),
        ("    local_accounts:\n      - {name: a, reason: x, sudo: always}\n", "'always' is not one of none"),
        (
            "    local_accounts:\n      - {name: a, reason: x}\n      - {name: a, reason: y}\n",
            "local account declared twice: a",
        ),
        (
            "    handover: {delivered: 2026-01-12, passwords_held_since: {root: 2026-01-11}}\n",
            "passwords held before the delivery on 2026-01-12: root; the supplier knew them then",
        ),
        ("    handover: {passwords_held_since: {}}\n", "the key delivered is missing"),
    ],
)
def test_what_is_wrong_is_told(written: Written, declared: str, message: str) -> None:
    assert message in told(written, declared)
