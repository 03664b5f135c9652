"""PAM stacks that take somebody's word from another place than the host's files and the directory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import compress, product

from plumbline.probes.session.authentication import Authentication
from plumbline.probes.session.pam import (
    AUTHENTICATORS,
    BYSTANDERS,
    CONDITIONS,
    REFUSALS,
    ROOT_RUNS_IT,
    SUCCESS,
    Answers,
    Entry,
    run,
)

_NO_SOURCE = frozenset({"pam_deny", "pam_faillock", "pam_tally", "pam_tally2", "pam_permit", ROOT_RUNS_IT})
_CONDITIONS_MAX = 6
_HANDED_OVER = re.compile(
    r"-?(auth|password)\s+(\[[^]]*\]|\S+)\s+(\S*/)?pam_(exec|script)\.so\b", re.IGNORECASE
)


@dataclass(frozen=True)
class _OthersSayYes(Answers):
    """Modules that ask elsewhere answer yes, those trusted answer as before: no."""

    trusted: frozenset[str]

    def __call__(self, entry: Entry) -> str:
        """Return a module's result."""
        return SUCCESS if _asks_elsewhere(entry, self.trusted) else super().__call__(entry)


def _asks_elsewhere(entry: Entry, trusted: frozenset[str]) -> bool:
    known = BYSTANDERS | CONDITIONS | _NO_SOURCE | trusted
    return entry.module in AUTHENTICATORS - known or entry.module not in AUTHENTICATORS | known


def _flat(entries: tuple[Entry, ...]) -> Iterator[Entry]:
    for entry in entries:
        if entry.substack is None:
            yield entry
        else:
            yield from _flat(entry.substack)


def other_authenticators(seen: Authentication, trusted: frozenset[str]) -> list[str]:
    """Return the lines of PAM by which a module that is not trusted lets somebody in on its own.

    A second factor does not: it only counts after a trusted module said yes.
    """
    found: dict[str, None] = {}
    for service in seen.opening:
        entries = seen.entries(service, "auth")
        flat = list(_flat(entries))
        if not any(_asks_elsewhere(entry, trusted) for entry in flat):
            continue
        conditions = [entry for entry in flat if entry.module in CONDITIONS][:_CONDITIONS_MAX]
        for chosen in product((True, False), repeat=len(conditions)):
            fitting = frozenset(compress(conditions, chosen))
            for refusal in REFUSALS:
                outcome = run(entries, _OthersSayYes(service, refusal, fitting, trusted))
                without = run(entries, Answers(service, refusal, fitting))
                if outcome.let_in and not without.let_in:
                    asked = [entry for entry in outcome.visited if _asks_elsewhere(entry, trusted)]
                    found |= {f"{service}: {entry}": None for entry in asked}
    return list(found)


def handed_passwords(seen: Authentication) -> list[str]:
    """Return the lines of PAM that start a program where passwords pass (pam_exec(8), pam_script)."""
    return [
        f"{path}:{number}: {text.strip()}"
        for path, lines in seen.files.items()
        for number, text in lines
        if _HANDED_OVER.match(text.strip())
    ]


def uses(seen: Authentication, module: str) -> bool:
    """Say whether any stack names a module."""
    return any(re.search(rf"\b{module}\.so\b", text) for lines in seen.files.values() for _, text in lines)
