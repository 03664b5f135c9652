"""Whom sshd takes a password of: its settings for everybody, and those of Match blocks (sshd_config(5))."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from plumbline.probes.base import Output, Probe
from plumbline.probes.session.ssh_daemons import COLLECT_CONFIG
from plumbline.probes.tagged import PRINT_END, Rows
from plumbline.verify.unknown import Unknown

_OPTIONS = ("passwordauthentication", "kbdinteractiveauthentication", "challengeresponseauthentication")
_WORDS = "|".join(_OPTIONS)

_COMMAND = rf"""
if command -v sshd >/dev/null; then
    told=$(sshd -T 2>&1)
    printf 'status\t%s\n' $?
    printf '%s\n' "$told" | grep -E '^({_WORDS}) ' | sed 's/^/sshd\t/'
{COLLECT_CONFIG}    [ $# -eq 0 ] || awk 'FNR == 1 {{ block = "" }}
        /^[ \t]*(#|$)/ {{ next }}
        tolower($1) ~ /^"?match("|=|$)/ {{ block = $0; gsub(/\t/, " ", block); next }}
        block != "" && tolower($1) ~ /^"?({_WORDS}|include)("|=|$)/ {{
            print "match\t" FILENAME "\t" FNR "\t" block "\t" $0 }}' "$@" || exit 9
fi
{PRINT_END}
"""


@dataclass(frozen=True)
class Exemption:
    """A setting of a Match block: where it stands, for whom, and what it says."""

    place: str
    block: str
    option: str
    value: str

    def __str__(self) -> str:
        return f"{self.place}: {self.block}: {self.option} {self.value}"

    def is_for(self, groups: Collection[str], accounts: Collection[str]) -> bool:
        """Say whether the block is for some of these groups, or of these accounts, alone."""
        words = self.block.replace('"', " ").replace("=", " ").split()[1:]
        for criterion, patterns in zip(words[::2], words[1::2], strict=False):
            known = {"group": groups, "user": accounts}.get(criterion.lower(), ())
            names = patterns.split(",")
            if known and all(
                name.lower() in {one.lower().replace(" ", "?") for one in known} for name in names
            ):
                return True
        return False


@dataclass(frozen=True)
class SshLogon:
    """Where sshd takes passwords; `status` is None where there is no SSH server."""

    status: int | None
    everybody: tuple[str, ...]
    exemptions: tuple[Exemption, ...]

    def passwords_of_others(self, groups: Collection[str], accounts: Collection[str]) -> Iterator[str]:
        """Yield the settings by which others than these groups and accounts enter by a password."""
        if self.status is None:
            return
        if self.status != 0:
            raise Unknown("sshd -T ended with status {status}", status=self.status)
        yield from (f"sshd: {told}" for told in self.everybody if told.split()[-1] == "yes")
        for one in self.exemptions:
            if one.option == "include":
                raise Unknown("{line}: what it takes in is not judged", line=str(one))
            if one.value == "yes" and not one.is_for(groups, accounts):
                yield str(one)


def _ssh_logon(output: Output) -> SshLogon:
    rows = Rows(output, {"status": 1, "sshd": 1, "match": 4})
    exemptions = []
    for path, number, block, text in rows["match"]:
        option, _, value = text.replace('"', " ").replace("=", " ").strip().partition(" ")
        exemptions.append(
            Exemption(f"{path}:{number}", block.strip(), option.strip().lower(), value.strip().lower())
        )
    return SshLogon(
        status=int(rows["status"][0][0]) if rows["status"] else None,
        everybody=tuple(told for (told,) in rows["sshd"]),
        exemptions=tuple(exemptions),
    )


SSH_LOGON = Probe("directory.ssh_logon", _COMMAND, _ssh_logon)
