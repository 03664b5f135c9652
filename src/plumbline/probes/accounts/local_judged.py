"""The host's own accounts held against whom it may know: strangers, twins, passwords (17.1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date

from plumbline.policy.accounts import Known
from plumbline.probes.accounts.passwd import (
    GROUP,
    LOCAL,
    PASSWD,
    SHADOW,
    Account,
    Group,
    GshadowLine,
    Local,
)
from plumbline.probes.subject import Subject
from plumbline.verify.unknown import Unknown


class LocalAccounts(Subject):
    """Accounts and groups of the host itself."""

    @property
    def local(self) -> Local:
        """The host's own accounts and groups."""
        return self.read(LOCAL)

    # Local accounts

    def strangers(self, known: Known) -> list[Account]:
        """Accounts that are neither built in nor declared, and have a shell or a password."""
        return [
            account
            for account in self.local.accounts
            if not known.is_built_in(account.name) and account.name not in known.accounts
            if account.has_shell or account.password.opens
        ]

    def _of_the_system(self, known: Known) -> Iterator[Account]:
        for account in self.local.accounts:
            if known.is_built_in(account.name) and not account.is_root and account.name not in known.accounts:
                yield account

    def system_shells(self, known: Known) -> list[Account]:
        """Built-in accounts with another shell than they are delivered with, one that opens a session."""
        return [
            account
            for account in self._of_the_system(known)
            if account.has_shell and account.shell != known.distribution.accounts[account.name].shell
        ]

    def system_passwords(self, known: Known) -> list[Account]:
        """Built-in accounts beside root that a password opens."""
        return [account for account in self._of_the_system(known) if account.password.opens]

    @property
    def shadow_alone(self) -> list[str]:
        """Lines of /etc/shadow whose account is not in /etc/passwd, but a password opens it."""
        return [
            str(line)
            for line in self.local.shadow
            if line.name not in self.local.by_name and line.password.opens
        ]

    # Numbers and groups

    @property
    def root_twins(self) -> list[Account]:
        """Accounts with root's number, beside root."""
        return [account for account in self.local.accounts if account.uid == 0 and not account.is_root]

    @property
    def repeated(self) -> list[str]:
        """Names and numbers that stand more than once in passwd, shadow or group."""
        local = self.local
        accounts, groups = local.accounts, local.groups
        return [
            *_repeated(PASSWD, "name", ((one.name, one.line) for one in accounts)),
            *_repeated(PASSWD, "uid", ((one.uid, one.line) for one in accounts)),
            *_repeated(SHADOW, "name", ((one.name, one.line) for one in local.shadow)),
            *_repeated(GROUP, "name", ((one.name, one.line) for one in groups)),
            *_repeated(GROUP, "gid", ((one.gid, one.line) for one in groups)),
        ]

    def moved(self, known: Known) -> list[str]:
        """Built-in accounts whose number or primary group is not the one their distribution gave them."""
        found = []
        for account in self.local.accounts:
            built_in = known.distribution.accounts.get(account.name)
            if built_in is None:
                continue
            if built_in.uid is not None and account.uid != built_in.uid:
                found.append(f"{account.place}: {account.name} has uid {account.uid}")
            if built_in.gid is not None and account.gid != built_in.gid:
                found.append(f"{account.place}: {account.name} has gid {account.gid}")
        return found

    def gives_root(self, known: Known) -> list[str]:
        """Members of groups that give root, who are no administrators."""
        local = self.local
        wanted = {
            group.name
            for group in local.groups
            if group.gid == 0 or group.name in known.distribution.root_groups
        }
        return [
            f"{local.groups_by_name[group].place}: {group}: {member}"
            for group in sorted(wanted)
            for member in local.members(group)
            if not known.is_administrator(member)
        ]

    @property
    def in_root_s_group(self) -> list[str]:
        """Accounts beside root whose primary group is 0, whether a group of that number is named or not."""
        return [
            f"{account.place}: {account.name} has gid 0"
            for account in self.local.accounts
            if account.gid == 0 and not account.is_root
        ]

    def open_groups(self, known: Known) -> list[str]:
        """Groups one can enter with a password, or that somebody beside administrators may fill."""
        local = self.local
        lines: list[Group | GshadowLine] = [*local.groups, *local.gshadow]
        found = [
            f"{line.place}: {line.name}: {line.password}" for line in lines if line.password.state == "set"
        ]
        return found + [
            f"{group.place}: {group.name}: filled by {name}"
            for group in local.gshadow
            for name in group.administrators
            if not known.is_administrator(name)
        ]

    # Passwords

    @property
    def open_passwords(self) -> list[Account]:
        """Accounts that a password opens."""
        return [account for account in self.local.accounts if account.password.opens]

    def not_held(self, known: Known) -> list[Account]:
        """Accounts a password opens that the handover record does not give into the operator's hands.

        `Unknown` if there are any and no handover is recorded.
        """
        if known.handover is None and self.open_passwords:
            raise Unknown(
                "who holds these passwords is not recorded; add handover to the specification: {accounts}",
                accounts=", ".join(account.name for account in self.open_passwords),
            )
        held = known.handover.passwords_held_since if known.handover else {}
        return [account for account in self.open_passwords if account.name not in held]

    def not_changed(self, known: Known) -> list[str]:
        """Passwords that are older than the day the operator took them over, or have no honest date."""
        if known.handover is None:
            return []
        found = []
        for account in self.open_passwords:
            since = known.handover.passwords_held_since.get(account.name, known.handover.delivered)
            if told := _not_since(account, since, self.local.today):
                found.append(told)
        return found


def _repeated(file: str, kind: str, values: Iterable[tuple[object, int]]) -> list[str]:
    lines = list(values)
    count = Counter(value for value, _ in lines)
    return [f"{file}:{line}: {kind} {value} again" for value, line in lines if count[value] > 1]


def _not_since(account: Account, since: date, today: date) -> str | None:
    line = account.shadow
    if line is None:
        return f"{account}: no date of its change"
    if line.must_change:
        return f"{account}: to be changed at the next login"
    if line.changed is None:
        return f"{account}: no date of its change"
    if line.changed < since:
        return f"{account}: changed {line.changed}, before {since}"
    if line.changed > today:
        return f"{account}: changed {line.changed}, after today"
    return None
