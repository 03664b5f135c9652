"""Detours around the directory's own files: another keytab, and servers of the site that /etc/hosts moves.

Sources: krb5.conf(5), sssd-krb5(5), sssd-ldap(5), hosts(5).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from plumbline.probes.accounts.lines import FIELDS, Lines, print_lines, read_lines
from plumbline.probes.base import Output, Probe
from plumbline.probes.directory.membership import KEYTAB, MembershipFacts
from plumbline.probes.directory.sssd import SssdFacts
from plumbline.probes.tagged import PRINT_END, Rows
from plumbline.verify.unknown import Unknown

HOSTS = "/etc/hosts"
_NAMES = 30
_SECONDS = 3


@dataclass(frozen=True)
class HostsFacts:
    """/etc/hosts, and by name the addresses that the name servers alone tell; None where none answered."""

    files: Lines
    told: dict[str, frozenset[str] | None]

    def pinned(self) -> Iterator[tuple[str, str, str]]:
        """Yield place, address and name of each name that has an address here, in small letters."""
        for number, line in enumerate(self.files.get(HOSTS, ()), 1):
            address, *names = line.partition("#")[0].split() or [""]
            yield from ((f"{HOSTS}:{number}", address, name.lower().rstrip(".")) for name in names)


def _hosts(output: Output) -> HostsFacts:
    rows = Rows(output, {"told": 3, **FIELDS})
    answers = {
        name.lower().rstrip("."): frozenset(filter(None, map(_plain, found.split())))
        if status in ("0", "2")
        else None
        for name, status, found in rows["told"]
    }
    return HostsFacts(read_lines(rows), answers)


def _plain(address: str) -> str:
    """Return an address as it is compared; empty for what is none."""
    try:
        return str(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return ""


PINNED = Probe(
    # Asked are the name servers alone, for the names here and, to see that they answer, for the realm's.
    # Loopback is the host itself. The first name server that is silent is the last one asked.
    "directory.hosts_file",
    "r=$(sed -nE 's/^[[:space:]]*default_realm[[:space:]]*=[[:space:]]*([^[:space:]]+).*/\\1/p' "
    "/etc/krb5.conf 2>/dev/null | tail -n 1 | tr A-Z a-z); "
    f"n=$(sed -E 's/#.*//; /^[[:space:]]*(127\\.|::1[[:space:]]|ff|fe00:)/d' {HOSTS} 2>/dev/null | "
    "awk '{ for (i = 2; i <= NF; i++) if ($i ~ /^[A-Za-z0-9._-]+$/ && $i ~ /[.]/) print $i }' | "
    f'sort -u | head -n {_NAMES}); s=0; [ -z "$n" ] || for f in $r $n; do [ "$s" -lt 124 ] || break; '
    f'a=$(timeout {_SECONDS} getent -s dns ahosts "$f"); s=$?; '
    'printf \'told\\t%s\\t%s\\t%s\\n\' "$f" "$s" '
    "\"$(printf '%s\\n' \"$a\" | awk '{ print $1 }' | sort -u | tr '\\n' ' ')\"; done; "
    f"{print_lines([HOSTS])}{PRINT_END}",
    _hosts,
    limit=20,
)


def moved(found: HostsFacts, servers: Collection[str], own: str) -> list[str]:
    """Return the lines of /etc/hosts that give a server of the site another address than its name servers.

    A name they do not know has its address from here alone, as where a site gives none. The host's own
    names are not looked at. Unknown where no name server answers.
    """
    wanted = {name.lower().rstrip(".") for name in servers}
    told = []
    for place, written, name in found.pinned():
        address = _plain(written)
        if name not in wanted or name.partition(".")[0] == own.lower() or not address:
            continue
        answer = found.told.get(name)
        if ipaddress.ip_address(address).is_loopback:
            told.append(f"{place}: {address} {name}")
        elif not any(found.told.values()) or answer is None:
            raise Unknown(
                "{place} names {name}, and no name server tells its address", place=place, name=name
            )
        elif answer and address not in answer:
            told.append(f"{place}: {address} {name}, the name servers say {', '.join(sorted(answer))}")
    return told


def other_keytabs(sssd: SssdFacts, membership: MembershipFacts, domain: str) -> list[str]:
    """Return by which settings sssd or Kerberos reads its keys elsewhere than from /etc/krb5.keytab."""
    settings = sssd.of_domain(domain)
    given = [settings[key] for key in ("krb5_keytab", "ldap_krb5_keytab") if key in settings]
    found = [str(one) for one in given if not _is_usual(one.value)]
    return found + [
        f"{place}: {key} = {value}"
        for place, section, key, value in membership.kerberos()
        if section == "libdefaults" and key == "default_keytab_name" and not _is_usual(value)
    ]


def _is_usual(path: str) -> bool:
    kind, colon, rest = path.partition(":")
    return (rest if colon and kind in ("FILE", "WRFILE") else path) == KEYTAB
