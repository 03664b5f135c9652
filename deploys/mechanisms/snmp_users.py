"""The users of Net-SNMP's agent, which it keeps itself, with keys in place of passphrases."""

from __future__ import annotations

import base64
import hashlib
import re
import shlex
from collections.abc import Callable, Generator

from pyinfra.api.command import StringCommand
from pyinfra.api.facts import FactBase
from pyinfra.api.operation import OperationMeta, operation
from pyinfra.context import host

from plumbline.apply.telling import note, tell, tell_touches
from plumbline.secrets import MissingSecretError, only_planning

Commands = Generator[StringCommand, None, None]

FOLDER, FILE = "/var/lib/snmp", "/var/lib/snmp/snmpd.conf"
_USERS = (
    "^[[:space:]]*(usmUser|createUser|vacm[A-Za-z]*|r[ow](user|community6?)|auth[a-z]*|com2sec[a-z0-9]*)"
    "[[:space:]]"
)
"""Lines that make users or let them in; everything else there is the agent's own memory."""
_UNUSED = ' (""|0x)'
"""The last word of a user's line, which the agent writes now in one way, now in the other."""


class KeptUsers(FactBase[str]):
    """Read the SHA-256 of the lines about users that the agent keeps; never the lines, which hold keys."""

    def command(self) -> str:
        """Return the command; where there is nothing, the digest is that of nothing."""
        found = f"cat {FOLDER}/snmpd*.conf 2>/dev/null | grep -iE {shlex.quote(_USERS)}"
        return f"{found} | sed -E 's/{_UNUSED}$//' | sort | sha256sum"

    def process(self, output: list[str]) -> str:
        """Return the digest in hexadecimal."""
        return output[-1].split()[0]


@operation()
def _snmp_user(unit: str, line: Callable[[], str]) -> Commands:
    tell_touches(paths=[FOLDER], units=[unit])
    there = host.get_fact(KeptUsers)
    try:
        wanted = f"{line()}\n".encode()
    except MissingSecretError as error:
        if not only_planning():
            raise
        note(f"{FILE}: whether its user differs cannot be said, as {error.message}")
        wanted = b""
    if there == hashlib.sha256(re.sub(rf"{_UNUSED}$".encode(), b"", wanted, flags=re.MULTILINE)).hexdigest():
        host.noop(f"{FILE} has this user and no other")
        return
    tell("the user's keys are in it, so they are not shown; users and rights of others there go")
    name = shlex.quote(unit)
    # The agent writes the file when it ends, so it must have ended before.
    yield StringCommand(
        f"umask 077; a=$(systemctl is-active {name}); systemctl stop {name}; "
        f"mkdir -p {FOLDER} && t=$(mktemp {FOLDER}/.plumbline.XXXXXX) || exit 1; "
        f"{{ [ ! -f {FILE} ] || grep -viE {shlex.quote(_USERS)} {FILE} || [ $? -eq 1 ]; "
        f'base64 -d; }} >"$t" && chown --reference={FOLDER} "$t" && sync "$t" && '
        f'rm -f {FOLDER}/snmpd.*.conf && mv -fT "$t" {FILE} || {{ rm -f "$t"; exit 1; }}; '
        f'[ "$a" != active ] || {{ systemctl reset-failed {name}; systemctl start {name}; }}',
        _stdin=base64.encodebytes(wanted).decode() or "\n",
    )


def snmp_user(unit: str, line: Callable[[], str]) -> OperationMeta:
    """Make the agent of `unit` keep one user, by its `usmUser` line, and no other user or right beside it.

    The line holds keys: it goes over the connection's standard input, a digest comes back, and none is told.
    """
    return _snmp_user(unit=unit, line=line, name=f"Let {unit} keep one user")
