"""Accounts on Linux: those of the system get no shell, and lines that would take in users of NIS go.

Nothing here shuts anybody out: accounts, passwords, keys and sudo rights are left to a person, and so
are lines that `compat` in nsswitch.conf makes use of now.
"""

from __future__ import annotations

import shlex
from collections.abc import Generator
from dataclasses import dataclass, field

from pyinfra.api.command import StringCommand
from pyinfra.api.facts import FactBase
from pyinfra.api.operation import OperationMeta, operation
from pyinfra.context import host

from deploys.mechanisms.accounts import ACCOUNT_FILES
from plumbline.apply.serving import serving
from plumbline.apply.telling import tell, tell_touches
from plumbline.policy.accounts import known
from plumbline.policy.standard import DesiredState

NOLOGIN = "/usr/sbin/nologin"
# Shells that open no session (nologin(8), sync(1)).
NO_SESSION = frozenset(
    f"{directory}/{name}"
    for directory in ("/bin", "/sbin", "/usr/bin", "/usr/sbin")
    for name in ("nologin", "false", "true", "sync", "halt", "shutdown")
)
FILES = ("/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow")

Commands = Generator[StringCommand, None, None]


@dataclass
class AccountsOnHost:
    """`shells` of the accounts by name; `taken_in`: files with lines of + or -, if nothing uses those now."""

    shells: dict[str, str] = field(default_factory=dict)
    taken_in: list[str] = field(default_factory=list)


class LocalAccounts(FactBase[AccountsOnHost]):
    """Read the shells of /etc/passwd, and which account files have lines for `compat`."""

    def command(self) -> str:
        """Return the command; neither passwords nor their hashes are printed."""
        return (
            "awk -F: '/^[^#+-]/ { print \"shell\", $1, $7 }' /etc/passwd; "
            "grep -qsE '^(passwd|group|shadow)(_compat)?:.*(compat|nis)' /etc/nsswitch.conf || "
            f"grep -lsE '^[+-]' {' '.join(FILES)} | sed 's/^/lines /'"
        )

    @staticmethod
    def default() -> AccountsOnHost:
        """Return a host of which nothing was printed."""
        return AccountsOnHost()

    def process(self, output: list[str]) -> AccountsOnHost:
        """Parse `shell NAME SHELL` and `lines FILE`."""
        found = AccountsOnHost()
        for line in output:
            kind, _, rest = line.partition(" ")
            if kind == "shell":
                name, _, shell = rest.partition(" ")
                found.shells.setdefault(name, shell or "/bin/sh")
            elif kind == "lines" and rest in FILES:
                found.taken_in.append(rest)
        return found


@operation()
def _no_shell(account: str, shell: str) -> Commands:
    tell(f"shell: {shell} → {NOLOGIN}")
    tell_touches(paths=ACCOUNT_FILES)
    yield StringCommand(f"usermod -s {NOLOGIN} -- {shlex.quote(account)}")


def no_shell(account: str, shell: str) -> OperationMeta:
    """Give an account a shell that opens no session, in the place of `shell`."""
    return _no_shell(account=account, shell=shell, name=f"Take the shell of {account} away")


@operation()
def _no_compat_lines(path: str) -> Commands:
    tell("lines that start with + or - are removed; nothing uses them now")
    tell_touches(paths=[path])
    new = f"{path}.plumbline"
    yield StringCommand(
        f"cp -p {path} {new} && sed '/^[+-]/d' {path} > {new} && sync {new} && mv -f {new} {path} "
        f"|| {{ rm -f {new}; exit 1; }}"
    )


def no_compat_lines(path: str) -> OperationMeta:
    """Remove the lines of an account file by which `compat` would take users in or out."""
    return _no_compat_lines(path=path, name=f"Remove the lines for NIS from {path}")


def apply(desired: DesiredState) -> None:
    """Take shells away from accounts of the system, and dead lines for NIS from the account files."""
    held = desired.subject("accounts")
    there = host.get_fact(LocalAccounts)
    if "no-local-accounts" in held:
        whom = known(desired)
        services = {service.account for service in desired.host.services}
        for name, built_in in sorted(whom.distribution.accounts.items()):
            shell = there.shells.get(name, NOLOGIN)
            is_system_s = built_in.shell is None and name not in whom.accounts and name not in services
            if is_system_s and shell not in NO_SESSION:
                with serving("no-local-accounts"):
                    no_shell(name, shell)
    if "names-from-files-and-directory" in held:
        with serving("names-from-files-and-directory"):
            for path in there.taken_in:
                no_compat_lines(path)
