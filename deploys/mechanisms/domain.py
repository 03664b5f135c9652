"""Membership of an Active Directory: joined with adcli when the domain does not honour the host's key."""

from __future__ import annotations

import re
import shlex
from collections.abc import Generator, Sequence
from dataclasses import dataclass

from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import OperationError
from pyinfra.api.facts import FactBase
from pyinfra.api.operation import OperationMeta, operation
from pyinfra.context import host

from deploys.mechanisms.aside import KEPT
from plumbline.apply.telling import note, tell, tell_touches
from plumbline.secrets import only_planning, secret

KEYTAB = "/etc/krb5.keytab"
KDC_SECONDS = 10
"""How long the domain controllers may take to answer; one after the other is asked in that time."""

Commands = Generator[StringCommand, None, None]

# Answers of kinit(1) by which the domain does not know this host, or not by this key.
_NOT_HONOURED = (
    "not found in Kerberos database",
    "Preauthentication failed",
    "Password incorrect",
    "has no support for encryption type",
    "no suitable keys",
)
_DISABLED = "credentials have been revoked"


@dataclass(frozen=True)
class Domain:
    """The domain a host belongs to, and as what."""

    name: str
    controllers: Sequence[str]
    computer: str
    unit: str | None
    account: str
    key_types: Sequence[str]

    @property
    def realm(self) -> str:
        """The Kerberos realm."""
        return self.name.upper()

    @property
    def host_name(self) -> str:
        """The host's full name in the domain; the site's own may be another."""
        return f"{self.computer.lower()}.{self.name}"

    @property
    def principal(self) -> str:
        """Who the host is to Kerberos."""
        return f"{self.computer}$@{self.realm}"


@dataclass(frozen=True)
class Membership:
    """What there is of a membership: keys as (slot, principal, type), and what kinit said of ours.

    `tools`: klist and kinit are there; `status` is None where kinit was not asked.
    """

    keytab: bool
    tools: bool
    keys: tuple[tuple[int, str, str], ...] = ()
    status: int | None = None
    said: str = ""


class MembershipOnHost(FactBase[Membership]):
    """Read the keytab, without its keys, and ask a domain controller whether it honours them."""

    def command(self, principal: str) -> str:
        """Return the command; the ticket it gets is kept in memory only and goes with it."""
        ask = f"timeout {KDC_SECONDS} kinit -c MEMORY:plumbline -k -t {KEYTAB} {shlex.quote(principal)}"
        return (
            f"export LC_ALL=C; [ ! -s {KEYTAB} ] || echo keytab; command -v kinit >/dev/null || exit 0; "
            f"echo tools; [ -s {KEYTAB} ] || exit 0; "
            f"klist -ke {KEYTAB} | sed -n 's/^ *[0-9][0-9]* .*@/key &/p'; "
            f's=$({ask} 2>&1 </dev/null); echo "status $?"; printf \'said %s\\n\' "$s"'
        )

    @staticmethod
    def default() -> Membership:
        """Return what no answer means: nothing of it is there."""
        return Membership(keytab=False, tools=False)

    def process(self, output: list[str]) -> Membership:
        """Parse `keytab`, `tools`, `key KVNO PRINCIPAL (TYPE)`, `status N`, `said TEXT`."""
        keys = [
            (match[1], match[2])
            for line in output
            if (match := re.fullmatch(r"key\s+\d+ (\S.*@\S+) \(([^)]*)\)\s*", line))
        ]
        status = [int(line.split()[1]) for line in output if line.startswith("status ")]
        said = " ".join(line.removeprefix("said ") for line in output if line.startswith("said "))
        return Membership(
            keytab="keytab" in output,
            tools="tools" in output,
            keys=tuple((slot, *key) for slot, key in enumerate(keys, 1)),
            status=status[0] if status else None,
            said=said,
        )


def why_join(there: Membership, domain: Domain) -> str | None:
    """Say why the host must be joined; None if it is, or if nobody can tell now."""
    if not there.keytab:
        return "it has no keytab"
    if not there.tools:
        return "its keytab was not tried yet"
    ours = [kind for _, principal, kind in there.keys if principal.lower() == domain.principal.lower()]
    if not ours:
        names = sorted({principal for _, principal, _ in there.keys if "$@" in principal})
        return f"its keytab has no key of {domain.principal} ({', '.join(names) or 'nor of any computer'})"
    if not set(ours) & set(domain.key_types):
        return f"its keytab has keys of {', '.join(sorted(set(ours)))} only"
    if there.status and any(answer in there.said for answer in _NOT_HONOURED):
        return f"the domain does not honour its key ({there.said.removeprefix('kinit: ')})"
    return None


@operation()
def _joined(domain: Domain) -> Commands:
    there = host.get_fact(MembershipOnHost, principal=domain.principal)
    why = why_join(there, domain)
    if why is None:
        if there.status and _DISABLED in there.said:
            note(f"{domain.principal} is disabled in the directory; whoever did it must enable it again")
        elif there.status:
            note(f"whether {domain.name} honours the host cannot be said: {there.said or 'no answer'}")
        host.noop(f"the host is joined to {domain.name}")
        return
    tell(why, f"{domain.computer} is joined to {domain.name} by {domain.account}")
    keep = any(not principal.lower().endswith(f"@{domain.realm.lower()}") for _, principal, _ in there.keys)
    tell_touches(paths=[KEYTAB, KEPT + KEYTAB] if keep else [KEYTAB])
    password = "" if only_planning() else secret("directory.join").reveal()
    yield StringCommand(_join(domain, keep=keep), _stdin=f"{password}\n")


def _join(domain: Domain, *, keep: bool) -> str:
    """Return the command that joins; the password comes by standard input and stays in the shell.

    The keytab is put in place whole. One with keys of another realm is kept aside, for it may serve others.
    """
    controllers = " ".join(shlex.quote(name) for name in domain.controllers)
    words = [
        "adcli",
        "join",
        "--stdin-password",
        f"--login-user={domain.account}",
        f"--domain={domain.name}",
        f"--domain-realm={domain.realm}",
        *([f"--domain-ou={domain.unit}"] if domain.unit else []),
        f"--computer-name={domain.computer}",
        f"--host-fqdn={domain.host_name}",
    ]
    join = " ".join(shlex.quote(word) for word in words)
    ping = f'timeout {KDC_SECONDS} adcli info --domain-controller="$one" {shlex.quote(domain.name)}'
    nobody = shlex.quote(f"no domain controller answers: {', '.join(domain.controllers)}")
    aside = f"mkdir -p {KEPT}/etc && mv --backup=numbered -T {KEYTAB} {KEPT}{KEYTAB} && " if keep else ""
    return (
        f"umask 077; p=$(cat); dc=; for one in {controllers}; do "
        f"{ping} >/dev/null 2>&1 && {{ dc=$one; break; }}; done; "
        f'[ -n "$dc" ] || {{ echo {nobody} >&2; exit 1; }}; '
        "t=$(mktemp -d /etc/.plumbline.XXXXXX) || exit 1; "
        f'printf %s "$p" | {join} --domain-controller="$dc" --host-keytab="$t/keytab" >/dev/null '
        f'&& [ -s "$t/keytab" ] && {aside}mv -fT "$t/keytab" {KEYTAB}; s=$?; rm -rf "$t"; exit $s'
    )


def joined(domain: Domain) -> OperationMeta:
    """Make the host a member of the domain; joined anew where the domain does not know it by its key.

    Needs the secret `directory.join`. What the domain does not answer is noted, and nothing is changed then.
    """
    return _joined(domain=domain, name=f"Join {domain.name}")


@operation()
def _keys_only(domain: Domain) -> Commands:
    there = host.get_fact(MembershipOnHost, principal=domain.principal)
    weak = [(slot, kind) for slot, _, kind in there.keys if kind not in domain.key_types]
    if not weak or why_join(there, domain) is not None:
        host.noop(f"{KEYTAB} has keys of {', '.join(domain.key_types)} only")
        return
    tell(f"keys of {', '.join(sorted({kind for _, kind in weak}))} are removed")
    tell_touches(paths=[KEYTAB])
    # Slots move up when one before them goes.
    deleted = "".join(f"delent {slot}\\n" for slot, _ in sorted(weak, reverse=True))
    yield StringCommand(
        f"umask 077; t=$(mktemp -d /etc/.plumbline.XXXXXX) || exit 1; "
        f"printf 'rkt {KEYTAB}\\n{deleted}wkt %s/keytab\\n' \"$t\" | ktutil >/dev/null "
        f'&& [ -s "$t/keytab" ] && mv -fT "$t/keytab" {KEYTAB}; s=$?; rm -rf "$t"; exit $s'
    )


def keys_only(domain: Domain) -> OperationMeta:
    """Take the keys of other types than the domain's accepted ones out of the keytab."""
    return _keys_only(domain=domain, name=f"Remove weak keys from {KEYTAB}")


def computer_name(name: str) -> str:
    """Return what a host is called in the directory; OperationError if that would be cut short there."""
    if len(name) > 15:
        raise OperationError(
            f"{name} has more than 15 letters, and the directory would cut it short (sAMAccountName); "
            "give the host a shorter name"
        )
    return name.upper()
