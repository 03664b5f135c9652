"""Accounts of services: whose they are, what rights they have, and who is a person and none of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from recorded_host import host_printing, recorded
from services_host import permitted, printed, process_row, service

from plumbline.policy.accounts import Known, load_distribution
from plumbline.probes.accounts import ELEVATION, KEYS, LOCAL
from plumbline.probes.base import Probe
from plumbline.probes.services import RUNNING, UNIT_SETTINGS, Services
from plumbline.probes.services.accounts import capability
from plumbline.probes.systemd import ON_DISK
from plumbline.spec.services import Service

KNOWN = Known(load_distribution("mhth-ot", "debian"), {}, (), "ad.plant.test", None)
OWN_UNIT = "/system.slice/own.service"


def host(*rows: str, further: Mapping[Probe[Any], str] | None = None) -> Services:
    """Return the hardened host with further processes and answers, and the accounts of the delivered one."""
    running = printed("debian-12-hardened")[RUNNING].removesuffix("end\n") + "".join(rows) + "end\n"
    accounts = {
        LOCAL: recorded("accounts/local-debian-12-delivered.txt"),
        ELEVATION: recorded("accounts/elevation-sudo-1.9.13p3-delivered.txt"),
        KEYS: recorded("accounts/keys-openssh-9.2-delivered.txt"),
    }
    return Services(
        host_printing({**printed("debian-12-hardened"), **accounts, RUNNING: running, **(further or {})})
    )


def privileged(row: str, *declared: Service) -> list[str]:
    return host(row).applications(permitted("12", declared), KNOWN, ("adm",)).privileged_processes()


ROOT = process_row(900, cgroup=OWN_UNIT, exe="/opt/own")
APPROVED = {"reason": "maker's driver", "approved_by": "Cyber security"}


@pytest.mark.parametrize(
    ("row", "seen"),
    [
        (ROOT, True),
        (process_row(900, cgroup=OWN_UNIT, uids="33,33,33"), False),
        (process_row(900, cgroup=OWN_UNIT, uids="33,33,0"), True),
        (process_row(900, cgroup="/system.slice/ssh.service"), False),
        (process_row(900, cgroup="/"), True),
        (process_row(900, cgroup="/user.slice/user-0.slice/session-1.scope"), False),
        (process_row(900, cgroup="/user.slice/user-0.slice/session-1.scope", exe="/opt/hmi/tool"), True),
        (process_row(900, cgroup="/user.slice/user-0.slice/session-1.scope", exe="/usr/bin/dash",
                     name="tool.sh", words="/bin/sh /opt/hmi/tool.sh"), True),
        (process_row(900, cgroup="/user.slice/user-33.slice/session-1.scope", exe="/opt/hmi/tool",
                     uids="33,33,33"), False),
    ],
)  # fmt: skip
def test_applications_as_root(row: str, seen: bool) -> None:
    assert bool(privileged(row)) is seen


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (("User=www-data", "SupplementaryGroups=video disk"), ["3: own.service: is in disk"]),
        (("User=www-data", "Group=disk"), ["3: own.service: is in disk"]),
        (("User=www-data", "SupplementaryGroups=6"), ["3: own.service: is in disk"]),
        (("User=www-data", "SupplementaryGroups=disk", "SupplementaryGroups="), []),
        (("User=www-data", "Group=disk", "Group=www-data"), []),
        (("User=www-data", "SupplementaryGroups=dialout"), []),
        (("SupplementaryGroups=disk",), []),
    ],
)
def test_groups_that_a_unit_gives_at_its_next_start(lines: tuple[str, ...], told: list[str]) -> None:
    path = "/etc/systemd/system/own.service"
    rows = {
        UNIT_SETTINGS: [f"line\t{path}\t{number}\t{line}" for number, line in enumerate(lines, 2)],
        ON_DISK: [f"file\t{path}\t99"],
    }
    answers = {
        probe: printed("debian-12-hardened")[probe].removesuffix("end\n") + "".join(f"{r}\n" for r in more)
        for probe, more in rows.items()
    }
    found = host(further={probe: f"{text}end\n" for probe, text in answers.items()})
    place = f"{path}:"
    assert found.accounts(permitted(), KNOWN).rights() == [f"{place}{one}" for one in told]


def test_root_may_be_approved_for_a_declared_service_alone() -> None:
    assert privileged(ROOT, service("own", privileged=APPROVED)) == []
    assert len(privileged(ROOT, service("own"))) == 1
    assert len(privileged(ROOT, service("other", privileged=APPROVED))) == 1


def test_declared_service_runs_as_declared() -> None:
    row = process_row(900, cgroup=OWN_UNIT, uids="33,33,33")
    for account, expected in (("www-data", 0), ("www-data@ad.plant.test", 0), ("svc-own", 1)):
        accounts = host(row).accounts(permitted("12", [service("own", account=account)]), KNOWN)
        assert len(accounts.other_accounts()) == expected, account


def test_number_of_a_dynamic_user_is_the_service_s_own() -> None:
    row = process_row(900, cgroup=OWN_UNIT, uids="64000,64000,64000")
    accounts = host(row).accounts(permitted("12", [service("own")]), KNOWN)
    assert (accounts.other_accounts(), accounts.of_the_directory()) == ([], [])


def test_account_of_the_directory_is_left_to_the_directory() -> None:
    row = process_row(900, cgroup=OWN_UNIT, uids="100500,100500,100500")
    accounts = host(row).accounts(permitted("12", [service("own", account="svc@ad.plant.test")]), KNOWN)
    assert accounts.of_the_directory() == ["svc@ad.plant.test"]


def test_capabilities_are_the_declared_ones() -> None:
    row = process_row(900, cgroup=OWN_UNIT, uids="33,33,33", capabilities="400,400,0")
    declared = {"account": "www-data", "capabilities": ["cap_net_bind_service"]}
    for said, expected in (({}, 1), (declared, 0)):
        accounts = host(row).accounts(permitted("12", [service("own", **said)]), KNOWN)
        assert len(accounts.capabilities()) == expected


@pytest.mark.parametrize(
    ("number", "name"),
    [(0, "cap_chown"), (10, "cap_net_bind_service"), (21, "cap_sys_admin"), (40, "cap_checkpoint_restore")],
)
def test_capabilities_have_their_kernel_s_numbers(number: int, name: str) -> None:
    assert capability(number) == name


def test_what_a_person_runs_in_a_service_of_the_system_makes_no_service_of_him() -> None:
    job = process_row(900, cgroup="/system.slice/ssh.service", uids="1001,1001,1001", parent="800")
    assert "plain" not in host(job).logon(permitted(), KNOWN).names
    own = process_row(900, cgroup=OWN_UNIT, uids="1001,1001,1001")
    assert "plain" in host(own).logon(permitted(), KNOWN).names


def test_a_session_of_a_service_s_account_is_seen_and_root_s_use_of_it_is_not() -> None:
    in_root_s = process_row(900, cgroup="/user.slice/user-0.slice/session-1.scope", uids="33,33,33")
    its_own = process_row(900, cgroup="/user.slice/user-33.slice/session-1.scope", uids="33,33,33")
    assert host(in_root_s).logon(permitted(), KNOWN).sessions() == []
    assert host(its_own).logon(permitted(), KNOWN).sessions() == [
        "www-data: /user.slice/user-33.slice/session-1.scope"
    ]
