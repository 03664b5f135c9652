"""Whether PAM lets the directory decide: its stacks run on paper for one of its users (pam.conf(5))."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import compress, product

from plumbline.probes.session.authentication import Authentication
from plumbline.probes.session.pam import (
    AUTHENTICATORS,
    BYSTANDERS,
    CALLER_IS_USER,
    CONDITIONS,
    IGNORE,
    ROOT_RUNS_IT,
    SUCCESS,
    Entry,
    flat,
    run,
)

DIRECTORY = ("pam_sss", "pam_winbind")
_CONDITIONS_MAX = 6
LOGON = ("sshd", "login", "sudo", "lightdm", "gdm-password", "sddm", "xrdp-sesman")
"""Services by which a person of the directory comes in, or up; those that are there must ask it."""


@dataclass(frozen=True)
class _Directory:
    """How modules answer for somebody of the directory: `says` is its client's word, `others` the rest's."""

    service: str
    says: str
    others: str
    fits: frozenset[Entry]
    known: Mapping[str, str] = field(default_factory=dict)
    domain: str = ""

    def __call__(self, entry: Entry) -> str:
        """Return a module's result."""
        if entry.module in DIRECTORY:
            return self.says if _serves(entry, self.domain) else "user_unknown"
        if entry.module in self.known:
            return self.known[entry.module]
        if entry.module == ROOT_RUNS_IT:
            return "auth_err" if self.service in CALLER_IS_USER else SUCCESS
        if entry.module in BYSTANDERS:
            return IGNORE
        if entry.module in CONDITIONS:
            return SUCCESS if entry in self.fits else "auth_err"
        return self.others if entry.module in AUTHENTICATORS else SUCCESS


def _serves(entry: Entry, domain: str) -> bool:
    """Say whether a line asks sssd for this domain's users; those of others it does not know (pam_sss(8))."""
    told = re.search(r"\[domains=([^\]]*)\]|\bdomains=(\S*)", entry.arguments)
    named = {word.lower() for word in re.split(r"[\s,]+", told[1] or told[2] or "")} if told else set()
    return not domain or told is None or domain.lower() in named


def refusal_ignored(seen: Authentication, domain: str = "") -> list[str]:
    """Return the services that open a session to somebody of the directory whom its client refuses.

    To pam_unix he is a user like others, as names come from the directory too; he is no local one.
    """
    found = []
    for service in seen.opening:
        entries = seen.entries(service, "account")
        known = {
            "pam_unix": SUCCESS,
            "pam_localuser": "perm_denied",
            "pam_deny": "auth_err",
            "pam_permit": SUCCESS,
        }
        conditions = [
            entry for entry in flat(entries) if entry.module in CONDITIONS and entry.module not in known
        ]
        for chosen in product((False, True), repeat=len(conditions[:_CONDITIONS_MAX])):
            # Of more conditions than can be tried the rest fits, as most of a line's own do.
            fits = frozenset([*compress(conditions, chosen), *conditions[_CONDITIONS_MAX:]])
            outcome = run(entries, _Directory(service, "perm_denied", SUCCESS, fits, known, domain))
            if outcome.let_in:
                last = outcome.visited[-1]
                found.append(f"{service}: {last}")
                break
    return found


def password_not_asked(seen: Authentication) -> list[str]:
    """Return the services of this host that do not let in on the directory's word for a password."""
    known = {"pam_localuser": "perm_denied", "pam_permit": SUCCESS}
    return [
        service
        for service in LOGON
        if service in seen.services
        if not run(
            seen.entries(service, "auth"),
            _Directory(service, SUCCESS, "user_unknown", fits=frozenset(), known=known),
        ).let_in
    ]
