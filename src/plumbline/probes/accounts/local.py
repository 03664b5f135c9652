"""The host's own accounts and groups as glibc takes them: what passwd, shadow, group and gshadow say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

PASSWD, SHADOW, GROUP, GSHADOW = "/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow"
NOBODY = 65534

NO_SESSION = frozenset(
    f"{directory}/{name}"
    for directory in ("/bin", "/sbin", "/usr/bin", "/usr/sbin")
    for name in ("nologin", "false", "true", "sync", "halt", "shutdown", "reboot", "poweroff")
)
"""Programs that as a shell end at once, or do one thing and end."""


@dataclass(frozen=True)
class Password:
    """What a password field says: `set` (with the id of its algorithm: `y`, `6`, `1`, `des`), `empty`,
    `locked` (a hash with ! before it, which `passwd -u` brings back), `none` (nothing matches it), or
    `elsewhere` (`x`: the shadow file has it)."""

    state: str
    algorithm: str = ""

    @property
    def opens(self) -> bool:
        """Whether somebody can get in with it."""
        return self.state in ("set", "empty")

    def __str__(self) -> str:
        told = {
            "set": f"password set ({self.algorithm})",
            "empty": "empty password",
            "locked": "locked password",
        }
        return told.get(self.state, "no password")


@dataclass(frozen=True)
class ShadowLine:
    """A line of /etc/shadow: `changed`, `expires`: days, None where the field is empty.

    `must_change` if the day of the change is 0: the password must be changed at the next login.
    `max_days` and `inactive_days` as in shadow(5).
    """

    line: int
    name: str
    password: Password
    changed: date | None
    must_change: bool
    max_days: int | None
    inactive_days: int | None
    expires: date | None

    def __str__(self) -> str:
        return f"{SHADOW}:{self.line}: {self.name}: {self.password}"


@dataclass(frozen=True)
class Account:
    """A line of /etc/passwd that glibc takes as an account, with what /etc/shadow says of it."""

    line: int
    name: str
    uid: int
    gid: int
    home: str
    shell: str
    """Never empty: glibc's empty shell is /bin/sh."""
    password: Password
    """The one that counts: the field of /etc/passwd, or where that is `x` the first line of /etc/shadow."""
    shadow: ShadowLine | None
    shell_is_other: bool = False
    """Whether an administrator put another program in the place of that shell (dpkg-divert(1), a link)."""

    @property
    def place(self) -> str:
        """Where it stands."""
        return f"{PASSWD}:{self.line}"

    @property
    def has_shell(self) -> bool:
        """Whether its shell opens a session; also one that is not in /etc/shells, as su and cron use it."""
        return self.shell_is_other or self.shell not in NO_SESSION

    @property
    def is_root(self) -> bool:
        """Whether it is the account root itself, not a twin."""
        return self.name == "root" and self.uid == 0

    def expired(self, today: date) -> bool:
        """Say whether the account itself, not its password, is over; its keys are then refused too."""
        return self.shadow is not None and self.shadow.expires is not None and self.shadow.expires <= today

    def __str__(self) -> str:
        return f"{self.place}: {self.name} (uid {self.uid}, {self.shell}, {self.password})"


@dataclass(frozen=True)
class Group:
    """A line of /etc/group: `listed` are its members by name; accounts of that primary group come beside."""

    line: int
    name: str
    gid: int
    listed: tuple[str, ...]
    password: Password

    @property
    def place(self) -> str:
        """Where it stands."""
        return f"{GROUP}:{self.line}"


@dataclass(frozen=True)
class GshadowLine:
    """A line of /etc/gshadow: its administrators may add members, its password lets others in (newgrp)."""

    line: int
    name: str
    password: Password
    administrators: tuple[str, ...]
    listed: tuple[str, ...]

    @property
    def place(self) -> str:
        """Where it stands."""
        return f"{GSHADOW}:{self.line}"


@dataclass(frozen=True)
class Local:
    """The host's own accounts and groups.

    `compat`: lines that start with + or -, which only `compat` in nsswitch.conf gives a meaning; `unread`:
    lines glibc skips, for their numbers are none; `today` by the host's clock.
    """

    accounts: tuple[Account, ...]
    shadow: tuple[ShadowLine, ...]
    groups: tuple[Group, ...]
    gshadow: tuple[GshadowLine, ...]
    compat: tuple[str, ...]
    unread: tuple[str, ...]
    shells: frozenset[str]
    today: date

    @cached_property
    def by_name(self) -> Mapping[str, Account]:
        """Accounts by name; of two with one name the first, as glibc finds them."""
        return {account.name: account for account in reversed(self.accounts)}

    @cached_property
    def groups_by_name(self) -> Mapping[str, Group]:
        """Groups by name; of two with one name the first."""
        return {group.name: group for group in reversed(self.groups)}

    def members(self, group: str) -> list[str]:
        """Return the accounts in a group by any line of that name or number: primary, listed, in gshadow.

        Sorted; listed names count whether an account of that name exists here or comes from the directory.
        """
        lines = [one for one in self.groups if one.name == group]
        numbers = {one.gid for one in lines}
        lines += [one for one in self.groups if one.gid in numbers]
        found = {name for one in lines for name in one.listed}
        names = {one.name for one in lines}
        found |= {account.name for account in self.accounts if account.gid in numbers}
        found |= {name for one in self.gshadow if one.name in names for name in one.listed}
        return sorted(found)

    def groups_of(self, account: Account) -> list[str]:
        """Return the names of the groups an account is in, sorted."""
        return sorted({one.name for one in self.groups if account.name in self.members(one.name)})
