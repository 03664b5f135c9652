"""The host's membership: its keytab without the keys, krb5.conf, resolvers, and the domain's own word.

Sources: klist(1), kinit(1), krb5.conf(5), resolv.conf(5), systemd-resolved.service(8).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from plumbline.probes.accounts.lines import FIELDS, Lines, print_lines, read_lines
from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.tagged import PRINT_END, Rows
from plumbline.verify.unknown import Unknown

KEYTAB = "/etc/krb5.keytab"
KDC_SECONDS = 5
STUBS = frozenset({"127.0.0.53", "127.0.0.54"})
"""Where systemd-resolved answers; whom it asks stands in a file of its own."""

_COMMAND = rf"""
printf 'now\t%s\n' "$(date +%s)"
if [ -e {KEYTAB} ]; then
    printf 'keytab\t%s\n' "$(stat -Lc '%a %U %s' {KEYTAB})"
    if command -v klist >/dev/null; then
        keys=$(TZ=UTC0 klist -kte {KEYTAB} 2>&1)
        printf 'status\t%s\n' $?
        printf '%s\n' "$keys" | sed 's/^/key\t/'
    fi
fi
more=''
files=/etc/krb5.conf
for depth in 1 2 3 4; do
    found=''
    for file in $files; do
        [ -f "$file" ] || continue
        for name in $(sed -n 's/^[ \t]*include[ \t][ \t]*//p' "$file"); do found="$found $name"; done
        for name in $(sed -n 's/^[ \t]*includedir[ \t][ \t]*//p' "$file"); do
            for inside in "${{name%/}}"/*; do
                # Of a directory these names alone are read (krb5.conf(5)).
                case ${{inside##*/}} in *.conf) ;; *[!A-Za-z0-9_-]*) continue ;; esac
                found="$found $inside"
            done
        done
    done
    more="$more $found"
    files=$found
done
[ -z "$files" ] || exit 9
{print_lines(["/etc/krb5.conf", "$more", "/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"])}
{PRINT_END}
"""

_KEY = re.compile(r"\s*(\d+) (\d\d/\d\d/\d\d \d\d:\d\d:\d\d) (\S.*@\S+) \((?:DEPRECATED:)?(\S+)\)\s*")
_WEAK = re.compile(r"\+?(des|des3|rc4|arcfour)([-_]|$)", re.IGNORECASE)
_HEADING = re.compile(r"(Keytab name: |KVNO |---- ).*|")


@dataclass(frozen=True)
class Key:
    """A key of the keytab by its principal, type, number and day; the key itself is not here."""

    principal: str
    kind: str
    number: int
    made: datetime

    def __str__(self) -> str:
        return f"{self.principal} ({self.kind}, {self.number}, {self.made:%Y-%m-%d})"

    @property
    def realm(self) -> str:
        """The realm of the principal."""
        return self.principal.rpartition("@")[2]

    @property
    def is_of_a_computer(self) -> bool:
        """Whether it is a host's own account, and no service's name for it."""
        return self.principal.partition("@")[0].endswith("$")


@dataclass(frozen=True)
class Resolver:
    """A name server that is asked, and where that stands."""

    place: str
    address: str

    def __str__(self) -> str:
        return f"{self.place}: nameserver {self.address}"


@dataclass(frozen=True)
class MembershipFacts:
    """What the host has of a membership. `keys` is None where it has no program to read a keytab with.

    `keytab` is its mode, owner and length as `stat` tells them; None where there is none.
    """

    now: datetime
    keytab: str | None
    keys: tuple[Key, ...] | None
    files: Lines

    def all_keys(self) -> tuple[Key, ...]:
        """Return the keys; `Unknown` where the host cannot tell them."""
        if self.keys is None:
            raise Unknown("the keytab cannot be read: the host has no program klist; install krb5-user")
        return self.keys

    def days_old(self, realm: str) -> int | None:
        """Return the age of the newest key of the host's account in days; None if it has none."""
        made = [key.made for key in self.all_keys() if key.is_of_a_computer and _same(key.realm, realm)]
        return max(0, (self.now - max(made)).days) if made else None

    def kerberos(self) -> Iterator[tuple[str, str, str, str]]:
        """Yield what krb5.conf and its includes say: place, section with realm, key, value."""
        for path, lines in self.files.items():
            if "resolv.conf" not in path:
                yield from _profile(path, lines)

    def weak_types(self) -> Iterator[str]:
        """Yield the lines of krb5.conf that let Kerberos take DES or RC4 again."""
        for place, section, key, value in self.kerberos():
            weak = [word for word in re.split(r"[\s,]+", value) if _WEAK.match(word)]
            if section == "libdefaults" and (
                (key == "allow_weak_crypto" and value.lower() in ("true", "yes", "y", "t", "1", "on"))
                or (key.endswith("_enctypes") and weak)
            ):
                yield f"{place}: {key} = {value}"

    @property
    def resolvers(self) -> list[Resolver]:
        """Whom the host asks for names; systemd-resolved's own address counts as those it asks."""
        found = []
        for path in ("/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"):
            for number, line in enumerate(self.files.get(path, ()), 1):
                words = line.split()
                if words[:1] == ["nameserver"] and len(words) > 1 and words[1] not in STUBS:
                    found.append(Resolver(f"{path}:{number}", words[1]))
        return found


def _profile(path: str, lines: Iterable[str]) -> Iterator[tuple[str, str, str, str]]:
    section = ""
    inside: list[str] = []
    for number, line in enumerate(lines, 1):
        text = line.strip()
        place = f"{path}:{number}"
        if not text:
            continue
        if match := re.fullmatch(r"\[([^]]+)\]\*?", text):
            section, inside = match[1].strip(), []
        elif text.startswith("}"):
            inside = inside[:-1]
        elif match := re.fullmatch(r"(\S+?)\s*=\s*\{", text):
            inside.append(match[1])
        elif "=" in text:
            key, _, value = text.partition("=")
            yield place, "/".join([section, *inside]), key.strip(), value.strip().strip('"')
        elif not text.startswith(("include", "module")):
            raise Unknown("{place} is no line of krb5.conf: {text}", place=place, text=text[:80])


def _same(one: str, other: str) -> bool:
    return one.rstrip(".").lower() == other.rstrip(".").lower()


def _membership(output: Output) -> MembershipFacts:
    rows = Rows(output, {"now": 1, "keytab": 1, "status": 1, "key": 1} | FIELDS)
    keys: tuple[Key, ...] | None = None
    status = rows["status"][0][0] if rows["status"] else None
    if not rows["keytab"] or rows["keytab"][0][0].endswith(" 0"):
        keys = ()
    elif status is not None:
        if status != "0":
            raise ParseError(f"klist ended with {status}: {' '.join(rows['key'][-1])[:120]}")
        keys = tuple(_keys(line for (line,) in rows["key"]))
    return MembershipFacts(
        now=datetime.fromtimestamp(int(rows["now"][0][0]), UTC),
        keytab=rows["keytab"][0][0] if rows["keytab"] else None,
        keys=keys,
        files=read_lines(rows),
    )


def _keys(printed: Iterable[str]) -> Iterator[Key]:
    for line in printed:
        if match := _KEY.fullmatch(line):
            made = datetime.strptime(match[2], "%m/%d/%y %H:%M:%S").replace(tzinfo=UTC)
            yield Key(match[3], match[4], int(match[1]), made)
        elif not _HEADING.fullmatch(line):
            raise ParseError(f"klist printed {line[:80]!r}")


MEMBERSHIP = Probe("directory.membership", _COMMAND, _membership)


# The domain is asked as the host itself; the ticket stays in the memory of kinit and goes with it.
_TRUST_COMMAND = rf"""
if [ -s {KEYTAB} ] && command -v kinit >/dev/null; then
    names=$(klist -k {KEYTAB} | sed -n 's/^ *[0-9][0-9]* \([^ \/]*\$@[^ ]*\) *$/\1/p' | sort -u)
    for principal in $(printf '%s\n' "$names" | head -n 3); do
        said=$(timeout {KDC_SECONDS} kinit -c MEMORY:plumbline -k -t {KEYTAB} "$principal" 2>&1)
        printf 'asked\t%s\t%s\t%s\n' "$principal" $? "$(printf %s "$said" | tr '\t\n' '  ')"
    done
fi
{PRINT_END}
"""

_REFUSED = (
    "not found in Kerberos database",
    "Preauthentication failed",
    "Password incorrect",
    "credentials have been revoked",
    "has no support for encryption type",
    "Clock skew too great",
    "entry in database has expired",
)


@dataclass(frozen=True)
class Answer:
    """What kinit said when the host asked for a ticket as `principal`; `status` 0 is that it got one."""

    principal: str
    status: int
    said: str

    def __str__(self) -> str:
        said = self.said.removeprefix("kinit: ").removesuffix(" while getting initial credentials")
        return f"{self.principal}: {said}"

    @property
    def is_refused(self) -> bool:
        """Whether a domain controller answered, and the answer was no."""
        return self.status != 0 and any(word in self.said for word in _REFUSED)


def _trust(output: Output) -> tuple[Answer, ...]:
    rows = Rows(output, {"asked": 3})
    return tuple(Answer(principal, int(status), said.strip()) for principal, status, said in rows["asked"])


TRUST = Probe("directory.trust", _TRUST_COMMAND, _trust, limit=3 * KDC_SECONDS + 3)
