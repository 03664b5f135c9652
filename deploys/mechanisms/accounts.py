"""Accounts that services run as: made where they are missing, locked and without a shell."""

from __future__ import annotations

import shlex
from collections.abc import Generator

from pyinfra.api.command import StringCommand
from pyinfra.api.facts import FactBase
from pyinfra.api.operation import OperationMeta, operation
from pyinfra.context import host

from plumbline.apply.telling import tell, tell_touches

ACCOUNT_FILES = tuple(
    f"/etc/{name}{old}" for name in ("passwd", "shadow", "group", "gshadow") for old in ("", "-")
)
"""What programs such as useradd(8) write."""


class AccountThere(FactBase[bool]):
    """Whether the host knows an account, from whatever source of names."""

    def command(self, account: str) -> str:
        """Return the command."""
        return f"getent passwd -- {shlex.quote(account)} >/dev/null && echo yes; :"

    @staticmethod
    def default() -> bool:
        """Return what no answer means."""
        return False

    def process(self, output: list[str]) -> bool:
        """Parse the answer."""
        return "yes" in output


@operation()
def _service_account(account: str, home: str) -> Generator[StringCommand, None, None]:
    if host.get_fact(AccountThere, account=account):
        host.noop(f"the account {account} is there")
        return
    tell(f"the system account {account} is made, locked, without a shell")
    tell_touches(paths=ACCOUNT_FILES)
    yield StringCommand(
        f"useradd --system --no-create-home --home-dir {shlex.quote(home)} --shell /usr/sbin/nologin "
        f"-- {shlex.quote(account)}"
    )


def service_account(account: str, home: str) -> OperationMeta:
    """Make a system account with a locked password and no shell; one that is there stays as it is."""
    return _service_account(account=account, home=home, name=f"The account {account} is there")
