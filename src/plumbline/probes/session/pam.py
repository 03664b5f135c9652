"""PAM stacks, run on paper: who gets in if every module that asks for a proof says no (pam.conf(5))."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import compress, product

SUCCESS, IGNORE = "success", "ignore"
REFUSALS = ("auth_err", "user_unknown", "authinfo_unavail", "cred_insufficient", "maxtries", "perm_denied")
"""What a module that asks for a proof may return when it gets none."""

_SHORTHAND: dict[str, dict[str, str]] = {
    "required": {"success": "ok", "new_authtok_reqd": "ok", "ignore": "ignore", "default": "bad"},
    "requisite": {"success": "ok", "new_authtok_reqd": "ok", "ignore": "ignore", "default": "die"},
    "sufficient": {"success": "done", "new_authtok_reqd": "done", "default": "ignore"},
    "optional": {"success": "ok", "new_authtok_reqd": "ok", "default": "ignore"},
}
_LINE = re.compile(r"-?(auth|account|session|password)\s+(\[[^]]*\]|\S+)\s+(\S+)\s*(.*)", re.IGNORECASE)
_INGROUP = re.compile(r"(?:\S+\s+)*?user\s+ingroup\s+(\S+)(?:\s+\S+)*")
_INCLUDE = re.compile(r"@include\s+(\S+)")
_MODULES = re.compile(r"(/usr)?/lib(32|64|x32)?(/[\w-]+-linux-\w+)?/security")
_DEPTH_MAX = 16
_CONDITIONS_MAX = 6


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Modules that neither ask for a proof nor let anyone in: they prepare, tell, limit or remember.
BYSTANDERS = _names(
    "pam_cap pam_ecryptfs pam_echo pam_env pam_faildelay pam_fscrypt pam_gnome_keyring pam_group pam_keyinit "
    "pam_kwallet pam_kwallet5 pam_lastlog pam_limits pam_loginuid pam_mail pam_mkhomedir pam_motd pam_mount "
    "pam_nologin pam_selinux pam_systemd pam_umask pam_warn"
)
# Modules that ask the user for a proof: without one they refuse.
AUTHENTICATORS = _names(
    "pam_unix pam_sss pam_ldap pam_ldapd pam_krb5 pam_winbind pam_google_authenticator pam_u2f pam_pkcs11 "
    "pam_p11 pam_yubico pam_fprintd pam_oath pam_radius_auth pam_tacplus pam_userdb pam_faillock "
    "pam_deny pam_ssh_agent_auth pam_systemd_home pam_ccreds "
    "pam_duo pam_poldi pam_otpw"
)
# Modules that let in without a proof whoever fits a condition: a user, a terminal, a group, an address.
CONDITIONS = _names(
    "pam_succeed_if pam_localuser pam_wheel pam_listfile pam_access pam_rhosts pam_securetty pam_shells "
    "pam_time pam_usertype pam_issue pam_ftp pam_guest pam_timestamp pam_lsass_if"
)
ROOT_RUNS_IT = "pam_rootok"
"""Lets root in: right where a user's own process asks (su), a hole where a daemon of root's does (sshd)."""

CALLER_IS_USER = frozenset({"su", "su-l", "runuser", "runuser-l", "chsh", "chfn", "passwd"})


@dataclass(frozen=True)
class Entry:
    """One line of a stack: where it stands, what its control does with a result, which module it calls."""

    file: str
    line: int
    control: tuple[tuple[str, str], ...]
    module: str
    arguments: str
    substack: tuple[Entry, ...] | None = None

    def action(self, result: str) -> str:
        """Return what the control does with a module's result."""
        actions = dict(self.control)
        return actions.get(result, actions.get("default", "bad"))

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.module} {self.arguments}".rstrip()


@dataclass
class Outcome:
    """How a stack ended, and which lines it went through."""

    let_in: bool
    visited: list[Entry] = field(default_factory=list)


Files = Mapping[str, list[tuple[int, str]]]
"""Lines with their numbers, by path."""


def stack(files: Files, directory: str, service: str, kind: str, depth: int = 0) -> tuple[Entry, ...]:
    """Return the lines of one kind (`auth`, `session`, …) of a service, includes put in place.

    Raises ValueError for a missing or endless include and for a line that is none of PAM's: libpam then
    refuses the whole service, but it also means that this file is not understood here.
    """
    if depth > _DEPTH_MAX:
        raise ValueError(f"the includes of {directory}/{service} have no end")
    path = service if service.startswith("/") else f"{directory}/{service}"
    if path not in files:
        raise ValueError(f"{path} is included and does not exist")
    entries: list[Entry] = []
    for number, text in _joined(files[path]):
        included = _INCLUDE.fullmatch(text)
        if included:
            entries += stack(files, directory, included[1], kind, depth + 1)
            continue
        match = _LINE.fullmatch(text)
        if match is None:
            raise ValueError(f"{path}:{number} is no line of PAM: {text[:80]}")
        if match[1].lower() != kind:
            continue
        control, module, arguments = match[2].lower(), match[3], match[4]
        if control == "include":
            entries += stack(files, directory, module, kind, depth + 1)
        elif control == "substack":
            inner = stack(files, directory, module, kind, depth + 1)
            entries.append(Entry(path, number, (), module, arguments, inner))
        else:
            entries.append(Entry(path, number, _control(control, path, number), _module(module), arguments))
    return tuple(entries)


def _joined(lines: Iterable[tuple[int, str]]) -> Iterable[tuple[int, str]]:
    begun, number = "", 0
    for line, raw in lines:
        number = number if begun else line
        text = begun + raw
        begun = ""
        if text.endswith("\\"):
            begun = text[:-1] + " "
            continue
        text = text.split("#", 1)[0].strip()
        if text:
            yield number, text


def _module(path: str) -> str:
    """Return a module's name; one from outside libpam's places keeps its path, as a stranger."""
    folder, _, name = path.rpartition("/")
    return name.removesuffix(".so") if not folder or _MODULES.fullmatch(folder) else path


def _control(text: str, path: str, number: int) -> tuple[tuple[str, str], ...]:
    if text in _SHORTHAND:
        return tuple(_SHORTHAND[text].items())
    pairs = [pair.partition("=") for pair in text.strip("[]").split()]
    if not text.startswith("[") or not all(key and value for key, _, value in pairs):
        raise ValueError(f"{path}:{number} has a control that PAM does not know: {text}")
    return tuple((key, value) for key, _, value in pairs)


def run(entries: tuple[Entry, ...], answer: Callable[[Entry], str]) -> Outcome:
    """Run a stack with what each module answers, as libpam's dispatcher does."""
    visited: list[Entry] = []
    impression, status = _run(entries, answer, visited, "undefined", "none")
    return Outcome(impression == "positive" and status == SUCCESS, visited)


def _run(
    entries: tuple[Entry, ...],
    answer: Callable[[Entry], str],
    visited: list[Entry],
    impression: str,
    status: str,
) -> tuple[str, str]:
    at_start = (impression, status)
    skip = 0
    for entry in entries:
        if skip:
            skip -= 1
            continue
        if entry.substack is not None:
            impression, status = _run(entry.substack, answer, visited, impression, status)
            continue
        visited.append(entry)
        result = answer(entry)
        action = entry.action(result)
        if action.isdigit():
            skip = int(action)
        elif action == "reset":
            impression, status = at_start
        elif action in ("ok", "done"):
            if impression == "undefined" or (impression, status) == ("positive", SUCCESS):
                impression, status = "positive", result
            if action == "done" and impression == "positive":
                break
        elif action in ("bad", "die"):
            if impression != "negative":
                impression, status = "negative", result
            if action == "die":
                break
    return impression, status


@dataclass(frozen=True)
class Answers:
    """How modules answer somebody who proves nothing: `fitting` are the conditions and strangers he fits."""

    service: str
    refusal: str
    fitting: frozenset[Entry]

    def __call__(self, entry: Entry) -> str:
        """Return a module's result."""
        if entry.module == "pam_permit" or _tally(entry):
            return SUCCESS
        if entry.module == ROOT_RUNS_IT:
            return "auth_err" if self.service in CALLER_IS_USER else SUCCESS
        if entry.module in BYSTANDERS or _wheel_without_trust(entry):
            return IGNORE
        if entry.module in AUTHENTICATORS:
            return self.refusal
        return SUCCESS if entry in self.fitting else "auth_err"


def opens_without_proof(
    service: str, entries: tuple[Entry, ...], members: Mapping[str, frozenset[str]]
) -> tuple[list[Entry], list[Entry]]:
    """Return the lines that let somebody in without a proof, and the modules one would have to know to say.

    A condition counts as a way in if anyone can fit it: `user ingroup G` only if G has `members`. Of more
    conditions than can be tried the rest counts as modules one would have to know.
    """
    lines = list(flat(entries))
    conditions = [entry for entry in lines if _may_fit(entry, members)]
    untried = conditions[_CONDITIONS_MAX:]
    conditions = conditions[:_CONDITIONS_MAX]
    strangers = [entry for entry in lines if _stranger(entry)]
    for unknown_fit in ([], strangers):
        for chosen in product((True, False), repeat=len(conditions)):
            fitting = frozenset([*compress(conditions, chosen), *unknown_fit])
            for refusal in REFUSALS:
                outcome = run(entries, Answers(service, refusal, fitting))
                if outcome.let_in and unknown_fit:
                    return [], strangers
                if outcome.let_in:
                    opening = [entry for entry in outcome.visited if _opens(entry, service, fitting)]
                    return opening or outcome.visited, []
    return [], untried


def flat(entries: tuple[Entry, ...]) -> Iterable[Entry]:
    """Yield a stack's lines in their order, those of what it takes in too."""
    for entry in entries:
        if entry.substack is None:
            yield entry
        else:
            yield from flat(entry.substack)


def _stranger(entry: Entry) -> bool:
    known = BYSTANDERS | AUTHENTICATORS | CONDITIONS | {"pam_permit", "pam_deny", ROOT_RUNS_IT}
    return entry.module not in known and not _tally(entry)


def _tally(entry: Entry) -> bool:
    """Say whether a line only counts failed attempts, and succeeds as long as there were few."""
    if entry.module == "pam_faillock":
        return "authfail" not in entry.arguments.split()
    return entry.module in ("pam_tally", "pam_tally2")


def _wheel_without_trust(entry: Entry) -> bool:
    return entry.module == "pam_wheel" and "trust" not in entry.arguments.split()


def fits_never(entry: Entry, service: str) -> bool:
    """Say whether a condition on the service's name is not met by this one."""
    words = entry.arguments.split()
    if entry.module != "pam_succeed_if" or "service" not in words[:-2]:
        return False
    operator, value = words[words.index("service") + 1 :][:2]
    names = value.split(":")
    return {"=": service != value, "in": service not in names}.get(operator, False)


def _may_fit(entry: Entry, members: Mapping[str, frozenset[str]]) -> bool:
    if entry.module not in CONDITIONS or _wheel_without_trust(entry):
        return False
    group = _INGROUP.fullmatch(entry.arguments) if entry.module == "pam_succeed_if" else None
    return bool(members.get(group[1])) if group else True


def _opens(entry: Entry, service: str, fitting: frozenset[Entry]) -> bool:
    if entry.module == ROOT_RUNS_IT:
        return service not in CALLER_IS_USER
    return entry.module == "pam_permit" or entry in fitting
