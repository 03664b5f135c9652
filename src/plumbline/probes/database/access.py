"""Whether a rule of PostgreSQL's lets somebody in whom the directory does not vouch for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from plumbline.probes.database.hba import Rule
from plumbline.probes.database.postgresql import Role
from plumbline.spec.site import ActiveDirectory
from plumbline.verify.unknown import Unknown

DIRECTORY_MODULES = ("pam_sss.so", "pam_winbind.so", "pam_krb5.so", "pam_ldap.so")
_LOCAL_MODULES = ("pam_unix.so", "pam_pwdb.so", "pam_userdb.so", "pam_permit.so", "pam_rootok.so")
BUILT_IN = "postgres"
NO_DIRECTORY = "the site names no directory that could vouch"


@dataclass(frozen=True)
class Surroundings:
    """What a rule is judged by: the directory, the host's own accounts, PAM, and what the server told.

    `roles` and `maps` are None where no server answered.
    """

    directory: ActiveDirectory | None
    local: frozenset[str]
    pam: Mapping[str, Sequence[str]]
    roles: Sequence[Role] | None = None
    maps: Sequence[Mapping[str, str]] | None = None

    @property
    def built_in(self) -> set[str]:
        """The roles that the installation made."""
        return {BUILT_IN, *(role.name for role in self.roles or () if role.built_in)}


def past_the_directory(rules: Iterable[Rule], around: Surroundings) -> list[str]:
    """Return the rules that let somebody in on another word than the directory's, each with why.

    A rule nobody comes to, because one before has answered them all, is left out.
    """
    found: list[str] = []
    before: list[Rule] = []
    for rule in rules:
        if not any(earlier.covers(rule) for earlier in before):
            found += [f"{rule}: {why}" if why else str(rule) for why in _wrong(rule, around)]
        before.append(rule)
    return found


def _wrong(rule: Rule, around: Surroundings) -> list[str]:
    others = [user for user in rule.users if user not in around.built_in]
    if rule.method == "reject":
        return []
    if rule.method == "trust":
        return [""]
    if not others:
        return []
    if rule.method in ("peer", "ident"):
        return _by_local_account(rule, others, around)
    if rule.method in ("gss", "sspi"):
        return _by_kerberos(rule, around.directory)
    if rule.method == "ldap":
        return _by_ldap(rule, around.directory)
    if rule.method == "pam":
        return _by_pam(rule, around.pam)
    if rule.method == "radius":
        raise Unknown("{rule}: who stands behind the RADIUS server is not seen here", rule=str(rule))
    return [""]


def _by_kerberos(rule: Rule, directory: ActiveDirectory | None) -> list[str]:
    if directory is None:
        return [NO_DIRECTORY]
    realm = rule.options.get("krb_realm", "").upper()
    return [] if realm in ("", directory.domain.upper()) else ["the realm is not the directory's"]


def _by_ldap(rule: Rule, directory: ActiveDirectory | None) -> list[str]:
    if directory is None:
        return [NO_DIRECTORY]
    url = urlsplit(rule.options.get("ldapurl", ""))
    servers = rule.options.get("ldapserver", "").split() or ([url.hostname] if url.hostname else [])
    found = []
    schemes = (url.scheme, rule.options.get("ldapscheme"))
    # A file says 1, the server shows true.
    if "ldaps" not in schemes and rule.options.get("ldaptls") not in ("1", "true"):
        found.append("passwords cross the network in the clear")
    known = {directory.domain.lower(), *(name.lower() for name in directory.controllers)}
    strange = [name for name in servers if name.lower().partition(":")[0] not in known]
    if strange or not servers:
        found.append(f"{', '.join(strange) or 'its server'} is no domain controller of the site")
    return found


def _by_pam(rule: Rule, pam: Mapping[str, Sequence[str]]) -> list[str]:
    service = rule.options.get("pamservice", "postgresql")
    return [told for told in [pam_without_directory(service, pam)] if told]


def pam_without_directory(service: str, pam: Mapping[str, Sequence[str]]) -> str:
    """Return why a service's authentication by PAM is not the directory's; empty if it is."""
    name = service if service in pam else "other"
    modules = _modules(name, pam, 0)
    local = [module for module in modules if module in _LOCAL_MODULES]
    if not any(module in DIRECTORY_MODULES for module in modules):
        return f"PAM's service {name} does not ask the directory"
    return f"PAM's service {name} asks {', '.join(local)} too" if local else ""


def _modules(service: str, pam: Mapping[str, Sequence[str]], depth: int) -> list[str]:
    found: list[str] = []
    for line in pam.get(service, ()):
        words = line.split()
        if words[0] == "@include" or (len(words) > 2 and words[1] in ("include", "substack")):
            found += _modules(words[-1], pam, depth + 1) if depth < 8 else []
        else:
            found += [word for word in words if word.endswith(".so")][:1]
    return found


def _by_local_account(rule: Rule, users: Sequence[str], around: Surroundings) -> list[str]:
    """Judge a rule that takes the system's word: for accounts of the host itself it is no directory's."""
    if rule.method == "ident" and rule.kind != "local":
        return ["whoever runs the other machine says who he is"]
    if mapped := rule.options.get("map"):
        return _by_map(mapped, around)
    if around.roles is None:
        named = [user for user in users if user != "all"]
    else:
        named = [
            role.name for role in around.roles if role.name not in around.built_in and _meant(role, users)
        ]
    return [
        f"{name} is an account of this host, not of the directory" for name in named if name in around.local
    ]


def _meant(role: Role, users: Sequence[str]) -> bool:
    # Whether a role is in a group is not asked: it is taken to be, for then it may log in by the rule.
    return any(
        user in ("all", role.name)
        or user.startswith("+")
        or (user.startswith("/") and re.search(user[1:], role.name) is not None)
        for user in users
    )


def _by_map(name: str, around: Surroundings) -> list[str]:
    if around.maps is None:
        return []
    found = []
    for entry in around.maps:
        if entry["map"] != name or entry["role"] in around.built_in:
            continue
        system = entry["system"]
        matched = (
            sorted(account for account in around.local if re.search(system[1:], account))
            if system.startswith("/")
            else [system] * (system in around.local)
        )
        if matched:
            found.append(f"the map {name} lets {', '.join(matched[:5])} of this host in as {entry['role']}")
    return found
