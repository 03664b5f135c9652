"""Who is in the lab's directory: units, groups, accounts by role (17.4), and what the one that joins may.

Nobody here is a person: an account is called after what it is there to show.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass

from plumbline.lab.site.place import SitePlace

AES = 24
"""msDS-SupportedEncryptionTypes: AES-128 and AES-256, and no RC4 (MS-KILE, 2.2.7)."""
NORMAL, DISABLED, PASSWORD_STAYS = 0x200, 0x2, 0x10000  # userAccountControl (MS-ADTS, 2.2.16)
GLOBAL_SECURITY_GROUP = -2147483646
NEVER, LONG_AGO = "0", "132223104000000000"  # accountExpires: 100 ns since 1601; 2020-01-01

JOIN_ACCOUNT = "svc-join"


@dataclass(frozen=True)
class Account:
    """An account of the directory: the role whose groups it is in, and what is the matter with it."""

    name: str
    role: str | None = None
    disabled: bool = False
    expired: bool = False

    @property
    def secret(self) -> str:
        """The name of its password among the lab's secrets."""
        return "directory.join" if self.name == JOIN_ACCOUNT else f"directory.user.{self.name}"


ACCOUNTS = (
    Account("admin1", "os-administrator"),
    Account("user1", "os-user"),
    Account("svc-app1", "system-user"),
    Account("engineer1", "application-administrator"),
    Account("rights1", "application-permission-administrator"),
    Account("operator1", "application-user"),
    Account("nobody1"),
    Account("disabled1", "os-administrator", disabled=True),
    Account("expired1", "os-administrator", expired=True),
    Account(JOIN_ACCOUNT),
)

# The password rules of the domain: 14 characters of three kinds, 24 remembered, ten wrong ones in a quarter
# of an hour lock for as long; nobody but who has the right adds computers.
POLICY = {
    "minPwdLength": "14",
    "pwdProperties": "1",
    "pwdHistoryLength": "24",
    "lockoutThreshold": "10",
    "lockoutDuration": str(-15 * 60 * 10**7),
    "lockOutObservationWindow": str(-15 * 60 * 10**7),
    "ms-DS-MachineAccountQuota": "0",
}

# What joining needs on a computer, as rights of an access control entry (MS-ADTS, 5.1.3.2): validated writes
# and properties by their ids in the schema, and the right to set a password anew.
_RESET_PASSWORD = "00299570-246d-11d0-a768-00aa006e0529"  # noqa: S105  (a right's id)
_WRITES = (
    "4c164200-20c0-11d0-a768-00aa006e0529",  # account restrictions: userAccountControl and the like
    "72e39547-7b18-11d1-adef-00c04fd8d5cd",  # dNSHostName
    "f3a64788-5306-11d1-a9c5-0000f80367c1",  # servicePrincipalName
    "20119867-1d04-4ab7-9371-cfc3d5df0afd",  # msDS-SupportedEncryptionTypes
    "3e978925-8c01-11d0-afda-00c04fd930c9",  # operatingSystem
    "3e978926-8c01-11d0-afda-00c04fd930c9",  # operatingSystemVersion
    "3e978927-8c01-11d0-afda-00c04fd930c9",  # operatingSystemServicePack
    "bf967950-0de6-11d0-a285-00aa003049e2",  # description
)
_COMPUTER = "bf967a86-0de6-11d0-a285-00aa003049e2"


def may_join(sid: str) -> str:
    """Return the entries (SDDL) of a unit that let an account make computers in it and join them, no more."""
    entries = [f"(OA;CI;CC;{_COMPUTER};;{sid})", f"(OA;CIIO;CR;{_RESET_PASSWORD};{_COMPUTER};{sid})"]
    entries += [f"(OA;CIIO;RPWPSW;{each};{_COMPUTER};{sid})" for each in _WRITES]
    return "".join(entries)


def base_of(place: SitePlace) -> str:
    """Return the name of the directory's own entry."""
    return ",".join(f"DC={label}" for label in place.ad_domain.split("."))


def ldif(place: SitePlace) -> str:
    """Return all of it as changes of a directory that was just made (RFC 2849); passwords are in it."""
    return "\n\n".join("\n".join(lines) for lines in _changes(place)) + "\n"


def _changes(place: SitePlace) -> Iterator[list[str]]:
    base = base_of(place)
    parent = place.computer_ou.partition(",")[2]
    for unit in [*_units(place.computer_ou, base), f"OU=Groups,{parent}", f"OU=Users,{parent}"]:
        yield [f"dn: {unit}", "changetype: add", "objectClass: organizationalUnit"]
    for account in ACCOUNTS:
        yield list(_account(account, f"CN={account.name},OU=Users,{parent}", place))
    for group, role in place.groups.items():
        members = [account.name for account in ACCOUNTS if account.role == role]
        yield [
            f"dn: CN={_escaped(group)},OU=Groups,{parent}",
            "changetype: add",
            "objectClass: group",
            f"sAMAccountName: {group}",
            f"description: {role}",
            f"groupType: {GLOBAL_SECURITY_GROUP}",
            *(f"member: CN={member},OU=Users,{parent}" for member in members),
        ]
    yield ["dn: " + base, *_replaced(POLICY)]
    password = _password(place.secret("directory.administrator"))
    yield [
        f"dn: CN=Administrator,CN=Users,{base}",
        "changetype: modify",
        "replace: unicodePwd",
        password,
        "-",
    ]
    for name in (f"CN=krbtgt,CN=Users,{base}", f"CN=DC1,OU=Domain Controllers,{base}"):
        yield [f"dn: {name}", *_replaced({"msDS-SupportedEncryptionTypes": str(AES)})]


def _account(account: Account, name: str, place: SitePlace) -> Iterator[str]:
    control = NORMAL | (DISABLED if account.disabled else 0)
    if account.name.startswith("svc-"):
        control |= PASSWORD_STAYS
    yield from (f"dn: {name}", "changetype: add", "objectClass: user")
    yield f"sAMAccountName: {account.name}"
    yield f"userPrincipalName: {account.name}@{place.ad_domain}"
    yield f"userAccountControl: {control}"
    yield f"accountExpires: {LONG_AGO if account.expired else NEVER}"
    yield f"msDS-SupportedEncryptionTypes: {AES}"
    yield _password(place.secret(account.secret))


def _units(unit: str, base: str) -> list[str]:
    """Return a unit and those it is in, outermost first."""
    found = []
    while unit != base and "," in unit:
        found.append(unit)
        unit = unit.partition(",")[2]
    return found[::-1]


def _replaced(values: dict[str, str]) -> list[str]:
    lines = ["changetype: modify"]
    for name, value in values.items():
        lines += [f"replace: {name}", f"{name}: {value}", "-"]
    return lines


def _password(password: str) -> str:
    """Return the line that sets a password (MS-ADTS, 3.1.1.3.1.5.1)."""
    return "unicodePwd:: " + base64.b64encode(f'"{password}"'.encode("utf-16-le")).decode()


def _escaped(name: str) -> str:
    """Return a name as the value in a distinguished name (RFC 4514)."""
    return "".join(f"\\{letter}" if letter in ',+"\\<>;=#' else letter for letter in name)
