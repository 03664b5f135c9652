"""Services on Linux: unencrypted servers are taken away, and the distribution's accounts have no password.

Only packages that servers.yml calls unencrypted in any case are removed, and only where the specification
does not name them. Whatever else is not declared stays, for a plant may live from it: the checks name it,
and a person decides. Shells of the distribution's accounts are the business of the accounts' deploy.
"""

from __future__ import annotations

import shlex
from collections.abc import Generator, Mapping

from pyinfra.api.command import StringCommand
from pyinfra.api.facts import FactBase
from pyinfra.api.operation import OperationMeta, operation
from pyinfra.context import host

from deploys.mechanisms.accounts import ACCOUNT_FILES
from deploys.mechanisms.packages import no_packages
from plumbline.apply.serving import serving
from plumbline.apply.telling import tell, tell_touches
from plumbline.policy.accounts import load_distribution
from plumbline.policy.servers import load_servers
from plumbline.policy.standard import DesiredState

Commands = Generator[StringCommand, None, None]

SYSTEM_UIDS = range(1, 1000)
NOBODY = 65534


def apply(desired: DesiredState) -> None:
    """Remove undeclared packages of unencrypted servers, and lock the distribution's accounts."""
    held = desired.subject("services")
    if "cleartext-protocols-absent" in held:
        with serving("cleartext-protocols-absent"):
            no_packages(unwanted(desired))
    if "service-accounts-no-logon" in held:
        there: dict[str, int] = host.get_fact(OpenPasswords)
        with serving("service-accounts-no-logon"):
            for account in to_lock(desired, there):
                no_password(account)


def unwanted(desired: DesiredState) -> list[str]:
    """Return the packages that are removed if they are there."""
    declared = {package for service in desired.host.services for package in service.packages}
    declared |= {package for software in desired.host.software for package in software.packages}
    kinds = load_servers(desired.standard.name).unencrypted.values()
    return sorted({package for server in kinds for package in server.packages} - declared)


def to_lock(desired: DesiredState, there: Mapping[str, int]) -> list[str]:
    """Return the accounts to lock: of the distribution, with a system's number, declared by nobody.

    `there`: accounts that a password opens, with their numbers.
    """
    built_in = load_distribution(desired.standard.name, desired.host.os.distribution).accounts
    declared = {account.name for account in desired.host.local_accounts}
    declared |= {service.account for service in desired.host.services}
    return sorted(
        name
        for name, uid in there.items()
        if name in built_in and name not in declared and (uid in SYSTEM_UIDS or uid == NOBODY)
    )


class OpenPasswords(FactBase[dict[str, int]]):
    """Read which accounts a password opens, or would without one, with their numbers; never a hash."""

    def command(self) -> str:
        """Return the command."""
        return (
            'awk -F: \'FILENAME == "/etc/shadow" { if ($2 !~ /^[!*]/ && $2 != "x") open[$1] = 1; '
            "next } $1 in open { print $1, $3 }' /etc/shadow /etc/passwd"
        )

    @staticmethod
    def default() -> dict[str, int]:
        """Return a host where no password opens anything."""
        return {}

    def process(self, output: list[str]) -> dict[str, int]:
        """Parse `NAME UID`."""
        words = (line.rsplit(" ", 1) for line in output)
        return {line[0]: int(line[1]) for line in words if len(line) == 2 and line[1].isdigit()}


@operation()
def _no_password(account: str) -> Commands:
    tell("its password is locked; usermod -U brings it back")
    tell_touches(paths=ACCOUNT_FILES)
    yield StringCommand(f"usermod -L -- {shlex.quote(account)}")


def no_password(account: str) -> OperationMeta:
    """Lock the password of an account that one opens; the hash stays, with ! before it."""
    return _no_password(account=account, name=f"Lock the password of {account}")
