"""Whether PAM lets the directory decide: its stacks run on paper for one of its users (pam.conf(5))."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from plumbline.probes.session.authentication import OPENING, Authentication
from plumbline.probes.session.pam import (
    AUTHENTICATORS,
    BYSTANDERS,
    CALLER_IS_USER,
    CONDITIONS,
    IGNORE,
    ROOT_RUNS_IT,
    SUCCESS,
    Entry,
    run,
)

DIRECTORY = ("pam_sss", "pam_winbind")
LOGON = ("sshd", "login", "sudo", "lightdm", "gdm-password", "sddm", "xrdp-sesman")
"""Services by which a person of the directory comes in, or up; those that are there must ask it."""


@dataclass(frozen=True)
class _Directory:
    """How modules answer for somebody of the directory: `says` is its client's word, `others` the rest's."""

    service: str
    says: str
    others: str
    fits: bool
    known: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, entry: Entry) -> str:
        """Return a module's result."""
        if entry.module in DIRECTORY:
            return self.says
        if entry.module in self.known:
            return self.known[entry.module]
        if entry.module == ROOT_RUNS_IT:
            return "auth_err" if self.service in CALLER_IS_USER else SUCCESS
        if entry.module in BYSTANDERS:
            return IGNORE
        if entry.module in CONDITIONS:
            return SUCCESS if self.fits else "auth_err"
        return self.others if entry.module in AUTHENTICATORS else SUCCESS


def refusal_ignored(seen: Authentication) -> list[str]:
    """Return the services that open a session to somebody of the directory whom its client refuses.

    To pam_unix he is a user like others, as names come from the directory too; he is no local one.
    """
    found = []
    for service in seen.services:
        if service not in OPENING.split():
            continue
        entries = seen.entries(service, "account")
        known = {
            "pam_unix": SUCCESS,
            "pam_localuser": "perm_denied",
            "pam_deny": "auth_err",
            "pam_permit": SUCCESS,
        }
        for fits in (False, True):
            outcome = run(entries, _Directory(service, "perm_denied", SUCCESS, fits, known))
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
            _Directory(service, SUCCESS, "user_unknown", fits=False, known=known),
        ).let_in
    ]
