"""What an interactive shell does when left alone: the TMOUT it really starts with (bash(1), zshparam(1)).

The probe starts the shells a person would get and asks them, for only that sees every startup file, condition
and order. They run as nobody, without a home, rights or terminal: the scripts of /etc/profile.d, which every
login runs, can change nothing there. How they treat root is seen in a user namespace where nobody looks like
root and has no right of root's. Each answer carries a word made up for this call, so that a startup file
cannot answer in a shell's place. dash knows no TMOUT, nor do fish and others: those end with their session.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.limit import NEVER, Limit
from plumbline.probes.nobody import AS_NOBODY

NO_ZSH = "no zsh"
NO_NAMESPACE = "no user namespace"

_ASK = r"""
secret=$(cat /proc/sys/kernel/random/uuid) || exit 9
bash_says='printf "\036'$secret'%s\t%s\t%q\n" "$0" "${TMOUT@a}" "${TMOUT-unset}"'
zsh_says='printf "\036'$secret'%s\t%s\t%q\n" "$0" "${(t)TMOUT}" "${TMOUT-unset}"'
{as_nobody}answers() { sed -n "s/^\(\x1e\)$secret/\1/p"; }
as_nobody true || exit 9
as_nobody bash -lic "$bash_says" login | answers
as_nobody TMOUT=0 bash -lic "$bash_says" preset | answers
as_nobody bash -lic 'exec bash -ic "$0" nested' "$bash_says" | answers
if as_nobody unshare -Ur true; then
    as_nobody unshare -Ur bash -lic "$bash_says" root | answers
    as_nobody unshare -Ur bash -ic "$bash_says" sudo | answers
else printf '\036no user namespace\n'; fi
if command -v zsh >/dev/null; then as_nobody zsh -lic "$zsh_says" zsh | answers
else printf '\036no zsh\n'; fi
exit 0
"""

_ANSWER = re.compile(r"\x1e(\w+)\t([\w-]*)\t(.*)")
_NUMBER = re.compile(r"[+-]?\d+")


@dataclass(frozen=True)
class Shell:
    """One shell as it started: `kind` how it was reached, `value` its TMOUT, None if unset."""

    kind: str
    readonly: bool
    value: str | None

    @property
    def limit(self) -> Limit:
        """Seconds until it ends; the shell reads the leading digits and takes 0 and less as never."""
        if self.value is None:
            return Limit(NEVER, f"{self.kind}: TMOUT is not set")
        number = _NUMBER.match(self.value)
        seconds = int(number[0]) if number else 0
        return Limit(seconds if seconds > 0 else NEVER, f"{self.kind}: TMOUT={self.value}")


@dataclass(frozen=True)
class Shells:
    """Every shell that was asked, by name; `root` and `sudo` are None where they could not be asked."""

    login: Shell
    preset: Shell
    nested: Shell
    root: Shell | None
    zsh: Shell | None
    sudo: Shell | None = None

    @property
    def all(self) -> list[Shell]:
        """The shells that answered, but for that of sudo, to which no limit is handed down."""
        asked = (self.login, self.preset, self.nested, self.root, self.zsh)
        return [shell for shell in asked if shell is not None]


KINDS = {
    "login": "bash, login",
    "preset": "bash, login with TMOUT=0 in its environment",
    "nested": "bash, started from a login shell",
    "root": "bash, login of root",
    "zsh": "zsh, login",
    "sudo": "bash, started by sudo -s",
}


def _shells(output: Output) -> Shells:
    found: dict[str, Shell | None] = {}
    for line in output.text.split("\n")[:-1]:
        answer = _ANSWER.fullmatch(line)
        if answer is not None and answer[1] in KINDS:
            name, attributes, value = answer.groups()
            if name in found:
                raise ParseError(f"two answers of one shell: {KINDS[name]}")
            bash_readonly = "r" in attributes and name != "zsh"
            found[name] = Shell(
                KINDS[name],
                bash_readonly or "readonly" in attributes.split("-"),
                None if value == "unset" else value,
            )
        elif line == f"\x1e{NO_ZSH}":
            found["zsh"] = None
        elif line == f"\x1e{NO_NAMESPACE}":
            found["root"] = found["sudo"] = None
        else:
            raise ParseError(f"no answer of a shell: {line[:80]!r}")
    silent = [kind for name, kind in KINDS.items() if name not in found]
    login, preset, nested = found.get("login"), found.get("preset"), found.get("nested")
    if silent or login is None or preset is None or nested is None:
        raise ParseError(f"these shells did not answer: {'; '.join(silent)}")
    return Shells(login, preset, nested, found["root"], found["zsh"], found["sudo"])


SHELLS = Probe("session.shells", _ASK.replace("{as_nobody}", AS_NOBODY), _shells)
