"""Roads by which somebody could log on with the account of a service."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field

from plumbline.probes.accounts.keys import SshAccess
from plumbline.probes.accounts.passwd import Account
from plumbline.probes.accounts.sudoers import Member
from plumbline.probes.services.accounts import ServiceAccounts
from plumbline.verify.unknown import Unknown

_RUNNING_OTHERS = (
    r"(ba|da|z|k|a)?sh|sudo|su|env|busybox|python[\d.]*|perl[\d.]*|vim?|vim\.\w+|nano|less|more|find|nohup"
    r"|xargs|script"
)
"""Programs that run any other, or a shell, when their user asks them to."""


@dataclass(frozen=True)
class Logon(ServiceAccounts):
    """Shells, passwords, keys, sessions and rights of others that open an account of a service."""

    ssh: SshAccess = field(kw_only=True)

    def shells(self) -> list[Account]:
        """Accounts of services with a shell that opens a session, beside those their package delivers so."""
        return [
            account
            for account in self.accounts
            if account.has_shell and account.shell != self._delivered_shell(account.name)
        ]

    def _delivered_shell(self, name: str) -> str | None:
        built_in = self.known.distribution.accounts.get(name)
        return built_in.shell if built_in is not None else None

    def passwords(self) -> list[Account]:
        """Accounts of services that a password opens."""
        return [account for account in self.accounts if account.password.opens]

    def keys(self) -> list[str]:
        """SSH keys that open an account of a service."""
        if self.ssh.status is None:
            return []
        names = set(self.names)
        found = [str(key) for key in self.ssh.keys if key.account in names]
        if not found and not self.ssh.is_answered:
            raise Unknown(
                "where sshd looks for keys cannot be said: sshd -T failed, or it includes a name with a blank"
            )
        return found

    def sessions(self) -> list[str]:
        """Sessions that are open as an account of a service, and those kept ready (lingering)."""
        uids = {account.uid: account.name for account in self.accounts}
        found: dict[str, None] = {}
        for process in self.required.running.processes.values():
            _, slice_, rest = process.cgroup.partition("/user-")
            uid = rest.partition(".slice")[0]
            if slice_ and uid.isdigit() and int(uid) in uids:
                found[f"{uids[int(uid)]}: {process.cgroup}"] = None
        lingering = set(self.required.installed.lingering) & set(self.names)
        return [*found, *(f"/var/lib/systemd/linger/{name}" for name in sorted(lingering))]

    def become(self) -> list[str]:
        """Rights by sudo or doas to run anything as an account of a service, given to no administrator."""
        found = []
        names = set(self.names)
        for grant in self.elevation.sudoers.grants:
            targets = {self._account(one) for one in grant.runas_users if not one.negated}
            opens = grant.gives_everything or _opens_a_session(grant.command)
            if grant.negated or not opens or not targets & names:
                continue
            found += [grant.told(who) for who in grant.who if not who.negated and not self._administers(who)]
        found += [str(rule) for rule in self.elevation.doas() if rule.target in names]
        if not found and self.elevation.unread:
            raise Unknown("this part of sudoers is not understood: {line}", line=self.elevation.unread[0])
        return found

    def _account(self, who: Member) -> str:
        if who.kind == "uid" and who.name.isdigit():
            return self.name(int(who.name))
        return who.name if who.kind == "user" else ""

    def _administers(self, who: Member) -> bool:
        if who.kind == "user":
            return who.name == "root" or self.known.is_administrator(who.name)
        return who.kind == "group" and "os-administrator" in self.known.roles(who.name)


def _opens_a_session(command: str) -> bool:
    """Say whether a command of sudoers(5), allowed as it stands, lets its user run whatever he likes."""
    words = command.split()
    name = posixpath.basename(words[0]) if words else ""
    return bool(re.fullmatch(_RUNNING_OTHERS, name)) and len(words) < 2
